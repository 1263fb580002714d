"""Tables for notes: Markdown from rows, records or results."""

from __future__ import annotations

import re
from typing import Any, Iterable, List, Mapping, Sequence

from repertory_sdk.models import Result

_BAR = re.compile(r"(\\*)\|")


def markdown_table(rows: Iterable[Any], columns: Sequence[str] = ()) -> str:
    """A Markdown table (GitHub flavour) of tuples, mappings or results; empty text for no rows.

    >>> print(markdown_table([("192.0.2.1", "benign")], ["address", "verdict"]))
    | address | verdict |
    | --- | --- |
    | 192.0.2.1 | benign |
    """
    mappings = [entry for row in rows for entry in _entries(row, columns)]
    if not mappings:
        return ""
    names = list(columns) or list(dict.fromkeys(name for entry in mappings for name in entry))
    lines = dict.fromkeys(_line([entry.get(name) for name in names]) for entry in mappings)
    return "\n".join([_line(names), _line(["---"] * len(names)), *lines])


def _entries(row: Any, columns: Sequence[str]) -> List[Mapping[str, Any]]:
    if isinstance(row, Result):
        return _result_entries(row)
    if isinstance(row, Mapping):
        return [row]
    values = list(row) if isinstance(row, (tuple, list)) else [row]
    names = list(columns) or [str(number) for number in range(1, len(values) + 1)]
    return [dict(zip(names, values))]


def _result_entries(result: Result) -> List[Mapping[str, Any]]:
    known = {"action": result.action, "asset": result.asset, **result.parameters}
    if not result.succeeded:
        return [{**known, "result": f"{result.status}: {result.message}"}]
    plain = [{name: value for name, value in row.items() if _is_short(value)} for row in result.data]
    return [{**known, **row} for row in plain] or [{**known, "result": result.message}]


def _is_short(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return len(value) <= 5 and all(_is_short(item) for item in value)
    return isinstance(value, (int, float, bool)) or (isinstance(value, str) and len(value) <= 120)


def _line(cells: Sequence[Any]) -> str:
    return f"| {' | '.join(_cell(cell) for cell in cells)} |"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    text = ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
    return _BAR.sub(r"\1\1\\|", " ".join(text.split()))
