"""Two connections made one: what arrives at either is passed on to the other, at the speed of the slower."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST_BUFFERED = 256 * 1024


class End(asyncio.Protocol):
    """One of the two. ``count`` is told how many bytes arrived here."""

    def __init__(self, count: Callable[[int], None]) -> None:
        self.count = count
        self._other: End | None = None
        self.transport: asyncio.Transport | None = None
        self.closed = False
        self._said_all = False
        self._early: list[bytes] = []

    def join(self, other: End) -> None:
        """From now on everything goes through."""
        self._other, other._other = other, self
        for end, peer in ((self, other), (other, self)):
            if not peer.closed:
                end._pass_early()
            if end.transport is not None and not end.closed:
                end.transport.resume_reading()
        if self.closed or other.closed:
            self.end()
            other.end()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.transport.set_write_buffer_limits(_MOST_BUFFERED)
        self.transport.pause_reading()
        connection = self.transport.get_extra_info("socket")
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _pass_early(self) -> None:
        if early := self.take_early():
            self.data_received(early)
        if self._said_all and self._other is not None and self._other.transport is not None:
            self._other.transport.write_eof()

    def take_early(self) -> bytes:
        """What came before anybody wanted it."""
        early, self._early = b"".join(self._early), []
        return early

    def data_received(self, data: bytes) -> None:
        if self._other is None and self.transport is not None:
            # Before 3.11.4, Python begins to read although connection_made() has paused it.
            self._early.append(data)
            self.transport.resume_reading()
            self.transport.pause_reading()
            return
        self.count(len(data))
        if self._other is not None and self._other.transport is not None:
            self._other.transport.write(data)

    def eof_received(self) -> bool:
        """One direction is over; the other may go on."""
        self._said_all = True
        other = self._other
        if other is None:
            return True
        if other.transport is None or other._said_all:
            return False
        if not other.transport.is_closing():
            other.transport.write_eof()
        return True

    def pause_writing(self) -> None:
        if self._other is not None and self._other.transport is not None:
            self._other.transport.pause_reading()

    def resume_writing(self) -> None:
        if self._other is not None and self._other.transport is not None and not self._other.closed:
            self._other.transport.resume_reading()

    def connection_lost(self, error: Exception | None) -> None:
        self.closed = True
        if self._other is not None and not self._other.closed:
            self._other.end(at_once=error is not None)

    def end(self, *, at_once: bool = False) -> None:
        """Close this end, after what is still to be sent, or with a reset that its peer takes for an error."""
        if self.transport is None or self.transport.is_closing():
            return
        if at_once:
            connection = self.transport.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.transport.abort()
        else:
            self.transport.close()

    def give_up(self) -> None:
        """Close both ends now, whatever is still to be sent: nobody is left who could send it."""
        for end in (self, self._other):
            if end is not None and end.transport is not None:
                end.transport.abort()

    @property
    def over(self) -> bool:
        """Whether both ends are closed."""
        return self.closed and (self._other is None or self._other.closed)
