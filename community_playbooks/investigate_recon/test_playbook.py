"""Every way through the playbook, with the SDK's recorder."""

from __future__ import annotations

from pathlib import Path

import pytest

from repertory_sdk import ActionFailed, Artifact, Event, Result
from repertory_sdk.testing import assert_manifest_current

HERE = Path(__file__).resolve().parent
NAME = "investigate_recon"
SOURCE, DOMAIN = "198.51.100.7", "scan.example.net"
QUESTION = "Escalate 'scan' from 198.51.100.7?"
OWNER = {"ip": SOURCE, "found": True, "organization": "Example Networks"}
HOST = {"ip": SOURCE, "found": True, "hostnames": [DOMAIN]}


def event(**cef):
    fields = {"sourceAddress": SOURCE, "sourceDnsDomain": DOMAIN, **cef}
    return Event("scan", artifacts=[Artifact(cef=fields, contains={"sourceDnsDomain": ("domain",)})])


def saying(address, domain=None):
    """What providers say about the address and the domain; a list is one verdict for each provider."""
    return {
        "ip reputation": _verdicts(address),
        "domain reputation": _verdicts(domain or address),
        "whois ip": OWNER,
        "lookup ip": HOST,
    }


def _verdicts(said):
    if not isinstance(said, list):
        return said if isinstance(said, ActionFailed) else {"verdict": said}
    return [Result("succeeded", data=[{"verdict": one}], asset=f"provider {number}") for number, one in enumerate(said)]


@pytest.mark.parametrize(
    ("address", "domain"),
    [("malicious", "malicious"), ("malicious", "benign"), ("benign", "malicious"), (["benign", "malicious"], "unknown")],
)
def test_one_malicious_verdict_is_enough_to_escalate(play_recorder, address, domain):
    run = play_recorder.run(NAME, event(), results=saying(address, domain))

    assert run.outputs["decision"] == "escalated"
    assert (run.event.severity, run.event.status, run.event.case) == ("high", "open", True)
    assert run.asked == []


def test_a_provider_that_fails_does_not_hide_what_another_knows(play_recorder):
    run = play_recorder.run(NAME, event(), results=saying("malicious", ActionFailed("down")))

    assert run.outputs["decision"] == "escalated"
    assert "down" in run.notes[0].text


def test_the_reason_for_an_escalation_names_providers_and_owner(play_recorder):
    results = saying(["benign", "malicious"])
    run = play_recorder.run(NAME, event(), results=results)

    assert run.notes[0].title == "Escalated"
    assert f"| {SOURCE} | provider 1 | malicious |" in run.notes[0].text
    assert "Example Networks" in run.notes[0].text


def test_what_all_providers_call_benign_is_dismissed(play_recorder):
    run = play_recorder.run(NAME, event(), results=saying(["benign", "benign"], "benign"))

    assert run.outputs["decision"] == "dismissed"
    assert (run.event.status, run.event.resolution) == ("closed", "false positive")
    assert [note.title for note in run.notes] == ["Closed: false positive"]
    assert run.asked == []


@pytest.mark.parametrize(
    ("address", "domain"),
    [
        pytest.param("unknown", "unknown", id="nobody knows"),
        pytest.param(["benign", "unknown"], "benign", id="providers disagree"),
        pytest.param("benign", "suspicious", id="suspicious is not malicious"),
        pytest.param(ActionFailed("down"), "benign", id="one kind of provider failed"),
        pytest.param(ActionFailed("down"), ActionFailed("down"), id="all providers failed"),
    ],
)
def test_what_is_not_clear_is_asked(play_recorder, address, domain):
    results = saying(address, domain)
    dismissed = play_recorder.run(NAME, event(), results=results, answers={QUESTION: "dismiss"})
    escalated = play_recorder.run(NAME, event(), results=results, answers={QUESTION: "escalate"})

    assert [run.outputs["decision"] for run in (dismissed, escalated)] == ["dismissed", "escalated"]
    assert [run.event.status for run in (dismissed, escalated)] == ["closed", "open"]
    assert [note.title for note in dismissed.notes] == ["Findings that need a decision", "Closed: false positive"]
    assert [note.title for note in escalated.notes] == ["Findings that need a decision", "Escalated"]
    assert "Decided by test." in escalated.notes[1].text


def test_the_question_goes_to_the_soc_and_silence_escalates(play_recorder):
    run = play_recorder.run(NAME, event(), results=saying("unknown"))
    (asked,) = run.asked

    assert (asked.question, asked.options, asked.to, asked.within_s) == (QUESTION, ["escalate", "dismiss"], "soc", 4 * 3600)
    assert asked.answer == asked.default == "escalate"
    assert run.event.severity == "high"


def test_an_event_without_indicators_is_asked_about(play_recorder):
    run = play_recorder.run(NAME, Event("scan"), results=saying("benign"), answers="dismiss")

    assert run.asked[0].question == "Escalate 'scan' from an unknown source?"
    assert run.outputs == {"decision": "dismissed", "verdicts": []}


def test_context_is_welcome_but_not_needed(play_recorder):
    results = {name: row for name, row in saying("benign").items() if name.endswith("reputation")}
    run = play_recorder.run(NAME, event(), results=results)

    assert run.outputs["decision"] == "dismissed"


def test_every_provider_is_asked_about_every_source(play_recorder):
    both = Event(
        "scan", artifacts=[Artifact(cef={"sourceAddress": SOURCE}), Artifact(cef={"sourceAddress": "198.51.100.8"})]
    )
    run = play_recorder.run(NAME, both, results=saying("benign"))
    (asked,) = [call for call in run.actions if call.action == "ip reputation"]

    assert asked.parameters == {"ip": [SOURCE, "198.51.100.8"]}
    assert asked.assets is None
    assert [address for address, _, _ in run.outputs["verdicts"]] == [SOURCE, "198.51.100.8"]


def test_the_manifest_is_what_the_code_says():
    assert_manifest_current(HERE)
