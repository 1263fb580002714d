"""JSON files that people edit: values, and the line on which each of them stands."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any

MOST_DEPTH = 64
Place = tuple[str | int, ...]
BLANK = re.compile(r"[ \t\r\n]*")
SCALAR = re.compile(r"[^\s,\]}]+")
HALF = re.compile(r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")
STEP = re.compile(r"\[(\d+)\]|([^.\[\]]+)")


class JsonProblem(ValueError):
    """A text that is no JSON, and where."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.message = message
        self.line = line


@dataclass(frozen=True, kw_only=True)
class JsonFile:
    """A parsed text. Lines are only looked for when somebody asks."""

    text: str
    value: Any
    has_repeated: bool = False

    @property
    def repeated(self) -> Sequence[tuple[Place, int]]:
        """Keys that occur twice in one object, with their lines."""
        return self._walk.repeated if self.has_repeated else ()

    def line_of(self, place: Sequence[str | int]) -> int:
        """The line of a place, or of the nearest one around it."""
        lines, steps = self._walk.lines, tuple(place)
        while steps and steps not in lines:
            steps = steps[:-1]
        return lines.get(steps, 1)

    @cached_property
    def _walk(self) -> _Walk:
        walk = _Walk(self.text)
        walk.value(0, ())
        return walk


def parse_json(text: str) -> JsonFile:
    """Parse strictly: no NaN, no endless nesting, no half characters; raises JsonProblem with the line."""
    sizes: list[bool] = []

    def collect(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        collected = dict(pairs)
        sizes.append(len(collected) != len(pairs))
        return collected

    try:
        value = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite, object_pairs_hook=collect)
    except json.JSONDecodeError as error:
        raise JsonProblem(error.msg, error.lineno) from None
    except (RecursionError, ValueError) as error:
        raise JsonProblem(str(error) or "too deeply nested", 1) from None
    _refuse_depth(value)
    _refuse_halves(text, value)
    return JsonFile(text=text, value=value, has_repeated=any(sizes))


def place_of(path: str) -> Place:
    """The steps of a place as error messages write it: ``actions[2].type``."""
    return tuple(int(index) if index else name for index, name in STEP.findall(path))


def _refuse_depth(value: Any) -> None:
    """Whoever goes through it later does so by recursion, which ends long before Python can parse no more."""
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > MOST_DEPTH:
            raise JsonProblem("too deeply nested", 1)
        level = [
            inner
            for outer in level
            if isinstance(outer, (dict, list))
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, (dict, list))
        ]


def _refuse_halves(text: str, value: Any) -> None:
    """JSON can spell one half of a pair of surrogates, which no file and no output can hold."""
    half = HALF.search(text)
    if half is None:
        return
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise JsonProblem(f"{half[0]} is only half of a character", text.count("\n", 0, half.start()) + 1) from None


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError(f"{digits[:20]} is too large a number")
    return number


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


class _Walk:
    """Goes once over a text known to be JSON and notes where every value begins."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lines: dict[Place, int] = {}
        self.repeated: list[tuple[Place, int]] = []
        self._line, self._counted = 1, 0

    def value(self, start: int, place: Place) -> int:
        """Note the value at ``start``; returns where it ends."""
        start = self._skip(start)
        self._note(start, place)
        opening = self.text[start]
        if opening == "{":
            return self._members(start + 1, place)
        if opening == "[":
            return self._items(start + 1, place)
        if opening == '"':
            return int(scanstring(self.text, start + 1, True)[1])
        match = SCALAR.match(self.text, start)
        assert match is not None
        return match.end()

    def _members(self, position: int, place: Place) -> int:
        position = self._skip(position)
        while self.text[position] != "}":
            key, position = scanstring(self.text, self._skip(position) + 1, True)
            if (*place, key) in self.lines:
                self.repeated.append(((*place, key), self._line_at(position)))
            position = self._skip(self.value(self._skip(position) + 1, (*place, key)))
            position = self._after_comma(position)
        return position + 1

    def _items(self, position: int, place: Place) -> int:
        position, index = self._skip(position), 0
        while self.text[position] != "]":
            position = self._after_comma(self._skip(self.value(position, (*place, index))))
            index += 1
        return position + 1

    def _after_comma(self, position: int) -> int:
        return self._skip(position + 1) if self.text[position] == "," else position

    def _skip(self, position: int) -> int:
        match = BLANK.match(self.text, position)
        assert match is not None
        return match.end()

    def _note(self, position: int, place: Place) -> None:
        self.lines.setdefault(place, self._line_at(position))

    def _line_at(self, position: int) -> int:
        self._line += self.text.count("\n", self._counted, position)
        self._counted = position
        return self._line
