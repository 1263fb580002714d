"""A Cisco ASA through real HTTP, on its simulator."""

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
            "block port": {"port": 23, "ip": "198.51.100.20"},
            "unblock port": {"port": 23, "ip": "198.51.100.20"},
            "list rules": {},
            "get version": {},
            "show": {"what": "conn count"},
        },
    )


@pytest.fixture
def place():
    with simulator.simulator.running() as place:
        yield place


@pytest.fixture
def firewall(place):
    settings = place.settings
    return app.Firewall(url=settings["url"], user=settings["user"], password=Secret(settings["password"]), retries=0)


def state():
    return simulator.simulator.state


@pytest.mark.parametrize("case", CASES, ids=str)
def test_conformance(case, place):
    case.check(place)


def test_manifest():
    assert_manifest_current(HERE)


def test_an_address_is_blocked_once_by_one_rule(firewall):
    first, second = app.block_ip(firewall, "203.0.113.7"), app.block_ip(firewall, "203.0.113.7")
    app.block_ip(firewall, "203.0.113.8")

    assert (first.changed, first.verified, second.changed, second.previously_blocked) == (True, True, False, True)
    assert state()["groups"] == {
        "REPERTORY-BLOCK": [{"kind": "IPv4Address", "value": ip} for ip in ("203.0.113.7", "203.0.113.8")]
    }
    denying = [rule for rule in state()["rules"] if not rule["permit"]]
    assert len(denying) == 1
    assert state()["rules"][0] == denying[0]


def test_undo_leaves_nothing_of_ours(firewall):
    before = list(state()["rules"])
    app.block_ip(firewall, "203.0.113.7")
    app.block_ip(firewall, "2001:db8::7")
    app.block_port(firewall, 23)
    for undo, what in ((app.unblock_ip, "203.0.113.7"), (app.unblock_ip, "2001:db8::7"), (app.unblock_port, 23)):
        assert undo(firewall, what).changed is True
        assert undo(firewall, what).changed is False

    assert state()["groups"] == {}
    assert state()["rules"] == before


def test_rules_of_others_are_left_alone(firewall):
    foreign = {
        "objectId": "7", "permit": False, "active": True, "remarks": ["by hand"],
        "sourceAddress": {"kind": "AnyIPAddress", "value": "any"}, "destinationAddress": {"kind": "AnyIPAddress", "value": "any"},
        "destinationService": {"kind": "TcpUdpService", "value": "tcp/23"},
    }  # fmt: skip
    state()["rules"].insert(0, foreign)

    app.block_port(firewall, 23)
    app.unblock_port(firewall, 23)
    assert foreign in state()["rules"]


def test_every_page_of_rules_is_read(firewall):
    state()["rules"] += [{**state()["rules"][0], "objectId": str(number)} for number in range(1000, 1250)]

    assert len(app.list_rules(firewall).data) == 251


def test_changes_outlive_a_restart_unless_told_otherwise(firewall, place):
    app.block_port(firewall, 23)
    assert state()["saved"] == 1
    passing = app.Firewall(**{**place.settings, "password": Secret(place.settings["password"])}, save=False)
    app.unblock_port(passing, 23)
    assert state()["saved"] == 1


@pytest.mark.parametrize("ip", ["10.1.2.3", "8.8.8.8", "0.0.0.0/0"])
def test_what_is_protected_is_not_touched(firewall, ip):
    with pytest.raises(ActionFailed, match="is protected"):
        app.block_ip(firewall, ip)
    assert simulator.simulator.requests == []


def test_a_command_that_it_does_not_know(firewall):
    with pytest.raises(ActionFailed, match=r"refuses 'show shoes': ERROR: % Invalid input"):
        app.show(firewall, "shoes")
