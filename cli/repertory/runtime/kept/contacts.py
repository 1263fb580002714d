"""Whom action runs reached, or tried to."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from repertory.runtime.sandbox.confinement import Contact
from repertory.runtime.storage.database import insert

if TYPE_CHECKING:
    from collections.abc import Sequence

    from repertory.runtime.storage.database import Database, Row


@dataclass(frozen=True, kw_only=True)
class KeptContact:
    """A contact with the action run that made it, and when (seconds since the epoch)."""

    run: str
    key: str
    app: str
    asset: str
    action: str
    contact: Contact
    noted_at: float


def keep_contacts(database: Database, run: str, key: str, contacts: Sequence[Contact]) -> None:
    """Note them; it is evidence, and so also of a run that another process has taken over."""
    if not contacts:
        return
    now = time.time()
    with database.transaction() as transaction:
        for contact in contacts:
            insert(transaction, "contact", {"run": run, "call_key": key, **contact.__dict__, "noted_at": now})


def contacts_of(database: Database, run: str) -> list[KeptContact]:
    """Those of one run, in order."""
    return [_kept(row) for row in database.query(f"{_SELECT} where contact.run = ? order by contact.id", run)]


def denied_contacts(database: Database, *, most: int) -> list[KeptContact]:
    """The newest that were refused, the newest first."""
    rows = database.query(f"{_SELECT} where contact.verdict = 'denied' order by contact.noted_at desc limit ?", most)
    return [_kept(row) for row in rows]


_SELECT = """
    select contact.*, action_run.app, action_run.asset, action_run.action
    from contact join action_run on action_run.run = contact.run and action_run.call_key = contact.call_key
"""


def _kept(row: Row) -> KeptContact:
    return KeptContact(
        run=row["run"], key=row["call_key"], app=row["app"], asset=row["asset"], action=row["action"], noted_at=row["noted_at"],
        contact=Contact(
            host=row["host"], port=row["port"], verdict=row["verdict"], reason=row["reason"], sent=row["sent"],
            received=row["received"],
        ),
    )  # fmt: skip
