"""The gate of one confined process: what it dials ends here, and goes on only if it was declared.

Inside its network namespace every address is local, so each connection arrives at a listener of ours, whose own address
says whom the process meant to reach.
"""

from __future__ import annotations

import asyncio
import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from repertory.runtime.egress.attempts import Watch
from repertory.runtime.egress.conversations import Conversations
from repertory.runtime.egress.datagrams import DatagramPort
from repertory.runtime.egress.lookups import forward, serve_stream
from repertory.runtime.egress.names import InsideNames, Query
from repertory.runtime.egress.policy import Policy, Refused
from repertory.runtime.egress.record import Contacts, reason_of
from repertory.runtime.egress.relay import End

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Coroutine

    from repertory.runtime.sandbox.confinement import Contact, IPAddress

Kind = Literal["tcp", "udp", "watch"]

DNS_PORT = 53
DIAL_S = 15.0
MOST_CONNECTIONS = 100


@dataclass(frozen=True, kw_only=True)
class Inside:
    """A socket inside. ``number``: its port; of one that only watches, the protocol."""

    socket: socket.socket
    kind: Kind
    number: int


class Gate:
    """Lives in the event loop of ``egress.broker``; ``contacts`` may be asked from any thread."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._names = InsideNames()
        self._contacts = Contacts()
        self._note = self._contacts.note
        self._servers: list[asyncio.Server] = []
        self._datagrams: list[DatagramPort] = []
        self._watches: list[Watch] = []
        self._conversations = Conversations()
        self._tasks: set[asyncio.Task[None]] = set()
        self._live: set[End] = set()

    async def open(self, listening: list[Inside]) -> None:
        """Take the sockets over."""
        loop = asyncio.get_running_loop()
        for one in listening:
            one.socket.setblocking(False)
            if one.kind == "udp":
                port = DatagramPort(one.socket, one.number, self._datagram)
                port.open()
                self._datagrams.append(port)
            elif one.kind == "watch":
                served = {other.number for other in listening if other.kind == "tcp"}
                watch = Watch(one.socket, one.number, served, self._refused)
                watch.open()
                self._watches.append(watch)
            else:
                self._servers.append(await loop.create_server(self._accept, sock=one.socket))

    def close(self) -> None:
        """Everything that still goes on ends."""
        for server in self._servers:
            server.close()
        for port in self._datagrams:
            port.close()
        for watch in self._watches:
            watch.close()
        self._conversations.close()
        for task in tuple(self._tasks):
            task.cancel()

    def give_up(self) -> None:
        """The whole tool ends: what its peers do not take any more is not kept for them."""
        for end in self._live:
            end.give_up()

    def contacts(self) -> list[Contact]:
        """Whom the process has reached, or tried to, since the last time."""
        for watch in self._watches:
            watch.look()  # the kernel's own refusals are quicker than any loop
        return self._contacts.take()

    # ------------------------------------------------------------ connections

    def _accept(self) -> asyncio.Protocol:
        return _Arrival(self)

    def arrived(self, inside: End) -> None:
        """Somebody inside has dialled."""
        self.spawn(self._connect(inside))

    def spawn(self, work: Coroutine[object, object, None]) -> None:
        """Do this beside everything else, while the gate is open."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connect(self, inside: End) -> None:
        assert inside.transport is not None
        address, port = _dialled(inside.transport.get_extra_info("sockname"))
        target = self._names.meant_by(address)
        try:
            self._make_room()
            if port == DNS_PORT and self._policy.lookups and self._policy.covers(target, port, udp=False) is None:
                await serve_stream(inside.transport, inside.take_early(), self._judge)
                return
            outside = await self._dial(target, port)
        except Refused as refused:
            self._note(target, port, "denied", str(refused))
            inside.end(at_once=True)
        except (OSError, TimeoutError) as error:
            self._note(target, port, "failed", reason_of(error))
            inside.end(at_once=True)
        else:
            self._note(target, port, "allowed")
            inside.count = lambda size: self._note(target, port, "allowed", sent=size)
            inside.join(outside)
            self._live.add(inside)

    def _make_room(self) -> None:
        """Each connection takes descriptors of the tool itself, which others need as well."""
        self._live = {end for end in self._live if not end.over}
        if len(self._live) + len(self._tasks) > MOST_CONNECTIONS:
            raise Refused(f"would be one of more than {MOST_CONNECTIONS} connections at once")

    async def _dial(self, target: str | IPAddress, port: int) -> End:
        loop = asyncio.get_running_loop()
        last: Exception = OSError("no address")
        for address in await self._policy.addresses(target, port):
            end = End(lambda size: self._note(target, port, "allowed", received=size))
            try:
                async with asyncio.timeout(DIAL_S):
                    await loop.create_connection(lambda end=end: end, str(address), port)  # type: ignore[misc]
                return end
            except (OSError, TimeoutError) as error:
                last = error
        raise last

    def _refused(self, address: IPAddress, port: int) -> None:
        """Nobody listens there, and so nobody declared it."""
        self._note(self._names.meant_by(address), port, "denied", "never declared")

    # -------------------------------------------------------------- datagrams

    def _datagram(self, data: bytes, source: IPAddress, port: int, answer: Callable[[bytes], None], key: object) -> None:
        """A datagram to an address inside; ``answer`` sends one back, ``key`` tells conversations apart."""
        target = self._names.meant_by(source)
        if self._policy.covers(target, port, udp=True) is not None:
            self.spawn(self._pass_on(data, target, port, answer, key))
        elif port == DNS_PORT:
            self._look_up(data, answer)
        else:
            self._note(target, port, "denied", "never declared")

    async def _pass_on(
        self, data: bytes, target: str | IPAddress, port: int, answer: Callable[[bytes], None], key: object
    ) -> None:
        def answered(reply: bytes) -> None:
            self._note(target, port, "allowed", received=len(reply))
            answer(reply)

        try:
            addresses = await self._policy.addresses(target, port, udp=True)
            await self._conversations.pass_on(data, addresses[0], port, key, answered)
        except Refused as refused:
            self._note(target, port, "denied", str(refused))
        except (OSError, TimeoutError) as error:
            self._note(target, port, "failed", reason_of(error))
        else:
            self._note(target, port, "allowed", sent=len(data))

    def _look_up(self, data: bytes, answer: Callable[[bytes], None]) -> None:
        query = Query.parse(data)
        if query is None:
            return
        is_known, may_look_up = self._policy.knows_name(query.name), self._policy.may_look_up(query.name)
        if is_known and (query.asks_for_address or not may_look_up):
            answer(query.answer(self._names.address_of(query.name)))
        elif may_look_up:
            self.spawn(self._forward(data, query, answer))
        else:
            self._note(query.name, DNS_PORT, "denied", "never declared")
            answer(query.unknown())

    async def _forward(self, data: bytes, query: Query, answer: Callable[[bytes], None]) -> None:
        try:
            reply = await forward(data)
        except (OSError, TimeoutError) as error:
            self._note(query.name, DNS_PORT, "failed", reason_of(error))
            return
        self._note(query.name, DNS_PORT, "allowed", sent=len(data), received=len(reply))
        answer(reply)

    def _judge(self, data: bytes) -> bytes | None:
        """Of a query over TCP: None where it may be asked, else the answer to give."""
        query = Query.parse(data)
        if query is not None and self._policy.may_look_up(query.name):
            self._note(query.name, DNS_PORT, "allowed", sent=len(data))
            return None
        if query is None:
            return b""
        self._note(query.name, DNS_PORT, "denied", "never declared")
        return query.unknown()


class _Arrival(End):
    def __init__(self, gate: Gate) -> None:
        super().__init__(lambda _: None)
        self._gate = gate

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._gate.arrived(self)


def _dialled(name: tuple[str, int]) -> tuple[IPAddress, int]:
    """Whom the process meant: the address of our own end."""
    address = ipaddress.ip_address(name[0].partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped, name[1]
    return address, name[1]
