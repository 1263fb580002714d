"""Datagrams that a confined process sends to any address at one port."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import struct
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from repertory.runtime.sandbox.confinement import IPAddress

    Received = Callable[[bytes, IPAddress, int, Callable[[bytes], None], object], None]

LARGEST = 65535
_BURST = 64

# ip(7), ipv6(7); Python 3.11 does not name the first.
_IP_PKTINFO = 8
_PACKET_INFO = struct.Struct("=I4s4s")  # interface, address to answer from, address it came to
_PACKET_INFO_6 = struct.Struct("=16sI")


class DatagramPort:
    """One socket inside; ``received`` is told of each datagram and where it was sent to."""

    def __init__(self, inside: socket.socket, port: int, received: Received) -> None:
        self._socket = inside
        self._received = received
        self.port = port

    @property
    def _is_6(self) -> bool:
        return self._socket.family == socket.AF_INET6

    def open(self) -> None:
        """Begin to listen."""
        if self._is_6:
            self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
        else:
            self._socket.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
        asyncio.get_running_loop().add_reader(self._socket, self._readable)

    def close(self) -> None:
        """Stop."""
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()

    def _readable(self) -> None:
        for _ in range(_BURST):
            try:
                data, notes, _, sender = self._socket.recvmsg(LARGEST, 256)
            except OSError:
                return
            address = self._sent_to(notes)
            if address is not None:
                answer = self._answer(sender, address)
                self._received(data, address, self.port, answer, (sender, address))

    def _sent_to(self, notes: list[tuple[int, int, bytes]]) -> IPAddress | None:
        for level, kind, value in notes:
            if (level, kind) == (socket.IPPROTO_IP, _IP_PKTINFO):
                return ipaddress.ip_address(_PACKET_INFO.unpack(value[: _PACKET_INFO.size])[2])
            if (level, kind) == (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO):
                return ipaddress.ip_address(_PACKET_INFO_6.unpack(value[: _PACKET_INFO_6.size])[0])
        return None

    def _answer(self, sender: Any, address: IPAddress) -> Callable[[bytes], None]:
        """Answers come from the address that was asked, else nobody would take them."""
        if self._is_6:
            note = (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, _PACKET_INFO_6.pack(address.packed, 0))
        else:
            note = (socket.IPPROTO_IP, _IP_PKTINFO, _PACKET_INFO.pack(0, address.packed, bytes(4)))

        def answer(data: bytes) -> None:
            try:
                self._socket.sendmsg([data], [note], 0, sender)
            except OSError:
                pass  # datagrams get lost

        return answer
