"""A classic connector behind the tool's protocol: what goes in, what comes out, and what a bad one does to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Start

LAMP = '''
class LampConnector(BaseConnector):
    def initialize(self):
        self._state = self.load_state()
        return phantom.APP_SUCCESS

    def handle_action(self, param):
        self.save_progress("Looking at {0}", param["street"])
        result = self.add_action_result(ActionResult(dict(param)))
        self._state["seen"] = self._state.get("seen", 0) + 1
        result.add_data({"street": param["street"], "bulb": self.get_config()["bulb"], "seen": self._state["seen"]})
        result.add_data("bright")
        result.update_summary({"In_Database": True, "num_x": 2})
        return result.set_status(phantom.APP_SUCCESS)

    def finalize(self):
        self.save_state(self._state)
        return phantom.APP_SUCCESS
'''
STREET = {"look up": {"street": {"data_type": "string", "required": True, "order": 0}}}


def test_an_action_is_answered(start: Start) -> None:
    lamp = start(LAMP, {"bulb": "s3cret"}, actions=STREET)
    answer = lamp.act("look up", {"street": "Elm"})
    assert answer.pop("state") == {"app_version": "1.2.3", "seen": 1}
    assert answer == {
        "op": "result", "id": "r1", "status": "succeeded", "message": "In database: True, Num x: 2", "attachments": [],
        "data": [{"street": "Elm", "bulb": "s3cret", "seen": 1}, {"value": "bright"}],
        "summary": {"In_Database": True, "num_x": 2},
    }  # fmt: skip
    assert lamp.said() == ["Looking at Elm"]


def test_the_state_is_what_the_tool_keeps(start: Start) -> None:
    lamp = start(LAMP, {"bulb": ""}, actions=STREET)
    first = lamp.act("look up", {"street": "Elm"})
    assert lamp.act("look up", {"street": "Elm"})["state"]["seen"] == 1  # nothing stays in the process
    assert lamp.act("look up", {"street": "Elm"}, state=first["state"])["state"]["seen"] == 2
    assert lamp.act("look up", {"street": "Elm"}, state={"seen": 40})["data"][0]["seen"] == 41


FAILING = """
class LampConnector(BaseConnector):
    def handle_action(self, param):
        result = self.add_action_result(ActionResult(dict(param)))
        for line in param["told"].split("/"):
            self.save_progress(line)
        self.send_progress("37 %")
        if "two" in param:
            self.add_action_result(ActionResult()).set_status(phantom.APP_ERROR, param["two"])
        return result.set_status(param["message"] == "bright", param["message"])
"""
TOLD = {name: {"data_type": "string"} for name in ("told", "message", "two")}


@pytest.mark.parametrize(
    ("action", "given", "message"),
    [
        ("test connectivity", {"told": "Asking the lamp/It is dark/Failed", "message": "Failed\n\n"}, "Asking the lamp\nIt is dark\nFailed"),
        ("test connectivity", {"told": "Asking/Asking/{{dark}}", "message": ""}, "Asking\n{dark}"),
        ("test connectivity", {"told": "Asking", "message": "bright"}, "bright"),
        ("look up", {"told": "Asking/It is dark", "message": "Failed"}, "Failed"),
        ("look up", {"told": "Asking/It is dark", "message": ""}, "Asking\nIt is dark"),
        ("look up", {"told": "Asking", "message": "no bulb", "two": "no lamp"}, "no bulb; no lamp"),
        ("look up", {"told": "", "message": ""}, "0 of 1 action(s) succeeded"),
    ],
)
def test_a_failure_says_what_is_known_of_it(start: Start, action: str, given: dict[str, str], message: str) -> None:
    """Many connectors tell the cause on the way, and end without a word of it."""
    assert start(FAILING, actions={action: TOLD}).act(action, given)["message"] == message
