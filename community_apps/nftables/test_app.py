"""nftables through SSH: the simulated machine, and a real nft in a network namespace with an sshd of its own."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from repertory_sdk import ActionFailed, Job
from repertory_sdk.app_worker import make_asset
from repertory_sdk.loader import load_module
from repertory_sdk.testing import assert_manifest_current, conformance
from repertory_sdk.testing.loading import importable
from runtime_lab import until
from ssh_server import program, ssh_server

HERE = Path(__file__).resolve().parent

with importable(HERE):
    app = load_module(HERE, "app.py")
    import nft_table
    import simulator

    CASES = conformance(
        app.app,
        HERE,
        {
            "block ip": {"ip": "203.0.113.7"},
            "unblock ip": {"ip": "203.0.113.7"},
            "list blocked ips": {},
            "is blocked": {"ip": "203.0.113.7"},
            "block port": {"port": 23, "protocol": "tcp", "ip": "203.0.113.7"},
            "unblock port": {"port": 23},
            "list blocked ports": {},
            "list rules": {},
            "get ruleset": {},
        },
    )


def asset(settings, **changed):
    return make_asset(app.Firewall, {"name": "test", "settings": {**settings, **changed}})


@pytest.fixture
def place():
    with simulator.simulator.running() as place:
        yield place


@pytest.mark.parametrize("case", CASES, ids=str)
def test_conformance(case, place):
    case.check(place)


def test_manifest():
    assert_manifest_current(HERE)


# ---------------------------------------------------------------- real ones


@pytest.fixture(scope="module")
def namespace():
    """A network namespace: the process that holds it. Only root may have nft change one."""
    if os.geteuid() != 0:
        pytest.skip("only root may filter")
    command = [program("unshare"), "--net", program("sh"), "-c", f"{program('ip')} link set lo up && echo up && exec cat"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None and process.stdin is not None
    if process.stdout.readline() != b"up\n":
        process.wait()
        pytest.skip("this machine lets nobody make a network namespace")
    inside = [program("nsenter"), f"--net=/proc/{process.pid}/ns/net"]
    for address in ("203.0.113.7/32", "198.51.100.9/32"):
        subprocess.run([*inside, program("ip"), "addr", "add", address, "dev", "lo"], check=True)
    subprocess.run([*inside, program("ip"), "-6", "addr", "add", "2001:db8::7/128", "dev", "lo"], check=False)
    yield inside
    process.stdin.close()
    process.stdout.close()
    process.wait()


@pytest.fixture(scope="module")
def machine(tmp_path_factory, namespace):
    program("nft")
    with ssh_server(tmp_path_factory.mktemp("nft"), inside=namespace) as server:
        yield server


@pytest.fixture
def inside(namespace):
    yield namespace
    subprocess.run([*namespace, program("nft"), "flush", "ruleset"], check=True)


def nft(inside, *arguments):
    return subprocess.run([*inside, program("nft"), *arguments], capture_output=True, text=True, check=True).stdout


@pytest.fixture
def real(machine, inside):
    return asset({**machine.settings, "host": "127.0.0.1"})


@pytest.fixture(params=["simulated", "real"])
def firewall(request):
    """Each test with this fixture is about what both do in the same way."""
    if request.param == "real":
        return request.getfixturevalue("real")
    return asset(request.getfixturevalue("place").settings)


pytestmark = pytest.mark.may_skip("only root may filter, and not in every container")


def listed(firewall):
    return {row.ip: row.expires_s for row in app.list_blocked_ips(firewall).data}


def test_an_address_is_blocked_once_and_let_through_again(firewall):
    assert not app.is_blocked(firewall, "203.0.113.7")
    first = app.block_ip(firewall, "203.0.113.7", reason='scan; "quoted" \n$(id)')
    assert (first.blocked, first.previously_blocked, first.changed, first.verified) == (True, False, True, True)
    again = app.block_ip(firewall, "203.0.113[.]7")
    assert (again.blocked, again.previously_blocked, again.changed) == (True, True, False)
    (row,) = app.list_blocked_ips(firewall).data
    assert (row.ip, row.expires_s, row.comment) == ("203.0.113.7", None, "scan quoted (id)")
    assert app.is_blocked(firewall, "203.0.113.7")
    back = app.unblock_ip(firewall, "203.0.113.7")
    assert (back.blocked, back.previously_blocked, back.changed) == (False, True, True)
    assert app.unblock_ip(firewall, "203.0.113.7").changed is False


def test_both_families_and_networks(firewall):
    for ip in ("2001:db8::7", "198.51.100.0/24", "203.0.113.7"):
        assert app.block_ip(firewall, ip).blocked
    assert set(listed(firewall)) == {"2001:db8::7", "198.51.100.0/24", "203.0.113.7"}
    assert app.block_ip(firewall, "198.51.100.7").changed is False
    with pytest.raises(ActionFailed, match=r"is blocked as part of 198.51.100.0/24; unblock that"):
        app.unblock_ip(firewall, "198.51.100.7")


def test_a_network_takes_the_place_of_what_is_in_it(firewall):
    app.block_ip(firewall, "203.0.113.7")
    app.block_ip(firewall, "203.0.113.0/28")
    assert set(listed(firewall)) == {"203.0.113.0/28"}


def test_blocks_that_end_by_themselves(firewall):
    assert 3500 < app.block_ip(firewall, "203.0.113.7", minutes=60).expires_s <= 3600
    assert app.block_ip(firewall, "203.0.113.7", minutes=30).changed is False
    assert 7000 < app.block_ip(firewall, "203.0.113.7", minutes=120).expires_s <= 7200
    assert app.block_ip(firewall, "203.0.113.7").expires_s is None
    assert app.block_ip(firewall, "203.0.113.7", minutes=5).changed is False
    assert listed(firewall) == {"203.0.113.7": None}


def test_a_longer_block_within_a_network_that_ends_is_refused(firewall):
    app.block_ip(firewall, "203.0.113.0/28", minutes=5)
    with pytest.raises(ActionFailed, match="block that for longer instead"):
        app.block_ip(firewall, "203.0.113.7")


def test_ports_of_all_and_of_one(firewall):
    everybody = app.block_port(firewall, 23, "tcp", "")
    assert (everybody.blocked, everybody.changed, everybody.ip) == (True, True, "")
    assert app.block_port(firewall, 23, "tcp", "").changed is False
    assert app.block_port(firewall, 23, "udp", "203.0.113.7", minutes=10).expires_s <= 600
    assert app.block_port(firewall, 8080, "tcp", "2001:db8::7").blocked
    rows = {(row.port, row.protocol, row.ip) for row in app.list_blocked_ports(firewall).data}
    assert rows == {(23, "tcp", ""), (23, "udp", "203.0.113.7"), (8080, "tcp", "2001:db8::7")}
    assert app.unblock_port(firewall, 23, "tcp", "").changed
    assert app.unblock_port(firewall, 23, "tcp", "").changed is False
    assert len(app.list_blocked_ports(firewall).data) == 2


@pytest.mark.parametrize("ip", ["10.1.2.3", "127.0.0.1", "8.8.8.8", "0.0.0.0/0", "8.8.0.0/16"])
def test_protected_addresses_are_not_blocked(place, ip):
    with pytest.raises(ActionFailed, match="is protected"):
        app.block_ip(asset(place.settings), ip)
    assert simulator.simulator.state["tables"] == {}


def test_a_port_of_a_server_of_ones_own_can_be_closed(place):
    change = app.block_port(asset(place.settings), 3389, "tcp", "10.1.2.3")
    assert (change.blocked, change.ip) == (True, "10.1.2.3")


def test_nobody_locks_himself_out(place):
    for ip in ("192.0.2.200", "192.0.2.0/24"):
        with pytest.raises(ActionFailed, match="lock itself out"):
            app.block_ip(asset(place.settings), ip)
    firewall = asset(place.settings)
    for port in (53, firewall.port):
        with pytest.raises(ActionFailed, match="is protected and stays open"):
            app.block_port(firewall, port, "tcp", "")


def test_rules_of_others_are_listed(place):
    app.block_ip(asset(place.settings), "203.0.113.7")
    rows = app.list_rules(asset(place.settings)).data
    assert [(row.table, row.chain, row.action, row.handle) for row in rows[:2]] == [
        ("inet filter", "input", "accept", 2), ("inet filter", "input", "", 3),
    ]  # fmt: skip
    assert rows[2].action == "drop"


def test_a_name_that_is_none_of_a_table(place):
    with pytest.raises(ActionFailed, match="set table to one"):
        app.list_blocked_ips(asset(place.settings, table="a; flush ruleset"))


@pytest.mark.parametrize(
    ("element", "value"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ({"prefix": {"addr": "198.51.100.0", "len": 24}}, "198.51.100.0/24"),
        ({"range": ["198.51.100.1", "198.51.100.9"]}, "198.51.100.1-198.51.100.9"),
        ({"elem": {"val": {"prefix": {"addr": "198.51.100.0", "len": 24}}, "timeout": 5}}, "198.51.100.0/24"),
    ],
)
def test_elements_in_every_form(element, value):
    text = json.dumps({"nftables": [{"set": {"name": "blocked4", "elem": [element]}}]})
    (entry,) = nft_table.contents(text, "t").addresses()
    assert entry.value == value
    assert nft_table.holds(value, "198.51.100.3") or value == "203.0.113.7"
    assert not nft_table.holds(value, "192.0.2.1")


def test_an_answer_in_no_known_form(place):
    @contextlib.contextmanager
    def saying(text):
        handlers = simulator.simulator._handlers
        before = handlers["nft"]
        handlers["nft"] = lambda _: text
        yield
        handlers["nft"] = before

    for text in ("[", '{"a": 1}', '{"nftables": [{"set": {"name": "blocked4", "elem": [{"prefix": 3}]}}]}'):
        with saying(text), pytest.raises(ActionFailed, match="in no form that is known; check its version"):
            app.list_blocked_ips(asset(place.settings))


# ---------------------------------------------------------------- what only real ones show

CONNECT = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 1).close()"


def reaches(inside, ip, port):
    return subprocess.run([*inside, sys.executable, "-c", CONNECT, ip, str(port)], capture_output=True, check=False).returncode == 0


@pytest.fixture
def service(inside):
    """Something that listens in the namespace."""
    command = [*inside, sys.executable, "-m", "http.server", "8023", "--bind", "0.0.0.0"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        until(lambda: reaches(inside, "203.0.113.7", 8023), "it listens")
        yield 8023
        process.kill()


def test_packets_really_stop(real, inside, service):
    app.block_ip(real, "203.0.113.7")
    assert not reaches(inside, "203.0.113.7", service)
    assert reaches(inside, "198.51.100.9", service)
    app.unblock_ip(real, "203.0.113.7")
    assert reaches(inside, "203.0.113.7", service)
    app.block_port(real, service, "tcp", "203.0.113.7")
    assert (reaches(inside, "203.0.113.7", service), reaches(inside, "198.51.100.9", service)) == (False, True)
    app.block_port(real, service, "tcp", "")
    assert not reaches(inside, "198.51.100.9", service)
    app.unblock_port(real, service, "tcp", "")
    assert reaches(inside, "198.51.100.9", service)


def test_other_tables_stay_and_ours_is_made_whole_again(real, inside):
    nft(inside, "add table inet mine; add chain inet mine input { type filter hook input priority 0; }")
    nft(inside, "add rule inet mine input tcp dport 99 counter reject")
    app.block_ip(real, "203.0.113.7")
    nft(inside, "flush chain inet repertory output")
    assert not app.is_blocked(real, "203.0.113.7")
    assert app.block_ip(real, "203.0.113.7").changed
    assert app.is_blocked(real, "203.0.113.7")
    rows = [(row.table, row.action) for row in app.list_rules(real).data]
    assert rows[0] == ("inet mine", "reject")
    assert rows.count(("inet repertory", "drop")) == len(rows) - 1 == 17


def test_the_ruleset_is_attached(real, inside, job: Job):
    app.block_ip(real, "203.0.113.7")
    found = app.get_ruleset(real, job)
    assert (found.tables, found.rules) == (["inet repertory"], 17)
    (text,) = job.attached.values()
    assert b"203.0.113.7" in text


def test_a_restart_finds_what_was_kept(machine, inside, tmp_path):
    kept = tmp_path / "repertory.nft"
    firewall = asset({**machine.settings, "host": "127.0.0.1", "persist_file": str(kept)})
    app.block_ip(firewall, "203.0.113.7", reason="kept")
    app.block_ip(firewall, "198.51.100.0/24", minutes=60)
    nft(inside, "flush", "ruleset")
    assert listed(firewall) == {}
    for _ in range(2):
        nft(inside, "-f", str(kept))
    assert set(listed(firewall)) == {"203.0.113.7", "198.51.100.0/24"}


def test_the_address_that_we_come_from(real):
    real = asset({**_settings(real), "protected": []})
    with pytest.raises(ActionFailed, match=r"127.0.0.0/8 holds 127.0.0.1, from which this app reaches"):
        app.block_ip(real, "127.0.0.0/8")


def _settings(made):
    return {field.name: value for field in dataclasses.fields(made) if (value := getattr(made, field.name)) is not None}


def test_a_user_who_may_not(real):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        closed = asset({**_settings(real), "port": nobody.getsockname()[1]})
        with pytest.raises(ActionFailed, match="nftables: the app is refused a connection to"):
            app.list_blocked_ips(closed)
