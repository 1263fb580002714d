"""Action runs of which nobody knows whether they happened: what a human is asked, and what follows from the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from repertory.runtime.records import CallOutcome, Question

if TYPE_CHECKING:
    from collections.abc import Sequence

    from repertory.runtime.records import Call

HAPPENED, NOT_HAPPENED, RUN_AGAIN = "it happened", "it did not happen", "run it again"
DOUBT_OPTIONS = (HAPPENED, NOT_HAPPENED, RUN_AGAIN)


def doubt_key(call: Call) -> str:
    """Each try that came into doubt is asked about once."""
    return f"{call.key}?doubt{call.tries}"


def doubt_about(
    call: Call, reason: str, *, key: str = "", options: Sequence[str] = DOUBT_OPTIONS,
    recipient: str = "",
) -> Question:  # fmt: skip
    """What a human is asked."""
    where = f"{call.action} {call.shown_parameters} on {call.asset}"
    return Question(
        key=key or doubt_key(call), kind="in_doubt", options=options, recipient=recipient,
        text=f"{where}: {reason}. Nobody knows whether it happened. Did it?",
    )  # fmt: skip


def outcome_by(person: str, answer: str, reason: str) -> CallOutcome | None:
    """What the answer of a human makes of it; None where it is to be run again."""
    if answer not in (HAPPENED, NOT_HAPPENED):
        return None
    status = "succeeded" if answer == HAPPENED else "failed"
    return CallOutcome(status=status, message=f"{reason}; {person} says: {answer}")
