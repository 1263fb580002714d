"""An app written with splunk-soar-sdk, with that library from the user's index: installed, tested, asked, polled."""

from __future__ import annotations

from pathlib import Path

import pytest

from commands.user import User
from content.builders import Repository
from content.sdk_app import sdk_files

HIDDEN = '''\
from ..app import app
from soar_sdk.action_results import ActionOutput
from soar_sdk.params import Params

exec("@app.action()\\ndef hidden(params: Params) -> ActionOutput:\\n    return ActionOutput()\\n")
'''
TWICE = '''\
from repertory_sdk import Event, Play, playbook


@playbook()
def twice(event: Event, play: Play) -> None:
    """Ask one process twice."""
    play.act("look up", street="Oak", app="lamps/lamps", asset="street")
    play.act("look up", street="Ash", app="lamps/lamps", asset="street")
'''
pytestmark = pytest.mark.may_skip("not every machine reaches an index with the library")


@pytest.fixture(scope="module")
def equipped(tmp_path_factory: pytest.TempPathFactory) -> User:
    """Has the app, another one that is not what it says, and assets of both."""
    place = tmp_path_factory.mktemp("lamps")
    (place / "work").mkdir()
    user = User(home=place / "home", folder=place / "work")
    plays = {"twice/playbook.py": TWICE, "twice/README.md": "# twice\n"}
    for name, files in (("lamps", sdk_files()), ("other", sdk_files(nap=HIDDEN)), ("plays", plays)):
        repository = Repository(place / name).write(files)
        if name == "plays":
            user.done("manifest", str(repository.path / "twice"))
        repository.commit()
        user.done("repo", "add", name, str(repository.path), "--sync")
    (user.home / "config.toml").write_text('install.allow = "anything"\n')
    told = user("install", "lamps/lamps", "other/lamps", "plays/twice", "--yes")
    if told.code and "splunk-soar-sdk" in told.err:
        pytest.skip(told.err)
    assert told.code == 0, told.err
    for asset, key in (("street", "s3cret"), ("alley", "wr0ng")):
        user("asset", "add", asset, "lamps/lamps", "key=-", input=key)
    user("asset", "add", "park", "other/lamps", "key=-", input="s3cret")
    return user


def asked(user: User, *words: str) -> dict[str, object]:
    """The only result of an action."""
    record = user("act", *words, "--json").json
    (result,) = record["actions"][0]["results"]
    return dict(result)


def test_it_is_listed_and_described(equipped: User) -> None:
    (found,) = [item for item in equipped.asked("search", "lamps")["items"] if item["name"] == "lamps/lamps"]
    assert (found["kind"], found["version"]) == ("app", "1.4.2")
    assert equipped("validate", str(Path(equipped.home).parent / "lamps")).code == 0


def test_its_connectivity_is_tested_with_the_secret_in_clear(equipped: User) -> None:
    assert equipped("asset", "test", "street").code == 0
    told = equipped("asset", "test", "alley")
    assert told.code != 0
    assert "wrong key" in told.out + told.err


def test_an_action_ends_as_the_app_decides(equipped: User) -> None:
    first = asked(equipped, "lamps/lamps", "look up", "street=Oak", "--asset", "street")
    assert (first["status"], first["message"], first["summary"]) == ("succeeded", "as asked", {"lamps": 1})
    assert first["data"] == [{"found": [{"street": "Oak", "watts": 3}], "No": 7, "is_lit": True}]
    failed = asked(equipped, "lamps/lamps", "look up", "street=Elm", "--asset", "street")
    assert (failed["status"], "no such street" in str(failed["message"])) == ("failed", True)


def test_nothing_of_an_action_is_found_by_the_next(equipped: User) -> None:
    record = equipped.asked("run", "plays/twice")
    assert [(one["summary"], one["message"]) for action in record["actions"] for one in action["results"]] == [
        ({"lamps": 1}, "as asked"), ({}, "1 of 1 action(s) succeeded"),
    ]  # fmt: skip


def test_what_it_raises_is_one_line(equipped: User) -> None:
    result = asked(equipped, "lamps/lamps", "switch", "--asset", "street")
    assert (result["status"], result["message"]) == ("failed", "RuntimeError: the fuse is gone")


def test_what_it_polls_is_kept_once(equipped: User) -> None:
    for _ in range(2):
        assert asked(equipped, "lamps/lamps", "on poll", "--asset", "street")["status"] == "succeeded"
    (event,) = [event for event in equipped.asked("event", "list")["events"] if event["name"] == "Dark street"]
    shown = equipped.asked("event", "show", str(event["id"]))
    assert (shown["severity"], [one["cef"] for one in shown["artifacts"]]) == ("high", [{"sourceAddress": "192.0.2.9"}])


def test_what_it_creates_through_its_library_is_kept(equipped: User) -> None:
    for _ in range(2):
        assert asked(equipped, "lamps/lamps", "look up", "street=Yew", "--asset", "street")["status"] == "succeeded"
    assert [event["name"] for event in equipped.asked("event", "list")["events"]].count("Hollow street") == 1


def test_an_app_that_is_not_what_was_reviewed_is_not_used(equipped: User) -> None:
    result = asked(equipped, "other/lamps", "look up", "street=Oak")
    assert result["status"] == "failed"
    assert "it is not what was reviewed: action hidden is only in the code" in str(result["message"])
