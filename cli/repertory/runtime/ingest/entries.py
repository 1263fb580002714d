"""What passes between the steps of reading a file: pieces of text, what they became, what is wrong with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from repertory.errors import UserError, counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from repertory_sdk.models import Event


@dataclass(frozen=True, kw_only=True)
class Ingested:
    """One event as it came: ``raw`` is the text it was made from, ``line`` where that starts, counted from 1."""

    event: Event
    raw: str
    line: int


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One JSON value of a file, with its exact text."""

    value: Any
    raw: str
    line: int


class Unfit(Exception):
    """One piece of a file cannot be an event: ``problem`` says why, ``hint`` what helps."""

    def __init__(self, problem: str, hint: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.hint = hint


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something wrong with one line."""

    line: int
    problem: str
    hint: str = ""


def at_line(line: int, unfit: Unfit) -> Finding:
    """The same complaint, with its place."""
    return Finding(line=line, problem=unfit.problem, hint=unfit.hint)


def refusal(origin: str, findings: list[Finding]) -> UserError:
    """One error for everything that is wrong with a file: the first place in full, the others counted."""
    first, *others = sorted(findings, key=lambda finding: finding.line)
    more = f" ({counted(len(others), 'more such place')} after it)" if others else ""
    return UserError(f"{origin}, line {first.line}: {first.problem}{more}", first.hint)


def numbered_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines that are not blank, with their numbers; only line feeds (or CR LF) end a line."""
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, line.removesuffix("\r")
