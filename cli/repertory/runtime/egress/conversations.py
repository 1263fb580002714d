"""Datagrams to the outside: each conversation has a socket of its own, as long as there is something to say."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Callable

    from repertory.runtime.sandbox.confinement import IPAddress

IDLE_S = 30.0
MOST = 64


class Conversations:
    """Of one confined process."""

    def __init__(self) -> None:
        self._open: dict[object, _Conversation] = {}

    async def pass_on(
        self, data: bytes, address: IPAddress, port: int, key: object, answered: Callable[[bytes], None]
    ) -> None:
        """Send a datagram from the socket of its conversation; answers are passed to ``answered``. Raises OSError."""
        conversation = self._open.get(key)
        if conversation is None or conversation.closed:
            self._make_room()
            loop = asyncio.get_running_loop()
            _, conversation = await loop.create_datagram_endpoint(_Conversation, remote_addr=(str(address), port))
            self._open[key] = conversation
        conversation.answered = answered
        conversation.send(data)

    def _make_room(self) -> None:
        now = asyncio.get_running_loop().time()
        for key, conversation in tuple(self._open.items()):
            if conversation.closed or now - conversation.used_at > IDLE_S or len(self._open) >= MOST:
                conversation.close()
                del self._open[key]

    def close(self) -> None:
        """End them all."""
        for conversation in self._open.values():
            conversation.close()
        self._open.clear()


class _Conversation(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.answered: Callable[[bytes], None] = lambda _: None
        self.closed = False
        self.used_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def send(self, data: bytes) -> None:
        self.used_at = asyncio.get_running_loop().time()
        self._transport.sendto(data)

    def datagram_received(self, data: bytes, addr: object) -> None:
        self.used_at = asyncio.get_running_loop().time()
        self.answered(data)

    def connection_lost(self, error: Exception | None) -> None:
        self.closed = True

    def close(self) -> None:
        self._transport.close()
