"""What connectors save besides their results, in a real home: what is kept, where, and what the record says is not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from commands.user import User
from content.builders import Repository
from content.classic_content import MANIFEST

CONNECTOR = '''\
import json
import urllib.request
import phantom.app as phantom
import phantom.rules as rules
from phantom.action_result import ActionResult
from phantom.base_connector import BaseConnector
from phantom.vault import Vault


class FeedsConnector(BaseConnector):
    def handle_action(self, param):
        result = self.add_action_result(ActionResult(dict(param)))
        getattr(self, "_" + self.get_action_identifier())(param, result)
        return result.set_status(phantom.APP_SUCCESS)

    def _on_poll(self, param, result):
        good, said, number = self.save_container({"name": "found", "source_data_identifier": "c1", "severity": "low"})
        Vault.create_attachment("mail", number, "mail.eml")
        if not said.startswith("Duplicate"):
            return
        self._change(number, {"severity": "high", "due_time": "soon"})
        rules.add_note(container=number, title="again", content="seen again")

    def _save(self, param, result):
        own = self.get_container_id()
        self._change(own, {"severity": "high", "tags": ["seen"], "name": "renamed"})
        Vault.create_attachment("here", own, "here.txt")
        number = self.save_container({"name": "more", "source_data_identifier": "c2"})[2]
        Vault.create_attachment("there", number, "there.txt")
        rules.add_note(container=999, title="nowhere", content="x")

    def _remember(self, param, result):
        good, said, rows = rules.get_list("blocked")
        result.add_data({"rows": rows, "saved": rules.get_list("classic playbook data")[0]})
        rules.set_list("blocked", rows + [[param["ip"], 5, None]])
        rules.set_list("classic playbook data", [["x", "y"]])

    def _change(self, number, changes):
        url = self.get_phantom_base_url() + "rest/container/" + str(number)
        urllib.request.urlopen(urllib.request.Request(url, json.dumps(changes).encode())).close()
'''


def manifest() -> dict[str, Any]:
    base = {**MANIFEST["actions"][0], "output": []}
    parameters = {"ip": {"data_type": "string"}}
    actions = [{**base, "action": name, "identifier": name.replace(" ", "_"), "parameters": parameters} for name in ("on poll", "save", "remember")]
    return {**MANIFEST, "actions": actions, "configuration": {}, "package_name": "phantom_feeds"}


@pytest.fixture
def analyst(newcomer: User, tmp_path: Path) -> User:
    """Has a connector that saves, two assets of it, and an event."""
    repository = Repository(tmp_path / "classic").write({"feeds/feeds.json": json.dumps(manifest()), "feeds/feeds_connector.py": CONNECTOR})
    repository.commit()
    newcomer.done("repo", "add", "phantom", str(repository.path), "--sync")
    (newcomer.home / "config.toml").write_text('install.allow = "anything"\n')
    newcomer.done("install", "phantom/feeds", "--yes")
    newcomer.done("asset", "add", "feeds", "phantom/feeds")
    (newcomer.folder / "event.json").write_text(json.dumps({"name": "scan", "severity": "low"}))
    newcomer.done("event", "add", "event.json")
    return newcomer


def act(analyst: User, action: str, *more: str) -> dict[str, Any]:
    """The record of a run of one action that went well."""
    record: dict[str, Any] = analyst.asked("act", "phantom/feeds", action, *more)
    assert record["status"] == "succeeded", record
    return record


def lost_in(record: dict[str, Any]) -> list[str]:
    """What the record says is not kept."""
    lines = [line for part in record["output"] for line in part["text"].splitlines()]
    return [line.removeprefix("not kept: ") for line in lines if line.startswith("not kept: ")]


def files_of(event: dict[str, Any]) -> list[str]:
    return [file["name"] for file in event["attachments"]]


def test_changes_and_files_are_where_they_belong(analyst: User) -> None:
    record = act(analyst, "save", "--event", "1")
    own, more = analyst.asked("event", "show", "1"), analyst.asked("event", "show", "2")
    assert (own["name"], own["severity"], own["tags"]) == ("scan", "high", ["seen"])
    assert (files_of(own), files_of(more), more["name"]) == (["here.txt"], ["there.txt"], "more")
    assert lost_in(record) == ["name of container 1 (renamed)", "a note on container 999, which nobody here knows"]


def test_without_an_event_the_record_says_what_is_lost(analyst: User) -> None:
    record = act(analyst, "save")
    assert lost_in(record)[-1] == "changes and notes: there is no event of this run"
    assert analyst.asked("event", "show", "1")["severity"] == "low"


def test_an_event_of_an_earlier_poll_is_changed(analyst: User) -> None:
    assert act(analyst, "on poll")["actions"][0]["results"][0]["data"] == [{"event": 2, "name": "found", "new": True}]
    first = analyst.asked("event", "show", "2")
    assert (first["severity"], files_of(first)) == ("low", ["mail.eml"])
    record = act(analyst, "on poll")
    again = analyst.asked("event", "show", "2")
    assert (again["severity"], files_of(again), [note["title"] for note in again["notes"]]) == ("high", ["mail.eml"], ["again"])
    assert [line.split(" of ")[0] for line in lost_in(record)] == ["due_time"]


def test_lists_are_read_and_changed(analyst: User) -> None:
    act(analyst, "remember", "ip=192.0.2.1")
    record = act(analyst, "remember", "ip=192.0.2.2")
    (row,) = record["actions"][0]["results"][0]["data"]
    assert row == {"rows": [["192.0.2.1", "5", ""]], "saved": False}
    assert lost_in(record) == ["list 'classic playbook data', which is not for apps"]
