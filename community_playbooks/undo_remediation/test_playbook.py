"""Taking back what was done for this event, and only that."""

from __future__ import annotations

from pathlib import Path

from repertory_sdk import ActionFailed, Event
from repertory_sdk.testing import assert_manifest_current

NAME = "undo_remediation"
STOP = ["1", "stop service", "srv", "host=192.0.2.14", "service=telnet"]
CLOSE = ["1", "block port", "fw", "port=23", "protocol=tcp"]
FOREIGN = ["2", "block port", "fw", "port=80", "protocol=tcp"]
RESULTS = {"start service": {"changed": True}, "unblock port": {"changed": True}}


def test_the_last_step_is_taken_back_first(play_recorder):
    run = play_recorder.run(NAME, Event("x", status="closed"), results=RESULTS, lists={"remediations": [STOP, CLOSE, FOREIGN]})

    first, second = run.actions
    assert (first.action, first.assets, first.parameters) == ("unblock port", ["fw"], {"port": 23, "protocol": "tcp"})
    assert (second.action, second.parameters) == ("start service", {"host": "192.0.2.14", "service": "telnet"})
    assert run.lists["remediations"] == [FOREIGN]
    assert (run.outputs, run.event.status) == ({"undone": 2, "left": 0}, "open")


def test_what_fails_stays_on_the_list(play_recorder):
    results = {**RESULTS, "unblock port": ActionFailed("firewall is down")}
    run = play_recorder.run(NAME, Event("x"), results=results, lists={"remediations": [STOP, CLOSE]})

    assert run.outputs == {"undone": 1, "left": 1}
    assert run.lists["remediations"] == [CLOSE]
    assert run.notes[0].title == "Not all of it could be taken back"
    assert "firewall is down" in run.notes[0].text


def test_an_event_for_which_nothing_was_done(play_recorder):
    run = play_recorder.run(NAME, Event("x", status="closed"), lists={"remediations": [FOREIGN]})

    assert (run.actions, run.event.status) == ([], "closed")
    assert run.notes[0].text == "There was nothing to take back."


def test_manifest():
    assert_manifest_current(Path(__file__).parent)
