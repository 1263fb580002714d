"""More than a fair share of the machine. The limits of the test are small, and so are the bombs."""

from __future__ import annotations

import mmap
import os
import resource
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from trying import Stopped, attempt

MEGABYTE = bytes(2**20)


@attempt
def take_much_memory(t: Any) -> str:
    with mmap.mmap(-1, t.memory_bytes + 2**28) as memory:  # never touched, so that it costs nothing where nobody forbids it
        return f"{len(memory)} bytes"


@attempt
def raise_its_own_limit_of_memory(t: Any) -> str:
    try:
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    except ValueError as error:  # that is how Python says it
        raise Stopped(str(error)) from None
    return "raised"


@attempt
def start_many_processes(t: Any) -> str:
    children = []
    try:
        for _ in range(2 * t.tasks):
            pid = os.fork()
            if pid == 0:
                signal.pause()
            children.append(pid)
    finally:
        for pid in children:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
    return f"{len(children)} processes"


@attempt
def open_many_files(t: Any) -> str:
    opened = []
    try:
        for _ in range(2 * t.open_files):
            opened.append(os.dup(1))
    finally:
        for descriptor in opened:
            os.close(descriptor)
    return f"{len(opened)} descriptors"


@attempt
def write_a_large_file(t: Any) -> str:
    with tempfile.TemporaryFile() as file:
        return _fill(file.fileno(), 2 * t.scratch_bytes)


@attempt
def write_many_files(t: Any) -> str:
    folder = tempfile.mkdtemp()
    paths = [Path(folder, str(number)) for number in range(4)]
    try:
        for path in paths:
            with path.open("wb") as file:
                _fill(file.fileno(), t.scratch_bytes // 2)
    finally:
        for path in paths:
            path.unlink(missing_ok=True)
    return f"{2 * t.scratch_bytes} bytes"


@attempt
def fill_shared_memory(t: Any) -> str:
    path = Path("/dev/shm", t.mark)
    try:
        with path.open("wb") as file:
            return _fill(file.fileno(), 2 * t.scratch_bytes)
    finally:
        path.unlink(missing_ok=True)


def _fill(descriptor: int, size: int) -> str:
    for _ in range(size // len(MEGABYTE)):
        if os.write(descriptor, MEGABYTE) < len(MEGABYTE):
            raise Stopped("it is full")
    return f"{size} bytes"


@attempt
def print_without_end(t: Any) -> str:
    for _ in range(50):
        os.write(1, MEGABYTE)  # the test looks how much of it is kept
    return "printed"


@attempt
def compute_without_end(t: Any) -> str:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        pass
    sys.exit("computed")
