"""Attempts at ports where nobody listens: the kernel refuses them, and each is on record once, with host and port."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import pytest

from confined import PATIENCE_S, echo, own, run, tcp_server
from repertory.runtime.egress.attempts import Watch
from repertory.runtime.sandbox.confinement import Contact, HostRule

if TYPE_CHECKING:
    from collections.abc import Sequence

    from repertory.runtime.sandbox.launch import Sandbox

TRYING = """
def try_tcp(host, port):
    try:
        socket.create_connection((host, port), 20).close()
    except ConnectionRefusedError:
        return "refused"
    return "connected"
def try_udp(host, port):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as one:
        one.settimeout(20)
        one.connect((host, port))
        one.send(b"hello")
        try:
            one.recv(10)
        except ConnectionRefusedError:
            return "refused"
    return "answered"
"""


def denied(host: str, port: int) -> Contact:
    return Contact(host=host, port=port, verdict="denied", reason="never declared")


def trying(sandbox: Sandbox, code: str, *, arguments: Sequence[object] = (), hosts: Sequence[HostRule] = ()) -> list[Contact]:
    """Whom the record names after this code."""
    done = run(sandbox, TRYING + code, arguments=arguments, hosts=hosts)
    assert done.said() == "done"
    return list(done.contacts)


@pytest.mark.parametrize("host", ["192.0.2.7", "127.0.0.1", "10.0.0.1", "2001:db8::7", "::1", "fd00::1"])
@pytest.mark.parametrize("kind", ["tcp", "udp"])
def test_a_refused_port_is_noted_once(namespaces: Sandbox, kind: str, host: str) -> None:
    code = "assert [globals()['try_' + sys.argv[1]](sys.argv[2], 4711) for _ in range(3)] == ['refused'] * 3\nsay('done')"
    assert trying(namespaces, code, arguments=[kind, host]) == [denied(host, 4711)]


def test_ports_and_hosts_are_told_apart(namespaces: Sandbox) -> None:
    code = """
assert {try_tcp("192.0.2.7", port) for port in (1, 443, 65535)} == {"refused"}
assert {try_udp("192.0.2.8", port) for port in (1, 65535)} == {"refused"}
say("done")
"""
    wanted = [denied("192.0.2.7", port) for port in (1, 443, 65535)] + [denied("192.0.2.8", port) for port in (1, 65535)]
    assert sorted(map(str, trying(namespaces, code))) == sorted(map(str, wanted))


def test_a_name_is_noted_as_a_name(namespaces: Sandbox) -> None:
    code = "assert [try_tcp('api.corp.example', 22), try_udp('api.corp.example', 69)] == ['refused'] * 2\nsay('done')"
    contacts = trying(namespaces, code, hosts=[HostRule(host="*.corp.example", port=443)])
    assert contacts == [denied("api.corp.example", 22), denied("api.corp.example", 69)]


def test_what_another_host_may_be_asked_for_is_noted_by_the_listener(namespaces: Sandbox) -> None:
    """The port is served for one host; of another, only the relay can tell."""
    code = """
try:
    with socket.create_connection(("192.0.2.7", int(sys.argv[1])), 20) as connection:
        assert connection.recv(1) == b""
except ConnectionResetError:
    pass
say("done")
"""
    with tcp_server(echo) as port:
        assert trying(namespaces, code, arguments=[port], hosts=[own(port)]) == [denied("192.0.2.7", port)]


@pytest.mark.parametrize("host", ["127.0.0.1", "::ffff:127.0.0.1"])
def test_an_app_that_resets_its_own_connection_has_attempted_nothing(namespaces: Sandbox, host: str) -> None:
    """Its reset comes from a port at which nobody listens either."""
    code = """
import struct
for _ in range(5):
    with socket.create_connection((sys.argv[2], int(sys.argv[1])), 20) as connection:
        connection.sendall(b"x")
        assert connection.recv(1) == b"x"
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
say("done")
"""
    with tcp_server(echo) as port:
        contacts = trying(namespaces, code, arguments=[port, host], hosts=[own(port)])
    assert [(one.host, one.port, one.verdict, one.sent, one.received) for one in contacts] == [("127.0.0.1", port, "allowed", 5, 5)]


def test_sockets_of_the_program_among_itself_are_no_attempts(namespaces: Sandbox) -> None:
    code = """
import struct
for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
    with socket.socket(family) as server:
        server.bind((host, 0))
        server.listen()
        with socket.create_connection(server.getsockname()[:2], 20) as connection:
            other, _ = server.accept()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        other.close()
say("done")
"""
    assert trying(namespaces, code) == []


class OneRefusal:
    """A socket with one reset from port 443 of ::1."""

    family = socket.AF_INET6

    def __init__(self) -> None:
        self.packets = [(b"\x01\xbb" + bytes(18), ("::1", 0, 0, 0))]

    def setsockopt(self, *_given: object) -> None:
        """No filter is needed."""

    def recvfrom(self, _size: int) -> tuple[bytes, tuple[str, int, int, int]]:
        if not self.packets:
            raise BlockingIOError
        return self.packets.pop()


def test_who_looks_second_finds_told_what_the_first_is_about_to_tell() -> None:
    told: list[int] = []
    found: list[list[int]] = []
    reading, may_tell = threading.Event(), threading.Event()

    def seen(_address: object, port: int) -> None:
        reading.set()
        may_tell.wait(PATIENCE_S)
        told.append(port)

    watch = Watch(OneRefusal(), socket.IPPROTO_TCP, [], seen)  # type: ignore[arg-type]
    first = threading.Thread(target=watch.look)
    second = threading.Thread(target=lambda: (watch.look(), found.append(list(told))))
    first.start()
    assert reading.wait(PATIENCE_S)
    second.start()
    second.join(0.2)  # a lookout that does not wait has come back by now
    may_tell.set()
    first.join()
    second.join()
    assert found == [[443]]
