"""Where a request runs, with which parameters, and why it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from repertory.runtime.records import Run
    from runtime_lab import Lab

OTHER = """
from repertory_sdk import *
app = App("other", version="1.0.0", product="Other", vendor="Tests")

@app.action("ip reputation")
def ip_reputation(asset: Asset, ip: str) -> dict:
    return {"verdict": f"{asset.name} on {ip}"}

@app.action("tag", type="generic")
def tag(asset: Asset, ip: str, tags: list[str], score: int = 0) -> dict:
    return {"said": f"{ip}:{'+'.join(tags)}:{score}"}
"""
SHOW = "return {'all': [[one.asset, one.status, one.message, *one.parameters.values()] for one in %s]}"


def show(lab: Lab, request: str, **options: Any) -> Any:
    """Asset, status, message and parameters of every result of a request."""
    run = lab.run(SHOW % request, **options)
    assert (run.state, run.message) == ("succeeded", "")
    return run.outputs["all"]


@pytest.fixture
def lab(lab: Lab) -> Lab:
    item = lab.add_lab()
    lab.add_asset(item, "lab-2", log=lab.far_effects)
    lab.add_app(OTHER, asset="other-1")
    return lab


def test_every_provider_and_every_value(lab: Lab) -> None:
    found = show(lab, "play.act('ip reputation', ip=['a', 'b'])")
    assert [(one[0], one[3]) for one in found] == [
        ("lab-1", "a"), ("lab-1", "b"), ("lab-2", "a"), ("lab-2", "b"), ("other-1", "a"), ("other-1", "b"),
    ]  # fmt: skip
    assert {one[1] for one in found} == {"succeeded"}
    assert sorted(lab.happened()) == ["reputation a"] * 2 + ["reputation b"] * 2


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ("app='other'", ["other-1"]),
        ("app='test/lab'", ["lab-1", "lab-2"]),
        ("asset='lab-2'", ["lab-2"]),
        ("asset=['other-1', 'lab-1']", ["lab-1", "other-1"]),
        ("app='lab', asset='lab-1'", ["lab-1"]),
    ],
)
def test_app_and_asset_select(lab: Lab, selection: str, expected: list[str]) -> None:
    assert [one[0] for one in show(lab, f"play.act('ip reputation', ip='a', {selection})")] == expected


@pytest.mark.parametrize(
    ("request_text", "reason"),
    [
        ("play.act('ip reputaton', ip='a')", "no installed app offers 'ip reputaton'; did you mean ip reputation?"),
        ("play.act('dance', ip='a')", "no installed app offers 'dance'"),
        ("play.act('ip reputation', ip='a', asset='lab-3')", "no asset is called 'lab-3'; did you mean lab-2 or lab-1?"),
        ("play.act('ip reputation', ip='a', app='lba')", "the app lba does not offer 'ip reputation'"),
        ("play.act('tag', ip='a', tags=['x'], app='lab')", "the app lab does not offer 'tag'"),
        ("play.act('ip reputation', ip='a', app='other', asset='lab-1')", "asset lab-1 belongs to test/lab, not to other"),
        ("play.act('tag', ip='a', tags=['x'], asset='lab-1')", "test/lab has no action 'tag'"),
        ("play.act('ip reputation', app='lab', asset='lab-1', adress='a')", "has no parameter 'adress' (it has ip)"),
        ("play.act('tag', ip='a', tags=['x'], scor=1)", "'tag' has no parameter 'scor'; did you mean score?"),
        ("play.act('tag', tags=['x'])", "'tag' needs the parameter 'ip'"),
        ("play.act('tag', ip=None, tags=['x'])", "'tag' needs the parameter 'ip'"),
        ("play.act('tag', ip='a', tags='x')", "parameter tags"),
        ("play.act('tag', ip='a', tags=['x'], score='many')", "parameter score"),
        ("play.act('tag', ip=['a', 'b', 'c'], score=[1, 2], tags=['x'])", "lists given to ip, score have different lengths: 2, 3"),
    ],
)
def test_what_cannot_run_is_a_failed_result_with_a_reason(lab: Lab, request_text: str, reason: str) -> None:
    (found,) = show(lab, request_text)
    assert found[1] == "failed"
    assert reason in found[2]
    assert lab.happened() == []


def test_lists_are_paired_except_where_a_list_is_one_value(lab: Lab) -> None:
    run = lab.run("return {'said': play.act('tag', ip=['a', 'b'], score=[1, 2], tags=['x', 'y']).values('said')}")
    assert run.outputs["said"] == ["a:x+y:1", "b:x+y:2"]


def test_a_wrong_value_among_good_ones_fails_alone(lab: Lab) -> None:
    found = show(lab, "play.act('tag', ip=['a', 'b'], score=[1, 'x'], tags=[])")
    assert [one[1] for one in found] == ["succeeded", "failed"]


def test_no_values_mean_no_calls(lab: Lab) -> None:
    run = lab.run("found = play.act('ip reputation', ip=[])\nreturn {'count': len(found), 'bad': bool(found.failed)}")
    assert run.outputs == {"count": 0, "bad": False}
    assert lab.calls(run) == []
    assert lab.run("return {'count': len(play.act('dance', ip=[]))}").outputs == {"count": 0}  # whoever could do it


def test_an_app_without_asset_is_named(lab: Lab) -> None:
    lab.add_app('from repertory_sdk import *\napp = App("bare", version="1.0.0", product="B", vendor="T")\n'
                '@app.action("hash reputation")\ndef f(asset: Asset) -> dict:\n    return {}\n')  # fmt: skip
    (found,) = show(lab, "play.act('hash reputation')")
    cure = "`repertory asset add NAME test/bare` does"
    assert found[2] == f"test/bare offers 'hash reputation', but no asset is configured for it: {cure}"


def test_too_many_calls_are_refused(lab: Lab) -> None:
    (found,) = show(lab, "play.act('ip reputation', ip=['a'] * 4000)")
    assert "12000 action runs in one request; at most 10000 are permitted" in found[2]


def test_an_action_that_is_not_declared_is_refused(lab: Lab) -> None:
    (found,) = show(lab, "play.act('ip reputation', ip='a')", actions=["whois ip"])
    assert found[2] == "the playbook does not declare the action 'ip reputation' in its manifest"


def test_required_turns_failures_into_the_end_of_the_run(lab: Lab) -> None:
    def message(run: Run) -> str:
        assert run.state == "failed"
        return run.message

    missing = message(lab.run("play.act('tag', tags=['x']).required()"))
    assert missing == "tag on other-1: 'tag' needs the parameter 'ip' (playbook.py, line 5)"
    empty = message(lab.run("play.act('tag', ip=[], tags=['x']).required()"))
    assert empty.startswith("no action was run, although its result is required")
    caught = lab.run("try:\n    play.act('dance').required()\nexcept ActionFailed as error:\n    return {'said': str(error)}")
    assert caught.outputs["said"] == "dance on no asset: no installed app offers 'dance'"
