"""Datapaths, conditions and formats, by the rules of the specification; one event with three artifacts."""

from __future__ import annotations

from typing import Any

import pytest
from repertory_classic.playbook.collecting import collect_rows
from repertory_classic.playbook.containers import artifacts_of, container_of
from repertory_classic.playbook.data import RunData
from repertory_classic.playbook.deciding import Kept, Manner, evaluate
from repertory_classic.playbook.templates import render

from classic.playbook.pretend import EVENT

LISTS = {"L": [["a", "1"], ["b", "2"]], "nets": [["192.0.2.0/24"]]}


def results(data: RunData, name: str, *parts: tuple[list[Any], dict[str, Any], dict[str, Any]]) -> None:
    """Results of a block: data, parameter, summary each."""
    made = [{"status": "success", "data": rows, "parameter": given, "summary": said} for rows, given, said in parts]
    data.results[name] = [{"name": name, "app": "feeds", "status": "success", "summary": {"n": 1}, "action_results": made}]


@pytest.fixture
def data() -> RunData:
    made = RunData(container_of(EVENT), artifacts_of(EVENT), {"url": ["u1", "u2"]}, LISTS.get, base_url="https://here")
    results(
        made, "q",
        ([{"h": 1}, {"h": 2}], {"ip": "x", "context": {"artifact_id": 1}}, {"n": "10"}),
        ([], {"ip": "y", "context": {"artifact_id": 3}}, {"n": None}),
    )  # fmt: skip
    results(made, "deep", ([{"p": [{"n": 1}, {"n": 2}], "k": "A"}, {"p": [], "k": "B"}], {}, {}))
    results(made, "times", ([{"u": "x", "t": "2020"}, {"u": "y", "t": "2030"}], {"p": 1}, {}))
    made.outputs["c"] = {"observable": [{"v": 1, "r": {"s": 9}}, {"v": 2}], "nothing": []}
    made.functions["f"] = [{"name": "f", "custom_function": "x/f", "data": [{"o": 1}, {"o": 2}]}]
    made.functions["g"] = [{"name": "g", "custom_function": "x/g", "data": []}]
    made.kept["code:var"] = '[{"a": 1}, {"a": 2}]'
    return made


def kept(data: RunData, *conditions: list[Any], operator: str = "and", **more: Any) -> Kept:
    return evaluate(data, conditions, Manner(operator=operator, **more))


@pytest.mark.parametrize(
    ("paths", "rows"),
    [
        (["artifact:*.cef.src", "artifact:*.id"], [["a", 1], [None, 2], ["a", 3]]),
        (["artifact:*.cef.SRC"], [["a"], [None], ["a"]]),
        (["artifact:*.cef.nope"], [[None], [None], [None]]),
        (
            ["q:action_result.data.*.h", "q:action_result.parameter.ip", "q:action_result.parameter.context.artifact_id"],
            [[1, "x", 1], [2, "x", 1], [None, "y", 3]],
        ),
        (["deep:action_result.data.*.p.*.n", "deep:action_result.data.*.k"], [[1, "A"], [2, "A"], [None, "B"]]),
        (["q:action_result.data"], [[[{"h": 1}, {"h": 2}]], [[]]]),
        (["q:action_result.data.0.h"], [[1], [None]]),
        (["q:action_result.app"], [["feeds"], ["feeds"]]),
        (["q:summary.n"], [[1]]),
        (["never:action_result.status"], []),
        (["q:artifact:*.id"], [[1], [3]]),
        (["playbook_input:url"], [["u1"], ["u2"]]),
        (["playbook_input:absent"], [[None]]),
        (["c:playbook_output:observable.v", "c:playbook_output:observable.r.s"], [[1, 9], [2, None]]),
        (["c:playbook_output:nothing"], [[None]]),
        (["f:custom_function_result.data.o"], [[1], [2]]),
        (["f:custom_function_result.data.*.o"], [[1], [2]]),
        (["g:custom_function_result.data.*.o"], [[None]]),
        (["code:custom_function:var.a"], [[1], [2]]),
        (["code:custom_function:other"], [[None]]),
        (["container:id", "container:url"], [[9, "https://here/mission/9"]]),
        (["custom_list:L"], [["a"], ["1"], ["b"], ["2"]]),
        (["custom_list:M"], []),
        (["artifact:*.data*.x"], [[None], [None], [None]]),
    ],
)
def test_rows(data: RunData, paths: list[str], rows: list[list[Any]]) -> None:
    assert collect_rows(data, paths) == rows


def test_given_results_come_before_those_of_the_run(data: RunData) -> None:
    given = [{"name": "q", "status": "failed", "action_results": [{"status": "failed", "data": []}]}]
    assert collect_rows(data, ["q:action_result.status"], given) == [["failed"]]
    assert collect_rows(data, ["action_result.status", "status", "name"], given) == [["failed", "failed", "q"]]


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        (["artifact:*.cef.src", "==", "a"], True),
        (["artifact:*.cef.src", "==", "A"], False),
        (["b", "in", "custom_list:L"], True),
        (["2", "in", "custom_list:L"], True),
        (["b", "==", "custom_list:L"], True),
        (["b", "in", "custom_list:M"], False),
        (["b", "not in", "custom_list:M"], True),
        ([None, "not in", "custom_list:L"], False),
        (["192.0.2.7", "in", "custom_list:nets"], True),
        (["q:action_result.summary.n", ">", 3], True),
        (["q:action_result.summary.n", "<", 3], False),
        (["times:action_result.data.*.t", "<=", "2020"], True),
        (["C2", "in", "A1,B2,C2"], True),
        (["B", "in", "A1,B2"], True),
        (["ALERT kind:", "in", "times:action_result.data.*.u"], False),
        (["5", "==", 5], True),
        (["TRUE", "==", True], True),
        (["c:playbook_output:nothing", "!=", None], False),
        (["c:playbook_output:observable", "!=", None], True),
        (["playbook_input:absent", "==", ""], True),
        (["never:action_result.status", "!=", "x"], False),
        (["artifact:*.cef.src", "matches", "a"], False),
        ([[1], ">", 0], False),
    ],
)
def test_a_condition(data: RunData, condition: list[Any], holds: bool) -> None:
    assert kept(data, condition).holds is holds


def test_case_and_delimiter(data: RunData) -> None:
    assert kept(data, ["artifact:*.cef.src", "==", "A"], case_sensitive=False).holds
    assert kept(data, ["A1,B2", "==", "A1,B2"], delimiter=None).holds


def test_a_filter_keeps_artifacts_and_what_belongs_to_them(data: RunData) -> None:
    left = kept(data, ["artifact:*.cef.src", "!=", ""])
    assert left.artifacts() == [1, 3]
    data.filters["f:condition_1"] = kept(data, ["artifact:*.id", "==", 3]).sources
    assert collect_rows(data, ["filtered-data:f:condition_1:artifact:*.id"]) == [[3]]
    assert collect_rows(data, ["filtered-data:f:condition_1:q:action_result.parameter.ip"]) == [["y"]]
    assert collect_rows(data, ["filtered-data:f:condition_2:artifact:*.id"]) == []


def test_a_filter_keeps_only_elements_that_pass(data: RunData) -> None:
    left = kept(data, ["times:action_result.data.*.t", "<", "2025"])
    data.filters["f:condition_1"] = left.sources
    assert collect_rows(data, ["filtered-data:f:condition_1:times:action_result.data.*.u"]) == [["x"]]
    assert collect_rows(data, ["filtered-data:f:condition_1:times:action_result.parameter.p"]) == [[1]]
    (run,) = left.results()
    assert run["action_results"][0]["data"] == [{"u": "x", "t": "2020"}]
    assert data.results["times"][0]["action_results"][0]["data"][1]["u"] == "y"


def test_conditions_on_one_source_are_about_one_row(data: RunData) -> None:
    both = (["times:action_result.data.*.u", "==", "x"], ["times:action_result.data.*.t", "==", "2030"])
    assert not kept(data, *both).holds
    assert kept(data, *both, operator="or").holds
    assert not kept(data, both[0], ["playbook_input:url", "==", "u3"]).holds
    assert kept(data, both[0], ["playbook_input:url", "==", "u2"]).holds


def test_two_paths_are_compared_with_any_and_with_none(data: RunData) -> None:
    assert kept(data, ["c:playbook_output:observable.v", "==", "f:custom_function_result.data.*.o"]).holds
    assert not kept(data, ["c:playbook_output:observable.v", "!=", "f:custom_function_result.data.*.o"]).holds


@pytest.mark.parametrize(
    ("template", "parameters", "drop", "text"),
    [
        ("{0};{1}", ["artifact:*.cef.src", "container:id"], False, "a, None, a;9"),
        ("{0};{1}", ["artifact:*.cef.src", "container:id"], True, "a, a;9"),
        ("{0}{3}", ["never:action_result.status"], False, ""),
        ('{{"a": "{0}"}}', ["plain"], False, '{"a": "plain"}'),
        (
            "| a | b |\n|---|---|\n%%\n| {0} | {1} |\n%%\nend",
            ["times:action_result.data.*.u", "times:action_result.data.*.t"], False,
            "| a | b |\n|---|---|\n| x | 2020 |\n| y | 2030 |\nend",
        ),
        ("%%{0} of {1}\n%%", ["times:action_result.data.*.u", "container:id"], False, "x of 9\ny of 9"),
        ("%%\n{0}\n%%", ["never:action_result.status"], False, ""),
        ("100%% of {0}", ["container:id"], False, "100%% of 9"),
        ("{0}", ["deep:action_result.data.*.p"], False, '[{"n": 1}, {"n": 2}], []'),
    ],
)  # fmt: skip
def test_a_format(data: RunData, template: str, parameters: list[str], drop: bool, text: str) -> None:
    assert render(data, template, parameters, drop_none=drop).text == text


def test_rows_of_a_format(data: RunData) -> None:
    made = render(data, "head\n%%\n{0}\n%%\nend", ["times:action_result.data.*.u"])
    assert made.rows == ["x", "y"]
    assert render(data, "whole {0}", ["container:id"]).rows == ["whole 9"]
