"""``repertory explore``: everything that a playbook could do is seen, and nothing of it is kept."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from commands.schemas import conforms
from repertory.runtime.simulation.exploring import Exploration, Subject, explore
from repertory.runtime.simulation.scenario import GivenResult, Scenario
from repertory_sdk.manifest import Parameter

if TYPE_CHECKING:
    from commands.user import User
    from runtime_lab import Lab

BODY = """
found = play.act("ip reputation", ip=event.values("sourceAddress"))
if found.failed:
    play.act("count up", name="failed")
elif not found.values("verdict"):
    play.act("count up", name="nothing")
elif play.ask("Block?", options=["yes", "no", "later"]) == "yes":
    play.act("block ip", ip="192.0.2.6")
if found.values("verdict") == ["never"]:
    play.note("unreachable")
"""


def explored(lab: Lab, body: str = BODY, *, times: int = 25, scenario: Scenario | None = None) -> Exploration:
    lab.add_lab()
    subject = Subject(playbook=lab.add_playbook(body), event=lab.event(sourceAddress="192.0.2.6"), inputs={}, scenario=scenario or Scenario(), seed=0)
    return explore(lab.settings, lab.database, lab.library, subject, times=times)


def test_every_branch_is_found_and_every_option_taken(lab: Lab) -> None:
    seen = explored(lab)

    did = {(one.action, given.get("name", given.get("ip"))) for one in seen.actions.values() for given in one.parameters.values()}
    assert did == {("ip reputation", "192.0.2.6"), ("count up", "failed"), ("count up", "nothing"), ("block ip", "192.0.2.6")}
    assert set(seen.prompts["Block?"]) == {"yes", "no", "later"}
    assert all(seen.prompts["Block?"].values())
    assert seen.runs == sum(seen.endings.values()) == 25
    assert (lab.happened(), lab.database.query("select id from run")) == ([], [])


def test_what_changes_things_comes_first(lab: Lab) -> None:
    assert [(one.action, one.changes, one.decision) for one in explored(lab).most_dangerous_first()] == [
        ("block ip", True, "ask"), ("count up", False, "allow"), ("ip reputation", False, "allow")
    ]  # fmt: skip


def test_lines_that_were_never_reached_are_told(lab: Lab) -> None:
    seen = explored(lab)
    (name,) = seen.lines
    source = next(lab.library.root.glob("*/playbook.py")).read_text().splitlines()

    assert name == "playbook.py"
    assert [source[line - 1].strip() for line in seen.missed()[name]] == ["play.note('unreachable')".replace("'", '"')]


def test_branches_in_threads_are_followed(lab: Lab) -> None:
    body = """
def branch():
    return play.random()
play.parallel(branch, branch)
"""
    assert explored(lab, body, times=1).missed() == {"playbook.py": []}


def test_what_the_scenario_says_is_certain(lab: Lab) -> None:
    seen = explored(lab, scenario=Scenario(actions=(GivenResult(action="ip*", failure="down"),)))

    assert {one.action for one in seen.actions.values()} == {"ip reputation", "count up"}


@pytest.fixture
def alert(follower: User) -> str:
    event = {"name": "scan", "artifacts": [{"cef": {"sourceAddress": "203.0.113.9"}, "contains": {"sourceAddress": ["ip"]}}]}
    (follower.folder / "alert.json").write_text(json.dumps(event))
    return "alert.json"


def test_the_command_reports_and_keeps_nothing(follower: User, alert: str) -> None:
    told = conforms(follower.asked("explore", "community/investigate_recon", "--event", alert, "--runs", "10"), "explore")

    assert (told["runs"], follower.asked("runs")["runs"]) == (10, [])
    assert {"ip reputation", "whois ip"} <= {action["action"] for action in told["actions"]}
    (module,) = told["coverage"]
    assert (module["path"], module["lines"] > 20) == ("playbook.py", True)


def test_people_read_the_same(follower: User, alert: str) -> None:
    lines = follower.done("explore", "community/investigate_recon", "--event", alert, "--runs", "5").out

    assert "5 simulated runs" in lines
    assert "ip=203.0.113.9" in lines
    assert "lines reached" in lines


DECIDING = """
import json
import phantom.rules as phantom


def on_start(container):
    first, _ = phantom.condition(container=container, name="f:condition_1", conditions=[
        ["artifact:*.name", "==", "Instance"], ["artifact:*.cef.instanceId", "!=", ""]])
    if first and phantom.decision(container=container, conditions=[["artifact:*.name", "==", "Finding"]]):
        phantom.act("describe instance", parameters=[{"id": "i"}], name="describe_1", callback=described)


def described(action=None, success=None, container=None, results=None, handle=None, **kwargs):
    if phantom.decision(conditions=[["describe_1:action_result.data.*.state", "==", "odd"], ["describe_1:action_result.data.*.age", ">", 400]]):
        phantom.custom_function(custom_function="mine/workbooks", parameters=[{}], name="books", callback=booked)


def booked(action=None, success=None, container=None, results=None, handle=None, **kwargs):
    if phantom.decision(conditions=[["books:custom_function_result.data.*.name", "==", "Risk"]]):
        phantom.playbook("mine/child", container=container, name="child_1", callback=answered)


def answered(action=None, success=None, container=None, results=None, handle=None, **kwargs):
    if phantom.decision(conditions=[["child_1:playbook_output:verdict.score", ">=", 7], ["playbook_input:who", "==", "eve"]]):
        who = phantom.requests.get(phantom.build_phantom_rest_url("ph_user", 1)).json()["type"]
        if json.loads(phantom.get_raw_data(container))["key"] and who == "normal" and phantom.get_list("owners")[0]:
            phantom.act("contain it", parameters=[{"id": "i"}], name="contain_1")


def on_finish(container, summary):
    return
"""


def test_classic_playbooks_are_driven_to_what_they_decide_by(lab: Lab) -> None:
    inputs = [Parameter("who", {}, required=False)]
    playbook = lab.library.add_classic_playbook(DECIDING, name="deep", actions=["describe instance", "contain it"], inputs=inputs)
    subject = Subject(playbook=playbook, event=None, inputs={}, scenario=Scenario(), seed=0)
    seen = explore(lab.settings, lab.database, lab.library, subject, times=60)

    assert {action for action, _, _ in seen.actions} == {"describe instance", "contain it"}
    assert seen.missed() == {"deep.py": []}


def test_lines_are_told_of_code_that_mixes_tabs_and_blanks(lab: Lab) -> None:
    code = "import requests\nrequests.packages.urllib3.disable_warnings()\n\ndef on_start(container):\n    if container:\n\treturn\n"
    playbook = lab.library.add_classic_playbook(code, name="old", actions=[])
    subject = Subject(playbook=playbook, event=None, inputs={}, scenario=Scenario(), seed=0)
    seen = explore(lab.settings, lab.database, lab.library, subject, times=1)

    assert list(seen.endings) == [("succeeded", "")]
    assert seen.missed() == {"old.py": []}
