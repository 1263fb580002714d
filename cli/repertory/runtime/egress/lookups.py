"""DNS queries that were declared, passed on to this machine's own name servers."""

from __future__ import annotations

import asyncio
import ipaddress
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_CONFIGURATION = Path("/etc/resolv.conf")  # resolv.conf(5)
_PORT = 53
_ANSWER_S = 5.0
_IDLE_S = 10.0


def name_servers() -> list[str]:
    """The addresses of this machine's name servers, in order."""
    found: list[str] = []
    with suppress(OSError):
        for line in _CONFIGURATION.read_text(encoding="utf-8", errors="replace").splitlines():
            words = line.split()
            if len(words) > 1 and words[0] == "nameserver":
                with suppress(ValueError):
                    ipaddress.ip_address(words[1].partition("%")[0])
                    found.append(words[1])
    return found or ["127.0.0.1"]


async def forward(query: bytes) -> bytes:
    """Ask by datagram; raises OSError or TimeoutError when no name server answers."""
    last: Exception = OSError("no name server")
    loop = asyncio.get_running_loop()
    for server in name_servers():
        transport, exchange = await loop.create_datagram_endpoint(_Exchange, remote_addr=(server, _PORT))
        try:
            transport.sendto(query)
            async with asyncio.timeout(_ANSWER_S):
                return await exchange.answer
        except (OSError, TimeoutError) as error:
            last = error
        finally:
            transport.close()
    raise last


class _Exchange(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def datagram_received(self, data: bytes, addr: object) -> None:
        if not self.answer.done():
            self.answer.set_result(data)

    def error_received(self, error: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)


async def serve_stream(transport: asyncio.Transport, early: bytes, judge: Callable[[bytes], bytes | None]) -> None:
    """Queries over TCP, each with its length before it; ``judge`` gives the answer to those that may not be asked.

    ``early`` is what has come already.
    """
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    if early:
        reader.feed_data(early)
    protocol = asyncio.StreamReaderProtocol(reader)
    transport.set_protocol(protocol)
    protocol.connection_made(transport)
    writer = asyncio.StreamWriter(transport, protocol, reader, loop)
    transport.resume_reading()
    with suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
        while True:
            async with asyncio.timeout(_IDLE_S):
                query = await _read(reader)
            given = judge(query)
            answer = await _ask_by_stream(query) if given is None else given
            writer.write(len(answer).to_bytes(2, "big") + answer)
            await writer.drain()
    writer.close()


async def _ask_by_stream(query: bytes) -> bytes:
    async with asyncio.timeout(_ANSWER_S):
        reader, writer = await asyncio.open_connection(name_servers()[0], _PORT)
        try:
            writer.write(len(query).to_bytes(2, "big") + query)
            return await _read(reader)
        finally:
            writer.close()


async def _read(reader: asyncio.StreamReader) -> bytes:
    return await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))
