"""Every way through the playbook: already blocked, remediated, still open, and products that fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from repertory_sdk import ActionFailed, Artifact, Event, Result
from repertory_sdk.testing import assert_manifest_current

NAME = "remediate_exfiltration"
HOST = "192.0.2.14"
FINDING = Event(
    "Prevent exfiltration over telnet",
    artifacts=[
        Artifact(
            cef={"externalId": "s-1", "sourceAddress": HOST, "destinationPort": 23}, contains={"externalId": ("simulation",)}
        )
    ],
)
OPEN = {"simulation": "s-1", "outcome": "not blocked", "source_ip": HOST, "destination_ip": "203.0.113.7", "port": 23}
STOPPED = {"host": HOST, "service": "telnet", "status": "stopped", "changed": True}
CLOSED = {"port": 23, "protocol": "tcp", "ip": "", "blocked": True, "changed": True, "verified": True}
TELNET = {
    "host": HOST, "state": "established", "local_ip": HOST, "local_port": 41522, "remote_ip": "203.0.113.7", "remote_port": 23,
    "process": "telnet",
}  # fmt: skip
RESULTS = {
    "get simulation": OPEN,
    "get system info": {"host": HOST, "hostname": "srv-14", "os": "Linux"},
    "list connections": [TELNET, {**TELNET, "remote_port": 443, "process": "curl"}],
    "run query": {"values": {"src": HOST, "count": "3"}},
    "stop service": STOPPED,
    "block port": CLOSED,
    "rerun simulation": {"simulation": "s-1", "run": "r-1"},
    "get simulation result": {"run": "r-1", "outcome": "blocked"},
}


def names(run):
    return [call.action for call in run.actions]


def test_the_way_out_is_closed_and_proven_closed(play_recorder):
    run = play_recorder.run(NAME, FINDING, results=RESULTS)

    assert run.outputs == {"decision": "remediated", "outcomes": [["r-1", "blocked"]]}
    assert (run.event.status, run.event.resolution) == ("closed", "remediated")
    assert "undo_remediation" in run.notes[-1].text


def test_what_is_seen_before_is_kept(play_recorder):
    before = play_recorder.run(NAME, FINDING, results=RESULTS).notes[0]

    assert before.title == "Before"
    assert "srv-14" in before.text
    assert "telnet" in before.text
    assert "curl" not in before.text


def test_what_was_changed_can_be_taken_back(play_recorder):
    lists = play_recorder.run(NAME, FINDING, results=RESULTS).lists

    assert lists["remediations"] == [
        ["1", "stop service", "test", f"host={HOST}", "service=telnet"],
        ["1", "block port", "test", "port=23", "protocol=tcp"],
    ]


def test_what_was_so_before_is_not_taken_back(play_recorder):
    results = {**RESULTS, "stop service": {**STOPPED, "changed": False}, "block port": {**CLOSED, "changed": False}}

    assert "remediations" not in play_recorder.run(NAME, FINDING, results=results).lists


def test_a_finding_that_is_fixed_already_is_closed(play_recorder):
    run = play_recorder.run(NAME, FINDING, results={"get simulation": {**OPEN, "outcome": "blocked"}})

    assert run.event.resolution == "already blocked"
    assert names(run) == ["get simulation"]


@pytest.mark.parametrize("stop", [STOPPED, ActionFailed("no answer"), Result("denied", "denied by soc")])
def test_data_that_still_gets_out_is_escalated_with_evidence(play_recorder, stop):
    results = {**RESULTS, "stop service": stop, "get simulation result": {"run": "r-1", "outcome": "not blocked"}}
    run = play_recorder.run(NAME, FINDING, results=results)

    assert run.outputs["decision"] == "escalated"
    assert (run.event.severity, run.event.case) == ("high", True)
    assert "not blocked" in run.notes[-1].text
    assert names(run).count("rerun simulation") == 1


def test_a_run_that_cannot_tell_is_repeated_once(play_recorder):
    results = {**RESULTS, "get simulation result": {"run": "r-1", "outcome": "unknown"}}
    run = play_recorder.run(NAME, FINDING, results=results)

    assert names(run).count("rerun simulation") == 2
    assert run.outputs["decision"] == "escalated"


def test_without_the_simulations_nothing_is_touched(play_recorder):
    run = play_recorder.run(NAME, FINDING, results={"get simulation": ActionFailed("SafeBreach is down")})

    assert "SafeBreach is down" in str(run.error)
    assert names(run) == ["get simulation"]


def test_manifest():
    assert_manifest_current(Path(__file__).parent)
