"""Markdown tables for notes."""

from __future__ import annotations

from typing import Any

import pytest

from repertory_sdk import Result, Results
from repertory_sdk.table import markdown_table


@pytest.mark.parametrize(
    ("rows", "columns", "lines"),
    [
        ([], [], []),
        ([("a", 1)], [], ["| 1 | 2 |", "| --- | --- |", "| a | 1 |"]),
        ([("a", 1)], ["name", "count"], ["| name | count |", "| --- | --- |", "| a | 1 |"]),
        (["a"], ["name"], ["| name |", "| --- |", "| a |"]),
        ([{"x": 1}, {"y": None}], [], ["| x | y |", "| --- | --- |", "| 1 |  |", "|  |  |"]),
        ([{"x": 1, "y": 2}], ["y"], ["| y |", "| --- |", "| 2 |"]),
        ([("a|b\nc",)], ["x"], ["| x |", "| --- |", "| a\\|b c |"]),
        ([("\\|\\\\|c:\\d",)], ["x"], ["| x |", "| --- |", "| \\\\\\|\\\\\\\\\\|c:\\d |"]),
        ([(["a", "b"],)], ["x"], ["| x |", "| --- |", "| a, b |"]),
        ([("---",), ("x",), ("x",)], ["x"], ["| x |", "| --- |", "| --- |", "| x |"]),
    ],
)
def test_rows(rows: list[Any], columns: list[str], lines: list[str]) -> None:
    assert markdown_table(rows, columns).splitlines() == lines


def test_results_show_parameters_short_values_and_failures() -> None:
    results = Results(
        [
            Result("succeeded", data=[{"seen": 1, "raw": {"a": 1}}], parameters={"ip": "a"}, action="x", asset="m"),
            Result("succeeded", "fine", parameters={"ip": "b"}, action="x", asset="m"),
            Result("denied", "by policy", parameters={"ip": "c"}, action="x", asset="m"),
        ]
    )
    assert markdown_table(results).splitlines() == [
        "| action | asset | ip | seen | result |",
        "| --- | --- | --- | --- | --- |",
        "| x | m | a | 1 |  |",
        "| x | m | b |  | fine |",
        "| x | m | c |  | denied: by policy |",
    ]
