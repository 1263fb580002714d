"""DNS lookups through real sockets: the simulator, and servers that misbehave."""

from __future__ import annotations

import json
import socket
import struct
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

from repertory_sdk import ActionFailed
from repertory_sdk.loader import load_module
from repertory_sdk.manifest import load_app
from repertory_sdk.testing import Place, assert_manifest_current, conformance
from repertory_sdk.testing.loading import importable
from repertory_sdk.testing.place import tcp_faults

HERE = Path(__file__).resolve().parent

with importable(HERE):  # other apps have an app.py too: each test module keeps its own
    app = load_module(HERE, "app.py")
    import resolving

    EXAMPLES = {"lookup domain": {"domain": "scan.example.net"}, "lookup ip": {"ip": "8.42.77.171"}}
    CASES = conformance(app.app, HERE, EXAMPLES, names=["127.0.0.1"])  # it is the server that is asked, whoever made it

ODD_ZONE = {
    "big.example": {"TXT": [f"{number:03d} " + "ü" * 200 for number in range(40)]},
    "long.example": {"TXT": ["x" * 700]},
    "slow.example": {"A": ["192.0.2.1"], "behaviour": "silent"},
    "noise.example": {"A": ["192.0.2.1"], "behaviour": "garbage"},
    "half.example": {"A": ["192.0.2.1"], "behaviour": "cut"},
    "broken.example": {"behaviour": "SERVFAIL"},
    "closed.example": {"behaviour": "REFUSED"},
    "notimp.example": {"behaviour": "NOTIMP"},
    "loop.example": {"CNAME": ["pool.example"]},
    "pool.example": {"CNAME": ["loop.example"]},
    "dangling.example": {"CNAME": ["missing.example"]},
    "xn--bcher-kva.example": {"A": ["192.0.2.5"]},
    "_dmarc.example": {"TXT": ["v=DMARC1"]},
    "many.example": {"A": [f"10.0.{number >> 8}.{number & 255}" for number in range(1000)]},
}


@contextmanager
def simulator(*arguments):
    """The simulator in a process of its own; its settings for an asset."""
    command = [sys.executable, str(HERE / "simulator.py"), "--port", "0", *arguments]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        place = json.loads(process.stdout.readline())
        yield {"server": place["host"], "port": place["port"]}
    finally:
        process.stdin.close()
        assert process.wait(10) == 0
        process.stdout.close()


@pytest.fixture(scope="module")
def demo():
    with simulator() as place:
        yield place


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    zone = tmp_path_factory.mktemp("zone") / "zone.json"
    zone.write_text(json.dumps(ODD_ZONE), "utf-8")
    with simulator("--zone", str(zone)) as place:
        yield place


@pytest.fixture(params=[False, True], ids=["udp", "tcp"])
def resolver(request, demo):
    return app.Resolver(**demo, tcp=request.param)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_conformance(case, demo):
    settings = {**demo, "tcp": True}
    case.check(Place(settings, tcp_faults(settings, host="server")))


# ------------------------------------------------------------------------------- answers


@pytest.mark.parametrize(
    ("domain", "kind", "values"),
    [
        ("scan.example.net", "A", ["8.42.77.171"]),
        ("scan.example.net", "AAAA", ["2001:db8::7"]),
        ("scan.example.net", "MX", ["mail.example.net", "backup.example.net"]),
        ("scan.example.net", "TXT", ["v=spf1 -all", "purpose=survey"]),
        ("example.net", "NS", ["ns1.example.net", "ns2.example.net"]),
        ("example.net", "SOA", ["ns1.example.net. hostmaster.example.net. 2024010101 7200 3600 1209600 300"]),
        ("www.example.net", "CNAME", ["scan.example.net"]),
        ("171.77.42.8.in-addr.arpa", "PTR", ["scan.example.net"]),
        ("SCAN.example.net.", "A", ["8.42.77.171"]),
    ],
)
def test_records_of_a_domain(resolver, domain, kind, values):
    outcome = app.lookup_domain(resolver, domain, kind)

    found = outcome.data
    assert (found.domain, found.type, found.found, found.exists, outcome.message) == (domain, kind, True, True, "")
    assert sorted(record.value for record in found.records) == sorted(values)
    assert {record.ttl for record in found.records} == {300}
    assert found.addresses == (values if kind in ("A", "AAAA") else [])


def test_the_type_is_a_unless_asked_otherwise(demo):
    assert app.lookup_domain(app.Resolver(**demo), "scan.example.net").data.addresses == ["8.42.77.171"]


def test_mail_servers_have_their_preference(demo):
    found = app.lookup_domain(app.Resolver(**demo), "scan.example.net", "MX").data

    assert [(record.preference, record.value) for record in found.records] == [
        (10, "mail.example.net"),
        (20, "backup.example.net"),
    ]


def test_an_alias_leads_to_the_canonical_name(resolver):
    found = app.lookup_domain(resolver, "www.example.net", "A").data

    assert (found.canonical_name, found.addresses) == ("scan.example.net", ["8.42.77.171"])


@pytest.mark.parametrize(
    ("domain", "kind", "exists", "message"),
    [
        ("nothing.example.net", "A", False, "no such domain"),
        ("localhost", "A", False, "no such domain"),
        ("example.net", "A", True, "no A record"),
        ("scan.example.net", "SOA", True, "no SOA record"),
    ],
)
def test_that_there_is_nothing_is_an_answer(resolver, domain, kind, exists, message):
    outcome = app.lookup_domain(resolver, domain, kind)

    assert (outcome.data.found, outcome.data.exists, outcome.message) == (False, exists, message)
    assert (outcome.data.records, outcome.data.addresses) == ([], [])


@pytest.mark.parametrize(
    ("ip", "hostnames"),
    [
        ("8.42.77.171", ["scan.example.net"]),
        ("80.211.246.121", ["host121.hosting.example"]),
        ("37.49.231.178", ["unassigned.example.org"]),
        ("2001:DB8::7", ["scan.example.net"]),
        (" 8.42.77.171 ", ["scan.example.net"]),
        ("::ffff:8.42.77.171", ["scan.example.net"]),
    ],
)
def test_names_of_an_address(resolver, ip, hostnames):
    found = app.lookup_ip(resolver, ip).data

    assert (found.ip, found.found, found.hostnames) == (ip, True, hostnames)


@pytest.mark.parametrize("ip", ["198.51.100.7", "10.0.0.1", "127.0.0.1", "fe80::1"])
def test_an_address_without_a_name_is_an_answer(resolver, ip):
    outcome = app.lookup_ip(resolver, ip)

    assert (outcome.data.found, outcome.data.hostnames, outcome.message) == (False, [], "no such domain")


@pytest.mark.parametrize("tcp", [False, True])
def test_connectivity(demo, tcp):
    said = app.test_connectivity(app.Resolver(**demo, tcp=tcp))

    assert said == f"127.0.0.1 port {demo['port']} answers over {'TCP' if tcp else 'UDP'}"


def test_an_answer_too_long_for_a_datagram_is_fetched_over_tcp(odd):
    found = app.lookup_domain(app.Resolver(**odd), "big.example", "TXT").data

    assert [record.value for record in found.records] == ODD_ZONE["big.example"]["TXT"]


@pytest.mark.parametrize(
    ("domain", "kind", "values"),
    [
        ("long.example", "TXT", ["x" * 700]),
        ("bücher.example", "A", ["192.0.2.5"]),
        ("_dmarc.example", "TXT", ["v=DMARC1"]),
        ("many.example", "A", ODD_ZONE["many.example"]["A"]),
    ],
)
def test_odd_but_good_answers(odd, domain, kind, values):
    found = app.lookup_domain(app.Resolver(**odd), domain, kind).data

    assert sorted(record.value for record in found.records) == sorted(values)


def test_an_alias_to_nothing_has_a_name_and_no_records(odd):
    outcome = app.lookup_domain(app.Resolver(**odd), "dangling.example", "A")

    assert (outcome.data.canonical_name, outcome.data.found) == ("missing.example", False)


# ------------------------------------------------------------------------------ failures


@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
@pytest.mark.parametrize(
    ("domain", "said", "retry"),
    [
        ("broken.example", "answered SERVFAIL when asked for A of broken.example; the domain's own servers", True),
        ("closed.example", "answered REFUSED when asked for A of closed.example; it does not answer for", False),
        ("notimp.example", "answered NOTIMP", False),
        ("slow.example", "did not answer within 0.3 s (asked for A of slow.example); check server and port", True),
        ("noise.example", "answered nonsense when asked for A of noise.example", False),
        ("half.example", "answered nonsense when asked for A of half.example", False),
        ("loop.example", "answered nonsense when asked for A of loop.example", False),
    ],
)
def test_a_server_that_cannot_answer_is_named(odd, tcp, domain, said, retry):
    with pytest.raises(ActionFailed) as failure:
        app.lookup_domain(app.Resolver(**odd, timeout_s=0.3, tcp=tcp), domain)

    assert str(failure.value).startswith(f"127.0.0.1 port {odd['port']} ")
    assert said in str(failure.value)
    assert failure.value.retry is retry


@contextmanager
def stream_server(behave):
    """A TCP server that treats its one connection as told."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            connection, _ = listener.accept()
            with connection:
                behave(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        yield {"server": "127.0.0.1", "port": listener.getsockname()[1], "tcp": True, "timeout_s": 0.4}
        thread.join()


@pytest.mark.parametrize(
    ("behave", "said"),
    [
        (lambda connection: None, "cannot be asked for A of scan.example.net"),
        (lambda connection: connection.recv(9) and connection.sendall(b"HTTP/1.1 400 Bad\r\n\r\n"), "asked for A"),
        (lambda connection: connection.recv(999) and connection.sendall(struct.pack("!H", 900) + b"x"), "asked for A"),
        (lambda connection: connection.recv(999) and connection.recv(1), "did not answer within 0.4 s"),
    ],
    ids=["closes", "speaks HTTP", "breaks off", "silent"],
)
def test_what_is_no_name_server_is_named(behave, said):
    with stream_server(behave) as place, pytest.raises(ActionFailed) as failure:
        app.lookup_domain(app.Resolver(**place), "scan.example.net")

    assert said in str(failure.value)
    assert str(failure.value).startswith(f"127.0.0.1 port {place['port']} ")


def test_a_refused_connection_is_named():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound but not listening: nobody else can have it
        port = taken.getsockname()[1]
        with pytest.raises(ActionFailed, match=f"127.0.0.1 port {port} cannot be asked for NS of .*refused") as failure:
            app.test_connectivity(app.Resolver(server="127.0.0.1", port=port, tcp=True))

    assert failure.value.retry


def test_a_lost_datagram_is_sent_again():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))

        def serve():
            server.recvfrom(4096)  # the first is lost
            wire, client = server.recvfrom(4096)
            server.sendto(wire[:2] + b"\x81\x83" + wire[4:], client)  # the question again, as an NXDOMAIN answer

        thread = threading.Thread(target=serve)
        thread.start()
        place = {"server": "127.0.0.1", "port": server.getsockname()[1], "timeout_s": 0.6}
        outcome = app.lookup_domain(app.Resolver(**place), "scan.example.net")
        thread.join()

    assert (outcome.data.exists, outcome.message) == (False, "no such domain")


def test_the_next_server_is_asked_where_one_cannot_answer(odd, demo):
    candidates = [resolving.Server("127.0.0.1", place["port"], 1.0, False) for place in (odd, demo)]

    reply = resolving.ask(candidates, app.name_of("closed.example"), "A")

    assert not reply.exists


def test_without_a_server_the_machines_own_are_used(tmp_path):
    configuration = tmp_path / "resolv.conf"
    configuration.write_text("nameserver 192.0.2.53\nnameserver 2001:db8::53\n")

    found = resolving.servers(None, 53, 5.0, tcp=False, configuration=str(configuration))

    assert [(server.address, server.port) for server in found] == [("192.0.2.53", 53), ("2001:db8::53", 53)]


@pytest.mark.parametrize("content", [None, "", "search example.net\n", "nameserver nonsense\n"])
def test_a_machine_without_servers_is_explained(tmp_path, content):
    configuration = tmp_path / "resolv.conf"
    if content is not None:
        configuration.write_text(content)

    with pytest.raises(ActionFailed, match="set server in the asset's settings"):
        resolving.servers(None, 53, 5.0, tcp=False, configuration=str(configuration))


@pytest.mark.parametrize("server", ["no such server", "a..b", "x" * 300, "\ud800"])
def test_a_server_without_an_address_is_named(server):
    with pytest.raises(ActionFailed, match="check server in the settings"):
        app.test_connectivity(app.Resolver(server=server))


# ---------------------------------------------------------------------------- bad inputs


@pytest.mark.parametrize(
    "domain",
    ["", " ", ".", "a..b", "a b.example", "http://scan.example.net/", "x" * 64 + ".example", "a@b.example",
     "\x00.example", ("x" * 60 + ".") * 5, "\ud800.example", "a\\999.example", "evil.example\r\nx"],
)  # fmt: skip
def test_what_is_no_domain_is_refused(demo, domain):
    with pytest.raises(ActionFailed, match="is not a domain name"):
        app.lookup_domain(app.Resolver(**demo), domain)


@pytest.mark.parametrize("address", ["8.42.77.171", "2001:db8::7"])
def test_an_address_is_not_looked_up_as_a_domain(demo, address):
    with pytest.raises(ActionFailed, match="is an address, not a domain; use 'lookup ip'"):
        app.lookup_domain(app.Resolver(**demo), address)


@pytest.mark.parametrize("ip", ["", "scan.example.net", "256.1.1.1", "010.1.1.1", "1.2.3.4/24", "\u0661.2.3.4", "::g"])
def test_what_is_no_address_is_refused(demo, ip):
    with pytest.raises(ActionFailed, match="is not an IP address"):
        app.lookup_ip(app.Resolver(**demo), ip)


def test_the_simulator_ends_when_it_is_terminated():
    command = [sys.executable, str(HERE / "simulator.py")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert json.loads(process.stdout.readline())["host"] == "127.0.0.1"
        process.terminate()

        assert process.wait(10) == 0


def test_the_manifest_is_what_the_code_says():
    assert_manifest_current(HERE)


def test_the_readme_names_everything_in_the_manifest():
    manifest = load_app(json.loads((HERE / "app.json").read_text("utf-8")))
    outputs = [output.path for action in manifest.actions for output in action.outputs]
    names = [setting.name for setting in manifest.settings] + outputs
    permissions = [*manifest.permissions.hosts, *manifest.permissions.files]
    readme = (HERE / "README.md").read_text("utf-8")

    assert [name for name in [*names, *permissions] if f"`{name}`" not in readme] == []
    assert [action.name for action in manifest.actions if f"### {action.name}\n" not in readme] == []


def test_the_lock_pins_what_the_app_requires():
    lines = (HERE / "requirements.lock").read_text("utf-8").split()

    assert lines[0].startswith("dnspython==2.7.")
    assert sum(line.startswith("--hash=sha256:") for line in lines) >= 1
    assert not any("http" in line for line in lines)
