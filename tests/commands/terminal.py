"""A command on a real terminal: what appears on it, and keys."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from types import TracebackType

from commands.user import User

PATIENCE_S = 30.0
INTERRUPT = "\x03"
END_OF_INPUT = "\x04"
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")


class Terminal:
    """A command whose input, output and errors are a terminal of so many columns and lines."""

    def __init__(self, user: User, *words: str, columns: int = 100, lines: int = 30, **variables: str) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self._process = subprocess.Popen(
            user.command(*words), cwd=user.folder, env=user.variables(TERM="xterm-256color", **variables),
            stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )  # fmt: skip
        os.close(slave)
        self.raw = ""
        self._bytes = b""

    @property
    def text(self) -> str:
        """Everything that appeared, without colours and movements."""
        return _CONTROL.sub("", self.raw)

    def expect(self, text: str) -> None:
        """Read until this has appeared."""
        while text not in self.text:
            assert self._read(), f"ended without {text!r}: {self.text}"

    def press(self, keys: str) -> None:
        """Press keys."""
        os.write(self._master, keys.encode())

    def insist(self, key: str, text: str) -> None:
        """Press a key until this appears: Python overlooks Ctrl-C in the moment before it begins to read."""
        deadline = time.monotonic() + PATIENCE_S
        while text not in self.text and time.monotonic() < deadline:
            self.press(key)
            while text not in self.text and select.select([self._master], [], [], 0.5)[0] and self._read():
                pass
        assert text in self.text, self.text

    def hides_input(self) -> bool:
        """Whether what is typed does not appear."""
        return not termios.tcgetattr(self._master)[3] & termios.ECHO

    def end(self) -> int:
        """Read to the end; the exit code."""
        while self._read():
            pass
        return self._process.wait(PATIENCE_S)

    def _read(self) -> bool:
        deadline = time.monotonic() + PATIENCE_S
        readable, _, _ = select.select([self._master], [], [], deadline - time.monotonic())
        assert readable, f"nothing more appeared: {self.text}"
        try:
            chunk = os.read(self._master, 65536)
        except OSError:  # the other side is closed
            return False
        self._bytes += chunk
        self.raw = self._bytes.decode(errors="replace")
        return bool(chunk)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._master)
