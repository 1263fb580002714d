"""A bundle at the command line: shown, agreed to or not, installed."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

from commands.schemas import conforms
from commands.test_changing import in_a_terminal
from commands.user import User
from content.builders import Repository, item_files
from content.changing_app import publish


@pytest.fixture
def team(tmp_path: Path) -> Repository:
    """A repository with an app and a playbook."""
    repository = Repository(tmp_path / "team").write(item_files())
    repository.commit()
    return repository


@pytest.fixture
def sender(tmp_path: Path, team: Repository) -> User:
    """On the side with a network."""
    (tmp_path / "sent").mkdir()
    user = User(home=tmp_path / "near", folder=tmp_path / "sent")
    user.done("repo", "add", "team", str(team.path), "--sync")
    user.install("team/recon")
    return user


@pytest.fixture
def bundle(sender: User) -> str:
    """What was carried over."""
    path = sender.folder / "content.bundle"
    told = sender.done("bundle", "create", str(path))
    assert "content.bundle: 2 items, " in told.out
    return str(path)


def is_untouched(user: User) -> bool:
    """Nothing is followed, on offer or installed."""
    lists = [user.asked("repo", "list")["repositories"], user.asked("list")["items"], user.asked("search")["items"]]
    return lists == [[], [], []] and not (user.home / "stages").exists()


def test_without_consent_nothing_changes(newcomer: User, bundle: str) -> None:
    assert "nobody is here to agree" in newcomer("bundle", "install", bundle).err
    assert is_untouched(newcomer)
    review = conforms(newcomer.asked("bundle", "install", bundle, "--dry-run"), "review")
    assert review["notes"][0].startswith("team is followed from then on: file://")
    assert is_untouched(newcomer)
    assert "this is not what was reviewed" in newcomer("bundle", "install", bundle, "--reviewed", "0" * 64).err
    assert "is another file than was meant" in newcomer("bundle", "install", bundle, "--sha256", "0" * 64).err
    assert "is not a sha256" in newcomer.refused("bundle", "install", bundle, "--sha256", "abc", code=2)
    newcomer.home.mkdir(exist_ok=True)
    newcomer.config('[install]\nallow = "nothing"\n')
    assert "--yes is not enough" in newcomer("bundle", "install", bundle, "--yes").err
    assert is_untouched(newcomer)


@pytest.mark.parametrize("place", ["nowhere/content.bundle", "."])
def test_a_place_that_cannot_be_written(sender: User, place: str) -> None:
    told = sender("bundle", "create", place)
    assert told.code == 1
    assert re.search(r"repertory: cannot write .+: .+\n  → .+\n$", told.err), told.err
    assert "REPERTORY_HOME" not in told.err
    assert list(sender.folder.iterdir()) == []


def test_a_person_who_does_not_agree(newcomer: User, bundle: str) -> None:
    code, shown = in_a_terminal(newcomer, "no\n", "bundle", "install", bundle)
    assert code == 1
    assert "nothing was changed" in shown
    assert "team is followed from then on" in shown
    assert is_untouched(newcomer)


@pytest.mark.parametrize("way", ["--yes", "--reviewed", "--sha256", "person"])
def test_ways_to_agree(newcomer: User, bundle: str, way: str) -> None:
    if way == "person":
        assert in_a_terminal(newcomer, "yes\n", "bundle", "install", bundle)[0] == 0
    elif way == "--yes":
        newcomer.done("bundle", "install", bundle, "--yes")
    else:
        digests = {
            "--reviewed": newcomer.asked("bundle", "install", bundle, "--dry-run")["review"],
            "--sha256": hashlib.sha256(Path(bundle).read_bytes()).hexdigest(),
        }
        conforms(newcomer.asked("bundle", "install", bundle, way, digests[way]), "install")
    assert {item["name"] for item in newcomer.asked("list")["items"]} == {"team/blocklist", "team/recon"}
    assert newcomer.asked("repo", "list")["repositories"][0]["items"] == 2


def test_what_may_do_nothing_new_is_agreed_to_as_well(newcomer: User, bundle: str, sender: User, team: Repository) -> None:
    newcomer.done("bundle", "install", bundle, "--yes")
    publish(team, "1.0.1")
    sender.done("sync")
    sender.done("update")
    sender.done("bundle", "create", bundle)
    assert "nobody is here to agree" in newcomer.refused("bundle", "install", bundle, "--json")
    newcomer.done("bundle", "install", bundle, "--yes")
    assert [item["version"] for item in newcomer.asked("list")["items"] if item["kind"] == "app"] == ["1.0.1"]
