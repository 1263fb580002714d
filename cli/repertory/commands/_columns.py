"""The columns of a run's tree: action, parameter, asset, result, duration. One computation for the whole tree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from repertory.commands._output import cut, duration, fold, pad, printable, wide
from repertory.commands._runview import shown_parameters, shown_result, took

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from repertory.commands._runview import RunRecord
    from repertory.runtime.kept.runs import Step

GUIDE = 4  # what a level of the tree takes before its text
_GAP = 2
_MOST = (28, 36, 24)  # columns for action, parameter, asset at most
_LEAST = (10, 12, 8)
_LEAST_RESULT = 24
_DURATION = 7
_RESULT_LINES = 3


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Widths. In a terminal that is too narrow for columns, each action takes two lines (``stacked``)."""

    action: int
    parameter: int
    asset: int
    result: int
    stacked: bool

    @property
    def total(self) -> int:
        """Columns from the tree's first character to its last."""
        if self.stacked:
            return self.result
        return GUIDE + self.action + self.parameter + self.asset + self.result + _DURATION + 4 * _GAP


@dataclass(frozen=True, kw_only=True)
class ShownLine:
    """A line of an action: what was asked, what came back, how long it took; already as wide as the columns."""

    action: str
    asked: str
    result: str
    duration: str


def columns_for(record: RunRecord, width: int) -> Columns:
    """As wide as what is to be shown, and fitting into ``width``."""
    cells = list(_cells(record, 0))
    wanted = [
        max((wide(row[index]) for row in cells), default=0) for index in range(4)
    ]
    kept = [min(want, most) for want, most in zip(wanted, _MOST, strict=False)]
    room = width - GUIDE - _DURATION - 4 * _GAP
    while room - sum(kept) < min(_LEAST_RESULT, wanted[3]):
        widest = max(range(3), key=lambda index: kept[index] - _LEAST[index])
        if kept[widest] <= _LEAST[widest]:
            return Columns(action=0, parameter=0, asset=0, result=width, stacked=True)
        kept[widest] -= 1
    result = max(min(wanted[3], room - sum(kept)), 1)
    return Columns(action=kept[0], parameter=kept[1], asset=kept[2], result=result, stacked=False)


def _cells(record: RunRecord, depth: int) -> Iterable[tuple[str, str, str, str]]:
    for step in record.steps:
        call = step.call
        yield " " * GUIDE * depth + call.action, shown_parameters(step), call.asset, printable(shown_result(step))
    for child in record.children:
        yield from _cells(child, depth + 1)


def lines_of(step: Step, columns: Columns, depth: int, *, action: bool, parameters: bool) -> Sequence[ShownLine]:
    """The lines of one action run. Its name and parameters are left out where the line above says them already."""
    seconds = duration(took(step))
    result = printable(shown_result(step))
    if columns.stacked:
        return _stacked(step, columns.result - GUIDE * (depth + 1), result, seconds)
    results = _few(fold(result, columns.result))
    name = max(columns.action - GUIDE * depth, 1)
    first = ShownLine(
        action=pad(cut(step.call.action if action else "", name), name + _GAP),
        asked=pad(cut(printable(shown_parameters(step)) if parameters else "", columns.parameter), columns.parameter + _GAP)
        + pad(cut(step.call.asset, columns.asset), columns.asset + _GAP),
        result=pad(results[0], columns.result),
        duration=" " * _GAP + seconds.rjust(_DURATION) if seconds else "",
    )
    blank = " " * (wide(first.action) + wide(first.asked))
    return [first, *(ShownLine(action="", asked=blank, result=line, duration="") for line in results[1:])]


def _stacked(step: Step, width: int, result: str, seconds: str) -> Sequence[ShownLine]:
    asked = "  ".join(filter(None, (printable(shown_parameters(step)), step.call.asset)))
    room = max(width - 2, 8)
    lines = _few(fold(f"{result}  {seconds}".rstrip(), room))
    head = cut(step.call.action, width)
    left = width - wide(head) - 2
    return [
        ShownLine(action=head, asked=f"  {cut(asked, left)}" if left > 0 else "", result="", duration=""),
        *(ShownLine(action="", asked="  ", result=line, duration="") for line in lines),
    ]


def _few(lines: list[str]) -> list[str]:
    if len(lines) <= _RESULT_LINES:
        return lines
    return [*lines[: _RESULT_LINES - 1], f"{lines[_RESULT_LINES - 1][:-1]}…"]
