"""What connectors see of an event, and what they save besides their results: events, evidence, notes.

Their interface lets any action save something. What they say is a stranger's word like a result: it is read as one, and secrets
in it are hidden before it is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from repertory.runtime.execution.classic_beside import BESIDE, Beside, Saver
from repertory.runtime.kept import events
from repertory_sdk.convert import from_json
from repertory_sdk.models import Artifact, Event

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from repertory.runtime.redaction import Redaction
    from repertory.runtime.storage.database import Database, Transaction
    from repertory_sdk.protocol import Message

_TOLD = ("id", "name", "severity", "status", "description", "source_id", "happened_at")


@dataclass(frozen=True, kw_only=True)
class Kept:
    """Events that were saved, new ones and known ones, and sentences on what could not be kept."""

    events: Sequence[events.Stored] = ()
    lost: Sequence[str] = ()


def event_for(database: Database, number: int) -> dict[str, Any]:
    """The event that an action is about, with its files by their hashes."""
    event = events.get_event(database, number)
    files = [{"name": one.name, "sha256": one.sha256, "size": one.size} for one in events.attachments_of(database, number)]
    label = event.labels[0] if event.labels else "events"
    (row,) = database.query("select created_at from event where id = ?", number)
    told = {"label": label, "tags": list(event.tags), "created_at": row["created_at"], "attachments": files}
    return {**{name: getattr(event, name) for name in _TOLD}, **told}


def keep_found(
    database: Database, saver: Saver, event: int | None, message: Message, redaction: Redaction, *, polled: bool = False
) -> Kept:
    """Keep what an app saved, and say what cannot be kept; raises ConversionError, TypeError and ValueError for nonsense.

    Of an action that ``polled``, events are kept by others already.
    """
    found = [] if polled else _read(message, "events", Event, redaction)
    artifacts = _read(message, "artifacts", Artifact, redaction) if event is not None else []
    beside = Beside(saver=saver, message=redaction.value({name: message.get(name) for name in BESIDE}))
    if not found and not artifacts and not beside.is_something:
        return Kept()
    with database.transaction() as transaction:
        stored = [keep_event(transaction, one) for one in found]
        for artifact in artifacts:
            events.add_artifact(transaction, event or 0, artifact)
        return Kept(events=stored, lost=beside.keep(transaction, event))


def keep_event(transaction: Transaction, event: Event) -> events.Stored:
    """Add an event; of one that is known, the evidence that is new."""
    stored = events.add_event(transaction, event)
    if not stored.is_new:
        for artifact in event.artifacts:
            if artifact.source_id:
                events.add_artifact(transaction, stored.id, artifact)
    return stored


def _read(message: Mapping[str, Any], name: str, kind: type, redaction: Redaction) -> list[Any]:
    """Records of one kind; the number of the event is told once."""
    listed = redaction.value(list(message.get(name) or ()))
    plain = [{key: value for key, value in one.items() if key != "event"} for one in listed]
    return [from_json(kind, one, f"{name}[{index}]") for index, one in enumerate(plain)]
