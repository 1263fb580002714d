"""Notes for a terminal: Markdown stays as it was written, but its tables are aligned."""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING

from repertory.commands._output import fold, pad, wide

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_CELL = re.compile(r"((?:\\.|[^\\|])*)\|")
_ESCAPED_BAR = re.compile(r"(\\*)\\\|")
_RULE = re.compile(r"\|[\s:|-]*-[\s:|-]*")
_GAP = "  "


def readable(text: str, width: int) -> list[str]:
    """Lines that fit ``width`` columns. A table that does not fit becomes one ``name: value`` a line."""
    lines: list[str] = []
    for part, is_table in _parts(text.strip()):
        lines += _table(part, width) if is_table else [one for line in part for one in _wrapped(line, width)]
    return lines


def _parts(text: str) -> Iterator[tuple[list[str], bool]]:
    """Runs of lines, and whether each is a table: a line of names, a rule, rows."""
    lines = [line.rstrip() for line in text.split("\n")]
    start = 0
    while start < len(lines):
        end = start
        if lines[start].startswith("|") and start + 1 < len(lines) and _RULE.fullmatch(lines[start + 1]):
            while end < len(lines) and lines[end].startswith("|"):
                end += 1
            yield lines[start:end], True
        else:
            end = start + 1
            yield lines[start:end], False
        start = end


def _wrapped(line: str, width: int) -> list[str]:
    return textwrap.wrap(line, max(width, 20), subsequent_indent=" " * (len(line) - len(line.lstrip()))) or [""]


def _table(lines: Sequence[str], width: int) -> list[str]:
    names, _, *rows = [_cells(line) for line in lines]
    rows = [(row + [""] * len(names))[: len(names)] for row in rows]
    widths = [max(wide(row[index]) for row in [names, *rows]) for index in range(len(names))]
    if sum(widths) + len(_GAP) * (len(widths) - 1) > width:
        return _records(names, rows, width)
    rule = ["─" * one for one in widths]
    return [_GAP.join(map(pad, row, widths)).rstrip() for row in [names, rule, *rows]]


def _records(names: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> list[str]:
    label = max(map(wide, names), default=0)
    lines: list[str] = []
    for index, row in enumerate(rows):
        lines += [""] if index else []
        for name, value in zip(names, row, strict=True):
            if value:
                first, *others = fold(value, max(width - label - len(_GAP), 12))
                lines += [f"{pad(name, label)}{_GAP}{first}", *(f"{pad('', label)}{_GAP}{line}" for line in others)]
    return lines


def _cells(line: str) -> list[str]:
    whole = line[1:] if line.endswith("|") else f"{line[1:]}|"
    return [
        _ESCAPED_BAR.sub(lambda bar: bar[1][: len(bar[1]) // 2] + "|", cell.strip()) for cell in _CELL.findall(whole)
    ]
