"""Telling people."""

from __future__ import annotations

from pathlib import Path

from repertory_sdk import ActionFailed, Event
from repertory_sdk.testing import assert_manifest_current

NAME = "notify"
TICKET = {"ticket": "INC0010042", "url": "https://tickets.example/INC0010042", "status": "new", "created": True}


def test_a_message_names_the_ticket(play_recorder):
    results = {"create ticket": TICKET, "send message": {"sent": True}}
    inputs = {"message": "blocked", "details": "all of it", "to": "soc", "ticket": True}
    run = play_recorder.run(NAME, Event("x"), inputs=inputs, results=results)

    opened, sent = run.actions
    assert opened.parameters == {"summary": "blocked", "description": "all of it"}
    assert sent.parameters == {"message": "blocked (INC0010042: https://tickets.example/INC0010042)", "to": "soc"}
    assert run.outputs["told"] == 1


def test_no_ticket_unless_asked_for(play_recorder):
    run = play_recorder.run(NAME, Event("x"), inputs={"message": "hello"}, results={"send message": {"sent": True}})

    assert [call.action for call in run.actions] == ["send message"]


def test_what_fails_is_noted_and_nothing_else_stops(play_recorder):
    results = {"create ticket": ActionFailed("down"), "send message": {"sent": True}}
    run = play_recorder.run(NAME, Event("x"), inputs={"message": "hello", "ticket": True}, results=results)

    assert run.error is None
    assert run.outputs == {"tickets": [], "told": 1, "failed": ["down"]}
    assert "down" in run.notes[0].text


def test_manifest():
    assert_manifest_current(Path(__file__).parent)
