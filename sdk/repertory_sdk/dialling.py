"""Sockets in a process that may not connect: the tool does it, if it was declared, and hands the connected socket over.

Only Python's own sockets know of this; libraries that make theirs in C, and programs that the app starts, have no network at
this level of isolation.
"""

from __future__ import annotations

import errno
import ipaddress
import itertools
import json
import os
import socket
import threading
from typing import Any, Callable, Dict, List, Optional, Set, Tuple

from repertory_sdk.posting import PostingSocket

MESSAGE_BYTES = 4096
_INTERNET = (socket.AF_INET, socket.AF_INET6)
_KINDS = 0xF  # the rest of a socket's type are flags
_resolve_numbers = socket.getaddrinfo


class Dialler:
    """Asks at the desk behind ``control``; a question and its answer at a time."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._inside = ipaddress.IPv4Network("198.18.0.0/15").hosts()
        self._addresses: Dict[str, str] = {}
        self._names: Dict[str, str] = {}
        self._dialled: Set[int] = set()

    def dial(self, host: str, port: int) -> int:
        """The descriptor of a connected socket; raises OSError."""
        name = self.name_of(host)
        return self._ask(f"{name}:{port}", host=name, port=port)

    def post(self) -> int:
        """The descriptor of a socket through which datagrams go, each with its address (``posting``)."""
        return self._ask("datagrams", op="post")

    def _ask(self, what: str, **question: Any) -> int:
        number = next(self._numbers)
        with self._lock:
            self._control.sendall(json.dumps({"id": number, **question}).encode())
            while True:
                data, descriptors, _, _ = socket.recv_fds(self._control, MESSAGE_BYTES, 1, socket.MSG_CMSG_CLOEXEC)
                if not data:
                    raise OSError(errno.ENETDOWN, "nobody connects any more")
                reply = json.loads(data)
                if reply["id"] == number:
                    break
                for descriptor in descriptors:
                    os.close(descriptor)
        if reply["verdict"] != "allowed":
            code = errno.EACCES if reply["verdict"] == "denied" else reply["errno"] or errno.EHOSTUNREACH
            raise OSError(code, f"{what}: {reply['reason']}")
        self._tell("taken", number)
        return descriptors[0]

    def note_dialled(self, descriptor: int) -> None:
        """From now on this is a connection from the desk."""
        self._dialled.add(descriptor)

    def note_closed(self, descriptor: int) -> None:
        """The desk has the same socket open, and closes it when it is closed here: it need not wait to find out."""
        if descriptor in self._dialled:
            self._dialled.discard(descriptor)
            self._tell("closed", None)

    def _tell(self, what: str, number: Optional[int]) -> None:
        try:
            self._control.sendall(json.dumps({"id": number, "op": what}).encode())
        except OSError:
            pass  # nobody listens any more

    def name_of(self, host: str) -> str:
        """The name that an address from here stands for, else the address."""
        return self._names.get(host, host)

    def address_of(self, name: str) -> str:
        """An address that stands for a name inside this process; the name is resolved when it is dialled."""
        if is_number(name):
            return name
        with self._lock:
            if name not in self._addresses:
                address = str(next(self._inside))
                self._addresses[name] = address
                self._names[address] = name
            return self._addresses[name]


def install(descriptor: int) -> None:
    """Let every Python socket of this process connect through the desk at the other end of this descriptor."""
    os.set_inheritable(descriptor, False)
    dialler = Dialler(socket.socket(fileno=descriptor))
    plain = socket.socket
    connect, connect_ex = _connecting(dialler)
    plain.connect = connect  # type: ignore[method-assign, assignment]
    plain.connect_ex = connect_ex  # type: ignore[method-assign, assignment]
    plain.bind = _binding()  # type: ignore[method-assign, assignment]
    plain._real_close = _closing(dialler)  # type: ignore[attr-defined]

    class Socket(plain):  # type: ignore[misc, valid-type]
        """What a library gets that makes a socket."""

        def __new__(cls, family: int = -1, type: int = -1, proto: int = -1, fileno: Optional[int] = None) -> Any:
            is_datagram = family in (-1, *_INTERNET) and type != -1 and type & _KINDS == socket.SOCK_DGRAM
            return PostingSocket(dialler, family, type, proto) if fileno is None and is_datagram else plain.__new__(cls)

    socket.socket = Socket  # type: ignore[misc]
    socket.getaddrinfo, socket.gethostbyname = _resolving(dialler)
    socket.gethostbyname_ex = lambda name: (name, [], [dialler.address_of(name)])


def _connecting(dialler: Dialler) -> "Tuple[Callable[[socket.socket, Any], None], Callable[[socket.socket, Any], int]]":
    plain_connect = socket.socket.connect

    def connect(self: socket.socket, address: Any) -> None:
        if self.family not in _INTERNET:
            plain_connect(self, address)
            return
        made = dialler.dial(str(address[0]).partition("%")[0], int(address[1]))
        timeout = self.gettimeout()
        os.dup2(made, self.fileno(), inheritable=False)
        os.close(made)
        dialler.note_dialled(self.fileno())
        self.settimeout(timeout)

    def connect_ex(self: socket.socket, address: Any) -> int:
        try:
            connect(self, address)
        except OSError as error:
            return error.errno or errno.EHOSTUNREACH
        return 0

    return connect, connect_ex


def _binding() -> "Callable[[socket.socket, Any], None]":
    plain_bind = socket.socket.bind

    def bind(self: socket.socket, address: Any) -> None:
        """A client that binds to any port before it connects has nothing to bind yet; a server is refused."""
        if self.family not in _INTERNET or address[1] != 0:
            plain_bind(self, address)

    return bind


def _closing(dialler: Dialler) -> "Callable[[socket.socket], None]":
    plain_close = socket.socket._real_close  # type: ignore[attr-defined]

    def close(self: socket.socket) -> None:
        descriptor = self.fileno()
        plain_close(self)
        dialler.note_closed(descriptor)

    return close


def _resolving(dialler: Dialler) -> "Tuple[Callable[..., List[Any]], Callable[[str], str]]":
    def getaddrinfo(host: Any, port: Any, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0) -> List[Any]:
        name = host.decode("ascii") if isinstance(host, bytes) else host
        if name and not is_number(name):
            name = dialler.address_of(name.lower().rstrip(".") if name.isascii() else name.encode("idna").decode("ascii"))
            family = 0 if family == socket.AF_INET6 else family
        return _resolve_numbers(name, port, family, type, proto, flags | socket.AI_NUMERICHOST)

    return getaddrinfo, lambda name: dialler.address_of(name.lower())


def is_number(host: str) -> bool:
    """Whether it is an address, and no name."""
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True
