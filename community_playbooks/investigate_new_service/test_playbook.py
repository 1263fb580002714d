"""Every decision about a new service: a human's, the deadline's, and the automatic one."""

from __future__ import annotations

from pathlib import Path

import pytest

from repertory_sdk import ActionFailed, Artifact, Event
from repertory_sdk.testing import assert_manifest_current

NAME = "investigate_new_service"
SERVER, REQUESTER = "198.51.100.20", "203.0.113.7"
BLOCKED = {"ip": SERVER, "port": 3389, "blocked": True, "changed": True, "verified": True}


def alert(port=3389):
    fields = {"destinationAddress": SERVER, "destinationHostName": "srv-20", "destinationPort": port, "sourceAddress": REQUESTER}
    return Event("New service", artifacts=[Artifact(cef=fields)])


def thoughts(*malicious):
    return {"malicious": list(malicious), "suspicious": [], "benign": [], "failed": [], "verdicts": [], "report": "what they think"}


RESULTS = {
    "get system info": {"host": "srv-20", "os": "Windows Server 2022"},
    "list connections": {"state": "listen", "local_ip": "0.0.0.0", "local_port": 3389, "process": "svchost.exe"},
    "lookup host": {"ip": SERVER, "vulnerabilities": ["CVE-2019-0708"]},
    "whois ip": {"ip": REQUESTER, "organization": "Example Hosting"},
    "block port": BLOCKED,
}


def run_with(play_recorder, event, *, answers="", malicious=(), results=RESULTS, **inputs):
    children = {"enrich_indicators": thoughts(*malicious), "notify": {}}
    return play_recorder.run(NAME, event, results=results, answers=answers, children=children, inputs=inputs)


def test_a_human_sees_all_of_it_and_decides_to_block(play_recorder):
    run = run_with(play_recorder, alert(), answers="block", malicious=[REQUESTER])

    assert run.outputs == {"decision": "blocked", "blocked": [[SERVER, 3389, "test", True, True]]}
    assert run.event.resolution == "blocked"
    for fact in ("Windows Server 2022", "svchost.exe", "Example Hosting", "what they think"):
        assert fact in run.notes[0].text
    assert f"malicious: {REQUESTER}" in run.asked[0].question


def test_a_human_decides_to_keep_it(play_recorder):
    run = run_with(play_recorder, alert(), answers="keep")

    assert (run.outputs["decision"], run.event.resolution) == ("kept", "permitted")
    assert "block port" not in [call.action for call in run.actions]


@pytest.mark.parametrize(("port", "default"), [(3389, "block"), (443, "keep")])
def test_silence_blocks_only_what_is_often_attacked(play_recorder, port, default):
    asked = run_with(play_recorder, alert(port)).asked[0]

    assert (asked.answer, asked.within_s) == (default, 1800)


def test_by_setting_nobody_is_asked_about_what_is_risky_and_weak(play_recorder):
    run = run_with(play_recorder, alert(), automatic=True)

    assert (run.asked, run.outputs["decision"]) == ([], "blocked")
    assert "CVE-2019-0708" in run.notes[-1].text


def test_even_so_somebody_is_asked_about_what_is_not_risky(play_recorder):
    assert len(run_with(play_recorder, alert(443), automatic=True).asked) == 1


def test_a_firewall_that_fails_is_escalated(play_recorder):
    results = {**RESULTS, "block port": ActionFailed("Cisco ASA: no answer; try again")}
    run = run_with(play_recorder, alert(), answers="block", results=results)

    assert run.outputs["decision"] == "escalated"
    assert "Cisco ASA: no answer" in run.notes[-1].text


def test_products_that_know_nothing_do_not_hinder_the_question(play_recorder):
    results = {name: ActionFailed("down") for name in RESULTS}
    run = run_with(play_recorder, alert(443), answers="keep", results=results)

    assert "Nothing is known to listen there." in run.notes[0].text
    assert run.outputs["decision"] == "kept"


def test_manifest():
    assert_manifest_current(Path(__file__).parent)
