"""Datagram sockets in a process that may have none: each message goes to the tool with the address it is for.

A message is the length of the host (2 bytes, big-endian), the host, the port (2 bytes) and the data, in both directions.
"""

from __future__ import annotations

import socket
import struct
from typing import TYPE_CHECKING, Any, Tuple

if TYPE_CHECKING:
    from repertory_sdk.dialling import Dialler

_LENGTH = struct.Struct(">H")
_MOST = 65535 + 512


class PostingSocket(socket.socket):
    """Looks like one for UDP."""

    def __init__(self, dialler: "Dialler", family: int, type: int, proto: int) -> None:
        super().__init__(socket.AF_INET if family == -1 else family, type, proto, dialler.post())
        self._dialler = dialler
        self._peer: Any = None

    def bind(self, address: Any) -> None:
        """Nobody can send here who was not written to."""

    def connect(self, address: Any) -> None:
        self._peer = address

    def connect_ex(self, address: Any) -> int:
        self._peer = address
        return 0

    def getpeername(self) -> Any:
        return self._peer

    def getsockname(self) -> Any:
        return ("0.0.0.0", 0) if self.family == socket.AF_INET else ("::", 0, 0, 0)

    def sendto(self, data: Any, *rest: Any) -> int:
        host, port = str(rest[-1][0]).partition("%")[0], int(rest[-1][1])
        name = self._dialler.name_of(host).encode()
        super().send(_LENGTH.pack(len(name)) + name + _LENGTH.pack(port) + bytes(data))
        return len(data)

    def send(self, data: Any, flags: int = 0) -> int:
        return self.sendto(data, self._peer)

    def sendall(self, data: Any, flags: int = 0) -> None:
        self.sendto(data, self._peer)

    def recvfrom(self, size: int, flags: int = 0) -> "Tuple[bytes, Any]":
        host, port, data = unpacked(super().recv(_MOST, flags))
        address = self._dialler.address_of(host)
        return data[:size], (address, port) if ":" not in address else (address, port, 0, 0)

    def recv(self, size: int, flags: int = 0) -> bytes:
        return self.recvfrom(size, flags)[0]

    def recvfrom_into(self, buffer: Any, size: int = 0, flags: int = 0) -> "Tuple[int, Any]":
        data, address = self.recvfrom(size or len(buffer), flags)
        buffer[: len(data)] = data
        return len(data), address

    def recv_into(self, buffer: Any, size: int = 0, flags: int = 0) -> int:
        return self.recvfrom_into(buffer, size, flags)[0]


def unpacked(message: bytes) -> "Tuple[str, int, bytes]":
    """Host, port and data; an empty message is the end of the tool."""
    if not message:
        raise OSError("nobody passes datagrams on any more")
    (length,) = _LENGTH.unpack_from(message)
    end = _LENGTH.size + length
    (port,) = _LENGTH.unpack_from(message, end)
    return message[_LENGTH.size : end].decode(), port, message[end + _LENGTH.size :]
