"""How a prompt gets its one answer: from a human in time, or from its deadline."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from repertory.runtime.storage.database import Row, Transaction


def take_answer(transaction: Transaction, number: int, answer: str, *, by: str) -> list[Row]:
    """The prompt with its answer; nothing if it has one already, or if its deadline has passed."""
    now = time.time()
    return transaction.query(
        """update prompt set answer = ?, answered_by = ?, answered_at = ?
           where id = ? and answer is null and (deadline_at is null or deadline_at > ?) returning *""",
        answer, by, now, number, now,
    )  # fmt: skip


def take_defaults(transaction: Transaction, run: str) -> list[Row]:
    """A deadline that has passed answers with the default."""
    now = time.time()
    return transaction.query(
        """update prompt set answer = default_answer, answered_at = ?, timed_out = 1, answered_by = 'deadline'
           where run = ? and answer is null and deadline_at <= ? returning *""",
        now, run, now,
    )  # fmt: skip
