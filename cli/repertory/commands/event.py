"""``repertory event``: what happened."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from repertory.commands._markdown import readable
from repertory.commands._output import JSON, command_group, emit, line_width, moment, say, table, timestamp
from repertory.commands._session import session
from repertory.errors import UsageError, counted
from repertory.runtime.ingest import read_events
from repertory.runtime.kept import events, runs
from repertory.settings import user_name
from repertory_sdk.convert import to_json
from repertory_sdk.models import EVENT_STATUSES

if TYPE_CHECKING:
    from repertory_sdk.models import Event

app = command_group("Add, list, show and close events.")

Number = Annotated[int, typer.Argument(help="The event's number.")]


@app.command("add")
def add(
    files: Annotated[list[Path], typer.Argument(help="Files; their format is recognised.")],
    json: bool = JSON,
) -> None:
    """Add events from files.

    They hold Repertory's own JSON, Suricata EVE, CEF, or JSON lines of these. All events of all files are added, or none. An
    event whose source id is known is not added again.

    Examples:

      repertory event add alert.json

      repertory event add /var/log/suricata/eve.json --json
    """
    read = [found for file in files for found in read_events(file)]
    with session() as opened:
        stored = events.add_events(opened.database, [(found.event, found.raw) for found in read])
    if json:
        emit({"events": [{"id": one.id, "name": one.name, "new": one.is_new} for one in stored]})
        return
    for one in stored:
        say(f"event {one.id}: {one.name}" + ("" if one.is_new else "  (known already)"))


@app.command("list")
def list_(
    status: Annotated[str, typer.Option("--status", help=f"One of {', '.join(EVENT_STATUSES)}.")] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many.")] = 50,
    json: bool = JSON,
) -> None:
    """List the newest events.

    Example:

      repertory event list --status new
    """
    if status and status not in EVENT_STATUSES:
        raise UsageError(f"no event has the status {status!r}", f"use one of {', '.join(EVENT_STATUSES)}")
    with session() as opened:
        found = events.list_events(opened.database, status=status, limit=limit)
    if json:
        emit({"events": [_as_json(event) for event in found]})
    else:
        table(
            ["event", "status", "severity", "labels", "happened", "name"],
            [
                [one.id, _status(one), one.severity, one.labels, moment(one.happened_at), one.name]
                for one in found
            ],
            empty="no event yet: repertory event add FILE",
        )  # fmt: skip


def _status(event: Event) -> str:
    return f"{event.status} (case)" if event.case else event.status


def _as_json(event: Event) -> dict[str, Any]:
    return {**to_json(event), "happened_at": timestamp(event.happened_at)}


@app.command("show")
def show(number: Number, json: bool = JSON) -> None:
    """Show an event with its artifacts, notes, files and runs.

    Example:

      repertory event show 12
    """
    with session() as opened:
        event = events.get_event(opened.database, number)
        notes = events.notes_of(opened.database, event=number)
        files = events.attachments_of(opened.database, number)
        found = runs.list_runs(opened.database, event=number)
        raw = events.raw_of(opened.database, number)
    if json:
        emit({
            **_as_json(event), "raw": raw, "notes": [{**to_json(one), "created_at": timestamp(one.created_at)} for one in notes],
            "attachments": to_json(files),
            "runs": [{"run": run.id, "playbook": run.playbook, "status": run.state} for run in found],
        })  # fmt: skip
        return
    say(f"event {event.id}: {event.name}")
    say(f"  {_status(event)}, severity {event.severity}" + (f", {event.resolution}" if event.resolution else ""))
    say(f"  from {event.source}, {moment(event.happened_at) or 'time unknown'}, labels {', '.join(event.labels) or 'none'}")
    for artifact in event.artifacts:
        say(f"\nartifact {artifact.id}: {artifact.name or artifact.label}")
        for name, value in artifact.cef.items():
            kinds = artifact.contains.get(name)
            say(f"  {name} = {value}" + (f"  ({', '.join(kinds)})" if kinds else ""))
    for one in notes:
        say(f"\nnote by {one.author}, {moment(one.created_at)}: {one.title}")
        if one.text.strip():
            say("\n".join(readable(one.text, line_width())))
    for file in files:
        say(f"\nfile {file.name}, {counted(file.size, 'byte')}, {file.media_type}, sha256 {file.sha256}")
    for run in found:
        say(f"\nrun {run.id}: {run.playbook or run.inputs.get('action')}: {run.state}")


@app.command("close")
def close(
    number: Number,
    reason: Annotated[str, typer.Option("--reason", help="Why, for example: false positive.")] = "closed by hand",
    json: bool = JSON,
) -> None:
    """Close an event.

    Example:

      repertory event close 12 --reason "false positive"
    """
    with session() as opened, opened.database.transaction() as transaction:
        events.get_event(transaction, number)
        events.update_event(transaction, number, {"status": "closed", "resolution": reason})
        events.add_note(transaction, number, title=f"Closed: {reason}", text="", author=user_name())
    emit({"event": number, "status": "closed"}) if json else say(f"event {number} is closed: {reason}")
