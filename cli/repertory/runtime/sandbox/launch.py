"""Start a child process at an isolation level.

The one level so far is ``process``: a separate process in a session of its own, with a clean environment, no inherited
descriptors but those named, and bounded captured output. It is not a security boundary.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import threading
from contextlib import suppress
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

LEVEL = "process"
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR")
_LAST_WORDS_S = 1.0
_PIPE_BYTES = 65536  # as much as one holds (pipe(7))


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
    """A started child."""

    def __init__(self, popen: subprocess.Popen[bytes], output: Capture) -> None:
        self._popen = popen
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
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._popen.pid, signal.SIGKILL)
        if self._popen.stdin is not None:
            self._popen.stdin.close()
        return self._popen.wait()

    def wait(self, seconds: float) -> int | None:
        """Its exit status, if it ends within this time."""
        try:
            return self._popen.wait(seconds)
        except subprocess.TimeoutExpired:
            return None


def launch(
    command: Sequence[str],
    *,
    descriptors: Sequence[int] = (),
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    output_bytes: int = 65536,
    hold_input: bool = False,
) -> Process:
    """Start a program with nothing inherited but these descriptors and a few harmless variables.

    ``hold_input`` gives it a standard input that ends when this process does; else it has none.
    """
    clean = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    popen = subprocess.Popen(
        command,
        stdin=subprocess.PIPE if hold_input else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        pass_fds=tuple(descriptors),
        cwd=folder,
        env={**clean, **(environment or {})},
        start_new_session=True,
    )
    output = Capture(output_bytes)
    assert popen.stdout is not None
    output.follow(popen.stdout)
    return Process(popen, output)
