"""A conversation with the firewall's command line: prompts, pages, the way up to enable, and errors that are only text."""

from __future__ import annotations

import re
import socket
import time
from typing import Optional, Pattern

import paramiko
from device import PRODUCT, refusal

from repertory_sdk import ActionFailed
from repertory_sdk.ssh import Ssh

FIRST = re.compile(r"(?:^|[\r\n])([A-Za-z0-9][\w./-]*)(?:\([^()\s]*\))?[>#] ?$")
PASSWORD = re.compile(r"(?:^|[\r\n])(?i:password): ?$")
MORE = re.compile(rb"<--- More --->\s*$")
WIPED = re.compile(r"\r +\r")
WRONG = re.compile(
    r"^ERROR:|^\s*% ?(?:Invalid|Incomplete|Ambiguous)|^Command authorization failed|^Access denied"
    r"|^(?:Adding|Removing) obj .*(?:failed|not allowed)|Configuration Replication is NOT performed",
    re.MULTILINE,
)
ALREADY = re.compile(r"object already exists|found duplicate element|object does not exist")
LIMIT = 8 * 1024 * 1024


class Terminal:
    """One shell; whoever opens it closes it."""

    def __init__(self, machine: Ssh, *, enable: Optional[str], timeout_s: float) -> None:
        self._machine, self._timeout_s = machine, timeout_s
        self._prompt: Pattern[str] = FIRST
        self._channel: paramiko.Channel = machine.shell()
        first = self._until(FIRST, "to log on")
        self._prompt = re.compile(rf"(?:^|[\r\n])({re.escape(FIRST.search(first)[1])})(?:\([^()\s]*\))?[>#] ?$")  # type: ignore[index]
        if not first.rstrip().endswith("#"):
            self._enable(enable)
        self.run("terminal pager 0")

    def close(self) -> None:
        """Hang up, whatever it is in the middle of."""
        self._channel.close()
        self._machine.close()

    def run(self, command: str) -> str:
        """What a command prints; ActionFailed where that is an error."""
        return self.checked(command, self.attempt(command))

    def checked(self, command: str, said: str) -> str:
        """The same text; ActionFailed where it is an error."""
        if WRONG.search(said) and not ALREADY.search(said):
            raise ActionFailed(f"{refusal(command, said)}; check the command, and what {PRODUCT} lets the account do")
        return said

    def attempt(self, command: str) -> str:
        """What a command prints, be it an error."""
        self._send(command, command)
        said = WIPED.sub("", self._until(self._prompt, command))
        lines = self._prompt.sub("", said).replace("\r", "").split("\n")
        kept = [line.rstrip() for line in lines[1:] if line.strip() != "^"]  # the first line is what was sent
        return "\n".join(kept).strip("\n")

    def _enable(self, password: Optional[str]) -> None:
        self._send("enable", "enable")
        either = re.compile(f"{PASSWORD.pattern}|{self._prompt.pattern}")
        said = self._until(either, "enable")
        if PASSWORD.search(said):
            if password is None:
                raise ActionFailed(f"{PRODUCT} asks for a password to enable; set enable_password")
            self._send(password, "enable")
            said = self._until(either, "enable")
        if not said.rstrip().endswith("#"):
            raise ActionFailed(f"{PRODUCT} does not let the account enable; check enable_password, and its privilege")

    def _send(self, text: str, command: str, *, end: str = "\n") -> None:
        try:
            self._channel.settimeout(self._timeout_s)
            self._channel.sendall(f"{text}{end}".encode())
        except (OSError, EOFError, paramiko.SSHException):
            raise self._broken(command) from None

    def _until(self, wanted: Pattern[str], command: str) -> str:
        """All that comes up to a prompt, page after page."""
        content, deadline = bytearray(), time.monotonic() + self._timeout_s
        while not wanted.search(content[-1000:].decode("utf-8", "replace")):
            page = MORE.search(content, max(len(content) - 100, 0))
            if page:
                del content[page.start() :]
                self._send(" ", command, end="")
            chunk = self._received(deadline, command)
            if not chunk:
                raise self._broken(command)
            content += chunk
            if len(content) > LIMIT:
                raise ActionFailed(f"{PRODUCT}: {command!r} printed more than {LIMIT:,} bytes; ask for less")
        return content.decode("utf-8", "replace")

    def _received(self, deadline: float, command: str) -> bytes:
        try:
            self._channel.settimeout(max(deadline - time.monotonic(), 0.001))
            return bytes(self._channel.recv(65536))
        except socket.timeout:
            raise ActionFailed(
                f"{PRODUCT}: {command!r} has not come to its end within {self._timeout_s:g} s; it may still run there: look, or"
                " raise timeout_s", retry=True,
            ) from None  # fmt: skip
        except (OSError, EOFError, paramiko.SSHException):
            return b""

    def _broken(self, command: str) -> ActionFailed:
        told = f"{PRODUCT}: the connection broke while {command!r} ran"
        return ActionFailed(f"{told}; look at what it has done, and try again", retry=True)
