"""Attempts to reach ports at which nobody listens: the kernel refuses them by itself, and we only want to know.

A raw socket in the namespace sees each refusal, a reset (RFC 9293) or "port unreachable" (RFC 792, RFC 4443); a filter in the
kernel keeps everything else from it.
"""

from __future__ import annotations

import array
import asyncio
import ipaddress
import socket
import struct
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from repertory.runtime.sandbox.confinement import IPAddress

    Seen = Callable[[IPAddress, int], None]

_BURST = 64
_SO_ATTACH_FILTER = 26  # socket(7)
_INSTRUCTION = struct.Struct("=HBBI")
# linux/bpf_common.h: load relative to X the size of the IP header; load absolutely; compare
_HEADER_SIZE, _BYTE_X, _HALF_X, _WORD_X, _BYTE, _HALF, _WORD = 0xB1, 0x50, 0x48, 0x40, 0x30, 0x28, 0x20
_AND, _EQUAL, _RETURN = 0x54, 0x15, 0x06
_WHOLE = 0xFFFF
_FROM_PORT, _SEQUENCE, _FLAGS, _RESET_ACK = 0, 4, 13, 0x14  # of a TCP header
_UNREACHABLE, _UNREACHABLE_6 = 3, 1  # types of ICMP messages
_ICMP_SIZE, _IP6_SIZE = 8, 40


class Watch:
    """One raw socket; ``seen`` is told of each attempt at a port that is not in ``served``."""

    def __init__(self, inside: socket.socket, protocol: int, served: Collection[int], seen: Seen) -> None:
        self._socket = inside
        self._is_6 = inside.family == socket.AF_INET6
        self._is_tcp = protocol == socket.IPPROTO_TCP
        self._seen = seen
        self._looking = threading.Lock()
        code = _resets(self._is_6, served) if self._is_tcp else _unreachable(self._is_6)
        _attach(inside, code)

    def open(self) -> None:
        """Begin to look."""
        asyncio.get_running_loop().add_reader(self._socket, self.look)

    def close(self) -> None:
        """Stop."""
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()

    def look(self) -> None:
        """Tell of what has been refused until now; may be called by any thread.

        One looks at a time: who comes second finds told what the first had read already.
        """
        with self._looking:
            for _ in range(_BURST):
                try:
                    packet, sender = self._socket.recvfrom(256)
                except OSError:
                    return
                self._tell(packet, sender[0])

    def _tell(self, packet: bytes, sender: str) -> None:
        try:
            address, port = self._refused(packet, sender)
        except (IndexError, ValueError, struct.error):
            return
        self._seen(address, port)

    def _refused(self, packet: bytes, sender: str) -> tuple[IPAddress, int]:
        """Whom the process meant. IPv6 packets come without their header."""
        start = 0 if self._is_6 else _header_size(packet, 0)
        if self._is_tcp:
            return ipaddress.ip_address(sender.partition("%")[0]), _port(packet, start + _FROM_PORT)
        meant = start + _ICMP_SIZE  # the packet that was refused
        if self._is_6:
            return ipaddress.ip_address(packet[meant + 24 : meant + _IP6_SIZE]), _port(packet, meant + _IP6_SIZE + 2)
        return ipaddress.ip_address(packet[meant + 16 : meant + 20]), _port(packet, meant + _header_size(packet, meant) + 2)


def _header_size(packet: bytes, at: int) -> int:
    return (packet[at] & 0xF) * 4


def _port(packet: bytes, at: int) -> int:
    return int(struct.unpack_from(">H", packet, at)[0])


def _resets(is_6: bool, served: Collection[int]) -> list[bytes]:
    """Answers to the beginning of a connection from ports that are not ours; one that ends a connection has a sequence number."""
    code = [] if is_6 else [_INSTRUCTION.pack(_HEADER_SIZE, 0, 0, 0)]
    code += [
        _INSTRUCTION.pack(_BYTE if is_6 else _BYTE_X, 0, 0, _FLAGS),
        _INSTRUCTION.pack(_AND, 0, 0, _RESET_ACK),
        _INSTRUCTION.pack(_EQUAL, 1, 0, _RESET_ACK),
        _INSTRUCTION.pack(_RETURN, 0, 0, 0),
        _INSTRUCTION.pack(_WORD if is_6 else _WORD_X, 0, 0, _SEQUENCE),
        _INSTRUCTION.pack(_EQUAL, 1, 0, 0),
        _INSTRUCTION.pack(_RETURN, 0, 0, 0),
        _INSTRUCTION.pack(_HALF if is_6 else _HALF_X, 0, 0, _FROM_PORT),
    ]
    for port in served:
        code += [_INSTRUCTION.pack(_EQUAL, 0, 1, port), _INSTRUCTION.pack(_RETURN, 0, 0, 0)]
    return [*code, _INSTRUCTION.pack(_RETURN, 0, 0, _WHOLE)]


def _unreachable(is_6: bool) -> list[bytes]:
    return [
        *([] if is_6 else [_INSTRUCTION.pack(_HEADER_SIZE, 0, 0, 0)]),
        _INSTRUCTION.pack(_BYTE if is_6 else _BYTE_X, 0, 0, 0),
        _INSTRUCTION.pack(_EQUAL, 1, 0, _UNREACHABLE_6 if is_6 else _UNREACHABLE),
        _INSTRUCTION.pack(_RETURN, 0, 0, 0),
        _INSTRUCTION.pack(_RETURN, 0, 0, _WHOLE),
    ]


def _attach(inside: socket.socket, code: list[bytes]) -> None:
    program = array.array("B", b"".join(code))
    address, _ = program.buffer_info()
    inside.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HL", len(code), address))
