"""Data paths and what a playbook reads of results."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repertory_sdk import ActionFailed, Result, Results
from repertory_sdk.results import values_at

NAMES = st.text("abc", min_size=1, max_size=2)


@st.composite
def rows_with_a_path(draw: st.DrawFn) -> tuple[Any, str, list[Any]]:
    """A row, a path into it, and the values that must be there; built from the leaves up."""
    found = draw(st.lists(st.integers(), min_size=1, max_size=3))
    path, listed = "", len(found) != 1 or draw(st.booleans())
    value: Any = found if listed else found[0]
    for depth in range(draw(st.integers(1, 4))):
        name = draw(NAMES)
        others = draw(st.dictionaries(NAMES.filter(lambda other, name=name: other != name), st.integers(), max_size=2))
        value = {**others, name: value}
        path = f"{name}{'[]' if listed else ''}{'.' if depth else ''}{path}"
        listed = draw(st.booleans())
        value = [value, 5, {}] if listed else value
    return ({"rows": value}, f"rows[].{path}", found) if listed else (value, path, found)


@settings(database=None, max_examples=60, deadline=None)
@given(rows_with_a_path())
def test_values_at_finds_exactly_what_the_path_names(case: tuple[Any, str, list[Any]]) -> None:
    row, path, found = case
    assert values_at(row, path) == found


@settings(database=None, max_examples=40, deadline=None)
@given(
    st.recursive(st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner)),
    st.lists(NAMES.flatmap(lambda name: st.sampled_from([name, f"{name}[]"])), min_size=1).map(".".join),
)
def test_values_at_never_fails_and_text_is_no_list(row: Any, path: str) -> None:
    assert isinstance(values_at(row, path), list)


@pytest.mark.parametrize(
    ("row", "path", "values"),
    [
        ({"a": {"b": 1}}, "a.b", [1]),
        ({"a": None}, "a", [None]),
        ({"a": [1, 2]}, "a", [[1, 2]]),
        ({"a": [1, 2]}, "a[]", [1, 2]),
        ({"a": "text"}, "a[]", []),
        ({"a": [{"b": [1]}, {"b": [2, 3]}, {}]}, "a[].b[]", [1, 2, 3]),
        ({"a": [{"b": 1}]}, "a.b", []),
        ({}, "a", []),
        ("text", "a", []),
    ],
)
def test_data_paths(row: Any, path: str, values: list[Any]) -> None:
    assert values_at(row, path) == values


HOSTS = Results(
    [
        Result(
            "succeeded",
            data=[{"verdict": "malicious", "feeds": ["x", "y"]}, {"verdict": "benign"}],
            parameters={"ip": "192.0.2.1"},
            action="ip reputation",
            app="lists",
            asset="main",
        ),
        Result("failed", "no answer", parameters={"ip": "192.0.2.2"}, action="ip reputation", asset="other"),
        Result("succeeded", data=[{"verdict": "malicious", "asset": "its own"}], action="ip reputation", asset="third"),
    ]
)


def test_rows_mix_data_parameters_and_facts_of_the_result() -> None:
    assert HOSTS.rows("ip", "verdict", "asset", "nowhere") == [
        ("192.0.2.1", "malicious", "main", None),
        ("192.0.2.1", "benign", "main", None),
        (None, "malicious", "its own", None),
    ]


def test_list_in_a_path_makes_several_rows() -> None:
    assert HOSTS[:1].rows("verdict", "feeds[]") == [("malicious", "x"), ("malicious", "y"), ("benign", None)]


def test_values_are_distinct_and_leave_out_what_is_absent() -> None:
    assert HOSTS.values("verdict") == ["malicious", "benign"]
    assert HOSTS.values("ip") == ["192.0.2.1"]
    assert HOSTS.values("nowhere") == []


def test_failures_are_data() -> None:
    assert [result.asset for result in HOSTS.failed] == ["other"]
    assert [result.asset for result in HOSTS.succeeded] == ["main", "third"]
    assert [result.asset for result in HOSTS.where(verdict="benign")] == ["main"]
    assert [result.asset for result in HOSTS.where(lambda result: result.message)] == ["other"]
    assert not HOSTS.where(verdict="malicious", nowhere=1)


def test_required_is_itself_or_an_exception() -> None:
    assert list(HOSTS.succeeded.required()) == list(HOSTS.succeeded)
    with pytest.raises(ActionFailed, match="ip reputation on other: no answer"):
        HOSTS.required()
    with pytest.raises(ActionFailed, match="no action was run"):
        Results([]).required()


def test_reading_waits_once_and_joining_does_not_wait() -> None:
    waits: list[int] = []

    def source() -> list[Result]:
        waits.append(1)
        return [Result("succeeded")]

    joined = Results(source) + Results([Result("failed")])
    assert (waits, repr(joined)) == ([], "Results(pending)")
    assert [result.status for result in joined] == ["succeeded", "failed"]
    assert len(joined) == 2
    assert waits == [1]
    assert joined[0].succeeded
    assert repr(joined).startswith("Results([Result(")
