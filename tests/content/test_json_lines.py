"""Lines of values in JSON texts."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repertory.content.items.json_lines import JsonProblem, Place, parse_json, place_of

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def every_place(value: Any, place: Place = ()) -> list[Place]:
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place, *(deeper for step, child in children for deeper in every_place(child, (*place, step)))]


@given(VALUES)
def test_one_value_a_line(value: Any) -> None:
    """json.dumps with an indent begins every value on a line of its own, in order."""
    parsed = parse_json(json.dumps(value, indent=1))
    lines = [parsed.line_of(place) for place in every_place(value)]
    assert parsed.value == value
    assert lines == sorted(lines)
    assert len(set(lines)) == len(lines)
    assert not parsed.repeated


def test_lines_of_a_small_text() -> None:
    parsed = parse_json('{\n "a": [1,\n  {"b": "x]}"}\n ],\n "c": null}')
    assert parsed.line_of(["a", 0]) == 2
    assert parsed.line_of(["a", 1, "b"]) == 3
    assert parsed.line_of(["c"]) == 5
    assert parsed.line_of(["c", "missing"]) == 5
    assert parsed.line_of(["nowhere"]) == 1


def test_repeated_keys() -> None:
    assert parse_json('{"a": 1,\n "a": 2}').repeated == [(("a",), 2)]


@pytest.mark.parametrize(
    ("text", "line"),
    [("", 1), ('{\n"a": }', 2), ("{}\n\n<<<<<<< HEAD", 3), ("[NaN]", 1), ("[" * 100_000, 1)],
)
def test_no_json(text: str, line: int) -> None:
    with pytest.raises(JsonProblem) as raised:
        parse_json(text)
    assert raised.value.line == line
    assert raised.value.message


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        parse_json(text)
    except JsonProblem as problem:
        assert problem.line >= 1


def test_places_of_error_messages() -> None:
    assert place_of("items[2].permissions[0]") == ("items", 2, "permissions", 0)
    assert place_of("") == ()
