"""Windows Server through pywinrm and real HTTP, on its simulator."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from repertory_sdk import ActionFailed
from repertory_sdk.convert import Secret
from repertory_sdk.loader import load_module
from repertory_sdk.testing import Place, assert_manifest_current, conformance
from repertory_sdk.testing.loading import importable
from repertory_sdk.testing.place import with_settings

HERE = Path(__file__).resolve().parent
HOST = "127.0.0.1"
UPDATER = "C:\\Users\\jdoe\\AppData\\updater.exe"

with importable(HERE):
    app = load_module(HERE, "app.py")
    import simulator

    CASES = conformance(
        app.app,
        HERE,
        {
            **{name: {"host": HOST} for name in (
                "get system info", "list processes", "list connections", "list sessions", "list services", "list hotfixes",
                "list firewall rules", "list blocked ips",
            )},
            "hash file": {"host": HOST, "path": UPDATER},
            "terminate process": {"host": HOST, "pid": 2212},
            "stop service": {"host": HOST, "service": "TlntSvr"},
            "start service": {"host": HOST, "service": "Spooler"},
            "disable user": {"user": "jdoe", "host": HOST},
            "enable user": {"user": "Guest"},
            "log off user": {"host": HOST, "user": "jdoe"},
            "run command": {"host": HOST, "command": "ipconfig"},
            "block ip": {"ip": "203.0.113.7"},
            "unblock ip": {"ip": "203.0.113.7", "host": HOST},
        },
    )  # fmt: skip

HTTP = ("wrong credentials", "forbidden", "not found", "server error", "unavailable", "time-out", "cut off", "no JSON",
        "page for people", "empty body", "huge body")  # fmt: skip


@pytest.fixture
def place():
    """The faults of HTTP that concern it, and those of what lies below."""
    with simulator.simulator.running() as place:
        elsewhere = {
            "connection refused": with_settings(place.settings, port=1),
            "TLS failure": with_settings(place.settings, tls=True),
        }
        yield Place(place.settings, {**{name: place.faults[name] for name in HTTP}, **elsewhere})


@pytest.fixture
def servers(place):
    return app.Servers(**{**place.settings, "password": Secret(place.settings["password"])}, timeout_s=5)


def state():
    return simulator.simulator.state


@pytest.mark.parametrize("case", CASES, ids=str)
def test_conformance(case, place):
    case.check(place)


def test_manifest():
    assert_manifest_current(HERE)


def test_a_service_is_stopped_for_good_and_started_again(servers):
    stopped = app.stop_service(servers, HOST, "TlntSvr")
    assert (stopped.status, stopped.start_mode, stopped.previous_start_mode, stopped.changed) == (
        "stopped", "disabled", "automatic", True,
    )  # fmt: skip
    assert not any(row.local_port == 23 for row in app.list_connections(servers, HOST).data)
    assert app.stop_service(servers, HOST, "TlntSvr").changed is False
    assert app.start_service(servers, HOST, "TlntSvr").status == "running"


def test_a_process_ends_once(servers):
    assert app.terminate_process(servers, HOST, 2212).changed is True
    gone = app.terminate_process(servers, HOST, 2212)
    assert (gone.ended, gone.changed, gone.name) == (True, False, "")


def test_an_address_is_blocked_both_ways_and_read_back(servers):
    first, second = app.block_ip(servers, "203.0.113.7")[0], app.block_ip(servers, "203.0.113.7")[0]
    app.block_ip(servers, "198.51.100.0/24")
    assert (first.changed, first.verified, second.changed) == (True, True, False)
    assert [row.ip for row in app.list_blocked_ips(servers)] == ["203.0.113.7", "198.51.100.0/24"]
    assert app.unblock_ip(servers, "203.0.113.7")[0].blocked is False


def test_who_talks_to_whom(servers):
    (talk,) = [row for row in app.list_connections(servers, HOST).data if row.state == "established"]
    assert (talk.process, talk.remote_ip, talk.remote_port, talk.pid) == ("updater", "203.0.113.7", 443, 2212)


@pytest.mark.parametrize("name", ["x'; Remove-Item C:\\ -Recurse; '", "$(calc)", "`calc`", 'jdoe"; calc'])
def test_values_never_become_code(servers, name):
    simulator.simulator.state["users"][name] = True
    app.disable_user(servers, name)
    assert simulator.simulator.state["users"][name] is False


def test_the_script_holds_values_as_data_only(servers, monkeypatch):
    lines = []
    run = simulator._run
    monkeypatch.setattr(simulator, "_run", lambda state, line: lines.append(line) or run(state, line))
    app.disable_user(servers, "jdoe")
    texts = [base64.b64decode(line.rpartition(" ")[2]).decode("utf-16-le") for line in lines]
    assert texts
    assert not any("jdoe" in text for text in texts)


@pytest.mark.parametrize(
    ("call", "what"),
    [
        (lambda servers: app.stop_service(servers, HOST, "winrm"), "winrm is protected"),
        (lambda servers: app.disable_user(servers, "administrator"), "administrator is protected"),
        (lambda servers: app.disable_user(servers, "responder"), "responder is protected"),
        (lambda servers: app.terminate_process(servers, HOST, 4), "System is protected"),
        (lambda servers: app.block_ip(servers, "10.0.0.1"), r"10\.0\.0\.1 is protected"),
    ],
)
def test_what_is_protected_is_not_touched(servers, call, what):
    before = str({name: value for name, value in state().items() if name not in ("shells", "commands")})
    with pytest.raises(ActionFailed, match=what):
        call(servers)
    assert str({name: value for name, value in state().items() if name not in ("shells", "commands")}) == before


def test_other_machines_are_not_reached(servers):
    with pytest.raises(ActionFailed, match=r"'evil\.example' is none of the machines that test may reach; add it to"):
        app.get_system_info(servers, "evil.example")


def test_an_error_of_powershell_is_a_sentence(servers):
    with pytest.raises(
        ActionFailed, match=r"Windows Server: hash file on 127.0.0.1 failed: Cannot find C:..nothing\.; check"
    ):
        app.hash_file(servers, HOST, "C:\\nothing")


def test_no_shell_is_left_behind(servers):
    app.list_services(servers, HOST)
    with pytest.raises(ActionFailed):
        app.hash_file(servers, HOST, "C:\\nothing")
    assert state()["shells"] == {}
