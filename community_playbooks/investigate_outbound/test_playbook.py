"""Who talks to whom, and the ticket about it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from repertory_sdk import ActionFailed, Artifact, Event
from repertory_sdk.testing import assert_manifest_current

NAME = "investigate_outbound"
FIELDS = {"sourceHostName": "ws-17", "destinationAddress": "203.0.113.7", "destinationDnsDomain": "c2.example"}
ALERT = Event("Beacon", artifacts=[Artifact(cef=FIELDS)])
TALK = {"host": "ws-17", "process": "updater.exe", "pid": 911, "local_port": 50514, "remote_ip": "203.0.113.7", "remote_port": 443}
TICKET = {"ticket": "INC0010042", "url": "https://tickets.example/INC0010042", "status": "new", "created": True}
RESULTS = {
    "get system info": {"host": "ws-17", "os": "Windows 11"},
    "list connections": [TALK, {**TALK, "process": "browser.exe", "remote_ip": "198.51.100.1"}],
    "whois domain": {"domain": "c2.example", "created": "2003-05-01"},
    "whois ip": {"ip": "203.0.113.7", "organization": "Example Hosting"},
    "lookup host": {"ip": "203.0.113.7", "hostnames": ["c2.example"]},
    "create ticket": TICKET,
    "update ticket": {"ticket": "INC0010042"},
    "attach file": {"ticket": "INC0010042"},
}


def run_with(play_recorder, results=RESULTS, **thoughts):
    said = {"malicious": [], "suspicious": [], "benign": ["203.0.113.7"], "failed": [], "report": "what they think", **thoughts}
    return play_recorder.run(NAME, ALERT, results=results, children={"enrich_indicators": said})


def test_the_ticket_has_everything_in_it(play_recorder):
    run = run_with(play_recorder)
    calls = {call.action: call.parameters for call in run.actions}

    assert calls["create ticket"]["summary"] == "ws-17 talks to c2.example, 203.0.113.7"
    for fact in ("updater.exe", "Windows 11", "Example Hosting", "what they think"):
        assert fact in calls["create ticket"]["description"]
    assert "browser.exe" not in calls["create ticket"]["description"]
    assert json.loads(calls["attach file"]["content"]) == [FIELDS]


def test_event_and_ticket_name_each_other(play_recorder):
    run = run_with(play_recorder)

    assert "ticket:INC0010042" in run.event.tags
    assert "Event 1" in next(call for call in run.actions if call.action == "create ticket").parameters["description"]
    assert "https://tickets.example/INC0010042" in run.notes[-1].text


@pytest.mark.parametrize(
    ("thoughts", "created", "urgency"),
    [
        ({"malicious": ["203.0.113.7"]}, "2003-05-01", 1),
        ({}, "2025-12-20", 2),
        ({"suspicious": ["c2.example"]}, "2003-05-01", 2),
        ({"benign": []}, "2003-05-01", 2),
        ({}, "2003-05-01", 3),
        ({}, "some day", 3),
    ],
)
def test_how_urgent_it_is(play_recorder, thoughts, created, urgency):
    results = {**RESULTS, "whois domain": {"domain": "c2.example", "created": created}}
    run = run_with(play_recorder, results, **thoughts)

    assert run.outputs["urgency"] == urgency
    assert run.event.case is (urgency == 1)


def test_a_connection_that_is_gone_is_said_to_be_gone(play_recorder):
    assert "no process of the machine has it any more" in run_with(play_recorder, {**RESULTS, "list connections": []}).notes[0].text


def test_a_machine_that_is_off_is_said_to_be_off(play_recorder):
    results = {**RESULTS, "list connections": ActionFailed("Linux: ws-17 is off"), "get system info": ActionFailed("off")}

    assert "could not be asked what talks there: Linux: ws-17 is off" in run_with(play_recorder, results).notes[0].text


def test_without_a_ticket_the_findings_stay_on_the_event(play_recorder):
    run = run_with(play_recorder, {**RESULTS, "create ticket": ActionFailed("ServiceNow: 429; wait")})

    assert (run.error, run.outputs["ticket"]) == (None, "")
    assert "ServiceNow: 429" in run.notes[-1].text


def test_manifest():
    assert_manifest_current(Path(__file__).parent)
