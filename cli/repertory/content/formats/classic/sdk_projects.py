"""Apps written with splunk-soar-sdk: each is a project whose manifest is made by running it, and derived here without."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from repertory.content.checks.issue import Issue
from repertory.content.environments.python_versions import CLAUSE
from repertory.content.formats.classic.apps import main_file
from repertory.content.formats.classic.sdk_actions import described_app
from repertory.content.formats.classic.sdk_source import Source

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from repertory.content.git.tree import Tree

PROJECT_FILE = "pyproject.toml"
DISTRIBUTION = "splunk-soar-sdk"
MOST_BYTES = 2_000_000
MAIN = "src/app.py:app"  # where a project does not say
_PYTHON = re.compile(rf"\s*{CLAUSE.pattern}(\s*,\s*{CLAUSE.pattern})*\s*")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, kw_only=True)
class Project:
    """What the project's file says. ``main`` is ``module:variable``, ``file`` where that module is."""

    folder: str
    main: str
    plain: Mapping[str, Any]

    @property
    def file(self) -> str:
        return main_file(self.main)

    @property
    def requires(self) -> Sequence[str]:
        said = self.plain.get("dependencies")
        return [line for line in said if isinstance(line, str)] if isinstance(said, list) else []

    @property
    def python(self) -> str:
        """Empty where it is none that can be understood."""
        said = _text(self.plain.get("requires-python"))
        return said if _PYTHON.fullmatch(said) else ""

    def manifest(self, files: Collection[str], read: Callable[[str], bytes]) -> bytes:
        """The classic manifest that the library would make of the app; raises Unreadable."""
        name = _text(self.plain.get("name"))
        said = {
            "description": _text(self.plain.get("description")),
            "app_version": _text(self.plain.get("version")),
            "license": _text(self.plain.get("license")),
            "package_name": name if name.startswith("phantom_") else f"phantom_{name}",
            "main_module": self.main,
            "product_version_regex": ".*",
            **described_app(Source(files, read, self.file), self.main.rpartition(":")[2]),
        }
        return json.dumps(said, indent=1).encode()


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def projects_in(tree: Tree) -> tuple[dict[str, Project], list[Issue]]:
    """Projects by their folder, and those that ask for the library without being an app that can be found."""
    found, issues = {}, []
    for path, plain in _project_files(tree):
        folder = path.rpartition("/")[0]
        project = _mapping(plain.get("project"))
        said = _mapping(_mapping(plain.get("tool")).get("soar")).get("app")
        main = str(said.get("main_module", MAIN)) if isinstance(said, dict) else ""
        one = Project(folder=folder, main=main, plain=project)
        if main and (f"{folder}/{one.file}" if folder else one.file) in tree.files:
            found[folder] = one
        elif main or any((name := _NAME.match(line)) and name[0].lower() == DISTRIBUTION for line in one.requires):
            issues.append(_unknown(path, main))
    return found, issues


def _unknown(path: str, main: str) -> Issue:
    message = f"an app written with {DISTRIBUTION}, whose main module is not there" if main else (
        f"uses {DISTRIBUTION} without naming an app"
    )  # fmt: skip
    return Issue(path=path, rule="classic-sdk", severity="warning", message=message, hint="see main_module in [tool.soar.app]")


def _project_files(tree: Tree) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for path, entry in tree.files.items():
        if path.rpartition("/")[2] != PROJECT_FILE or entry.size > MOST_BYTES:
            continue
        content = tree.read(path)
        if b"soar" not in content:
            continue
        try:
            yield path, tomllib.loads(content.decode())
        except (ValueError, RecursionError):
            continue


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
