"""Texts with ``{0}`` for the values of datapaths, and parts between ``%%`` that are repeated for each row."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from repertory_classic.playbook.collecting import collect_rows
from repertory_classic.playbook.data import Format, Plain, RunData
from repertory_classic.playbook.datapaths import parse

_PLACE = re.compile(r"\{\{|\}\}|\{(\d+)\}")
_SINGLE = ("container", "event", "literal", "formatted_data")


def render(
    data: RunData, template: Any, parameters: Sequence[Any], *, separator: str = ", ", drop_none: bool = False,
    chosen: Sequence[Plain] | None = None,
) -> Format:  # fmt: skip
    """The whole text, and that of each row of the repeated parts."""
    parts = str(template).split("%%")
    if len(parts) % 2 == 0:  # the last sign has no other
        parts[-2:] = [f"{parts[-2]}%%{parts[-1]}"]
    values = _Values(data, parameters, chosen)
    text, rows = "", []
    for number, part in enumerate(parts):
        if number % 2:
            repeated = _repeated(_trimmed(part), values, drop_none)
            rows += repeated
            text += "\n".join(repeated)
        else:
            text += _filled(part, lambda index: separator.join(values.of(index, drop_none)))
    return Format(text, rows if len(parts) > 1 else [text])


class _Values:
    """Of parameters; a parameter that is no datapath is its own value."""

    def __init__(self, data: RunData, parameters: Sequence[Any], chosen: Sequence[Plain] | None) -> None:
        self._data = data
        self._parameters = list(parameters)
        self._chosen = chosen

    def of(self, index: int, drop_none: bool) -> list[str]:
        """All of one parameter, as texts."""
        found = [row[0] for row in self.rows([index])[0]]
        return [shown(value) for value in found if not (drop_none and value is None)]

    def rows(self, indexes: Sequence[int]) -> tuple[list[list[Any]], list[bool]]:
        """Rows of several parameters, and which of these have one value that stands in every row."""
        texts = [self._parameters[index] if index < len(self._parameters) else "" for index in indexes]
        plain = [text if isinstance(text, str) else "" for text in texts]
        rows = collect_rows(self._data, plain, None, self._chosen)
        paths = [parse(text) for text in plain]
        for position, (text, path) in enumerate(zip(texts, paths)):
            if path is None:
                for number, row in enumerate(rows):
                    row[position] = text if number == 0 else None
        return rows, [path is None or path.source.kind in _SINGLE for path in paths]


def _trimmed(part: str) -> str:
    part = part[1:] if part.startswith("\n") else part
    return part[:-1] if part.endswith("\n") else part


def _repeated(part: str, values: _Values, drop_none: bool) -> list[str]:
    used = sorted({int(found[1]) for found in _PLACE.finditer(part) if found[1]})
    if not used:
        return [_filled(part, lambda index: "")]
    rows, single = values.rows(used)
    texts = []
    for row in rows:
        if drop_none and all(value is None for value in row):
            continue
        cells = {
            index: rows[0][position] if single[position] else row[position] for position, index in enumerate(used)
        }  # fmt: skip
        texts.append(_filled(part, lambda index, cells=cells: shown(cells.get(index, ""))))
    return texts


def _filled(text: str, value_of: Any) -> str:
    def fill(found: re.Match[str]) -> str:
        if found[0] in ("{{", "}}"):
            return found[0][0]
        return str(value_of(int(found[1])))

    return _PLACE.sub(fill, text)


def shown(value: Any) -> str:
    """A value in a text."""
    return json.dumps(value) if isinstance(value, (dict, list)) else str(value)
