"""How a prompt is kept, and how it gets its one answer: from a human in time, from its deadline, or from the run's end."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from repertory.runtime.records import as_text

if TYPE_CHECKING:
    from repertory.runtime.records import Prompt, Question
    from repertory.runtime.storage.database import Row, Transaction

# Who answered a prompt that nobody can answer any more.
RUN_ENDED = "the run ended"
AT_START = "given when the run was started"


def prompt_values(run: str, question: Question, *, given: str | None = None, by: str = AT_START) -> dict[str, object]:
    """The columns of a new prompt; ``given`` answers it at once, in the name of ``by``."""
    now = time.time()
    return {
        "run": run, "call_key": question.key, "kind": question.kind, "question": question.text,
        "options": as_text(question.options), "recipient": question.recipient, "default_answer": question.default,
        "deadline_at": None if question.within_s is None else now + question.within_s,
        "answer": given, "answered_by": "" if given is None else by,
        "answered_at": None if given is None else now, "timed_out": 0, "created_at": now,
    }  # fmt: skip


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


def close_prompt(transaction: Transaction, prompt: Prompt) -> None:
    """The run has ended: nobody reads an answer any more."""
    transaction.query(
        "update prompt set answer = '', answered_by = ?, answered_at = ? where id = ? and answer is null",
        RUN_ENDED, time.time(), prompt.id,
    )  # fmt: skip
