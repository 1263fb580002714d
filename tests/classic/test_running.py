"""Classic playbooks and connectors in a real home: from Git to a finished run, beside native ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from commands.user import User
from content.builders import Repository
from content.classic_content import MANIFEST

CONNECTOR = '''\
import os
import phantom.app as phantom
from phantom.action_result import ActionResult
from phantom.base_connector import BaseConnector


class FeedsConnector(BaseConnector):
    def initialize(self):
        self._state = self.load_state() or {}
        return phantom.APP_SUCCESS

    def finalize(self):
        self.save_state(self._state)
        return phantom.APP_SUCCESS

    def handle_action(self, param):
        result = self.add_action_result(ActionResult(dict(param)))
        if self.get_action_identifier() == "find":
            container = self.get_container_info()[1]
            name = container["name"]
            self.save_container({"name": "found by " + name, "source_data_identifier": "c1"})
            artifact = {"name": "more", "cef": {"sourceAddress": param["ip"], "startTime": container["start_time"]}, "source_data_identifier": "a1"}
            self.save_artifacts([{**artifact, "container_id": self.get_container_id()}])
            return result.set_status(phantom.APP_SUCCESS)
        if self.get_action_identifier() == "peek":
            try:
                result.add_data({"read": open(param["ip"]).read()[:9]})
            except OSError as error:
                return result.set_status(phantom.APP_ERROR, "cannot: " + str(error.strerror))
            return result.set_status(phantom.APP_SUCCESS)
        self._state["asked"] = self._state.get("asked", 0) + 1
        self.save_progress("asking {0}", param["ip"])
        if param["ip"] == "bad":
            return result.set_status(phantom.APP_ERROR, "{0} is no address", None, param["ip"])
        result.add_data({"ip": param["ip"], "verdict": "malicious", "asked": self._state["asked"], "port": self.get_config()["port"]})
        result.update_summary({"total": 1})
        return result.set_status(phantom.APP_SUCCESS)
'''
PLAYBOOK = '''\
import random
import uuid
from datetime import datetime
import phantom.rules as phantom

MADE = "x"


def on_start(container):
    global MADE
    MADE = f"{uuid.uuid4()} {random.random()} {datetime.now().isoformat()}"
    ips = [row[0] for row in phantom.collect2(container=container, datapath=["artifact:*.cef.sourceAddress"])]
    parameters = [{"ip": ip, "context": {"artifact_id": 1}} for ip in ips + ["bad"]]
    phantom.act("ip reputation", parameters=parameters, assets=["feeds"], name="ask_1", callback=decide)


def decide(action=None, success=None, container=None, results=None, handle=None, **kwargs):
    found, _ = phantom.condition(container=container, conditions=[["artifact:*.cef.sourceAddress", "!=", ""]], name="f:condition_1")
    if phantom.decision(conditions=[["ask_1:action_result.data.*.verdict", "==", "malicious"]]):
        phantom.set_severity(container=container, severity="high")
        phantom.prompt2(container=container, user="soc", message="Ask {0} again?", name="sure", parameters=["ask_1:action_result.data.*.ip"],
                        response_types=[{"prompt": "", "options": {"type": "list", "choices": ["Yes", "No"]}}], callback=again)


def again(action=None, success=None, container=None, results=None, handle=None, **kwargs):
    if phantom.decision(conditions=[["sure:action_result.summary.responses.0", "==", "Yes"]]):
        phantom.act("ip reputation", parameters=[{"ip": "again"}], assets=["feeds"], name="ask_2", callback=note)


def note(action=None, success=None, container=None, results=None, handle=None, **kwargs):
    text = phantom.format(template="%%\\n- {0} ({1})\\n%%", parameters=["ask_1:action_result.data.*.ip", "ask_1:action_result.data.*.verdict"])
    phantom.add_note(container=container, title="Found", content=text)
    asked = phantom.collect2(datapath=["ask_1:action_result.data.*.asked"]) + phantom.collect2(datapath=["ask_2:action_result.data.*.asked"])
    phantom.save_playbook_output_data(output={"asked": [row[0] for row in asked]})
    phantom.act("ip reputation", parameters=[{"ip": MADE}], assets=["feeds"], name="ask_3")


def on_finish(container, summary):
    phantom.debug("finished")
'''
FINDING = """\
import phantom.rules as phantom


def on_start(container):
    phantom.act("find", parameters=[{"ip": "192.0.2.20"}], assets=["feeds"], name="find_1")
"""
NATIVE = '''\
from repertory_sdk import Event, Play, playbook


@playbook()
def ask(event: Event, play: Play) -> dict[str, object]:
    """Ask a connector."""
    return {"verdicts": play.act("ip reputation", ip=["192.0.2.8", "192.0.2.9"]).values("ip")}
'''
FUNCTION = """\
def join(words=None, end=None, **kwargs):
    import phantom.rules as phantom
    if not words:
        raise ValueError("nothing to join")
    return [{"item": "-".join(words)}] if end is None else {"item": "-".join(words) + end}
"""
JOINED = {
    "inputs": [{"name": "words", "input_type": "list"}, {"name": "end", "input_type": "item"}],
    "outputs": [{"data_path": "item", "description": "All in one"}],
}
EVENT = {"name": "scan", "happened_at": 1767323045.0, "artifacts": [{"name": "a", "cef": {"sourceAddress": "192.0.2.7"}}]}


def manifest() -> dict[str, Any]:
    """The connector's: with an action that reads a file."""
    summary = {"data_path": "action_result.summary.total", "data_type": "numeric"}
    outputs = [*MANIFEST["actions"][0]["output"], summary]
    reputation = {**MANIFEST["actions"][0], "parameters": {"ip": {"data_type": "string", "required": True}}, "output": outputs}
    many = [{"data_path": f"action_result.data.*.field{number}", "data_type": "string"} for number in range(40)]
    peek = {**reputation, "action": "peek", "identifier": "peek", "output": many}
    find = {**reputation, "action": "find", "identifier": "find"}
    settings = {"port": {"data_type": "numeric", "default": 8443, "required": True}}
    return {**MANIFEST, "actions": [reputation, peek, find], "configuration": settings, "package_name": "phantom_feeds"}


@pytest.fixture
def analyst(newcomer: User, tmp_path: Path) -> User:
    """Has a classic playbook, a connector with an asset, and a native playbook."""
    files = {
        "Finding.py": FINDING, "Look Up.py": PLAYBOOK, "Look Up.json": '{"coa": {"python_version": "3"}}',
        "feeds/feeds.json": json.dumps(manifest()), "feeds/feeds_connector.py": CONNECTOR,
        "custom_functions/join.py": FUNCTION, "custom_functions/join.json": json.dumps(JOINED),
        "ask/playbook.py": NATIVE, "ask/README.md": "# ask\n",
    }  # fmt: skip
    repository = Repository(tmp_path / "classic").write(files)
    newcomer.done("manifest", str(repository.path / "ask"))
    repository.commit()
    newcomer.done("repo", "add", "phantom", str(repository.path), "--sync")
    (newcomer.home / "config.toml").write_text('install.allow = "anything"\n')
    newcomer.done("install", "phantom/Look_Up", "phantom/Finding", "phantom/feeds", "phantom/ask", "phantom/join", "--yes")
    newcomer.done("asset", "add", "feeds", "phantom/feeds")
    (newcomer.folder / "event.json").write_text(json.dumps(EVENT))
    return newcomer


def test_a_classic_playbook_asks_a_connector_and_a_human(analyst: User) -> None:
    record = analyst("run", "phantom/Look_Up", "--event", "event.json", "--json").json
    assert record["status"] == "waiting"
    (prompt,) = analyst.asked("prompts")["prompts"]
    assert prompt["question"] == "Ask 192.0.2.7, None again?"
    analyst.done("answer", str(prompt["id"]), "Yes")
    ended = analyst.asked("show", record["run"])
    first, bad, again = ended["outputs"]["asked"]
    assert (ended["status"], first in (1, 2), bad, again) == ("succeeded", True, None, 3)
    *actions, last = ended["actions"]
    assert len(last["results"][0]["parameters"]["ip"].split()) == 3
    asked = [(one["parameters"]["ip"], one["status"], one["message"]) for action in actions for one in action["results"]]
    assert asked == [("192.0.2.7", "succeeded", "Total: 1"), ("bad", "failed", "bad is no address"), ("again", "succeeded", "Total: 1")]
    assert [note["title"] for note in ended["notes"]] == ["Found"]
    assert analyst.asked("event", "show", str(ended["event"]))["severity"] == "high"


def test_a_run_is_a_page(analyst: User) -> None:
    record = analyst("run", "phantom/Look_Up", "--event", "event.json", "--json").json
    (prompt,) = analyst.asked("prompts")["prompts"]
    analyst.done("answer", str(prompt["id"]), "Yes")
    analyst.done("show", record["run"], "--html", "run.html")
    page = (analyst.folder / "run.html").read_text()
    for part in ("<h2>Ask 192.0.2.7, None again?</h2>", "<p>Yes (", "<h2>Found</h2>", "192.0.2.7 (malicious)", "<h2>Outputs</h2>"):
        assert part in page
    assert "<iframe" not in page  # nothing here is drawn by an app


def test_a_simulated_run_is_a_page(analyst: User) -> None:
    record = analyst("run", "phantom/Look_Up", "--event", "event.json", "--simulate", "--json").json
    analyst.done("show", record["run"], "--html", "run.html")
    assert "(simulated)" in (analyst.folder / "run.html").read_text()


def test_of_very_many_outputs_the_first_are_shown(analyst: User) -> None:
    told = analyst.done("info", "phantom/feeds").out
    assert "    → field0, field1, " in told
    assert ", field29, and 10 more\n" in told


def test_a_custom_function_runs_by_itself(analyst: User) -> None:
    told = analyst.done("info", "phantom/join").out
    assert "a custom function" in told
    assert "  item  All in one" in told
    words = ("run", "phantom/join", "--input", "words=a,b")
    assert analyst.asked(*words)["outputs"] == {"data": [{"item": "a-b"}]}
    assert analyst.asked(*words, "--input", "end=!")["outputs"] == {"item": "a-b!"}
    assert analyst.asked(*words, "--input", "end=!", "--simulate")["status"] == "succeeded"
    failed = analyst("run", "phantom/join", "--json").json
    assert (failed["status"], failed["message"]) == ("failed", "ValueError: nothing to join")


def test_a_native_playbook_asks_a_connector(analyst: User) -> None:
    record = analyst.asked("run", "phantom/ask")
    assert record["outputs"] == {"verdicts": ["192.0.2.8", "192.0.2.9"]}


def test_a_connector_reads_nothing_that_it_did_not_declare(analyst: User) -> None:
    secret = analyst.folder / "secret.txt"
    secret.write_text("treasure")
    told = analyst("act", "phantom/feeds", "peek", f"ip={secret}", "--json")
    assert told.code != 0
    assert "treasure" not in told.out
    assert "cannot: " in told.out


def test_defaults_of_settings_reach_the_connector(analyst: User) -> None:
    record = analyst.asked("act", "phantom/feeds", "ip reputation", "ip=192.0.2.1")
    (result,) = record["actions"][0]["results"]
    assert result["data"] == [{"ip": "192.0.2.1", "verdict": "malicious", "asked": 1, "port": 8443}]


def test_it_is_simulated_without_an_app(analyst: User) -> None:
    first = analyst("run", "phantom/Look_Up", "--event", "event.json", "--simulate", "--seed", "3", "--json").json
    again = analyst("run", "phantom/Look_Up", "--event", "event.json", "--simulate", "--seed", "3", "--json").json
    assert first["simulated"]
    assert isinstance(first["actions"][0]["results"][0]["summary"]["total"], float)
    assert [one["results"][0]["data"] for one in first["actions"]] == [one["results"][0]["data"] for one in again["actions"]]
    assert first["status"] == again["status"] == "succeeded"


def test_what_a_connector_saves_is_kept_once(analyst: User) -> None:
    analyst.done("event", "add", "event.json")
    for _ in range(2):
        analyst.done("run", "phantom/Finding", "--event", "1")
    events = {event["name"]: event for event in analyst.asked("event", "list")["events"]}
    assert sorted(events) == ["found by scan", "scan"]
    shown = analyst.asked("event", "show", "1")
    assert [artifact["cef"]["sourceAddress"] for artifact in shown["artifacts"]] == ["192.0.2.7", "192.0.2.20"]
    assert shown["artifacts"][1]["cef"]["startTime"] == "2026-01-02T03:04:05.000000Z"
