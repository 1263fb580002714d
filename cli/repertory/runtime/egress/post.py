"""Datagrams of a process that has no network namespace: they come through a pair of sockets, with whom they are for.

A message is the length of the host (2 bytes, big-endian), the host, the port (2 bytes) and the data, in both directions.
DNS queries for declared lookups, to an address that nobody declared, go to this machine's own name servers.
"""

from __future__ import annotations

import asyncio
import ipaddress
import struct
from typing import TYPE_CHECKING

from repertory.runtime.egress.conversations import Conversations
from repertory.runtime.egress.lookups import forward
from repertory.runtime.egress.names import Query
from repertory.runtime.egress.policy import Policy, Refused
from repertory.runtime.egress.record import Contacts, reason_of

if TYPE_CHECKING:
    import socket

    from repertory.runtime.sandbox.confinement import IPAddress

LARGEST = 65535 + 512
DNS_PORT = 53
_LENGTH = struct.Struct(">H")
_BURST = 64


class Post:
    """One such pair; lives in the event loop of ``egress.broker``."""

    def __init__(self, ours: socket.socket, policy: Policy, contacts: Contacts) -> None:
        self._socket = ours
        self._policy = policy
        self._contacts = contacts
        self._conversations = Conversations()
        self._tasks: set[asyncio.Task[None]] = set()

    def open(self) -> None:
        """Begin to listen."""
        self._socket.setblocking(False)
        asyncio.get_running_loop().add_reader(self._socket, self._readable)

    def close(self) -> None:
        """Its process, or its socket there, has ended."""
        if self._socket.fileno() >= 0:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()
        self._conversations.close()

    def _readable(self) -> None:
        for _ in range(_BURST):
            try:
                message = self._socket.recv(LARGEST)
            except BlockingIOError:
                return
            except OSError:
                message = b""
            if not message:
                self.close()
                return
            try:
                host, port, data = unpacked(message)
            except (struct.error, UnicodeDecodeError):
                continue  # whoever writes like this is not the SDK
            task = asyncio.get_running_loop().create_task(self._pass_on(host, port, data))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pass_on(self, host: str, port: int, data: bytes) -> None:
        target = named(host)
        if port == DNS_PORT and self._policy.covers(target, port, udp=True) is None and self._policy.lookups:
            await self._look_up(host, data)
            return

        def answered(reply: bytes) -> None:
            self._contacts.note(target, port, "allowed", received=len(reply))
            self._answer(host, port, reply)

        try:
            addresses = await self._policy.addresses(target, port, udp=True)
            await self._conversations.pass_on(data, addresses[0], port, (host, port), answered)
        except Refused as refused:
            self._contacts.note(target, port, "denied", str(refused))
        except (OSError, TimeoutError) as error:
            self._contacts.note(target, port, "failed", reason_of(error))
        else:
            self._contacts.note(target, port, "allowed", sent=len(data))

    async def _look_up(self, host: str, data: bytes) -> None:
        query = Query.parse(data)
        if query is None:
            return
        if not self._policy.may_look_up(query.name):
            self._contacts.note(query.name, DNS_PORT, "denied", "never declared")
            self._answer(host, DNS_PORT, query.unknown())
            return
        try:
            reply = await forward(data)
        except (OSError, TimeoutError) as error:
            self._contacts.note(query.name, DNS_PORT, "failed", reason_of(error))
            return
        self._contacts.note(query.name, DNS_PORT, "allowed", sent=len(data), received=len(reply))
        self._answer(host, DNS_PORT, reply)

    def _answer(self, host: str, port: int, data: bytes) -> None:
        try:
            self._socket.send(packed(host, port, data))
        except OSError:
            pass  # datagrams get lost


def packed(host: str, port: int, data: bytes) -> bytes:
    """A message."""
    name = host.encode()
    return _LENGTH.pack(len(name)) + name + _LENGTH.pack(port) + data


def unpacked(message: bytes) -> tuple[str, int, bytes]:
    """Host, port and data of a message; raises struct.error and UnicodeDecodeError."""
    (length,) = _LENGTH.unpack_from(message)
    end = _LENGTH.size + length
    (port,) = _LENGTH.unpack_from(message, end)
    return message[_LENGTH.size : end].decode().lower().rstrip("."), port, message[end + _LENGTH.size :]


def named(host: str) -> str | IPAddress:
    """A host as rules know it."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return host
