"""Events and what is kept on them: artifacts, notes, attachments."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from repertory.errors import NotFound, UserError
from repertory.runtime.records import as_text
from repertory.runtime.storage.database import insert, insert_numbered
from repertory_sdk.models import EVENT_STATUSES, SEVERITIES, Artifact, Attachment, Event

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from repertory.runtime.storage.database import Database, Row, Transaction

_COLUMNS = {"case": "is_case"}
_CHANGEABLE = ("severity", "status", "owner", "labels", "tags", "case", "resolution")


@dataclass(frozen=True, kw_only=True)
class Stored:
    """An event that was added, or was there already."""

    id: int
    name: str
    is_new: bool


@dataclass(frozen=True, kw_only=True)
class Note:
    """What somebody wrote on an event; ``author`` is a run or a person."""

    id: int
    title: str
    text: str
    author: str
    run: str
    created_at: float


def add_event(transaction: Transaction, event: Event, *, raw: str = "") -> Stored:
    """Add an event with its artifacts, unless its source id is known."""
    if event.source_id:
        known = transaction.query(
            "select id, name from event where source = ? and source_id = ?", event.source, event.source_id
        )
        if known:
            return Stored(id=known[0]["id"], name=known[0]["name"], is_new=False)
    now = time.time()
    number = _insert_unless_known(
        transaction,
        "event",
        {
            "name": event.name, "description": event.description, "severity": event.severity, "status": event.status,
            "owner": event.owner, "labels": as_text(event.labels), "tags": as_text(event.tags),
            "source": event.source, "source_id": event.source_id, "happened_at": event.happened_at,
            "is_case": int(event.case), "resolution": event.resolution, "raw": raw.replace("\0", "\ufffd"),
            "created_at": now, "updated_at": now,
        },
    )  # fmt: skip
    if not number:  # another process was faster
        return add_event(transaction, event, raw=raw)
    for artifact in event.artifacts:
        add_artifact(transaction, number, artifact)
    return Stored(id=number, name=event.name, is_new=True)


def add_artifact(transaction: Transaction, event: int, artifact: Artifact) -> int:
    """Add evidence; one with a known source id is not added again. Its number."""
    if artifact.source_id:
        known = transaction.query(
            "select id from artifact where event = ? and source_id = ?", event, artifact.source_id
        )
        if known:
            return int(known[0]["id"])
    number = _insert_unless_known(
        transaction,
        "artifact",
        {
            "event": event, "name": artifact.name, "label": artifact.label, "severity": artifact.severity,
            "cef": as_text(artifact.cef), "contains": as_text(artifact.contains),
            "tags": as_text(artifact.tags), "source_id": artifact.source_id,
        },
    )  # fmt: skip
    return number or add_artifact(transaction, event, artifact)


def _insert_unless_known(transaction: Transaction, table: str, values: Mapping[str, object]) -> int:
    """The number of the row; 0 if there is one with this source id."""
    marks = ", ".join("?" * len(values))
    rows = transaction.query(
        f"insert into {table} ({', '.join(values)}) values ({marks}) on conflict do nothing returning id", *values.values()
    )
    return int(rows[0]["id"]) if rows else 0


def get_event(database: Transaction, number: int) -> Event:
    """One event with its artifacts."""
    rows = database.query("select * from event where id = ?", number)
    if not rows:
        raise NotFound("event", str(number), (), "`repertory event list` shows them")
    artifacts = database.query("select * from artifact where event = ? order by id", number)
    return replace(event_of(rows[0]), artifacts=tuple(_artifact_of(row) for row in artifacts))


def raw_of(database: Transaction, number: int) -> str:
    """The text an event came from."""
    rows = database.query("select raw from event where id = ?", number)
    return str(rows[0]["raw"]) if rows else ""


def list_events(database: Transaction, *, status: str = "", limit: int = 50) -> list[Event]:
    """The newest events first, without their artifacts."""
    if status and status not in EVENT_STATUSES:
        raise UserError(f"no event has the status {status!r}", f"use one of {', '.join(EVENT_STATUSES)}")
    condition, values = ("where status = ?", [status]) if status else ("", [])
    rows = database.query(f"select * from event {condition} order by id desc limit ?", *values, limit)
    return [event_of(row) for row in rows]


def update_event(transaction: Transaction, number: int, changes: Mapping[str, Any]) -> None:
    """Change fields of an event."""
    unknown = sorted(set(changes) - set(_CHANGEABLE))
    if unknown:
        raise UserError(f"an event's {unknown[0]} cannot be changed", f"it can be: {', '.join(_CHANGEABLE)}")
    for name, allowed in (("severity", SEVERITIES), ("status", EVENT_STATUSES)):
        if name in changes and changes[name] not in allowed:
            raise UserError(f"{changes[name]!r} is no {name}", f"use one of {', '.join(allowed)}")
    for name, value in changes.items():
        kept = int(value) if isinstance(value, bool) else as_text(value) if isinstance(value, list) else value
        transaction.query(
            f"update event set {_COLUMNS.get(name, name)} = ?, updated_at = ? where id = ?", kept, time.time(), number
        )


def event_of(row: Row) -> Event:
    """A row of ``event``."""
    return Event(
        name=row["name"], description=row["description"], severity=row["severity"], status=row["status"],
        owner=row["owner"], labels=tuple(json.loads(row["labels"])), tags=tuple(json.loads(row["tags"])),
        source=row["source"], source_id=row["source_id"], happened_at=row["happened_at"], case=bool(row["is_case"]),
        resolution=row["resolution"], id=row["id"],
    )  # fmt: skip


def _artifact_of(row: Row) -> Artifact:
    return Artifact(
        name=row["name"], cef=json.loads(row["cef"]), contains=json.loads(row["contains"]), label=row["label"],
        severity=row["severity"], tags=tuple(json.loads(row["tags"])), source_id=row["source_id"], id=row["id"],
    )  # fmt: skip


# -------------------------------------------------------------------- notes


def add_note(
    transaction: Transaction, event: int, *, title: str, text: str, author: str, run: str = "", key: str = ""
) -> int:
    """Leave a note; its number."""
    values = {
        "event": event, "run": run, "call_key": key, "title": title, "body": text, "author": author,
        "created_at": time.time(),
    }  # fmt: skip
    return insert_numbered(transaction, "note", values)


def notes_of(database: Transaction, *, event: int | None = None, run: str = "") -> list[Note]:
    """The notes of an event, or those that a run left."""
    column, value = ("run", run) if run else ("event", event)
    rows = database.query(f"select * from note where {column} = ? order by id", value)
    return [
        Note(
            id=row["id"], title=row["title"], text=row["body"], author=row["author"], run=row["run"] or "",
            created_at=row["created_at"],
        )
        for row in rows
    ]  # fmt: skip


# -------------------------------------------------------------- attachments


def keep_attachment(transaction: Transaction, event: int, kept: Attachment, *, run: str = "", key: str = "") -> None:
    """Note that a file belongs to an event; its bytes are in the home folder."""
    known = transaction.query(
        "select id from attachment where event = ? and sha256 = ? and name = ?", event, kept.sha256, kept.name
    )
    if not known:
        values = {
            "event": event, "run": run, "call_key": key, "name": kept.name, "sha256": kept.sha256, "size": kept.size,
            "media_type": kept.media_type, "created_at": time.time(),
        }  # fmt: skip
        insert(transaction, "attachment", values)


def attachments_of(database: Transaction, event: int) -> Sequence[Attachment]:
    """The files of an event."""
    rows = database.query("select * from attachment where event = ? order by id", event)
    return [
        Attachment(name=row["name"], sha256=row["sha256"], size=row["size"], media_type=row["media_type"])
        for row in rows
    ]


def add_events(database: Database, events: Sequence[tuple[Event, str]]) -> list[Stored]:
    """Add events with their raw texts, all or none."""
    with database.transaction() as transaction:
        return [add_event(transaction, event, raw=raw) for event, raw in events]
