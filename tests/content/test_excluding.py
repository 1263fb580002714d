"""What a repository says is no content of its."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from content.builders import APP, APP_CODE, Repository
from repertory.content.items.inspection import inspect_folder
from repertory.content.offered.catalog import catalog_items
from repertory.content.offered.repositories import sync
from repertory.home import Home

CLASSIC = "import phantom.rules as phantom\n\n\ndef on_start(container):\n    return\n"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """An app, and what looks like items among the tests and drafts."""
    for folder in ("apps/one", "tests/data/two", "drafts/three"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "app.json").write_text(json.dumps({**APP, "name": folder.rpartition("/")[2]}))
        (tmp_path / folder / "app.py").write_text(APP_CODE.replace('"blocklist"', f'"{folder.rpartition("/")[2]}"'))
    (tmp_path / "tests/old_playbook.py").write_text(CLASSIC)
    (tmp_path / "tests/link").symlink_to("old_playbook.py")
    return tmp_path


def names(tree: Path, configuration: str) -> list[str]:
    (tree / "repertory.toml").write_text(configuration)
    return sorted(item.name for item in inspect_folder(tree).items)


@pytest.mark.parametrize(
    ("configuration", "left"),
    [
        ("", ["old_playbook", "one", "three", "two"]),
        ("[items]\nexclude = []", ["old_playbook", "one", "three", "two"]),
        ('[items]\nexclude = ["tests/**"]', ["one", "three"]),
        ('[items]\nexclude = ["tests"]', ["one", "three"]),
        ('[items]\nexclude = ["tests/", "drafts/**"]', ["one"]),
        ('[items]\nexclude = ["*.py"]', []),  # manifests without their code are refused, and are told
        ('[items]\nexclude = ["test"]', ["old_playbook", "one", "three", "two"]),
    ],
)
def test_what_is_excluded_is_not_there(tree: Path, configuration: str, left: list[str]) -> None:
    found = names(tree, configuration)
    assert [name for name in found if name in left] == left
    if left:
        assert found == left


def test_nothing_is_told_of_what_is_excluded(tree: Path) -> None:
    assert "tests/link" in {issue.path for issue in inspect_folder(tree).all_issues}
    names(tree, '[items]\nexclude = ["tests/**"]')
    assert not [issue for issue in inspect_folder(tree).all_issues if issue.path.startswith("tests")]


@pytest.mark.parametrize(
    ("configuration", "said"),
    [
        ("items = 1", "items must be a table"),
        ('[items]\nexclude = "tests"', "items.exclude must be a list of paths"),
        ("[items]\nexclude = [1]", "items.exclude must be a list of paths"),
        ("[items]\nexclude = " + json.dumps([f"x{number}" for number in range(101)]), "more than 100 paths"),
        ('[items]\nexcludes = ["tests"]', "items.excludes is not known; known is exclude"),
        ("[items", "Expected"),
    ],
)
def test_a_list_that_is_wrong_is_told_and_excludes_nothing(tree: Path, configuration: str, said: str) -> None:
    assert names(tree, configuration) == ["old_playbook", "one", "three", "two"]
    (issue,) = [issue for issue in inspect_folder(tree).all_issues if issue.rule == "checks-configuration"]
    assert said in str(issue)
    assert issue.severity == "warning"


def test_the_configuration_itself_cannot_be_excluded(tree: Path) -> None:
    assert names(tree, '[items]\nexclude = ["repertory.toml", "tests"]') == ["one", "three"]


def test_followers_see_what_is_not_excluded(synced_home: Home, community: Repository) -> None:
    def offered() -> list[str]:
        assert not sync(synced_home).failed
        return sorted(item.path for item in catalog_items(synced_home))

    before = offered()
    assert "apps/blocklist/app.json" in before
    community.write({"repertory.toml": '[items]\nexclude = ["apps/blocklist/**"]\n'}).commit()
    assert offered() == [name for name in before if name != "apps/blocklist/app.json"]
    (community.path / "repertory.toml").unlink()
    community.commit()
    assert offered() == before
