"""Linux machines through SSH: the simulated one, and this machine through a real OpenSSH server with an /etc of its own."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path

import pytest

import repertory_sdk
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
    import linux_services
    import linux_tables
    import simulator

    HOST = "127.0.0.1"
    CASES = conformance(
        app.app,
        HERE,
        {
            "get system info": {"host": HOST},
            "list processes": {"host": HOST},
            "list connections": {"host": HOST},
            "list sessions": {"host": HOST},
            "list services": {"host": HOST},
            "list users": {"host": HOST},
            "list scheduled jobs": {"host": HOST},
            "hash file": {"host": HOST, "path": "/bin/ls"},
            "get file": {"host": HOST, "path": "/bin/ls"},
            "terminate process": {"host": HOST, "pid": 1300},
            "stop service": {"host": HOST, "service": "telnet"},
            "start service": {"host": HOST, "service": "nginx"},
            "disable user": {"user": "alice"},
            "enable user": {"user": "alice"},
            "end sessions": {"host": HOST, "user": "alice"},
            "run command": {"host": HOST, "command": "echo hello"},
        },
        may_succeed={"run command": ("command missing", "not permitted")},
    )


@pytest.fixture
def place():
    with simulator.simulator.running() as place:
        yield place


@pytest.fixture
def server(place):
    return endpoint(place.settings)


def endpoint(settings, **changed):
    return make_asset(app.Endpoints, {"name": "test", "settings": {**settings, **changed}})


@pytest.mark.parametrize("case", CASES, ids=str)
def test_conformance(case, place):
    case.check(place)


def test_manifest():
    assert_manifest_current(HERE)


# ---------------------------------------------------------------- the simulated machine


def test_machines_that_are_not_in_the_list_are_refused(place):
    with pytest.raises(ActionFailed, match="is none of the machines that test may reach; add it to the setting"):
        app.list_processes(endpoint(place.settings), "192.0.2.1")
    many = endpoint(place.settings, hosts=[HOST, "other.example"], host_key=None, verify_host_key=False)
    with pytest.raises(ActionFailed, match="say which host"):
        app.disable_user(many, "alice")
    with pytest.raises(ActionFailed, match="set known_hosts instead"):
        app.list_processes(endpoint(place.settings, hosts=[HOST, "other.example"]), HOST)


def test_what_a_machine_is(server):
    info = app.get_system_info(server, HOST)
    assert (info.hostname, info.os, info.os_version, info.kernel) == ("server-7", "Debian GNU/Linux", "12", "6.1.0-18-amd64")
    assert (info.booted_at, info.addresses) == ("2026-01-05T07:59:00+00:00", ["192.0.2.14"])


def test_names_of_processes_may_have_spaces(server):
    rows = {row.pid: row for row in app.list_processes(server, HOST).data}
    assert (rows[1300].name, rows[1300].user, rows[1300].parent_pid) == ("miner x", "nobody", 1)
    assert rows[1300].command == "/tmp/.x/miner x --pool 203.0.113.66:3333"
    assert rows[1300].started_at == "2026-01-05T08:00:00+00:00"


def test_connections_of_both_families(server):
    rows = app.list_connections(server, HOST).data
    told = {(row.protocol, row.state, row.local_ip, row.local_port, row.remote_ip, row.remote_port, row.process) for row in rows}
    assert ("tcp", "established", "192.0.2.14", 23, "198.51.100.20", 41522, "in.telnetd") in told
    assert ("tcp", "established", "2001:db8::14", 22, "2001:db8::9", 50514, None) in told
    assert ("udp", "unconnected", "127.0.0.53", 53, None, None, None) in told
    assert ("tcp", "listen", "::", 22, None, None, None) in told


def test_times_without_a_year_are_of_the_last_one():
    now = datetime(2026, 1, 3, tzinfo=timezone.utc)
    text = "al pts/0 Dec 31 23:10 (192.0.2.1)\nbo tty1 2026-01-02 10:00\n"
    assert linux_tables.sessions(text, now) == [
        ("al", "pts/0", "2025-12-31T23:10:00+00:00", "192.0.2.1"), ("bo", "tty1", "2026-01-02T10:00:00+00:00", ""),
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["", "\n\n", "a b c", "1 2", "tcp LISTEN x y z w", "[", "{}", "::::::", "al pts/0 soon"])
def test_odd_output_is_nothing(text):
    now = datetime(2026, 1, 3, tzinfo=timezone.utc)
    assert linux_tables.processes(text) == linux_tables.sockets(text) == linux_tables.sessions(text, now) == []
    assert linux_tables.addresses(text if text != "{}" else "") == list(linux_tables.accounts(text)) == []


def test_telnet_of_inetd_is_stopped_with_its_sessions_and_comes_back(server):
    change = app.stop_service(server, HOST, "telnet")
    assert (change.status, change.previous_status, change.start_mode, change.previous_start_mode) == (
        "stopped", "running", "disabled", "automatic",
    )  # fmt: skip
    assert (change.changed, change.ways) == (True, ["inetd"])
    assert change.done == ["switched it off in /etc/inetd.conf", "ended process 911"]
    assert "\n#<off># telnet\t" in simulator.simulator.state["files"]["/etc/inetd.conf"]
    assert not any(row.local_port == 23 for row in app.list_connections(server, HOST).data)
    again = app.stop_service(server, HOST, "telnet")
    assert (again.changed, again.done, again.status) == (False, [], "stopped")
    back = app.start_service(server, HOST, "telnet")
    assert (back.status, back.start_mode, back.done) == ("running", "automatic", ["switched it on in /etc/inetd.conf"])
    assert simulator.simulator.state["files"]["/etc/inetd.conf"] == simulator.INETD


def test_units_are_masked_and_come_back(server):
    assert app.stop_service(server, HOST, "nginx").done == ["stopped, disabled and masked nginx.service"]
    listed = {row.service: (row.status, row.start_mode) for row in app.list_services(server, HOST).data}
    assert listed["nginx.service"] == ("stopped", "disabled")
    assert app.start_service(server, HOST, "nginx").status == "running"
    assert simulator.simulator.state["units"]["nginx.service"] == ["active", "enabled"]


def test_units_that_cannot_be_enabled_are_started_all_the_same(server):
    assert app.stop_service(server, HOST, "polkit").status == "stopped"
    change = app.start_service(server, HOST, "polkit")
    assert (change.status, change.done) == ("running", ["unmasked and started polkit.service"])


def test_a_service_that_there_is_not(server):
    for action in (app.stop_service, app.start_service):
        with pytest.raises(ActionFailed, match="has no service 'gopher'"):
            action(server, HOST, "gopher")


@pytest.mark.parametrize("service", ["ssh", "sshd.service", "ssh.socket", "systemd-journald"])
def test_the_way_in_is_kept(server, service):
    with pytest.raises(ActionFailed, match="is protected and goes on; take it off"):
        app.stop_service(server, HOST, service)


@pytest.mark.parametrize("pid", [1, 2, 700])
def test_processes_that_are_never_ended(server, pid):
    with pytest.raises(ActionFailed, match="is protected and goes on"):
        app.terminate_process(server, HOST, pid)


def test_a_process_is_ended_once(server):
    with pytest.raises(ActionFailed, match="is miner x, not bash; list"):
        app.terminate_process(server, HOST, 1300, name="bash")
    assert app.terminate_process(server, HOST, 1300).changed
    again = app.terminate_process(server, HOST, 1300)
    assert (again.ended, again.changed, again.name) == (True, False, "")


def test_an_account_is_disabled_with_its_sessions_and_comes_back(server):
    change = app.disable_user(server, "alice")
    assert (change.enabled, change.previously_enabled, change.changed, change.host) == (False, True, True, HOST)
    assert app.list_sessions(server, HOST) == []
    assert app.disable_user(server, "alice").changed is False
    assert app.enable_user(server, "alice").enabled
    assert simulator.simulator.state["users"]["alice"][2:] == ["P", ""]


def test_a_password_that_was_locked_stays_so(server):
    app.disable_user(server, "nobody")
    app.enable_user(server, "nobody")
    assert simulator.simulator.state["users"]["nobody"][2:] == ["L", ""]


@pytest.mark.parametrize(("user", "told"), [("root", "is protected"), ("responder", "is protected"), ("bob", "no account bob")])
def test_accounts_that_are_not_disabled(server, user, told):
    with pytest.raises(ActionFailed, match=told):
        app.disable_user(server, user)


def test_files(server, job: Job):
    hashed = app.hash_file(server, HOST, "/bin/ls")
    fetched = app.get_file(server, job, HOST, "/bin/ls")
    assert (fetched.sha256, fetched.size, fetched.name) == (hashed.sha256, hashed.size, "ls")
    assert job.attached[hashed.sha256] == b"not really\n"
    for path, told in (("/nowhere", "has no file /nowhere"), ("/etc", "is a directory and no file"), ("ls", "no absolute path")):
        with pytest.raises(ActionFailed, match=told):
            app.hash_file(server, HOST, path)


# ---------------------------------------------------------------- this machine, by a real server


@pytest.fixture(scope="module")
def sshd(tmp_path_factory):
    with ssh_server(tmp_path_factory.mktemp("linux")) as server:
        yield server


@pytest.fixture
def real(sshd):
    return endpoint({**sshd.settings, "hosts": [HOST]})


@contextlib.contextmanager
def listening(*command, port=None):
    """A program of ours, once it listens."""
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True) as process:
        try:
            until(lambda: port is None or _listens(port), "it listens")
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGKILL)


def _listens(port):
    said = subprocess.run([program("ss"), "-H", "-tlnp", f"sport = :{port}"], capture_output=True, text=True, check=True)
    return bool(said.stdout.strip())


def free_port():
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


def test_looking_at_this_machine(real):
    info = app.get_system_info(real, HOST)
    assert info.kernel == os.uname().release
    assert info.booted_at
    rows = {row.pid: row for row in app.list_processes(real, HOST).data}
    assert rows[os.getpid()].command.split()[0] == Path(f"/proc/{os.getpid()}/cmdline").read_bytes().split(b"\0")[0].decode()
    assert abs(datetime.fromisoformat(rows[os.getpid()].started_at).timestamp() - _started()) < 120
    assert {row.user for row in app.list_users(real, HOST)} >= {real.user, "alice"}
    assert app.list_sessions(real, HOST) is not None
    assert app.list_scheduled_jobs(real, HOST) is not None


def _started():
    ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19]) / os.sysconf("SC_CLK_TCK")
    boot = next(line for line in Path("/proc/stat").read_text().splitlines() if line.startswith("btime"))
    return int(boot.split()[1]) + ticks


def test_connections_of_this_machine(real):
    port = free_port()
    with listening(sys.executable, "-m", "http.server", str(port), "--bind", HOST, port=port) as process:
        (row,) = [row for row in app.list_connections(real, HOST).data if row.local_port == port and row.state == "listen"]
        assert (row.local_ip, row.protocol) == (HOST, "tcp")
        assert row.pid in (process.pid, None)


def test_a_real_process_that_does_not_listen_is_ended_by_force(real, monkeypatch):
    monkeypatch.setattr(linux_services, "PATIENCE_S", 1.0)
    stubborn = "import signal,sys; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('x', flush=True); signal.pause()"
    with subprocess.Popen([sys.executable, "-c", stubborn], stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        assert app.terminate_process(real, HOST, process.pid).ended
        assert process.wait(10) == -signal.SIGKILL


def test_real_files(real, tmp_path, job: Job):
    (tmp_path / "a\\b c").write_bytes(b"\x00\xff")
    hashed = app.hash_file(real, HOST, str(tmp_path / "a\\b c"))
    assert (hashed.size, app.get_file(real, job, HOST, str(tmp_path / "a\\b c")).sha256) == (2, hashed.sha256)


def test_a_real_command(real):
    done = app.run_command(real, HOST, "echo out; echo err >&2; exit 3")
    assert (done.exit_code, done.stdout, done.stderr) == (3, "out\n", "err\n")


@pytest.fixture
def telnet(sshd, tmp_path):
    """A port that the machine calls telnet."""
    port = free_port()
    known = (sshd.etc / "services").read_text()
    (sshd.etc / "services").write_text(f"telnet {port}/tcp\n")
    yield port
    (sshd.etc / "services").write_text(known)


SUPERSERVER = r"""
import re, signal, socket, sys
from pathlib import Path
configuration, wanted, port, host = Path(sys.argv[1]), re.compile(sys.argv[2], re.M), int(sys.argv[3]), "127.0.0.1"
listening = None
def read(*_):
    global listening
    if wanted.search(configuration.read_text()):
        listening = listening or socket.create_server((host, port))
    elif listening:
        listening = listening.close()
signal.signal(signal.SIGHUP, read)
Path("/proc/self/comm").write_text(sys.argv[4])
read()
while True:
    signal.pause()
"""


@contextlib.contextmanager
def superserver(name, configuration, wanted, port, folder):
    """What reads a file again at SIGHUP, and listens where it says so; its process has the name of xinetd."""
    (folder / "server.py").write_text(SUPERSERVER)
    with listening(sys.executable, str(folder / "server.py"), str(configuration), wanted, str(port), name, port=port) as process:
        until(lambda: Path(f"/proc/{process.pid}/comm").read_text().strip() == name)
        yield


@pytest.fixture
def inetd(real, sshd, telnet):
    """A real inetd that serves an echo by the name of telnet, in the machine's own /etc."""
    line = "telnet\tstream\ttcp\tnowait\troot\t/bin/cat\tcat\n"
    (sshd.etc / "inetd.conf").write_text(f"# first\n{line}#time stream tcp nowait root internal\n")
    started = app.run_command(real, HOST, f"{program('inetd')} -i /etc/inetd.conf </dev/null >/dev/null 2>&1 & echo $!")
    until(lambda: _listens(telnet), "inetd listens")
    yield line
    os.kill(int(started.stdout), signal.SIGTERM)
    (sshd.etc / "inetd.conf").unlink()


@pytest.mark.may_skip("only root may serve others as root")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root may serve others as root")
def test_telnet_of_a_real_inetd_is_stopped_with_its_sessions(real, sshd, telnet, inetd):
    with socket.create_connection((HOST, telnet), 10) as session:
        session.sendall(b"anybody?")
        assert session.recv(100) == b"anybody?"
        (row,) = [row for row in app.list_connections(real, HOST).data if row.local_port == telnet and row.remote_ip]
        assert (row.process, row.state) == ("cat", "established")
        change = app.stop_service(real, HOST, "telnet")
        assert (change.previous_status, change.status, change.ways) == ("running", "stopped", ["inetd"])
        assert change.done == ["switched it off in /etc/inetd.conf", f"ended process {row.pid}"]
        assert session.recv(100) == b""
    until(lambda: not _listens(telnet), "nobody listens")
    assert (sshd.etc / "inetd.conf").read_text() == f"# first\n#<off># {inetd}#time stream tcp nowait root internal\n"
    assert app.start_service(real, HOST, "telnet").status == "running"
    until(lambda: _listens(telnet), "it listens again")
    assert (sshd.etc / "inetd.conf").read_text() == f"# first\n{inetd}#time stream tcp nowait root internal\n"


@pytest.mark.parametrize("disable", ["\tdisable = no\n", ""])
def test_telnet_of_a_real_xinetd_file(real, sshd, telnet, tmp_path, disable):
    (sshd.etc / "xinetd.d").mkdir(exist_ok=True)
    file = sshd.etc / "xinetd.d/telnet"
    file.write_text(f"service telnet\n{{\n\tsocket_type = stream\n\twait = no\n{disable}}}\n")
    with superserver("xinetd", file, r"\A(?![\s\S]*disable\s*= yes)", telnet, tmp_path):
        change = app.stop_service(real, HOST, "telnet")
        assert (change.ways, change.status, change.changed) == (["xinetd"], "stopped", True)
        until(lambda: not _listens(telnet), "nobody listens")
        assert "\tdisable = yes\n}" in file.read_text()
        assert app.start_service(real, HOST, "telnet").status == "running"
        until(lambda: _listens(telnet), "it listens again")
    shutil.rmtree(sshd.etc / "xinetd.d")


@pytest.mark.may_skip("others than root do not see whose port it is, from session to session")
@pytest.mark.skipif(os.geteuid() != 0, reason="others than root do not see whose port it is, from session to session")
def test_a_real_process_on_the_port_of_telnet_is_ended_and_started_again(real, telnet):
    command = f"{sys.executable} -m http.server {telnet} --bind {HOST}"
    app.run_command(real, HOST, f"setsid {command} </dev/null >/dev/null 2>&1 &")
    until(lambda: _listens(telnet), "it listens")
    change = app.stop_service(real, HOST, "telnet")
    assert (change.ways, change.status, change.start_mode) == (["process"], "stopped", "disabled")
    assert change.done[0].startswith("ended process ")
    assert not _listens(telnet)
    assert app.start_service(real, HOST, "telnet").done == [f"started {command}"]
    assert app.stop_service(real, HOST, "telnet").status == "stopped"


@pytest.mark.may_skip("only root can change accounts")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can change accounts")
def test_a_real_account_is_disabled_and_comes_back(real, sshd):
    before = (sshd.etc / "shadow").read_text()
    change = app.disable_user(real, "alice")
    assert (change.enabled, change.previously_enabled) == (False, True)
    assert "alice:!$6$x$y:19000:0:99999:7::1:" in (sshd.etc / "shadow").read_text()
    assert app.disable_user(real, "alice").changed is False
    assert app.enable_user(real, "alice").enabled
    assert (sshd.etc / "shadow").read_text() == before
    with pytest.raises(ActionFailed, match="has no account bob"):
        app.disable_user(real, "bob")


def test_whoever_tries_telnet_on_the_simulator_sees_whether_it_was_stopped():
    command = [sys.executable, str(HERE / "simulator.py")]
    sdk = {**os.environ, "PYTHONPATH": str(Path(repertory_sdk.__file__).parents[1])}
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=sdk)
    try:
        said = json.loads(process.stdout.readline())
        endpoints = make_asset(app.Endpoints, {"name": "test", "settings": said["settings"]})
        for change, answers in ((None, True), (app.stop_service, False), (app.start_service, True)):
            if change:
                change(endpoints, "127.0.0.1", "telnet")
            with socket.socket() as caller:
                assert (caller.connect_ex(("127.0.0.1", said["telnet_port"])) == 0) is answers
    finally:
        process.stdin.close()
        assert process.wait(20) == 0
        process.stdout.close()
