"""The event of a simulated run: a copy, so that nothing such a run does is done to the event itself."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from repertory.runtime.kept import events, runs
from repertory.runtime.simulation.scenario import SIMULATED

if TYPE_CHECKING:
    from repertory.runtime.records import Run
    from repertory.runtime.storage.database import Transaction
    from repertory_sdk.models import Event


def copy_event(transaction: Transaction, event: Event) -> Event:
    """Add a copy tagged ``simulated``; the event as the playbook is to see it: as it is, with the numbers of the copy."""
    tags = (*_plain_tags(event), SIMULATED)
    # The identity in the product it came from stays with the original, or a poll would take the copy for it.
    stored = events.add_event(transaction, replace(event, source_id="", tags=tags))
    if event.id:
        for kept in events.attachments_of(transaction, event.id):
            events.keep_attachment(transaction, stored.id, kept)
    copy = events.get_event(transaction, stored.id)
    return replace(copy, source_id=event.source_id, tags=_plain_tags(event))


def event_for_child(transaction: Transaction, parent: Run, number: int) -> Event:
    """A child run works on its parent's copy; of any other event it gets one of its own."""
    event = events.get_event(transaction, number)
    if number != parent.event:
        return copy_event(transaction, event)
    snapshot = runs.snapshot_of(transaction, parent.id) or {}
    return replace(event, source_id=snapshot.get("source_id", ""), tags=_plain_tags(event))


def _plain_tags(event: Event) -> tuple[str, ...]:
    return tuple(tag for tag in event.tags if tag != SIMULATED)
