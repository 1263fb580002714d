"""What is installed is complete: in a wheel everything that the source tree has, byte by byte."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path

import pytest

import repertory
import repertory_sdk
from repertory.content.offered.community import shipped_folders

ROOT = Path(__file__).parents[1]
SDK = Path(repertory_sdk.__file__ or "").parent
TOOL = Path(repertory.__file__ or "").parent


def files_below(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    inner = ((path.relative_to(folder), path) for path in paths)
    return {str(name): path.read_bytes() for name, path in inner if not any(is_leftover(part) for part in name.parts)}


def is_leftover(part: str) -> bool:
    return part == "__pycache__" or (part.startswith(".") and part.endswith("_cache"))


@pytest.mark.skipif("TOX_ENV_NAME" not in os.environ, reason="outside of tox the source tree itself is tested")
def test_tox_tests_an_installed_wheel() -> None:
    assert not SDK.is_relative_to(ROOT / "sdk")
    assert not TOOL.is_relative_to(ROOT / "cli")


@pytest.mark.parametrize(("installed", "source"), [(SDK, "sdk/repertory_sdk"), (TOOL, "cli/repertory")])
def test_packages_are_complete(installed: Path, source: str) -> None:
    expected = files_below(ROOT / source)
    found = files_below(installed)
    assert {name for name in expected if found.get(name) != expected[name]} == set()
    assert {name for name in set(found) - set(expected) if not name.startswith("community/")} == set()


@pytest.mark.parametrize("folder", shipped_folders(), ids=lambda folder: folder.name)
def test_community_content_is_shipped(folder: Path) -> None:
    assert files_below(folder) == files_below(ROOT / folder.name)


@pytest.mark.parametrize("path", [SDK / "py.typed", TOOL / "py.typed", SDK / "schemas", TOOL / "runtime" / "storage" / "schema.sql"])
def test_more_than_python_is_installed(path: Path) -> None:
    assert path.is_file() or list(path.iterdir())


def test_versions_agree() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["version"] == repertory.VERSION
    changes = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert repertory.VERSION in re.findall(r"^## \[(\d[^\]]*)\]", changes, re.MULTILINE)
