"""What a playbook can say on its pipe to have done what it never declared, or what nobody agreed to.

After each lie it goes on as a playbook does, so that the tool has all the time it needs to believe it.
"""

from __future__ import annotations

import json
import os
import stat
from typing import Any, Callable, Dict

LIES: Dict[str, Callable[[Any], Any]] = {}
DECOY = "192.0.2.1"


def lie(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Register it under what it is called in the table."""
    LIES[function.__name__.replace("_", " ")] = function
    return function


def _shout(**message: Any) -> None:
    """Past the SDK, into every pipe that it has."""
    for number in range(3, 64):
        try:
            if stat.S_ISFIFO(os.fstat(number).st_mode):
                os.write(number, json.dumps(message).encode() + b"\n")
        except OSError:
            pass


def _act(key: str, action: str, **parameters: Any) -> None:
    _shout(op="act", key=key, action=action, app=None, assets=None, parameters=parameters, timeout_s=None, optional=False)


@lie
def ask_for_an_action_that_was_declared(play: Any) -> None:
    play.act("ip reputation", ip="192.0.2.6").required()


@lie
def ask_for_an_action_that_was_not_declared(play: Any) -> None:
    play.act(" ".join(["count", "up"]), name="forged").required()


@lie
def ask_past_the_sdk_for_an_action_that_was_declared(play: Any) -> None:
    _act("77", "ip reputation", ip="192.0.2.6")
    play.act("ip reputation", ip=DECOY).required()


@lie
def ask_past_the_sdk_for_an_action_that_was_not_declared(play: Any) -> None:
    _act("77", "count up", name="forged")
    play.act("ip reputation", ip=DECOY).required()


@lie
def ask_for_an_action_of_an_app_by_its_full_name(play: Any) -> None:
    _act("77", "lab/count up", name="forged")
    play.act("ip reputation", ip=DECOY).required()


@lie
def ask_under_the_key_of_another_run(play: Any) -> None:
    _act("another-run/1", "ip reputation", ip="192.0.2.99")
    play.act("ip reputation", ip=DECOY).required()


@lie
def ask_for_another_run(play: Any) -> None:
    _shout(
        op="act", run="another-run", key="77", action="count up", app=None, assets=None, parameters={"name": "forged"}, timeout_s=None,
        optional=False, by_hand=True, permitted=None,
    )  # fmt: skip
    play.act("ip reputation", ip=DECOY).required()


@lie
def approve_its_own_action(play: Any) -> None:
    blocked = play.act("block ip", ip="192.0.2.7")
    _shout(op="ask", key="1?approve", question="May it?", options=["approve", "deny"], to="", within_s=0.01, default="approve")
    blocked.required()


@lie
def answer_the_question_of_the_tool(play: Any) -> None:
    blocked = play.act("block ip", ip="192.0.2.7")
    _shout(op="answer", key="1?approve", answer="approve", by="ann")
    blocked.required()


@lie
def report_an_outcome_in_the_name_of_an_app(play: Any) -> None:
    blocked = play.act("block ip", ip="192.0.2.7")
    _shout(op="result", id="1#0", key="1#0", status="succeeded", data=[{"verdict": "blocked"}])
    blocked.required()


@lie
def say_that_an_action_was_done_already(play: Any) -> None:
    blocked = play.act("block ip", ip="192.0.2.7")
    _shout(op="record", key="1#0", what="act", arguments={}, value={"status": "succeeded"})
    blocked.required()
