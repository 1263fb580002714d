"""What is read out of the code of classic playbooks, and the values that are made from it."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from repertory.runtime.simulation.filling import NOTHING, Temper, fill
from repertory.runtime.simulation.reading.classic_code import read_code
from repertory.runtime.simulation.reading.places import Place
from repertory.runtime.simulation.scenario import Scenario, Simulation
from repertory.runtime.simulation.subject import copy_event

if TYPE_CHECKING:
    from runtime_lab import Lab

ANYTHING = Temper(is_varied=True, absent=0.2, wanted=0.5)
ASKING = """
import json
import phantom.rules as phantom

def on_start(container):
    phantom.act("File Reputation ", parameters=[{"hash": "x"}], assets=["nobody"], name="ask_1", callback=score)
"""
SCORE = """
def score(action=None, success=None, container=None, results=None, handle=None, **kwargs):
    rows = phantom.collect2(container=container, datapath=["ask_1:action_result.data.*.attributes.tags", "ask_1:action_result.summary"])
    for tags, summary in zip([row[0] for row in rows], [row[1] for row in rows]):
        vendors = summary["harmless"] + summary["malicious"]
        assert isinstance(vendors, int)
        for tag in tags:
            user, host = tag.get("owner").split("@")
    phantom.save_playbook_output_data(output={"vendors": [vendors]})
"""


def read(body: str) -> Place:
    """Of the first action's results."""
    found = read_code(ASKING + body).find("result", "file reputation")
    assert found is not None
    return found


def test_places_are_found_through_rows_columns_and_loops() -> None:
    found = read(SCORE)

    harmless, owner = found.find("summary", "harmless"), found.find("data", "[]", "attributes", "tags", "[]", "owner")
    assert harmless is not None
    assert harmless.kinds == {"number"}
    assert owner is not None
    assert owner.parts == ["@"]


@pytest.mark.parametrize(
    ("code", "steps", "wanted"),
    [
        ('phantom.decision(conditions=[["ask_1:action_result.data.*.verdict", "==", "bad"]])', ("data", "[]", "verdict"), ["bad"]),
        ('phantom.condition(conditions=[["ask_1:action_result.summary.n", ">=", "7"]])', ("summary", "n"), [8, 6, 7]),
        ('phantom.condition(conditions=[["lost", "in", "ask_1:action_result.message"]])', ("message",), ["lost"]),
        ('x = [r["data"][0]["a"] for r in results[0]["action_results"]]\n    if x[0].lower() == "b": pass', ("data", "[]", "a"), ["b"]),
        ('for row in phantom.parse_success(results):\n        if 3 < row["n"]: pass', ("data", "[]", "n"), [4, 2, 3]),
        ('for v in phantom.collect(results, "action_result.data.*.v"):\n        later(v)', ("data", "[]", "v"), ["deep"]),
        ('phantom.save_run_data(key="k", value=json.dumps(phantom.collect2(datapath=["ask_1:action_result.data.*.k"])))\n    kept()',
         ("data", "[]", "k"), ["kept"]),
    ],
)  # fmt: skip
def test_what_it_is_compared_with_is_wanted(code: str, steps: tuple[str, ...], wanted: list[Any]) -> None:
    more = '\ndef later(value):\n    return value.startswith("deep")\n\ndef kept():\n    return json.loads(phantom.get_run_data(key="k"))[0][0] == "kept"\n'
    found = read(f"\ndef score(action, success, container, results, handle):\n    {code}\n{more}").find(*steps)

    assert found is not None
    assert found.wanted == wanted


def test_code_that_cannot_be_parsed_tells_nothing() -> None:
    assert read_code("print 'x'").inside == {}


def test_values_are_of_the_kinds_that_are_used() -> None:
    place = Place()
    place.at(("score",)).kinds.add("number")
    place.at(("when", "[]", "user_email"))
    place.at(("body", "id"))
    place.at(("body",)).is_json = True
    made = fill(NOTHING, place, Random(1), temper=Temper())

    assert isinstance(made["score"], int)
    assert "@" in made["when"][0]["user_email"]
    assert made["body"].startswith('{"id": ')
    assert fill({"score": 5, "more": 1}, place, Random(1), temper=Temper())["score"] == 5


def test_wanted_values_others_and_none_come_where_anything_may() -> None:
    place = Place()
    place.at(("verdict",)).want(["bad"])
    seen = {fill({}, place, Random(seed), temper=ANYTHING)["verdict"] for seed in range(60)}

    assert {"bad", None} < seen
    assert {fill({}, place, Random(seed), temper=Temper())["verdict"] for seed in range(9)} == {"bad"}


def test_a_playbook_gets_what_it_reads_of_an_app_that_nobody_has(lab: Lab) -> None:
    playbook = lab.library.add_classic_playbook(ASKING + SCORE, name="look", actions=["file reputation"])
    event = lab.event(fileHash="x")
    with lab.database.transaction() as transaction:
        copy = copy_event(transaction, event)
    run = lab.attempt(lab.start(playbook, copy, simulation=Simulation(seed=1, scenario=Scenario())))

    assert (run.state, run.message) == ("succeeded", "")
    assert isinstance(run.outputs["vendors"][0], int)


def test_words_and_keys_that_code_takes_apart_and_looks_up() -> None:
    code = """
def score(action, success, container, results, handle):
    known = {"low": 1, "high": 2}
    for row in phantom.parse_success(results):
        for line in row["table"].split("\\n")[1:]:
            port, state, name = line.split()
        level = known[row["level"]]
"""
    found = read(code)
    table, level = found.find("data", "[]", "table"), found.find("data", "[]", "level")
    assert table is not None
    assert level is not None

    assert level.wanted == ["low", "high"]
    made = fill(NOTHING, table, Random(1), temper=Temper())
    assert [len(line.split()) for line in made.split("\n")] == [3, 3]
