"""Items in temporary folders, and worker processes that cannot outlive their test."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pluggy
import pytest

import repertory_sdk
from repertory_sdk import protocol

SDK = Path(repertory_sdk.__file__).parents[1]
PATIENCE_S = 20.0


@pytest.fixture
def write_item(tmp_path: Path) -> Callable[..., Path]:
    """Write ``{"file name": "source"}`` into a folder of this name; returns it."""

    def write(files: dict[str, str], name: str = "item") -> Path:
        folder = tmp_path / name
        for file, text in files.items():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_text(textwrap.dedent(text).lstrip(), "utf-8")
        return folder

    return write


@pytest.fixture(scope="session")
def worker_command() -> Callable[..., list[str]]:
    """The way in which the tool starts a child: isolated, with the SDK's folder on the path."""
    return command_of


def command_of(*arguments: object) -> list[str]:
    path = [str(SDK), str(Path(pluggy.__file__).parents[1])]
    start = f"import sys; sys.path[:0] = {path!r}; from repertory_sdk.worker import main; main(sys.argv[1:])"
    return [sys.executable, "-I", "-c", start, *map(str, arguments)]


@dataclass
class Child:
    """A worker process with a pipe in each direction; killed if a test waits too long for it."""

    process: subprocess.Popen[bytes]
    reader: IO[bytes]
    writer: IO[bytes]

    def send(self, **message: object) -> None:
        protocol.write(self.writer, message)

    def read(self) -> protocol.Message:
        message = protocol.read(self.reader)
        assert message is not None, "the process ended (or was killed, because it said nothing)"
        return message

    def ended(self) -> int:
        """Close the pipe to it; its exit status."""
        self.writer.close()
        return self.process.wait(PATIENCE_S)


def start_child(mode: Sequence[object], output: Path) -> Child:
    """``app`` or ``describe``; what it prints goes to a file."""
    requests, writer = os.pipe()
    reader, replies = os.pipe()
    arguments = [*mode, requests, replies] if mode == ["app"] else [*mode, replies]
    with output.open("wb") as file:
        process = subprocess.Popen(
            command_of(*arguments), pass_fds=(requests, replies), stdin=subprocess.DEVNULL, stdout=file, stderr=file
        )
    os.close(requests)
    os.close(replies)
    return Child(process, open(reader, "rb"), open(writer, "wb"))


@pytest.fixture(scope="module")
def start_worker() -> Iterator[Callable[[Sequence[object], Path], Child]]:
    """Start worker processes; none of them is left when the module's tests are done."""
    started: list[tuple[Child, threading.Timer]] = []

    def start(mode: Sequence[object], output: Path) -> Child:
        child = start_child(mode, output)
        watchdog = threading.Timer(PATIENCE_S, child.process.kill)
        watchdog.start()
        started.append((child, watchdog))
        return child

    yield start
    for child, watchdog in started:
        watchdog.cancel()
        child.process.kill()
        child.process.wait()
        child.reader.close()
        child.writer.close()
