"""A Cisco ASA through real HTTP and real SSH, on its simulators."""

from __future__ import annotations

from pathlib import Path

import pytest

from repertory_sdk import ActionFailed
from repertory_sdk.app_worker import make_asset
from repertory_sdk.convert import Secret
from repertory_sdk.loader import load_module
from repertory_sdk.testing import assert_manifest_current, conformance
from repertory_sdk.testing.loading import importable

HERE = Path(__file__).resolve().parent

with importable(HERE):
    app = load_module(HERE, "app.py")
    import access_list
    import asa_cli
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


# ---------------------------------------------------------------- by SSH

ALL_ACTIONS = [case for case in CASES if str(case) != "declares itself"]
CLI = asa_cli.simulator


@pytest.fixture
def line():
    with CLI.running() as place:
        yield place


@pytest.fixture
def shell(line):
    return reached(line)


def reached(line, **changed):
    return make_asset(app.Firewall, {"name": "test", "settings": {**line.settings, **changed}})


def entries():
    return CLI.state["lists"]["OUTSIDE_IN"]


@pytest.mark.parametrize("case", ALL_ACTIONS, ids=str)
def test_conformance_by_ssh(case, line):
    case.check(line)


def test_lines_are_added_at_the_top_once(shell):
    first, second = app.block_ip(shell, "203.0.113.7"), app.block_ip(shell, "203.0.113.7")
    app.block_ip(shell, "198.51.100.0/25")
    app.block_ip(shell, "2001:db8::/64")

    assert (first.changed, first.verified, second.changed, second.previously_blocked) == (True, True, False, True)
    members = ["network-object host 203.0.113.7", "network-object 198.51.100.0 255.255.255.128", "network-object 2001:db8::/64"]
    assert CLI.state["groups"] == {"REPERTORY-BLOCK": members}
    assert entries() == ["remark repertory", "extended deny ip object-group REPERTORY-BLOCK any", *asa_cli.LINES]
    assert CLI.state["startup"]["OUTSIDE_IN"] == entries()
    assert [row.ip for row in app.list_blocked_ips(shell).data] == ["203.0.113.7", "198.51.100.0/25", "2001:db8::/64"]


def test_undo_by_ssh_leaves_nothing_of_ours(shell):
    app.block_ip(shell, "203.0.113.7")
    app.block_ip(shell, "2001:db8::7")
    app.block_port(shell, 23)
    app.block_port(shell, 443, "tcp", "198.51.100.20")
    assert app.block_port(shell, 23).changed is False
    for undo, what in (
        (app.unblock_port, (23,)), (app.unblock_ip, ("203.0.113.7",)), (app.unblock_ip, ("2001:db8::7",)),
        (app.unblock_port, (443, "tcp", "198.51.100.20")),
    ):  # fmt: skip
        done = undo(shell, *what)
        assert (done.changed, done.verified, done.blocked) == (True, True, False)
        assert undo(shell, *what).changed is False

    assert CLI.state["groups"] == {}
    assert entries() == asa_cli.LINES


def test_the_same_rule_of_somebody_else_is_neither_doubled_nor_removed(shell):
    entries().insert(0, "extended deny tcp any any eq telnet")
    before = list(entries())

    assert (app.block_port(shell, 23).blocked, app.block_port(shell, 23).changed) == (True, False)
    taken = app.unblock_port(shell, 23)
    assert (taken.blocked, taken.changed, taken.verified) == (True, False, False)
    assert entries() == before


def test_the_same_rule_of_somebody_else_below_others_is_told(shell):
    entries().append("extended deny tcp any any eq telnet")

    with pytest.raises(ActionFailed, match="rule of somebody else that denies tcp/23, at line 3"):
        app.block_port(shell, 23)


def test_the_last_address_of_a_group_that_somebody_uses_stays(shell):
    app.block_ip(shell, "203.0.113.7")
    CLI.state["lists"]["DMZ_IN"] = ["extended deny ip object-group REPERTORY-BLOCK any"]
    before = list(entries())

    with pytest.raises(ActionFailed, match=r"refuses 'no network-object host 203\.0\.113\.7'"):
        app.unblock_ip(shell, "203.0.113.7")
    assert entries() == before


def test_an_interface_without_an_access_list_is_not_given_one(shell):
    CLI.state["bound"].clear()

    with pytest.raises(ActionFailed, match="no access list for what comes in at 'outside'; bind one"):
        app.block_ip(shell, "203.0.113.7")
    assert CLI.state["groups"] == {}


def test_rules_by_ssh(shell):
    app.block_port(shell, 23)

    shown = [(row.action, row.source, row.destination, row.service, row.remark) for row in app.list_rules(shell).data]
    assert shown == [
        ("deny", "any", "any", "tcp/23", "repertory"),
        ("permit", "any4", "198.51.100.0/24", "tcp/443", "web servers"),
    ]


def test_changes_by_ssh_are_saved_unless_told_otherwise(shell, line):
    app.block_port(shell, 23)
    assert CLI.state["saved"] == 1
    app.unblock_port(reached(line, save=False), 23)
    assert CLI.state["saved"] == 1


@pytest.mark.parametrize("wrong", ["another", None])
def test_enable(line, wrong):
    with pytest.raises(ActionFailed, match="enable_password"):
        app.get_version(reached(line, enable_password=wrong))


def test_pages_are_turned(line, monkeypatch):
    entries().extend(f"extended permit tcp any host 198.51.100.{number} eq www" for number in range(40))
    monkeypatch.setattr(asa_cli._Session, "pages", property(lambda _: True, lambda *_: None), raising=False)

    assert len(app.list_rules(reached(line)).data) == 41


@pytest.mark.parametrize(
    "what", ["version | redirect disk0:/x", "run | append disk0:/x", "run |r flash:x", "run | TE flash:x", "conn ?"]
)
def test_show_only_shows(shell, what):
    with pytest.raises(ActionFailed, match="Cisco ASA"):
        app.show(shell, what)
    assert CLI.commands == []


def test_what_is_missing_is_named():
    for settings, named in (({}, "set url"), ({"transport": "ssh"}, "set host")):
        with pytest.raises(ActionFailed, match=named):
            app.get_version(app.Firewall(user="u", password=Secret("p"), **settings))


def test_rules_in_all_their_forms():
    rules = access_list.lines_of(
        "access-list A remark one\naccess-list A extended deny udp host 203.0.113.7 range 1 9 object-group X gt 1023 log inactive\n"
        "access-list B extended permit ip any any\naccess-list A standard permit any\n"
        "access-list A extended permit object S any6 any\n",
        "A",
    )
    assert [(rule.number, rule.source, rule.destination, rule.service, rule.active, rule.remarks) for rule in rules] == [
        (2, "203.0.113.7", "X", "udp/gt 1023 from 1-9", False, ("one",)),
        (4, "any6", "any", "S", True, ()),
    ]
