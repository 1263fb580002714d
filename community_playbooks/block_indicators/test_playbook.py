"""Blocking wherever it is possible, and saying so."""

from __future__ import annotations

from pathlib import Path

from repertory_sdk import ActionFailed, Event
from repertory_sdk.testing import assert_manifest_current

NAME = "block_indicators"
NEW = {"blocked": True, "changed": True, "verified": True}


def test_what_was_blocked_is_listed(play_recorder):
    results = {"block domain": NEW, "block url": {**NEW, "changed": False}}
    inputs = {"domains": ["evil.example"], "urls": ["http://evil.example/x"], "reason": "Phishing."}
    run = play_recorder.run(NAME, Event("x"), inputs=inputs, results=results)

    assert run.outputs["blocked"] == [
        ["domain", "evil.example", "test", True, True],
        ["url", "http://evil.example/x", "test", False, True],
    ]
    assert run.outputs["changed"] == [["domain", "evil.example", "test", True, True]]
    assert run.notes[0].title == "Blocked"
    assert run.notes[0].text.startswith("Phishing.")


def test_what_could_not_be_blocked_is_said(play_recorder):
    results = {"block ip": ActionFailed("8.8.8.8 is protected and stays as it is; take it off")}
    run = play_recorder.run(NAME, Event("x"), inputs={"ips": ["8.8.8.8"]}, results=results)

    assert run.outputs["blocked"] == []
    assert run.outputs["failed"] == ["block ip on test: 8.8.8.8 is protected and stays as it is; take it off"]
    assert run.notes[0].title == "Nothing could be blocked"


def test_nothing_to_block_leaves_no_note(play_recorder):
    assert play_recorder.run(NAME, Event("x")).notes == []


def test_manifest():
    assert_manifest_current(Path(__file__).parent)
