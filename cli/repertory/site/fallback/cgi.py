"""What some apps still want of a module that Python has no more since 3.13."""

from __future__ import annotations

import html
from typing import Dict, Iterator, Tuple


def parse_header(line: str) -> Tuple[str, Dict[str, str]]:
    """``text/plain; charset="utf-8"`` is its first part, and its parameters by their names in small letters."""
    first, *others = _parts(line)
    parameters = {}
    for part in others:
        name, sign, value = part.partition("=")
        if sign:
            parameters[name.strip().lower()] = _unquoted(value.strip())
    return first.strip(), parameters


def escape(s: str, quote: bool = False) -> str:
    return html.escape(s, quote)


def _parts(line: str) -> Iterator[str]:
    """At semicolons, but not at those in quotes."""
    part, is_quoted, is_escaped = "", False, False
    for character in line:
        if character == ";" and not is_quoted:
            yield part
            part = ""
            continue
        if character == '"' and not is_escaped:
            is_quoted = not is_quoted
        is_escaped = character == "\\" and not is_escaped and is_quoted
        part += character
    yield part


def _unquoted(value: str) -> str:
    if len(value) < 2 or not value.startswith('"') or not value.endswith('"'):
        return value
    return value[1:-1].replace('\\"', '"').replace("\\\\", "\\")
