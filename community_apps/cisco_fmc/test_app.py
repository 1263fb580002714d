"""A Cisco FMC through real HTTP, on its simulator."""

from __future__ import annotations

from pathlib import Path

import pytest

from repertory_sdk import ActionFailed
from repertory_sdk.convert import Secret
from repertory_sdk.loader import load_module
from repertory_sdk.testing import assert_manifest_current, conformance
from repertory_sdk.testing.loading import importable

HERE = Path(__file__).resolve().parent

with importable(HERE):
    app = load_module(HERE, "app.py")
    import simulator

    CASES = conformance(
        app.app,
        HERE,
        {
            "block ip": {"ip": "203.0.113.7"},
            "unblock ip": {"ip": "203.0.113.7"},
            "is blocked": {"ip": "203.0.113.7"},
            "list blocked ips": {},
            "list rules": {"policy": "Edge"},
            "list pending devices": {},
            "deploy changes": {},
            "get deployment": {"deployment": "85890"},
        },
    )


@pytest.fixture
def place():
    with simulator.simulator.running() as place:
        simulator.simulator.state["tasks"]["85890"] = 0
        yield place


@pytest.fixture
def center(place):
    return app.Center(**{**place.settings, "password": Secret(place.settings["password"])}, retries=0)


def state():
    return simulator.simulator.state


@pytest.mark.parametrize("case", CASES, ids=str)
def test_conformance(case, place):
    case.check(place)


def test_manifest():
    assert_manifest_current(HERE)


def test_a_block_is_written_once_and_keeps_what_others_put_in(center):
    state()["groups"]["7"] = {
        "id": "7", "name": "REPERTORY-BLOCK", "type": "NetworkGroup", "objects": [{"name": "h1", "id": "1"}],
        "literals": [{"type": "Host", "value": "198.51.100.9"}],
    }  # fmt: skip
    first, second = app.block_ip(center, "203.0.113.7"), app.block_ip(center, "203.0.113.7")
    assert (first.changed, first.verified, second.changed, second.previously_blocked) == (True, True, False, True)
    assert state()["groups"]["7"]["objects"] == [{"name": "h1", "id": "1"}]
    assert [row.ip for row in app.list_blocked_ips(center).data] == ["198.51.100.9", "203.0.113.7"]
    assert app.unblock_ip(center, "203.0.113.7").blocked is False
    assert [row.ip for row in app.list_blocked_ips(center).data] == ["198.51.100.9"]


def test_nothing_is_deployed_unless_told_to(center):
    assert app.block_ip(center, "203.0.113.7").deployed is False
    assert [row.name for row in app.list_pending_devices(center)] == ["edge-1"]
    done = app.deploy_changes(center)
    assert (done.status, done.ended, done.devices) == ("Deployed", True, ["8d7e0000-0000-0000-0000-000000000001"])
    assert app.deploy_changes(center).status == "nothing to deploy"


def test_by_setting_a_block_is_deployed_at_once(place):
    at_once = app.Center(**{**place.settings, "password": Secret(place.settings["password"])}, deploy=True)
    assert app.block_ip(at_once, "203.0.113.7").deployed is True
    assert state()["pending"] is False


def test_a_token_that_ran_out_is_renewed_once(center):
    app.list_blocked_ips(center)
    state()["expired"].append("token-1")
    assert app.list_blocked_ips(center).data == []
    assert state()["tokens"] == ["token-1", "token-2"]


def test_one_login_serves_many_calls(center):
    for _ in range(3):
        app.list_blocked_ips(center)
    assert state()["tokens"] == ["token-1"]


def test_a_domain_that_the_account_does_not_have(place):
    elsewhere = app.Center(**{**place.settings, "password": Secret(place.settings["password"])}, domain="Branch")
    with pytest.raises(ActionFailed, match="no domain 'Branch'; it has Global"):
        app.list_blocked_ips(elsewhere)


def test_every_page_is_read(center):
    state()["rules"] = [{**simulator.RULE, "id": f"r-{number}"} for number in range(250)]
    rules = app.list_rules(center).data
    assert (len(rules), rules[0].sources, rules[0].policy) == (250, ["REPERTORY-BLOCK"], "Edge")


def test_what_is_protected_is_not_touched(center):
    with pytest.raises(ActionFailed, match="is protected"):
        app.block_ip(center, "192.168.1.1")
    assert simulator.simulator.requests == []
