"""A started child process, and what it prints."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import threading
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_LAST_WORDS_S = 1.0
_PIPE_BYTES = 65536  # as much as one holds (pipe(7))
_SIGNALLED = 128
_MOST_ROUNDS = 100


class Capture:
    """What a process prints, up to a number of bytes; more is counted and dropped."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept: list[bytes] = []
        self._size = 0
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._streams: list[IO[bytes]] = []

    def follow(self, stream: IO[bytes]) -> None:
        """Read a stream to its end in the background."""
        os.set_blocking(stream.fileno(), False)
        self._streams.append(stream)
        thread = threading.Thread(target=self._drain, args=(stream,), daemon=True)
        self._threads.append(thread)
        thread.start()

    def _drain(self, stream: IO[bytes]) -> None:
        readable = select.poll()
        readable.register(stream, select.POLLIN)
        with stream:
            goes_on = True
            while goes_on:
                readable.poll()
                with self._lock:  # what has been read and not been kept would be missed by whoever takes the text now
                    goes_on = self._read(stream)
                    if not goes_on:
                        self._streams.remove(stream)

    def _read(self, stream: IO[bytes]) -> bool:
        """Keep what is in the pipe; False at its end."""
        try:
            chunk = os.read(stream.fileno(), _PIPE_BYTES)
        except BlockingIOError:
            return True
        except OSError:
            return False
        if self._size < self._limit:
            self._kept.append(chunk[: self._limit - self._size])
        self._size += len(chunk)
        return bool(chunk)

    def finish(self) -> None:
        """Wait a moment for what is still in the pipe; a stray process may hold it open for ever."""
        for thread in self._threads:
            thread.join(_LAST_WORDS_S)

    def take(self) -> str:
        """All that has been printed so far, and forget it."""
        with self._lock:
            for stream in self._streams:
                self._read(stream)
            kept, size = b"".join(self._kept), self._size
            self._kept, self._size = [], 0
        dropped = size - len(kept)
        text = kept.decode("utf-8", errors="replace")
        return f"{text}\n[{dropped} more bytes were dropped]" if dropped > 0 else text


class Process:
    """A started child. ``on_end`` is called once, when it has been ended."""

    def __init__(
        self, popen: subprocess.Popen[bytes], output: Capture, *, wrapped: bool = False, on_end: Callable[[], None] | None = None
    ) -> None:
        self._popen = popen
        self._wrapped = wrapped
        self._on_end = on_end
        self._ending = threading.Lock()
        self.output = output

    @property
    def pid(self) -> int:
        """Its process id, which is also that of its group."""
        return self._popen.pid

    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self._popen.poll() is None

    def kill(self) -> int:
        """End it and everything in its session; its exit status."""
        if self._popen.poll() is None:
            if not self._wrapped:
                _kill_below(self._popen.pid)
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._popen.pid, signal.SIGKILL)
        if self._popen.stdin is not None:
            self._popen.stdin.close()
        status = self._popen.wait()
        with self._ending:  # several threads may end it at once
            on_end, self._on_end = self._on_end, None
        if on_end is not None:
            on_end()
        return self._meaning(status)

    def wait(self, seconds: float) -> int | None:
        """Its exit status, if it ends within this time."""
        try:
            return self._meaning(self._popen.wait(seconds))
        except subprocess.TimeoutExpired:
            return None

    def _meaning(self, status: int) -> int:
        """Around a confined program stands another one, which says by its own exit status by which signal it ended."""
        return _SIGNALLED - status if self._wrapped and status > _SIGNALLED else status

    def peak_memory(self) -> int:
        """The most memory that it and its children had so far, in bytes; 0 where the system does not tell."""
        return sum(_peak_of(pid) for pid in _family(self._popen.pid))


def held_sockets(pid: int) -> set[int] | None:
    """The numbers (inodes) of the sockets that a process and its children have open; None where that cannot be seen."""
    found: set[int] = set()
    for one in _family(pid):
        try:
            descriptors = list(Path(f"/proc/{one}/fd").iterdir())
        except OSError:
            return None
        for descriptor in descriptors:
            with suppress(OSError):
                kind, _, number = str(descriptor.readlink()).partition(":[")
                if kind == "socket":
                    found.add(int(number[:-1]))
    return found


def _kill_below(pid: int) -> None:
    """End what it has started, also what left its session; it is stopped, so that nothing is lost when a parent dies."""
    with suppress(OSError):
        os.kill(pid, signal.SIGSTOP)
    ended = {pid}
    for _ in range(_MOST_ROUNDS):
        left = set(_family(pid)) - ended
        if not left:
            return
        for one in left:
            with suppress(OSError):
                os.kill(one, signal.SIGKILL)
        ended |= left


def _family(pid: int) -> list[int]:
    """A process and all that it has started; each of its threads has children of its own."""
    found = [pid]
    for one in found:
        with suppress(OSError):
            tasks = [task.name for task in os.scandir(f"/proc/{one}/task")]  # after every action, hence no paths as objects
            for task in tasks:
                found += map(int, _content(f"/proc/{one}/task/{task}/children").split())
    return found


def _peak_of(pid: int) -> int:
    with suppress(OSError, ValueError):
        _, _, after = _content(f"/proc/{pid}/status").partition(b"\nVmHWM:")
        return int(after.split(None, 1)[0]) * 1024 if after else 0
    return 0


def _content(path: str) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(descriptor, 65536)
    finally:
        os.close(descriptor)
