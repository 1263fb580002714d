"""The desk of one confined process that has no network namespace: it asks for a connection and is handed one, made.

The process itself can neither connect nor bind; what it gets is a connected socket, to an address that was checked. To
know what goes through, the desk keeps each socket too; it is closed here as soon as it is closed there, else its peer would
wait for the end.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import struct
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from repertory.runtime.egress.policy import Policy, Refused
from repertory.runtime.egress.post import Post, named
from repertory.runtime.egress.record import Contacts, reason_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from repertory.runtime.sandbox.confinement import Contact, IPAddress

    Holding = Callable[[], set[int] | None]

DIAL_S = 15.0
MOST_CONNECTIONS = 100
MOST_POSTS = 16
_MESSAGE_BYTES = 4096
_TCP_INFO = 11  # tcp(7)
_ACKED_AT = 120  # struct tcp_info: tcpi_bytes_acked, tcpi_bytes_received
_COUNTS = struct.Struct("=QQ")
# The kernel counts the beginning and the ends of a connection as a byte each. States: net/tcp_states.h
_BEGINNING = 1
_SENT_END = (5, 6, 7)  # FIN_WAIT2, TIME_WAIT, CLOSE
_RECEIVED_END = (6, 7, 8, 9, 11)  # TIME_WAIT, CLOSE, CLOSE_WAIT, LAST_ACK, CLOSING
_SOON_S, _SELDOM_S = 0.05, 1.0


@dataclass
class _Made:
    """A connection that was handed over. ``is_taken``: it has arrived."""

    number: object
    host: str
    port: int
    socket: socket.socket
    inode: int
    sent: int = 0
    received: int = 0
    is_taken: bool = False


def _counts_of(connection: socket.socket) -> tuple[int, int, int]:
    """State, bytes acknowledged, bytes received.

    The kernel reads the state first, and the connection goes on before it reads the rest: a state holds for what was read with
    it if it is still the same afterwards. None comes twice.
    """
    info = connection.getsockopt(socket.IPPROTO_TCP, _TCP_INFO, 256)
    while info[:1] != (later := connection.getsockopt(socket.IPPROTO_TCP, _TCP_INFO, 256))[:1]:
        info = later
    acked, received = _COUNTS.unpack_from(info, _ACKED_AT)
    return info[0], acked, received


class Desk:
    """Lives in the event loop of ``egress.broker``; ``holding`` tells which sockets its process has open."""

    def __init__(self, policy: Policy, control: socket.socket, holding: Holding) -> None:
        self._policy = policy
        self._control = control
        self._holding = holding
        self._contacts = Contacts()
        self._made: list[_Made] = []
        self._look: asyncio.TimerHandle | None = None
        self._counting = threading.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._posts: list[Post] = []

    async def open(self) -> None:
        """Begin to listen."""
        self._control.setblocking(False)
        asyncio.get_running_loop().add_reader(self._control, self._readable)

    def close(self) -> None:
        """Its process has ended."""
        asyncio.get_running_loop().remove_reader(self._control)
        self._control.close()
        for task in tuple(self._tasks):
            task.cancel()
        if self._look is not None:
            self._look.cancel()
        self._count()
        with self._counting:
            for made in self._made:
                made.socket.close()
            self._made.clear()
        for post in self._posts:
            post.close()

    def contacts(self) -> list[Contact]:
        """Whom the process has reached, or tried to, since the last time."""
        self._count()
        return self._contacts.take()

    def _count(self) -> None:
        """What went through, by the kernel's own count."""
        with self._counting:
            for made in self._made:
                try:
                    state, acked, received = _counts_of(made.socket)
                except (OSError, struct.error):
                    continue
                sent = max(made.sent, acked - _BEGINNING - (state in _SENT_END))
                received = max(made.received, received - (state in _RECEIVED_END))
                if (sent, received) != (made.sent, made.received):
                    self._contacts.note(
                        made.host, made.port, "allowed", sent=sent - made.sent, received=received - made.received
                    )
                    made.sent, made.received = sent, received

    def _look_soon(self, pause: float = _SOON_S) -> None:
        if self._look is not None:
            self._look.cancel()
        self._look = asyncio.get_running_loop().call_later(pause, self._let_go, pause)

    def _let_go(self, pause: float) -> None:
        """Close what is closed there; look again as long as there is something, less and less often."""
        self._look = None
        held = self._holding()
        if held is not None and (over := [made for made in self._made if made.is_taken and made.inode not in held]):
            self._count()
            with self._counting:
                for made in over:
                    made.socket.close()
                    self._made.remove(made)
        if self._made:
            self._look_soon(min(pause * 2, _SELDOM_S))

    def _readable(self) -> None:
        try:
            data = self._control.recv(_MESSAGE_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            asyncio.get_running_loop().remove_reader(self._control)
            return
        task = asyncio.get_running_loop().create_task(self._answer(data))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, data: bytes) -> None:
        number: Any = None
        try:
            message = json.loads(data)
            number = message["id"]
            if message.get("op") == "post":
                self._open_post(number)
                return
            if message.get("op") in ("taken", "closed"):
                self._note_taken(number)
                return
            host, port = str(message["host"]).lower().rstrip("."), int(message["port"])
        except (ValueError, KeyError, TypeError, RecursionError):
            return  # whoever asks like this is not the SDK
        target = named(host)
        try:
            connection = await self._dial(target, port)
        except Refused as refused:
            self._contacts.note(target, port, "denied", str(refused))
            self._reply(number, "denied", str(refused))
        except (OSError, TimeoutError) as error:
            self._contacts.note(target, port, "failed", reason_of(error))
            self._reply(number, "failed", reason_of(error), code=getattr(error, "errno", None) or 0)
        else:
            self._contacts.note(target, port, "allowed")
            inode = os.fstat(connection.fileno()).st_ino
            with self._counting:
                self._made.append(_Made(number=number, host=str(target), port=port, socket=connection, inode=inode))
            self._reply(number, "allowed", "", connection=connection)
            self._look_soon()

    def _note_taken(self, number: object) -> None:
        """A connection has arrived, or is closed again: nothing but a hint, what counts is what the process holds."""
        for made in self._made:
            made.is_taken = made.is_taken or made.number == number
        if number is None:
            self._let_go(_SOON_S)

    def _open_post(self, number: Any) -> None:
        """A pair of sockets through which datagrams go, each with the address of its other end."""
        if len(self._posts) >= MOST_POSTS:
            self._posts.pop(0).close()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            post = Post(ours, self._policy, self._contacts)
            post.open()
            self._posts.append(post)
            self._reply(number, "allowed", "", connection=theirs)

    async def _dial(self, target: str | IPAddress, port: int) -> socket.socket:
        if len(self._tasks) + len(self._made) > MOST_CONNECTIONS:
            self._let_go(_SOON_S)
        if len(self._tasks) + len(self._made) > MOST_CONNECTIONS:
            raise Refused(f"would be one of more than {MOST_CONNECTIONS} connections at once")
        loop = asyncio.get_running_loop()
        last: Exception = OSError("no address")
        for address in await self._policy.addresses(target, port):
            family = socket.AF_INET if address.version == 4 else socket.AF_INET6
            connection = socket.socket(family, socket.SOCK_STREAM)
            connection.setblocking(False)
            try:
                async with asyncio.timeout(DIAL_S):
                    await loop.sock_connect(connection, (str(address), port))
                return connection
            except (OSError, TimeoutError) as error:
                connection.close()
                last = error
        raise last

    def _reply(self, number: Any, verdict: str, reason: str, *, code: int = 0, connection: socket.socket | None = None) -> None:
        reply = json.dumps({"id": number, "verdict": verdict, "reason": reason, "errno": code}).encode()
        with suppress(OSError):
            socket.send_fds(self._control, [reply], [connection.fileno()] if connection is not None else [])
