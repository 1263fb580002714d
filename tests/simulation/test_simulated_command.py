"""``repertory run --simulate`` as a person types it: nothing is configured, and nothing real happens."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

import pytest

from commands.schemas import conforms, published
from repertory.runtime.simulation.scenario import GivenAnswer, GivenResult

if TYPE_CHECKING:
    from commands.user import User

PLAYBOOK = "community/investigate_recon"
MALICIOUS = """
actions:
  - action: "* reputation"
    data: [{verdict: malicious}]
"""


def sample(user: User) -> str:
    path = user.folder / "alert.json"
    artifact = {"cef": {"sourceAddress": "203.0.113.9"}, "contains": {"sourceAddress": ["ip"]}}
    event = {"name": "scan", "source": "sensor", "source_id": "a1", "artifacts": [artifact]}
    path.write_text(json.dumps(event))
    return str(path)


def simulated(user: User, *words: str) -> dict:
    told = user("run", PLAYBOOK, "--event", sample(user), "--simulate", *words, "--json")
    assert told.code == 0, told
    return conforms(told.json, "run")


def test_results_come_from_the_manifest_and_the_record_says_so(follower: User) -> None:
    record = simulated(follower)

    assert (record["simulated"], record["seed"], record["scenario"]) == (True, 0, None)
    results = {action["app"]: action["results"] for action in record["actions"]}
    assert {result["level"] for action in record["actions"] for result in action["results"]} == {"simulated"}
    assert results["community/blocklist"][0]["data"][0]["verdict"] in ("malicious", "suspicious", "benign", "unknown")


def essence(record: dict) -> object:
    actions = [[a["app"], a["asset"], a["action"], [[r["parameters"], r["data"], r["status"]] for r in a["results"]]] for a in record["actions"]]
    return [actions, record["outputs"], [(p["question"], p["answer"]) for p in record["prompts"]], [n["title"] for n in record["notes"]]]


def test_the_same_seed_makes_up_the_same(follower: User) -> None:
    first, again = simulated(follower, "--seed", "7"), simulated(follower, "--seed", "7")
    others = [essence(simulated(follower, "--seed", str(seed))) for seed in (8, 9, 10)]

    assert essence(first) == essence(again)
    assert any(other != essence(first) for other in others)


def test_a_scenario_decides(follower: User) -> None:
    (follower.folder / "worst.yaml").write_text(MALICIOUS)
    told = follower.done("run", PLAYBOOK, "--event", sample(follower), "--scenario", "worst.yaml", "--json").json

    assert told["outputs"]["decision"] == "escalated"
    assert (told["simulated"], told["scenario"]) == (True, "worst.yaml")


def test_the_event_itself_stays_as_it_was(follower: User) -> None:
    added = follower.asked("event", "add", sample(follower))
    number = str(added["events"][0]["id"])
    before = follower.asked("event", "show", number)
    (follower.folder / "worst.yaml").write_text(MALICIOUS)
    record = follower.done("run", PLAYBOOK, "--event", number, "--scenario", "worst.yaml", "--json").json

    assert follower.asked("event", "show", number) == before
    assert str(record["event"]) != number
    assert "simulated" in follower.asked("event", "show", str(record["event"]))["tags"]


def test_show_runs_and_lines_say_simulated(follower: User) -> None:
    lines = follower.done("run", PLAYBOOK, "--event", sample(follower), "--simulate").out
    run = conforms(follower.asked("runs"), "runs")["runs"][0]

    assert run["simulated"] is True
    assert "(simulated)" in lines
    assert "(simulated)" in follower.done("runs").out
    assert "(simulated)" in follower.done("show", run["run"]).out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("actions:\n  - action: x\n    statsu: failed\n", "s.yaml:3: actions[0].statsu: is not known here"),
        ("actions:\n  - action: x\n  - app: y\n", "s.yaml:3: actions[1].action: is missing"),
        ("actions:\n  - action: x\n    times: -1\n", "s.yaml:3: times is -1"),
        ("actions:\n  - action: x\n    status: failed\n    failure: no\n", "must be a string"),
        ("actions:\n  - action: x\n    status: failed\n    failure: down\n", "s.yaml:4: both failure and status"),
        ("actions: [\n", "s.yaml:2:"),
        ("- action: x\n", "s.yaml:1: must be an object, not array"),
    ],
)
def test_a_wrong_scenario_is_refused_with_file_and_line(follower: User, text: str, said: str) -> None:
    (follower.folder / "s.yaml").write_text(text)
    told = follower("run", PLAYBOOK, "--event", sample(follower), "--scenario", "s.yaml")

    assert told.code != 0
    assert said in told.err
    assert follower.asked("runs")["runs"] == []


def test_a_seed_alone_is_refused(follower: User) -> None:
    told = follower("run", PLAYBOOK, "--event", sample(follower), "--seed", "3")

    assert (told.code, follower.asked("runs")["runs"]) == (2, [])
    assert "--simulate" in told.err


def test_the_published_schema_says_what_the_reader_accepts() -> None:
    fields = {part: set(published("scenario")["$defs"][part]["properties"]) for part in ("result", "answer")}

    assert fields["result"] == {field.name for field in dataclasses.fields(GivenResult)}
    assert fields["answer"] == {field.name for field in dataclasses.fields(GivenAnswer)}
