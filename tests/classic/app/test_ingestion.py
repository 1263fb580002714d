"""Containers and artifacts that connectors save, in polls and besides."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conftest import Start

POLL = '''
class LampConnector(BaseConnector):
    def handle_action(self, param):
        result = self.add_action_result(ActionResult(dict(param)))
        self.saved = []
        getattr(self, "_" + self.get_action_identifier())(param)
        for each in self.saved:
            result.add_data({"saved": each})
        if self.get_config().get("broken"):
            return result.set_status(phantom.APP_ERROR, "dark")
        return result.set_status(phantom.APP_SUCCESS, str([param.get(name) for name in ("start_time", "end_time", "container_count")]))

    def _on_poll(self, param):
        container = {
            "name": "Dark street", "source_data_identifier": "d1", "severity": "Informational", "status": "resolved",
            "start_time": "2026-01-02T03:04:05Z", "tags": ["t"],
            "artifacts": [
                {"name": "a", "cef": {"sourceAddress": "198.51.100.7", "lamp": "x"}, "cef_types": {"lamp": ["lamp id"]}},
                {"name": "b", "cef": {}, "source_data_identifier": "b1"},
            ],
        }
        self.saved.append(self.save_container(container))
        number = self.saved[0][2]
        self.saved.append(self.save_container({"source_data_identifier": "d1"}))
        self.saved.append(self.save_container({"source_data_identifier": "d1"}, fail_on_duplicate=True))
        self.saved.append(self.save_artifacts([{"container_id": number, "source_data_identifier": "b1", "cef": {"x": 1}}]))
        self.saved.append(self.save_artifact({"container_id": number, "name": "c", "cef": {"sourcePort": 22}}))
        self.saved.append(self.save_container({"name": object()})[0])
        self.saved.append(self.save_artifacts([{"container_id": 999}]))

    def _look_up(self, param):
        self.saved.append(self.save_artifact({"container_id": self.get_container_id(), "name": "here", "cef": {"x": 1}}))
        self.saved.append(self.save_container({"name": "There", "label": "lamps"}))
        self.saved.append(self.get_container_info()[1]["artifact_count"])
        self.saved.append(self.get_container_info(12345))
'''
ACTIONS = {"on poll": {}, "look up": {}}


def test_a_poll(start: Start) -> None:
    answer = start(POLL, {"ingest": {"container_label": "lamps"}}, actions=ACTIONS).act(
        "on poll", {"start_time": 1, "end_time": 2}
    )
    assert answer["message"] == "[1, 2, 100]"
    assert answer["checkpoint"] == {"polled_until_ms": 2, "containers": {"1": "d1"}}
    event = answer["events"][0]
    artifacts = event.pop("artifacts")
    assert len(answer["events"]) == 1
    assert event == {
        "name": "Dark street", "description": "", "severity": "low", "status": "closed", "labels": ["lamps"], "tags": ["t"],
        "source": "street", "source_id": "d1", "happened_at": 1767323045.0,
    }  # fmt: skip
    assert [(artifact["name"], artifact["source_id"]) for artifact in artifacts] == [("a", ""), ("b", "b1"), ("c", "")]
    assert artifacts[0]["contains"] == {"sourceAddress": ["ip"], "lamp": ["lamp id"]}
    assert [row["saved"] for row in answer["data"]] == [
        [True, "Container(s) successfully created", 1],
        [True, "Duplicate container found", 1],
        [False, "Duplicate container found", 1],
        [True, "Artifact already exists", [2]],
        [True, "Artifact successfully created", 3],
        False,
        [False, "there is no container 999", None],
    ]


def test_the_next_poll_goes_on(start: Start) -> None:
    lamp = start(POLL, actions=ACTIONS)
    first = lamp.act("on poll", {"end_time": 2000})
    second = lamp.act("on poll", checkpoint=first["checkpoint"])
    assert second["message"].startswith("[2000, ")
    assert second["data"][0]["saved"] == [True, "Duplicate container found", 1]
    assert second["events"][0]["source_id"] == "d1"  # its artifacts may be new
    assert len(lamp.act("on poll")["events"]) == 1  # and nothing was remembered in the process


def test_somebody_who_waits_for_a_poll_is_shown_one_container(start: Start) -> None:
    lamp = start(POLL, actions=ACTIONS)
    assert lamp.act("on poll", poll_now=True)["message"].endswith(", 1]")
    assert lamp.act("on poll", {"container_count": 7}, poll_now=True)["message"].endswith(", 7]")


def test_a_poll_that_fails_goes_on_where_it_began(start: Start) -> None:
    answer = start(POLL, {"broken": True}, actions=ACTIONS).act("on poll")
    assert (answer["status"], answer["message"], "checkpoint" in answer) == ("failed", "dark", False)


def test_other_actions_save_too(start: Start) -> None:
    answer = start(POLL, actions=ACTIONS).act("look up", event={"id": 40, "name": "Event", "label": "lamps"})
    assert [row["saved"] for row in answer["data"]] == [
        [True, "Artifact successfully created", 1],
        [True, "Container(s) successfully created", 41],
        1,
        [False, "there is no container 12345", 404],
    ]
    assert [(artifact["event"], artifact["name"]) for artifact in answer["artifacts"]] == [(40, "here")]
    assert [(event["name"], event["labels"]) for event in answer["events"]] == [("There", ["lamps"])]
    assert "checkpoint" not in answer


TOLD = """
class LampConnector(BaseConnector):
    def handle_action(self, param):
        result = self.add_action_result(ActionResult(dict(param)))
        result.add_data(self.get_container_info()[1])
        return result.set_status(phantom.APP_SUCCESS)
"""


def test_what_a_connector_is_told_of_its_event(start: Start) -> None:
    event = {"id": 40, "name": "Event", "tags": ["dark"], "created_at": 86400.0, "happened_at": 60.5}
    (told,) = start(TOLD).act("look up", event=event)["data"]
    assert (told["create_time"], told["start_time"]) == ("1970-01-02T00:00:00.000000Z", "1970-01-01T00:01:00.000000Z")
    assert (told["tags"], told["data"], told["sensitivity"], told["container_type"]) == (["dark"], {}, "amber", "default")


RULES = '''
from repertory_classic.app import rules
import urllib.request

class LampConnector(BaseConnector):
    def handle_action(self, param):
        result = self.add_action_result(ActionResult(dict(param)))
        for each in (
            rules.get_list("lamps"), rules.get_list("none")[0], rules.add_list("lamps", ["c", "d"]),
            rules.delete_from_list(list_name="lamps", value="a", remove_row=True), rules.add_list("more", ["x"]),
            rules.add_note(container=self.get_container_id(), title="t", content="c", note_type="general"),
        ):
            result.add_data({"it": each})
        own = self.get_container_id()
        self.change(own, {"status": "resolved", "label": "lamps", "sensitivity": "red", "container_type": "case",
                          "artifacts": [{"name": "late", "cef": {}}]})
        number = self.save_container({"source_data_identifier": "d9"})[2]
        self.change(number, {"severity": "high"})
        rules.add_note(container=number, title="there", content="c")
        rules.add_note(container=4711, title="nowhere", content="c")
        rules.Vault.create_attachment("light", number, "a.txt")
        rules.Vault.create_attachment("light", own, "b.txt")
        return result.set_status(phantom.APP_SUCCESS)

    def change(self, number, changes):
        url = self.get_phantom_base_url() + "rest/container/" + str(number)
        urllib.request.urlopen(urllib.request.Request(url, json.dumps(changes).encode())).close()
'''


def test_lists_notes_changes_and_files(start: Start) -> None:
    lamp = start(RULES)
    lamp.lists = {"lamps": [["a", "b"]], "left": [["x"]]}
    answer = lamp.act("look up", event={"id": 40, "name": "Event"})
    first, *others = [row["it"] for row in answer["data"]]
    assert first == [True, "success", [["a", "b"]]]
    assert others == [False, [True, "success"], [True, "success"], [True, "success"], [True, "success", 1]]
    assert answer["lists"] == {"lamps": [["c", "d"]], "more": [["x"]]}
    assert [(note["container_id"], note["title"]) for note in answer["notes"]] == [(40, "t")]
    assert answer["changes"] == {"status": "closed", "labels": ["lamps"], "case": True}
    assert [artifact["name"] for artifact in answer["artifacts"]] == ["late"]
    assert [(file["source_id"], file["name"], file["size"]) for file in answer["files"]] == [("d9", "a.txt", 5)]
    assert [event["severity"] for event in answer["events"]] == ["high"]
    assert [(one["source_id"], one["changes"], [note["title"] for note in one["notes"]]) for one in answer["elsewhere"]] == [("d9", {}, ["there"])]
    assert answer["lost"] == ["sensitivity of container 40 (Event)", "a note on container 4711, which nobody here knows"]
    assert [(aside["name"], aside["elsewhere"]) for aside in lamp.asides if aside["op"] == "attach"] == [("a.txt", True), ("b.txt", False)]
    assert [aside["op"] for aside in lamp.asides].count("lists") == 1


def test_who_asks_for_no_list_is_told_of_none(start: Start) -> None:
    lamp = start(POLL, actions=ACTIONS)
    lamp.act("look up", event={"id": 40, "name": "Event"})
    assert [aside["op"] for aside in lamp.asides] == []


CHANGING = '''
import urllib.request

class LampConnector(BaseConnector):
    def handle_action(self, param):
        result = self.add_action_result(ActionResult(dict(param)))
        number = self.save_container({"source_data_identifier": "d1", "severity": "low"})[2]
        url = self.get_phantom_base_url() + "rest/container/" + str(number)
        urllib.request.urlopen(urllib.request.Request(url, b'{"severity": "critical"}')).close()
        return result.set_status(phantom.APP_SUCCESS)
'''


def test_containers_of_earlier_polls_are_changed_by_their_source_id(start: Start) -> None:
    lamp = start(CHANGING, actions={"on poll": {}})
    first = lamp.act("on poll")
    assert ([event["severity"] for event in first["events"]], "elsewhere" in first) == (["critical"], False)
    again = lamp.act("on poll", checkpoint=first["checkpoint"])
    assert (again["events"], again["elsewhere"]) == ([], [{"source_id": "d1", "changes": {"severity": "critical"}, "notes": []}])
