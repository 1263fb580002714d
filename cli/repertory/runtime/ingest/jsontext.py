"""JSON as strictly as RFC 8259 lets one be, cut into the values of a list or of lines, each with its place."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any

from repertory.runtime.ingest.entries import (
    Entry,
    Finding,
    Unfit,
    at_line,
    numbered_lines,
)

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

MAX_DEPTH = 64
MAX_SHOWN = 60
LARGEST, SMALLEST = 2**64 - 1, -(2**63)

_BLANK = re.compile(r"[ \t\r\n]*")
_HALF_CHARACTER = re.compile("[\ud800-\udfff]")
_CUT_OFF = "the JSON ends in the middle; was the file cut off?"
_ONE_EACH = "write one object on each line, or all objects in one list"


def json_entries(text: str) -> tuple[list[Entry], list[Finding]]:
    """The objects of a JSON text: one, a list of them, or one a line; and what is wrong with those that are not."""
    if _has_one_a_line(text):
        return _entries_of_lines(text)
    entries: list[Entry] = []
    try:
        entries.extend(_entries_of_document(text))
    except json.JSONDecodeError as error:
        problem = _decode_problem(error)
        return entries, [Finding(line=error.lineno, problem=problem.problem, hint=problem.hint)]
    except _Misplaced as error:
        return entries, [at_line(_line_at(text, error.position), error.unfit)]
    return entries, []


def is_json(text: str) -> bool:
    """Whether the whole text is one JSON value."""
    try:
        _, end = _decode(text, _skip_blank(text, 0))
    except (json.JSONDecodeError, _Misplaced):
        return False
    return _skip_blank(text, end) == len(text)


class _Misplaced(Exception):
    """A complaint about the value that begins at ``position``."""

    def __init__(self, position: int, unfit: Unfit) -> None:
        super().__init__(unfit.problem)
        self.position = position
        self.unfit = unfit


# ------------------------------------------------------------------- cutting


def _has_one_a_line(text: str) -> bool:
    """Whether this is JSON lines: several lines begin an object at the margin, or the first line is a whole one."""
    lines = [line for _, line in numbered_lines(text)]
    if not lines[0].lstrip().startswith("{") or len(lines) == 1:
        return False
    # A brace alone on its line opens an object that is spread over several.
    return sum(line.startswith("{") and line.strip() != "{" for line in lines) > 1 or is_json(lines[0])


def _entries_of_lines(text: str) -> tuple[list[Entry], list[Finding]]:
    entries, findings = [], []
    for number, line in numbered_lines(text):
        try:
            entries.append(Entry(value=_decode_line(line), raw=line, line=number))
        except Unfit as unfit:
            findings.append(at_line(number, unfit))
    return entries, findings


def _decode_line(line: str) -> Any:
    start = _skip_blank(line, 0)
    try:
        value, end = _decode(line, start)
    except json.JSONDecodeError as error:
        raise _decode_problem(error) from None
    except _Misplaced as error:
        raise error.unfit from None
    if _skip_blank(line, end) != len(line):
        raise Unfit(f"there is more text after the JSON value, at column {end + 1}", _ONE_EACH)
    return value


def _entries_of_document(text: str) -> Iterator[Entry]:
    """One object, or the elements of one list."""
    start = _skip_blank(text, 0)
    if text[start] == "[":
        end = yield from _elements(text, start)
    else:
        value, end = _decode(text, start)
        yield Entry(value=value, raw=text[start:end], line=_line_at(text, start))
    rest = _skip_blank(text, end)
    if rest != len(text):
        raise _Misplaced(rest, Unfit("there is more text after the end of the JSON value", _ONE_EACH))


def _elements(text: str, start: int) -> Generator[Entry, None, int]:
    """Each element of the list that begins at ``start``; returns where the list ends."""
    position = _skip_blank(text, start + 1)
    if text.startswith("]", position):
        return position + 1
    line, counted = 1, 0
    while True:
        value, end = _decode(text, position)
        line, counted = line + text.count("\n", counted, position), position
        yield Entry(value=value, raw=text[position:end], line=line)
        separator = _skip_blank(text, end)
        if text.startswith("]", separator):
            return separator + 1
        if not text.startswith(",", separator):
            raise json.JSONDecodeError("Expecting ',' delimiter", text, separator)
        position = _skip_blank(text, separator + 1)


def _skip_blank(text: str, position: int) -> int:
    match = _BLANK.match(text, position)
    return match.end() if match else position


def _line_at(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


# ------------------------------------------------------------------ decoding


def _decode(text: str, position: int) -> tuple[Any, int]:
    """The value that begins here and where it ends."""
    try:
        value, end = _DECODER.raw_decode(text, position)
        _inspect(value)
    except Unfit as unfit:
        raise _Misplaced(position, unfit) from None
    except RecursionError:
        raise _Misplaced(position, _too_deep()) from None
    except json.JSONDecodeError:
        raise
    except ValueError:  # the interpreter's own limit on digits
        raise _Misplaced(position, Unfit("a number has too many digits", "write it as a string")) from None
    return value, end


def _decode_problem(error: json.JSONDecodeError) -> Unfit:
    if not error.doc[error.pos :].strip() or error.msg.startswith("Unterminated string"):
        return Unfit(_CUT_OFF, "fetch the file again, or remove the unfinished part")
    return Unfit(f"not valid JSON: {error.msg} at column {error.colno}", "mend it there; strings need double quotes")


def _object_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    plain = dict(pairs)
    if len(plain) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Unfit(f"the key {_shortened(twice)} occurs twice in one object", "keep one of them")
    return plain


def _refuse_constant(name: str) -> Any:
    raise Unfit(f"{name} is no JSON value", "write null, or leave the key out")


_DECODER = json.JSONDecoder(object_pairs_hook=_object_of, parse_constant=_refuse_constant)


def _inspect(value: Any) -> None:
    """Refuse what no database and no other program could take: depth, endless numbers, halves of characters."""
    waiting = [(value, 1)]
    while waiting:
        item, depth = waiting.pop()
        if isinstance(item, str):
            _inspect_string(item)
        elif isinstance(item, (int, float)):
            _inspect_number(item)
        elif isinstance(item, (dict, list)):
            if depth > MAX_DEPTH:
                raise _too_deep()
            children = [*item, *item.values()] if isinstance(item, dict) else item
            waiting.extend((child, depth + 1) for child in children)


def _inspect_string(text: str) -> None:
    if not text.isascii() and _HALF_CHARACTER.search(text):
        raise Unfit("a string holds half of a character (a lone surrogate, \\ud800 to \\udfff)", "remove it")


def _inspect_number(number: float) -> None:
    finite = SMALLEST <= number <= LARGEST if isinstance(number, int) else math.isfinite(number)
    if not finite:
        raise Unfit("a number does not fit into 64 bits", "write it as a string")


def _too_deep() -> Unfit:
    return Unfit(f"lists and objects are nested more than {MAX_DEPTH} deep", "no event needs that; flatten it")


def _shortened(text: str) -> str:
    return repr(text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 1]}…")
