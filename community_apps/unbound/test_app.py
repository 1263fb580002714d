"""Unbound through SSH: the simulated one, and a real one that asks a name server of ours."""

from __future__ import annotations

import socket
import socketserver
import subprocess
import threading
from pathlib import Path

import dns.message
import dns.rrset
import pytest

from repertory_sdk import ActionFailed
from repertory_sdk.app_worker import make_asset
from repertory_sdk.loader import load_module
from repertory_sdk.testing import assert_manifest_current, conformance
from repertory_sdk.testing.loading import importable
from repertory_sdk.testing.place import tcp_faults
from runtime_lab import until
from ssh_server import program, ssh_server

HERE = Path(__file__).resolve().parent
HOST = "127.0.0.1"

with importable(HERE):
    app = load_module(HERE, "app.py")
    import simulator
    import zones

    CASES = conformance(
        app.app,
        HERE,
        {
            "block domain": {"domain": "bad.example"},
            "unblock domain": {"domain": "bad.example"},
            "is blocked": {"domain": "bad.example"},
            "list blocked domains": {},
            "list zones": {},
            "lookup domain": {"domain": "www.example"},
            "flush domain": {"domain": "www.example"},
            "get status": {},
        },
        local=["lookup domain"],  # it talks to another port: see below
    )


def asset(settings, **changed):
    return make_asset(app.Resolver, {"name": "test", "settings": {**settings, **changed}})


@pytest.fixture
def place():
    with simulator.running() as place:
        yield place


@pytest.fixture
def resolver(place):
    return asset(place.settings)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_conformance(case, place):
    case.check(place)


def test_manifest():
    assert_manifest_current(HERE)


# ---------------------------------------------------------------- simulated


def test_zones_of_somebody_else_are_no_blocks(resolver):
    with pytest.raises(ActionFailed, match=r"corp.example is a local zone of its own kind \(static\) on 127.0.0.1; take that out"):
        app.block_domain(resolver, "corp.example")
    assert app.unblock_domain(resolver, "corp.example").changed is False
    assert simulator.simulator.state["zones"]["corp.example."] == "static"


@pytest.mark.parametrize("domain", ["example", "localhost", "printer.local", "10.in-addr.arpa", "1.1.1.1", "home.arpa"])
def test_domains_that_are_never_blocked(resolver, domain):
    with pytest.raises(ActionFailed):
        app.block_domain(resolver, domain)
    assert "always_nxdomain" not in simulator.simulator.state["zones"].values()


def test_a_block_that_cannot_be_seen_is_made_and_told(place):
    with socket.socket() as nobody:
        nobody.bind((HOST, 0))
        blind = asset(place.settings, dns_port=nobody.getsockname()[1], dns_timeout_s=0.5)
        change = app.block_domain(blind, "bad.example")
    assert (change.blocked, change.changed, change.verified) == (True, True, False)
    assert "cannot be reached" in change.answer
    assert app.block_domain(asset(place.settings, verify=False), "worse.example").verified


@pytest.mark.parametrize("fault", ["connection refused", "time-out", "cut off", "garbage"])
def test_a_resolver_that_does_not_answer(place, fault):
    with tcp_faults(place.settings, host="dns_host", port="dns_port")[fault]() as settings:
        with pytest.raises(ActionFailed, match=r"Unbound: the resolver at 127.0.0.1:\d+ .*; check dns_host") as failed:
            app.lookup_domain(asset(settings, dns_timeout_s=0.3), "www.example")
        assert failed.value.retry


def test_unbound_that_does_not_run(place):
    simulator.simulator.state["running"] = False
    stopped = asset(place.settings)
    assert app.get_status(stopped).running is False
    with pytest.raises(ActionFailed, match=r"does not run on 127.0.0.1; start it"):
        app.connectivity(stopped)
    with pytest.raises(ActionFailed, match=r"list_local_zones failed with exit code 1 on 127\.0\.0\.1: error: connect"):
        app.list_zones(stopped)


def test_numbers(resolver):
    status = app.get_status(resolver)
    assert (status.version, status.uptime_s, status.queries, status.cache_hits) == ("1.17.1", 4711, 12, 5)


def test_the_file_that_a_restart_reads():
    text = 'server:\n  local-zone: "a.example." always_nxdomain # why\n\tlocal-zone: b.example always_refuse\n'
    text += '#local-zone: "c." static\n'
    found = zones.written(text)
    assert found == {"a.example": "always_nxdomain", "b.example": "always_refuse"}
    assert zones.written(zones.as_file(found).decode()) == found


# ---------------------------------------------------------------- real


class _Everything(socketserver.BaseRequestHandler):
    """The whole Internet, in two addresses."""

    def handle(self):
        wire, place = self.request
        question = dns.message.from_wire(wire)
        reply = dns.message.make_response(question)
        name = str(question.question[0].name)
        values = {1: "192.0.2.1", 28: "2001:db8::1"}
        if (kind := question.question[0].rdtype) in values:
            reply.answer.append(dns.rrset.from_text(name, 300, "IN", kind, values[kind]))
        place.sendto(reply.to_wire(), self.client_address)


def free_port():
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def upstream():
    with socketserver.UDPServer((HOST, 0), _Everything) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def unbound(tmp_path_factory, upstream):
    """Settings of an asset for an Unbound that runs as this user, with a configuration of its own."""
    folder, port = tmp_path_factory.mktemp("unbound"), free_port()
    (folder / "blocked.conf").write_text("server:\n")
    config = folder / "unbound.conf"
    config.write_text(
        f'server:\n  interface: {HOST}@{port}\n  port: {port}\n  username: ""\n  chroot: ""\n  directory: "{folder}"\n'
        '  pidfile: ""\n  logfile: ""\n  use-syslog: no\n  do-daemonize: no\n  module-config: "iterator"\n'
        '  do-not-query-localhost: no\n'
        '  local-zone: "intern.example." static\n'
        f'remote-control:\n  control-enable: yes\n  control-interface: "{folder}/control"\n  control-use-cert: no\n'
        f'forward-zone:\n  name: "."\n  forward-addr: {HOST}@{upstream}\n'
        f'include: "{folder}/blocked.conf"\n'
    )
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program("unbound"), "-d", "-c", str(config)], stdout=log, stderr=log)
    settings = {"host": HOST, "dns_port": port, "config_file": str(config), "include_file": str(folder / "blocked.conf")}
    try:
        until(lambda: _answers(port), "Unbound answers")
        with ssh_server(tmp_path_factory.mktemp("ssh")) as server:
            yield {**server.settings, **settings}
    finally:
        process.terminate()
        process.wait()


def _answers(port):
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


@pytest.fixture
def real(unbound):
    yield asset(unbound)
    Path(unbound["include_file"]).write_text("server:\n")
    command = [program("unbound-control"), "-c", unbound["config_file"], "reload"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    until(lambda: _answers(unbound["dns_port"]), "Unbound answers again")


def test_a_domain_is_really_blocked_and_back(real):
    assert app.lookup_domain(real, "deep.bad.example").addresses == ["192.0.2.1", "2001:db8::1"]
    change = app.block_domain(real, "Bad.example.")
    assert (change.domain, change.blocked, change.previously_blocked, change.changed) == ("bad.example", True, False, True)
    assert (change.verified, change.answer) == (True, "NXDOMAIN")
    assert (app.lookup_domain(real, "deep.bad.example").found, app.lookup_domain(real, "good.example").found) == (False, True)
    assert app.block_domain(real, "bad.example").changed is False
    below = app.block_domain(real, "deep.bad.example")
    assert (below.changed, below.by, below.verified) == (False, "bad.example", True)
    with pytest.raises(ActionFailed, match=r"is blocked as part of bad.example; unblock that"):
        app.unblock_domain(real, "deep.bad.example")
    assert [(row.domain, row.answer_with, row.kept) for row in app.list_blocked_domains(real).data] == [
        ("bad.example", "always_nxdomain", True)
    ]
    back = app.unblock_domain(real, "bad.example")
    assert (back.blocked, back.previously_blocked, back.changed, back.answer) == (False, True, True, "NOERROR 192.0.2.1")
    assert app.unblock_domain(real, "bad.example").changed is False


@pytest.mark.parametrize(
    ("kind", "answer"),
    [("always_refuse", "REFUSED"), ("always_nodata", "NOERROR"), ("always_null", "NOERROR 0.0.0.0")],
)
def test_every_kind_of_answer_is_verified(unbound, real, kind, answer):
    change = app.block_domain(asset(unbound, answer_with=kind), "bad.example")
    assert (change.verified, change.answer) == (True, answer)


def test_a_restart_keeps_what_is_written(unbound, real):
    app.block_domain(real, "bad.example")
    command = [program("unbound-control"), "-c", unbound["config_file"], "reload"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    until(lambda: _answers(unbound["dns_port"]), "Unbound answers again")
    assert app.is_blocked(real, "www.bad.example")
    assert app.lookup_domain(real, "bad.example").answer == "NXDOMAIN"
    app.unblock_domain(real, "bad.example")
    assert "bad.example" not in Path(unbound["include_file"]).read_text()


def test_a_block_that_a_restart_would_forget_is_written_later(unbound, real):
    app.block_domain(asset({name: value for name, value in unbound.items() if name != "include_file"}), "bad.example")
    (row,) = app.list_blocked_domains(real).data
    assert row.kept is False
    assert app.block_domain(real, "bad.example").changed
    (row,) = app.list_blocked_domains(real).data
    assert row.kept is True


def test_a_file_that_unbound_would_not_read_is_taken_back(unbound, real, tmp_path):
    broken = tmp_path / "unbound.conf"
    broken.write_text(Path(unbound["config_file"]).read_text() + "nonsense: yes\n")
    with pytest.raises(ActionFailed, match="unbound-"):
        app.block_domain(asset(unbound, config_file=str(broken)), "bad.example")
    assert "bad.example" not in Path(unbound["include_file"]).read_text()


def test_the_rest_of_a_real_one(real):
    assert app.get_status(real).running
    assert app.flush_domain(real, "good.example").said.startswith("ok")
    assert {"zone": "intern.example", "kind": "static"} in [{"zone": row.zone, "kind": row.kind} for row in app.list_zones(real)]
    assert "answers" in app.connectivity(real)
