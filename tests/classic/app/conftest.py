"""Connectors of our own in temporary folders, each driven over pipes as the tool drives it."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import pluggy
import pytest

import repertory
import repertory_sdk
from repertory_sdk import protocol

SITE = Path(repertory.__file__).parent / "site"
PATIENCE_S = 30.0
HEADER = """
import json
import os
import phantom.app as phantom
from phantom.action_result import ActionResult
from phantom.base_connector import BaseConnector
"""


def manifest_of(**changes: Any) -> dict[str, Any]:
    """A manifest with the actions that a test wants: ``actions={"look up": {parameter: field}}``."""
    actions = changes.pop("actions", {"look up": {}})
    return {
        "appid": "2f9b5c1e-6a83-4d0f-9c57-11b0c4e3a7d2", "name": "Lamp Post", "description": "A lamp",
        "type": "information", "product_vendor": "Lamps", "product_name": "Post", "product_version_regex": ".*",
        "publisher": "Nobody", "license": "none", "app_version": "1.2.3", "main_module": "lamp_connector.py",
        "min_phantom_version": "6.0.0", "configuration": {}, "package_name": "lamp",
        "actions": [
            {
                "action": name, "identifier": name.replace(" ", "_"), "type": "generic", "read_only": True,
                "description": name, "versions": "EQ(*)", "parameters": parameters, "output": [],
            }
            for name, parameters in actions.items()
        ] + changes.pop("render_actions", []),
        **changes,
    }  # fmt: skip


@dataclass
class Child:
    """A worker process with a pipe in each direction, and what it said besides its results."""

    process: subprocess.Popen[bytes]
    reader: IO[bytes]
    writer: IO[bytes]
    output: Path
    contents: dict[str, str] = field(default_factory=dict)
    lists: dict[str, list[list[str]]] = field(default_factory=dict)
    asides: list[protocol.Message] = field(default_factory=list)
    requests: int = 0

    def read(self) -> protocol.Message:
        message = protocol.read(self.reader)
        assert message is not None, f"the process ended: {self.output.read_text()}"
        return message

    def act(self, action: str, parameters: dict[str, Any] | None = None, **more: Any) -> protocol.Message:
        """Send a request and wait for its result; files that are read are those in ``contents``, lists those in ``lists``."""
        self.requests += 1
        self.asides.clear()
        request = {
            "op": "act", "id": f"r{self.requests}", "action": action, "parameters": parameters or {}, "state": {},
            "checkpoint": {}, "key": f"run/{self.requests}", "timeout_s": 20, **more,
        }  # fmt: skip
        protocol.write(self.writer, request)
        while True:
            message = self.read()
            if message["op"] == "result":
                return message
            self.asides.append(message)
            if message["op"] == "lists":
                protocol.write(self.writer, {"op": "content", "lists": self.lists})
            if message["op"] == "read":
                protocol.write(self.writer, {"op": "content", "content": self.contents[message["sha256"]]})

    def said(self) -> list[str]:
        return [message["message"] for message in self.asides if message["op"] == "progress"]

    def web(self, kind: str = "handler", method: str = "GET", path: str = "", body: bytes = b"", **more: Any) -> protocol.Message:
        """Let the app answer a request from outside."""
        self.requests += 1
        self.asides.clear()
        plain = {
            "op": "web", "id": f"w{self.requests}", "kind": kind, "method": method, "path": [part for part in path.split("/") if part],
            "query": {}, "headers": {}, "body": base64.b64encode(body).decode(), "state": {}, "checkpoint": {}, **more,
        }  # fmt: skip
        protocol.write(self.writer, plain)
        while (message := self.read())["op"] != "result":
            self.asides.append(message)
        return message

    def view(self, action: str, *results: dict[str, Any], event: int = 7) -> protocol.Message:
        """Let the app draw results of an action."""
        protocol.write(self.writer, {"op": "view", "id": "v", "action": action, "results": list(results), "event": event})
        return self.read()


DESK = """
import socket
from repertory_sdk.dialling import install
desk, control = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
install(control.detach())
"""


def serving_command(reader: int, writer: int, before: str) -> list[str]:
    """The way in which the tool starts a child, with the classic interface on the path as well."""
    folders = (SITE, Path(repertory_sdk.__file__).parents[1], Path(pluggy.__file__).parents[1])
    start = (
        f"import sys; sys.path[:0] = {[str(folder) for folder in folders]!r}\n"
        f"{before}\n"
        "from repertory_sdk import protocol\n"
        "from repertory_classic.app.worker import serve\n"
        f"reader, writer = open({reader}, 'rb'), open({writer}, 'wb')\n"
        "serve(reader, writer, protocol.read(reader))"
    )
    return [sys.executable, "-I", "-c", start]


def start_child(hello: dict[str, Any], scratch: Path, before: str) -> Child:
    requests, writer = os.pipe()
    reader, replies = os.pipe()
    output = scratch / "output"
    with output.open("wb") as file:
        process = subprocess.Popen(
            serving_command(requests, replies, before), pass_fds=(requests, replies), stdin=subprocess.DEVNULL,
            stdout=file, stderr=file, cwd=scratch, env={"HOME": str(scratch), "TMPDIR": str(scratch), "PATH": "/usr/bin:/bin"},
        )  # fmt: skip
    os.close(requests)
    os.close(replies)
    child = Child(process, open(reader, "rb"), open(writer, "wb"), output)  # noqa: SIM115
    protocol.write(child.writer, hello)
    return child


Start = Callable[..., Child]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a connector out of its source; ``settings``, more ``files``, and changes of the manifest by keyword.

    ``path``: a folder with packages of its environment.

    ``dialled``: at a level at which the tool connects, with a tool that never does.
    """
    started: list[tuple[Child, threading.Timer]] = []

    def begin(
        source: str, settings: dict[str, Any] | None = None, *, ready: bool = True, dialled: bool = False,
        purpose: str = "actions", path: Path | None = None, files: dict[str, str] | None = None, **changes: Any,
    ) -> Child:  # fmt: skip
        number = len(started)
        folder, scratch = tmp_path / f"app{number}", tmp_path / f"scratch{number}"
        folder.mkdir()
        scratch.mkdir()
        manifest = manifest_of(**changes)
        (folder / "lamp.json").write_text(json.dumps(manifest))
        (folder / "lamp_connector.py").write_text(HEADER + textwrap.dedent(source))
        for name, text in (files or {}).items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(text)
        hello = {
            "op": "hello", "format": "classic", "folder": str(folder), "main": manifest["main_module"],
            "classic": manifest, "asset": {"name": "street", "settings": settings or {}}, "purpose": purpose,
        }  # fmt: skip
        child = start_child(hello, scratch, DESK if dialled else f"sys.path.insert(0, {str(path)!r})" if path else "")
        watchdog = threading.Timer(PATIENCE_S, child.process.kill)
        watchdog.start()
        started.append((child, watchdog))
        if ready:
            assert child.read() == {"op": "ready"}, child.output.read_text()
        return child

    yield begin
    for child, watchdog in started:
        watchdog.cancel()
        child.process.kill()
        child.process.wait()
        child.reader.close()
        child.writer.close()
