"""Names of the SDK that it does not have: misspelt, gone, or of another version than the one that would run the item."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import repertory_sdk
from repertory.content.checks.rules import finding

if TYPE_CHECKING:
    from repertory.content.checks.issue import Issue
    from repertory.content.checks.references import References

_SDK = repertory_sdk.__name__
_ROOT = Path(repertory_sdk.__path__[0])
_MISSED = frozenset({"ImportError", "ModuleNotFoundError", "AttributeError", "Exception", "BaseException"})


def sdk_name_issues(files: Sequence[References]) -> Iterator[Issue]:
    """What the item imports from the SDK, or asks one of its modules for, and is not there."""
    for file in files:
        expected = _where_it_may_be_missing(file)
        told = set(_looked_for(file))
        for name, node in _asked_for(file):
            if id(node) in expected or name in told or (lacking := _lacking(name)) is None:
                continue
            told.add(name)
            owner, missing = lacking
            message = f"{owner} has no {missing!r} in the SDK that would run this"
            yield finding("sdk-name", file.path, message, _hint(owner, missing), line=node.lineno)


def _asked_for(file: References) -> Iterator[tuple[str, ast.stmt | ast.expr]]:
    """Full names in the SDK, each with its place; a module whose name the file also uses for something else is left out."""
    each = file.module.each
    for node in each(ast.Import):
        yield from ((alias.name, node) for alias in node.names)
    for source in each(ast.ImportFrom):
        if source.module and not source.level:
            yield from ((f"{source.module}.{alias.name}", source) for alias in source.names if alias.name != "*")
    reused = {argument.arg for argument in each(ast.arg)}
    reused |= {name.id for name in each(ast.Name) if isinstance(name.ctx, ast.Store)}
    for attribute in sorted(each(ast.Attribute), key=lambda node: node.lineno):
        if _first_name(attribute) not in reused:
            yield file.name_of(attribute), attribute


def _first_name(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _where_it_may_be_missing(file: References) -> set[int]:
    """What stands in a ``try`` that has an answer to a missing name."""
    found: set[int] = set()
    for attempt in file.module.each(ast.Try):
        kinds = [handler.type or ast.Name("Exception") for handler in attempt.handlers]
        if _MISSED & {node.id for kind in kinds for node in ast.walk(kind) if isinstance(node, ast.Name)}:
            found |= {id(node) for statement in attempt.body for node in ast.walk(statement)}
    return found


def _looked_for(file: References) -> Iterator[str]:
    """Full names that it asks for with ``hasattr`` before it uses them."""
    for use in file.calls:
        if use.name == "hasattr" and use.call is not None and len(use.call.args) == 2:
            owner, name = use.call.args
            if isinstance(name, ast.Constant) and isinstance(name.value, str):
                yield f"{file.name_of(owner)}.{name.value}"


def _lacking(name: str) -> tuple[str, str] | None:
    """The module of the SDK and the name that it lacks; None for what is there, or none of the SDK's."""
    owner, *rest = name.split(".")
    if owner != _SDK:
        return None
    for part in rest:
        if not _is_module(f"{owner}.{part}"):
            return None if part in _names_of(owner) or part.startswith("__") else (owner, part)
        owner = f"{owner}.{part}"
    return None


def _place(module: str) -> Path:
    return _ROOT.joinpath(*module.split(".")[1:])


@cache
def _is_module(module: str) -> bool:
    place = _place(module)
    return place.with_suffix(".py").is_file() or (place / "__init__.py").is_file()


@cache
def _names_of(module: str) -> frozenset[str]:
    """What a module of the SDK gives a meaning to at its top level; read and not imported: some need packages of apps."""
    place = _place(module)
    path = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
    return frozenset(_bound(ast.parse(path.read_bytes()).body))


def _bound(body: Sequence[ast.stmt]) -> Iterator[str]:
    for statement in body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield statement.name
        elif isinstance(statement, ast.Import | ast.ImportFrom):
            yield from (alias.asname or alias.name.partition(".")[0] for alias in statement.names)
        elif isinstance(statement, ast.If | ast.Try | ast.With):
            for part in (statement.body, getattr(statement, "orelse", []), getattr(statement, "finalbody", [])):
                yield from _bound(part)
            for handler in getattr(statement, "handlers", []):
                yield from _bound(handler.body)
        else:
            yield from (node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))


def _hint(owner: str, missing: str) -> str:
    near = difflib.get_close_matches(missing, sorted(_names_of(owner)), 1, 0.75)
    return f"did you mean {near[0]!r}?" if near else "update Repertory, or write it for this version"
