"""The end of a run: nothing of it stays open, but what a human can still say about actions in doubt."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from repertory.runtime.kept.doubts import HAPPENED, NOT_HAPPENED, doubt_about, doubt_key, outcome_by
from repertory.runtime.kept.prompts import close_prompt, prompt_values
from repertory.runtime.records import as_text
from repertory.runtime.storage.database import insert
from repertory.runtime.storage.rows import call_of, prompt_of

if TYPE_CHECKING:
    from repertory.runtime.records import Call, Prompt
    from repertory.runtime.storage.database import Transaction

UNKNOWN = "the run ended before its outcome was known"
_CHOICES = (HAPPENED, NOT_HAPPENED)  # nothing of an ended run is run again
_WITHOUT_EFFECT = ("investigate", "ingest", "test")


def close_open_parts(transaction: Transaction, run: str) -> None:
    """What was planned is cancelled, what was begun is in doubt; of the prompts, those about doubts stay open."""
    now = time.time()
    transaction.query(
        """update action_run set state = 'cancelled', message = 'the run ended first', ended_at = ?
           where run = ? and settled is null and state = 'planned'""",
        now, run,
    )  # fmt: skip
    transaction.query(
        """update action_run set state = 'in_doubt', message = ?, ended_at = ?
           where run = ? and settled is null and state = 'running'""",
        UNKNOWN, now, run,
    )  # fmt: skip
    prompts = [prompt_of(row) for row in transaction.query("select * from prompt where run = ?", run)]
    about = {prompt.key: prompt for prompt in prompts if prompt.kind == "in_doubt"}
    for call in _in_doubt(transaction, run):
        _leave_to_humans(transaction, run, call, about.pop(doubt_key(call), None))
    for prompt in prompts:
        if prompt.answer is None and (prompt.kind != "in_doubt" or prompt.key in about):
            close_prompt(transaction, prompt)


def _in_doubt(transaction: Transaction, run: str) -> list[Call]:
    rows = transaction.query(
        """select * from action_run where run = ? and settled is null and state = 'in_doubt'
           order by created_at, position""",
        run,
    )  # fmt: skip
    return [call_of(row) for row in rows]


def _leave_to_humans(transaction: Transaction, run: str, call: Call, asked: Prompt | None) -> None:
    if asked is not None and asked.answer is None:
        transaction.query("update prompt set options = ? where id = ?", as_text(_CHOICES), asked.id)
    elif asked is not None and asked.answer in _CHOICES:  # the answer came, and no attempt read it
        _settle(transaction, run, call, asked)
    elif call.type not in _WITHOUT_EFFECT:
        question = doubt_about(call, call.message, key=f"{call.key}?ended", options=_CHOICES)
        insert(transaction, "prompt", prompt_values(run, question))


def settle_doubt(transaction: Transaction, prompt: Prompt) -> None:
    """What a human says about an action of a run that has ended is the last word of its record."""
    for call in _in_doubt(transaction, prompt.run):
        if call.key == prompt.key.partition("?")[0]:
            _settle(transaction, prompt.run, call, prompt)


def _settle(transaction: Transaction, run: str, call: Call, prompt: Prompt) -> None:
    outcome = outcome_by(prompt.answered_by, prompt.answer or "", call.message)
    if outcome is not None:
        transaction.query(
            """update action_run set state = ?, message = ?, ended_at = ?
               where run = ? and call_key = ? and settled is null and state = 'in_doubt'""",
            outcome.status, outcome.message, time.time(), run, call.key,
        )  # fmt: skip
