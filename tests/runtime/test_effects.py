"""What a playbook leaves behind, exactly once, however often it is replayed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from repertory.runtime.kept import effects, events, runs
from repertory_sdk.models import Event

if TYPE_CHECKING:
    from runtime_lab import Lab

EVERYTHING = """
play.log("begin")
numbers = [play.random(), play.uuid(), int(play.now().timestamp())]
play.note("First", "text")
other = play.add_artifact(name="found", cef={"fileHash": "abc"}, contains={"fileHash": ["hash"]})
kept = play.attach("report.txt", b"content", media_type="text/plain")
names = play.list("seen")
names.add("a", "1")
names.add("b", "2")
removed = names.remove("a")
play.update(severity="low", tags=["t"], owner="ann")
try:
    play.update(severity="silly")
except PlaybookError as error:
    refused = str(error)
parallel = play.parallel(lambda: play.random(), lambda: play.uuid())
play.sleep(0.001)
answer = play.ask("Go on?")
numbers += parallel
play.close(reason="false positive", note="nothing to see")
same = play.read(kept).decode()
return {"numbers": numbers, "removed": removed, "refused": refused, "same": same, "rows": names.rows(),
        "files": [one.name for one in play.attachments()], "has": "b" in names, "status": play.event.status,
        "artifacts": [one.name for one in play.event.artifacts]}
"""


def test_everything_happens_exactly_once_under_replay(either_lab: Lab) -> None:
    lab = either_lab
    run = lab.run(EVERYTHING)
    assert run.state == "waiting"
    first = [dict(row) for row in lab.database.query("select * from record where run = ? order by call_key", run.id)]
    for _ in range(2):  # replays that find no answer wait again
        lab.database.query("update run set woken = 1 where id = ?", run.id)
        run = lab.attempt(run.id)
        assert run.state == "waiting"
    assert first == [dict(row) for row in lab.database.query("select * from record where run = ? order by call_key", run.id)]
    lab.answer("yes")
    run = lab.attempt(run.id)
    assert run.message == ""
    assert [note.title for note in events.notes_of(lab.database, run=run.id)] == ["First", "Closed: false positive"]
    event = events.get_event(lab.database, run.event or 0)
    assert (event.severity, event.owner, event.tags, event.status) == ("low", "ann", ("t",), "closed")
    assert event.resolution == "false positive"
    assert [artifact.name for artifact in event.artifacts] == ["alert", "found"]
    assert len(events.attachments_of(lab.database, event.id)) == 1
    assert effects.list_rows(lab.database, "seen") == [["b", "2"]]
    assert [line.text for line in runs.log_of(lab.database, run.id)] == ["begin"]
    outputs = dict(run.outputs)
    values = [(row["what"], json.loads(row["value"])) for row in first]
    drawn = [int(value) if what == "now" else value for what, value in values if what in ("random", "uuid", "now")]
    assert sorted(map(str, outputs.pop("numbers"))) == sorted(map(str, drawn))
    assert "'silly' is no severity" in outputs.pop("refused")
    assert outputs == {
        "removed": 1, "same": "content", "rows": [["b", "2"]], "files": ["report.txt"], "has": True, "status": "closed",
        "artifacts": ["alert", "found"],
    }  # fmt: skip


def test_a_refusal_is_remembered_too(lab: Lab) -> None:
    """The second attempt would succeed where the first was refused: the playbook must not see that."""
    run = lab.run(
        """
        try:
            play.note("Too early", event=Event("other", id=7))
            said = "noted"
        except PlaybookError as error:
            said = str(error)
        play.ask("Go on?")
        return {"said": said}
        """
    )
    with lab.database.transaction() as transaction:
        while events.add_event(transaction, Event("later")).id < 7:
            pass
    lab.answer("yes")
    assert "no event" in lab.attempt(run.id).outputs["said"]
    assert events.notes_of(lab.database, event=7) == []


def test_escalating_leaves_a_note_makes_a_case_and_notifies(lab: Lab) -> None:
    lab.add_lab(
        """
        @app.action("send message", type="generic")
        def send_message(lab: Lab, message: str, to: str = "") -> None:
            note(lab, f"message to {to}: {message}")
        """
    )
    run = lab.run("play.escalate(severity='critical', because='bad', to='soc')")
    event = events.get_event(lab.database, run.event or 0)
    assert (event.severity, event.status, event.case) == ("critical", "open", True)
    assert [(note.title, note.text) for note in events.notes_of(lab.database, event=event.id)] == [("Escalated", "bad")]
    assert lab.happened() == ["message to soc: scan: escalated, severity critical"]


def test_notifying_without_anybody_to_notify_is_nothing(lab: Lab) -> None:
    run = lab.run("return {'count': len(play.notify('hello'))}")
    assert (run.state, run.outputs) == ("succeeded", {"count": 0})


def test_a_long_sleep_parks_the_run_and_a_short_one_does_not(lab: Lab) -> None:
    run = lab.run("play.sleep('2h')\nreturn {'awake': True}")
    assert run.state == "waiting"
    assert runs.wake_due_runs(lab.database) == []
    lab.database.query("update run set wake_at = 1")
    early = lab.attempt(run.id)  # woken, but the time has not come
    assert early.state == "waiting"
    lab.database.query("update record set due_at = 1")
    lab.database.query("update run set wake_at = 1")
    assert lab.attempt(run.id).outputs == {"awake": True}
    short = lab.run("play.sleep(0.05)\nreturn {'awake': True}")
    assert len(runs.attempts_of(lab.database, short.id)) == 1


def test_output_of_the_playbook_is_kept(lab: Lab) -> None:
    run = lab.run("import sys\nprint('to stdout')\nprint('to stderr', file=sys.stderr)")
    (part,) = runs.output_of(lab.database, run.id)
    assert part.source == "playbook"
    assert sorted(part.text.splitlines()) == ["to stderr", "to stdout"]
    lab.limit(output_bytes=1000)
    lab.template = None
    loud = lab.run("print('x' * 5000)")
    (part,) = runs.output_of(lab.database, loud.id)
    assert part.text == "x" * 1000 + "\n[4001 more bytes were dropped]"
