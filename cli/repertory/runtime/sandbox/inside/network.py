"""Prepare an empty network namespace, hand its listening sockets out, limit resources, then become the given command.

Usage, in a new user and network namespace::

    main([DESCRIPTOR, "tcp=443,udp=53", "nofile=512,core=0", COMMAND, ARGUMENT...])

Every address is made local to the loopback device (what ``ip route add local default dev lo`` does), so that whatever address a
program dials, it arrives at one of our listeners. The listeners belong to the process outside, which
sees the dialled address as its own end of the connection. The program needs no proxy and no patched library.

Each app waits for this when it starts: the modules that ``socket``, ``json`` and ``contextlib`` bring with them would take longer
to load than everything that is done here.
"""

from __future__ import annotations

import _socket
import fcntl
import os
import resource
import struct

BACKLOG = 128

# linux/sockios.h, linux/if.h
SIOCSIFFLAGS, IFF_UP, IFF_RUNNING = 0x8914, 0x1, 0x40
LOOPBACK_INDEX = 1

# linux/netlink.h, linux/rtnetlink.h
RTM_NEWROUTE = 24
NLM_F_REQUEST, NLM_F_ACK, NLM_F_CREATE = 0x1, 0x4, 0x400
HEADER = struct.Struct("IHHII")
ROUTE = struct.Struct("BBBBBBBBI")
ATTRIBUTE = struct.Struct("HHI")
RTA_OIF, RT_TABLE_LOCAL, RTPROT_STATIC = 4, 255, 4
RT_SCOPE_UNIVERSE, RT_SCOPE_HOST, RTN_LOCAL = 0, 254, 2


def main(arguments: list[str]) -> None:
    """Set the namespace up and become the command."""
    control = _socket.socket(fileno=int(arguments[0]))
    ports = _pairs(arguments[1])
    _bring_loopback_up()
    _make_every_address_local(_socket.AF_INET)
    try:
        _make_every_address_local(_socket.AF_INET6)
    except OSError:
        pass  # no IPv6 in this kernel: nothing to reach, nothing to route
    opened = [("tcp", port, _listener(port)) for kind, port in ports if kind == "tcp"]
    for kind, port in ports:
        opened += [("udp", port, one) for one in (_datagram_sockets(port) if kind == "udp" else ())]
    opened += [("watch", one.proto, one) for one in _raw_sockets()]
    _hand_out(control, opened)
    for name, value in _pairs(arguments[2]):
        resource.setrlimit(getattr(resource, f"RLIMIT_{name.upper()}"), (value, value))
    os.execv(arguments[3], arguments[3:])


def _pairs(text: str) -> list[tuple[str, int]]:
    return [(name, int(value)) for name, _, value in (one.partition("=") for one in text.split(","))]


def _hand_out(control: _socket.socket, opened: list[tuple[str, int, _socket.socket]]) -> None:
    described = ",".join(f"{kind}={number}" for kind, number, _ in opened).encode()
    descriptors = struct.pack(f"{len(opened)}i", *(one.fileno() for _, _, one in opened))
    control.sendmsg([described], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, descriptors)])
    for _, _, one in opened:
        one.close()
    control.close()


def _bring_loopback_up() -> None:
    request = struct.pack("16sH14s", b"lo", IFF_UP | IFF_RUNNING, b"")
    any_socket = _socket.socket(_socket.AF_INET, _socket.SOCK_DGRAM)
    fcntl.ioctl(any_socket.fileno(), SIOCSIFFLAGS, request)
    any_socket.close()


def _make_every_address_local(family: int) -> None:
    scope = RT_SCOPE_HOST if family == _socket.AF_INET else RT_SCOPE_UNIVERSE
    message = ROUTE.pack(family, 0, 0, 0, RT_TABLE_LOCAL, RTPROT_STATIC, scope, RTN_LOCAL, 0)
    message += ATTRIBUTE.pack(ATTRIBUTE.size, RTA_OIF, LOOPBACK_INDEX)
    flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE
    netlink = _socket.socket(_socket.AF_NETLINK, _socket.SOCK_RAW, 0)
    netlink.send(HEADER.pack(HEADER.size + len(message), RTM_NEWROUTE, flags, 1, 0) + message)
    answer = netlink.recv(4096)
    netlink.close()
    (error,) = struct.unpack_from("i", answer, HEADER.size)
    if error:
        raise OSError(-error, f"no local route for family {family}: {os.strerror(-error)}")


def _listener(port: int) -> _socket.socket:
    """For every address of both families, where there are two."""
    try:
        listener = _socket.socket(_socket.AF_INET6, _socket.SOCK_STREAM)
        listener.setsockopt(_socket.IPPROTO_IPV6, _socket.IPV6_V6ONLY, 0)
        listener.bind(("", port))
    except OSError:
        listener = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
        listener.bind(("", port))
    listener.listen(BACKLOG)
    return listener


def _datagram_sockets(port: int) -> list[_socket.socket]:
    """One for each family: a datagram's address inside is told in another way by each."""
    four = _socket.socket(_socket.AF_INET, _socket.SOCK_DGRAM)
    four.bind(("", port))
    found = [four]
    try:
        six = _socket.socket(_socket.AF_INET6, _socket.SOCK_DGRAM)
        six.setsockopt(_socket.IPPROTO_IPV6, _socket.IPV6_V6ONLY, 1)
        six.bind(("", port))
        found.append(six)
    except OSError:
        pass
    return found


def _raw_sockets() -> list[_socket.socket]:
    """What shows attempts at ports at which nobody listens."""
    found = [_socket.socket(_socket.AF_INET, _socket.SOCK_RAW, one) for one in (_socket.IPPROTO_TCP, _socket.IPPROTO_ICMP)]
    try:
        for protocol in (_socket.IPPROTO_TCP, _socket.IPPROTO_ICMPV6):
            found.append(_socket.socket(_socket.AF_INET6, _socket.SOCK_RAW, protocol))
    except OSError:
        pass
    return found
