"""``repertory doctor --item``: what one item needs that is not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from commands.user import User
from content.builders import Repository
from content.classic_content import playbook_files

ODD = """\
import phantom.rules as phantom
import json, nobody_has_this
try:
    import only_sometimes
except ImportError:
    only_sometimes = None


def on_start(container):
    phantom.debug(json)
    phantom.no_such_function()
    phantom.act("block ip", parameters=[{}])
"""


@pytest.fixture
def found(newcomer: User, tmp_path: Path) -> dict[str, str]:
    """What is not fine with an odd playbook."""
    repository = Repository(tmp_path / "classic").write({**playbook_files(), "Odd One.py": ODD})
    repository.commit()
    newcomer.done("repo", "add", "phantom", str(repository.path), "--sync")
    (newcomer.home / "config.toml").write_text('install.allow = "anything"\n')
    newcomer.done("install", "phantom/Odd_One", "--yes")
    told = newcomer("doctor", "--item", "Odd_One", "--json")
    assert told.code == 1
    return {check["what"]: check["found"] for check in told.json["checks"] if not check["fine"]}


def test_packages_actions_and_names_of_the_api(found: dict[str, str]) -> None:
    assert found["phantom/Odd_One: package"] == "nobody_has_this is not there (Odd One.py:2)"
    assert found["phantom/Odd_One: symbol"] == "phantom.rules.no_such_function is not there (Odd One.py:11)"
    assert found["phantom/Odd_One: action block ip"] == "no installed app has it"
    assert len(found) == 3


def test_the_files_of_an_item(follower: User) -> None:
    told = follower("doctor", "--item", "community/blocklist", "--json")
    assert {check["what"]: check["fine"] for check in told.json["checks"]} == {
        "community/blocklist: files": True,
        "community/blocklist: assets": False,
    }


def test_an_item_that_is_not_installed(newcomer: User) -> None:
    told = newcomer("doctor", "--item", "whois")
    assert told.code != 0
    assert "no installed item is called 'whois'" in told.err
