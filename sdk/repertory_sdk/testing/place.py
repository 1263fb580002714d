"""Where a product can be tried: settings of an asset that reach it, and the ways in which it can be broken."""

from __future__ import annotations

import contextlib
import socket
import threading
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, Iterator, Mapping

HOST = "127.0.0.1"
Fault = Callable[[], "AbstractContextManager[Mapping[str, Any]]"]


@dataclass(frozen=True)
class Place:
    """A product that a test can use.

    ``settings`` are those of an asset. Each of ``faults`` breaks the product while its context lasts, and gives the settings
    with which that is to be seen: ``with place.faults["time-out"]() as settings: ...``
    """

    settings: Mapping[str, Any]
    faults: Mapping[str, Fault] = field(default_factory=dict)


def with_settings(settings: Mapping[str, Any], **changed: Any) -> Fault:
    """A fault that lies in the settings alone: a wrong password, another port."""

    @contextmanager
    def broken() -> Iterator[Mapping[str, Any]]:
        yield {**settings, **changed}

    return broken


def tcp_faults(settings: Mapping[str, Any], *, host: str = "host", port: str = "port") -> Dict[str, Fault]:
    """Faults of whatever is reached over TCP, by the names of the settings that say where.

    ``connection refused``; ``time-out``: it accepts and says nothing; ``cut off``: it accepts and closes; ``garbage``: it says
    what no protocol says.
    """

    def listening(behaviour: str) -> Fault:
        @contextmanager
        def broken() -> Iterator[Mapping[str, Any]]:
            with _misbehaving(behaviour) as where:
                yield {**settings, host: HOST, port: where}

        return broken

    faults = {name: listening(name) for name in ("time-out", "cut off", "garbage")}
    return {"connection refused": with_settings(settings, **{host: HOST, port: 1}), **faults}


@contextmanager
def _misbehaving(behaviour: str) -> Iterator[int]:
    """A server that does the same to every connection."""
    server = socket.create_server((HOST, 0))
    held = []

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = server.accept()
                held.append(connection)
                if behaviour == "garbage":
                    connection.sendall(b"\xff\x00\x13nonsense\r\n" * 20)
                if behaviour != "time-out":
                    connection.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield server.getsockname()[1]
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join()
        for connection in held:
            connection.close()
