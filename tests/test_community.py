"""Community content passes what everybody's content must pass."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import repertory
import repertory_sdk
from repertory.content.items.inspection import inspect_folder

ROOT = Path(__file__).parents[1]
FOLDERS = [ROOT / "community_apps", ROOT / "community_playbooks"]
ITEMS = sorted(path.parent for folder in FOLDERS for path in folder.glob("*/*.json") if path.stem in ("app", "playbook"))


def run_repertory(*arguments: object) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(str(Path(package.__file__ or "").parents[1]) for package in (repertory, repertory_sdk))
    command = [sys.executable, "-m", "repertory", *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": path}
    return subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)


def test_every_folder_is_an_item() -> None:
    folders = {path for folder in FOLDERS for path in folder.iterdir() if path.is_dir() and path.name[0] not in "._"}
    assert set(ITEMS) == folders
    assert ITEMS


def test_whoever_follows_the_repository_is_offered_these_and_nothing_else() -> None:
    offered = [(item.folder, item.name) for item in inspect_folder(ROOT).items]
    assert sorted(offered) == sorted((item.relative_to(ROOT).as_posix(), item.name) for item in ITEMS)


def test_everything_is_valid_without_a_warning() -> None:
    done = run_repertory("validate", *FOLDERS)
    assert done.stdout == ""
    assert done.stderr.splitlines() == [f"{len(ITEMS)} items, 0 errors, 0 warnings"]
    assert done.returncode == 0


@pytest.mark.acceptance
@pytest.mark.parametrize("item", ITEMS, ids=lambda path: path.name)
def test_manifest_is_what_the_code_says(item: Path) -> None:
    done = run_repertory("manifest", "--check", item)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout


@pytest.mark.parametrize("item", ITEMS, ids=lambda path: path.name)
def test_item_is_explained_and_tested(item: Path) -> None:
    assert (item / "README.md").is_file()
    assert list(item.glob("test_*.py"))


def test_there_are_as_many_apps_and_actions_as_the_readme_says() -> None:
    manifests = [json.loads((item / "app.json").read_text("utf-8")) for item in ITEMS if (item / "app.json").is_file()]
    assert len(manifests) >= 30
    assert sum(len(manifest["actions"]) for manifest in manifests) > 200


@pytest.mark.parametrize("app", [item for item in ITEMS if (item / "app.json").is_file()], ids=lambda path: path.name)
def test_every_app_passes_what_holds_for_all(app: Path) -> None:
    """The cases themselves are run beside the app."""
    tests = "".join(path.read_text("utf-8") for path in app.glob("test_*.py"))
    assert "conformance(" in tests
    assert "case.check(" in tests
