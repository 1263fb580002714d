"""Python code in a real sandbox, and real servers that it may or may not reach."""

from __future__ import annotations

import importlib.util
import json
import socketserver
import sys
import textwrap
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import repertory_sdk
from repertory.runtime.sandbox.confinement import Confinement, HostRule
from repertory.runtime.sandbox.launch import Sandbox
from repertory.runtime.sandbox.probing import try_level

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from repertory.runtime.sandbox.confinement import Contact, Level
    from repertory.runtime.sandbox.launch import Confined

PATIENCE_S = 60.0
SDK = Path(repertory_sdk.__file__).parent.parent
PRELUDE = """
import os, sys
sys.path[:0] = {paths!r}
if "REPERTORY_DESK" in os.environ:
    from repertory_sdk.dialling import install
    install(int(os.environ.pop("REPERTORY_DESK")))
import json, socket
def say(what):
    print(json.dumps(what), flush=True)
"""


def own(port: int, *, host: str = "127.0.0.1", udp: bool = False) -> HostRule:
    """What a user's asset permits on this machine."""
    return HostRule(host=host, port=port, udp=udp, by_user=True)


def sandbox_at(level: Level) -> Iterator[Sandbox]:
    """For fixtures: a sandbox at a level that this machine offers."""
    offer = try_level(level)
    if not offer.works:
        pytest.skip(f"{level} does not work here: {offer.reason}")
    made = Sandbox(level)
    yield made
    made.close()


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a piece of code ended."""

    status: int
    output: str
    contacts: Sequence[Contact]

    def said(self) -> Any:
        """What it said with ``say``, once."""
        assert self.status == 0, f"exit status {self.status}: {self.output}"
        return json.loads(self.output)

    def verdicts(self) -> dict[tuple[str, int], str]:
        """By host and port."""
        return {(one.host, one.port): one.verdict for one in self.contacts}


def begin(sandbox: Sandbox, code: str, *, packages: Sequence[str] = (), arguments: Sequence[object] = (), **confinement: Any) -> Confined:
    """Start code; ``packages`` are installed ones that it imports, ``arguments`` its ``sys.argv[1:]``."""
    folders = list(dict.fromkeys([SDK, *map(folder_of, ["pluggy", *packages])]))
    source = PRELUDE.format(paths=list(map(str, folders))) + textwrap.dedent(code)
    command = [str(Path(sys.executable).resolve()), "-I", "-S", "-B", "-c", source, *map(str, arguments)]
    confinement["files"] = (*confinement.get("files", ()), *folders)
    return sandbox.start(command, Confinement(**confinement))


def run(sandbox: Sandbox, code: str, **options: Any) -> Outcome:
    """Run code to its end."""
    return end(begin(sandbox, code, **options))


def end(confined: Confined) -> Outcome:
    """Wait for the end of what was begun."""
    status = confined.process.wait(PATIENCE_S)
    contacts = confined.contacts()
    ended = confined.process.kill()
    confined.process.output.finish()
    return Outcome(status=ended if status is None else status, output=confined.process.output.take(), contacts=contacts)


def folder_of(package: str) -> Path:
    """Where an installed package is."""
    found = importlib.util.find_spec(package)
    assert found is not None, f"{package} is not installed"
    assert found.origin is not None
    origin = Path(found.origin)
    return origin.parent.parent if origin.name == "__init__.py" else origin.parent


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 256

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients are cut off."""


@contextmanager
def tcp_server(handle: Callable[[Any], None]) -> Iterator[int]:
    """The port of a server on loopback; ``handle`` is given each connected socket, in a thread of its own."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            handle(self.request)

    with _Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def udp_server(handle: Callable[[bytes], bytes | None]) -> Iterator[int]:
    """The port of a server for datagrams on loopback; what ``handle`` returns is sent back."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            data, sender = self.request
            answer = handle(data)
            if answer is not None:
                sender.sendto(answer, self.client_address)

    with socketserver.ThreadingUDPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


def echo(connection: Any) -> None:
    """Send back what comes, to its end."""
    while data := connection.recv(65536):
        connection.sendall(data)
