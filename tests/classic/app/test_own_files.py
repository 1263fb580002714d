"""Files that connectors write beside their code: part of what their asset remembers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Start

WRITING = '''
HERE = os.path.dirname(os.path.abspath(__file__))

class LampConnector(BaseConnector):
    def handle_action(self, param):
        result = self.add_action_result(ActionResult(dict(param)))
        for name in ("12_state.json", "data/list.json", "shipped.txt"):
            path = os.path.join(HERE, name)
            result.add_data({"it": open(path).read() if os.path.exists(path) else None})
        if param.get("write"):
            os.makedirs(os.path.join(HERE, "data"), exist_ok=True)
            for name in ("12_state.json", "data/list.json", "shipped.txt"):
                open(os.path.join(HERE, name), "w").write(param["write"])
            open(os.path.join(HERE, "large"), "w").write("x" * 300_000)
            open(os.path.join(HERE, "bytes"), "wb").write(bytes([255, 254]))
        return result.set_status(phantom.APP_SUCCESS)
'''
FILES = {"shipped.txt": "as shipped"}
ACTIONS = {"look up": {"write": {"data_type": "string"}}}


def test_they_are_part_of_the_state(start: Start) -> None:
    first = start(WRITING, files=FILES, actions=ACTIONS).act("look up", {"write": "été\r\n"})
    assert first["state"] == {"files beside the code": dict.fromkeys(("12_state.json", "data/list.json", "shipped.txt"), "été\r\n")}
    later = start(WRITING, files=FILES, actions=ACTIONS)
    assert [row["it"] for row in later.act("look up", state=first["state"])["data"]] == ["été\n", "été\n", "été\n"]


def test_those_of_another_state_are_gone(start: Start) -> None:
    lamp = start(WRITING, files=FILES, actions=ACTIONS)
    assert [row["it"] for row in lamp.act("look up", {"write": "x"})["data"]] == [None, None, "as shipped"]
    assert [row["it"] for row in lamp.act("look up")["data"]][:2] == [None, None]


def test_none_are_written_outside(start: Start) -> None:
    lamp = start(WRITING, files=FILES, actions=ACTIONS)
    lamp.act("look up", state={"files beside the code": {"../out.txt": "x", "/tmp/never-written-by-us.txt": "x"}})
    assert not list((lamp.output.parent / "phantom").rglob("out.txt"))


def test_without_any_the_state_is_as_it_was(start: Start) -> None:
    assert "state" not in start(WRITING, files=FILES, actions=ACTIONS).act("look up")


MANY = """
class LampConnector(BaseConnector):
    def handle_action(self, param):
        for number in range(100):
            open(os.path.join(os.path.dirname(os.path.abspath(__file__)), f"{number:03}.txt"), "w").write("x" * param["size"])
        return self.add_action_result(ActionResult(dict(param))).set_status(phantom.APP_SUCCESS)
"""


@pytest.mark.parametrize(("size", "kept"), [(10, 64), (200_000, 5)])
def test_no_more_of_them_than_a_state_can_hold(start: Start, size: int, kept: int) -> None:
    lamp = start(MANY, actions={"look up": {"size": {"data_type": "numeric"}}})
    assert len(lamp.act("look up", {"size": size})["state"]["files beside the code"]) == kept
