"""Forget old runs, and keep what the others need: how long the record is kept is the user's decision."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from repertory.runtime.simulation.scenario import SIMULATED

if TYPE_CHECKING:
    from repertory.runtime.storage.database import Database, Transaction

_PARTS = ("action_run", "contact", "record", "prompt", "output", "attempt")


def prune_runs(database: Database, *, older_than_s: float) -> int:
    """Delete runs that ended before, with all their parts, unless a run that started them is kept; how many.

    Simulated ones take the copies with them that they worked on.
    """
    before = time.time() - older_than_s
    with database.transaction() as transaction:
        rows = transaction.query(
            """select id, event, simulation from run where ended_at < ? and not exists (
                   select 1 from run parent where parent.id = run.parent
                   and (parent.ended_at is null or parent.ended_at >= ?)) for update""",
            before, before,
        )  # fmt: skip
        for row in rows:
            for table in _PARTS:
                transaction.query(f"delete from {table} where run = ?", row["id"])
            transaction.query("delete from run where id = ?", row["id"])
        for row in rows:
            if row["simulation"]:
                _forget_copies(transaction, row["id"], row["event"])
    return len(rows)


def _forget_copies(transaction: Transaction, run: str, event: int | None) -> None:
    """Of lists and of the event, unless another run is about it."""
    transaction.query("delete from list_row where list like ?", f"% (simulated {run})")
    is_copy = "tags like ? and not exists (select 1 from run where run.event = event.id)"
    if transaction.query(f"select id from event where id = ? and {is_copy}", event, f'%"{SIMULATED}"%'):
        for table in ("artifact", "note", "attachment"):
            transaction.query(f"delete from {table} where event = ?", event)
        transaction.query("delete from event where id = ?", event)


def needed_contents(database: Database) -> set[str]:
    """Content hashes of all that unfinished runs began with: their playbooks, and the apps of their action runs."""
    unfinished = "ended_at is null"
    rows = database.query(f"select content_hash as hash from run where {unfinished}")
    rows += database.query(
        f"select distinct app_hash as hash from action_run where run in (select id from run where {unfinished})"
    )
    return {row["hash"] for row in rows} - {""}
