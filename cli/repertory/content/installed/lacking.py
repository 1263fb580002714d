"""What an installed item's code needs and will not find, read from the code: packages, and names of the classic API."""

from __future__ import annotations

import ast
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import repertory
from repertory.content.checks.issue import Issue
from repertory.content.checks.source import parse_source
from repertory_sdk.classic import FALLBACK, FORMAT, SITE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from repertory.items import Installed

API = Path(repertory.__file__).parent / SITE
_RULES = "phantom.rules"
_GIVEN = frozenset({"repertory_sdk", "pluggy"})


@dataclass(frozen=True, kw_only=True)
class Lack:
    """One thing that is missing. ``where`` is ``path:line`` in the item."""

    what: Literal["package", "symbol", "Python"]
    name: str
    where: str


def lacking(item: Installed) -> list[Lack]:
    """Everything that is missing, once each, in the order of files and lines. Files of tests are not looked at."""
    found: dict[tuple[str, str], Lack] = {}
    is_classic = item.manifest.format == FORMAT
    names = _names_of_api() if is_classic else frozenset()
    present = {*_GIVEN} | set(sys.stdlib_module_names) | _own(item.folder) | _installed(item.python)
    if is_classic:
        present |= {path.name.removesuffix(".py") for folder in (API, API / FALLBACK) for path in folder.iterdir()}
    for path in sorted(item.folder.rglob("*.py")):
        relative = path.relative_to(item.folder)
        if any("test" in part for part in relative.parts):
            continue
        for lack in _in_file(path, str(relative), present, names):
            found.setdefault((lack.what, lack.name), lack)
    return list(found.values())


def _in_file(path: Path, name: str, present: set[str], api: frozenset[str]) -> Iterator[Lack]:
    parsed = parse_source(name, path.read_bytes().expandtabs(8), python="")
    if isinstance(parsed, Issue):
        yield Lack(what="Python", name="another version", where=f"{name}:{parsed.line}")
        return
    tree = parsed.tree
    optional = {id(inner) for node in ast.walk(tree) if isinstance(node, ast.Try) for inner in ast.walk(node)}
    aliases = {
        one.asname for node in ast.walk(tree) if isinstance(node, ast.Import) for one in node.names if one.name == _RULES
    }  # fmt: skip
    for node in ast.walk(tree):
        for package in _imported(node):
            if package not in present and id(node) not in optional:
                yield Lack(what="package", name=package, where=f"{name}:{node.lineno}")  # type: ignore[attr-defined]
        if isinstance(node, ast.Attribute) and _is_named(node.value, aliases) and node.attr not in api:
            yield Lack(what="symbol", name=f"{_RULES}.{node.attr}", where=f"{name}:{node.lineno}")


def _is_named(node: ast.expr, names: set[str | None]) -> bool:
    return isinstance(node, ast.Name) and node.id in names


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [one.name.partition(".")[0] for one in node.names]
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        return [node.module.partition(".")[0]]
    return []


def _own(folder: Path) -> set[str]:
    """Modules and packages of the item itself, at any depth: connectors put their folders on the path."""
    return {path.stem for path in folder.rglob("*.py")} | {path.parent.name for path in folder.rglob("*.py")}


def _installed(python: Path) -> set[str]:
    """Top-level modules of an environment."""
    folders = list(python.parent.parent.glob("lib/python*/site-packages")) if (python.parent.parent / "pyvenv.cfg").exists() else []
    return {path.name.partition(".")[0] for folder in folders for path in folder.iterdir()}


def _names_of_api() -> frozenset[str]:
    """Names that ``phantom.rules`` has, and those of its submodules that playbooks reach through it."""
    path = API.joinpath(*_RULES.split(".")).with_suffix(".py")
    names: set[str] = set()
    for node in ast.parse(path.read_bytes()).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            names |= {one.asname or one.name.partition(".")[0] for one in node.names}
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {inner.id for target in targets for inner in ast.walk(target) if isinstance(inner, ast.Name)}
    return frozenset(names)
