"""Our end of the pipes to a child process: messages with deadlines in both directions."""

from __future__ import annotations

import json
import os
import select
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from repertory_sdk.protocol import LINE_LIMIT, BadMessage, encode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from repertory_sdk.protocol import Message

WRITE_S = 30.0
_CHUNK = 262144
# Where one of these is in a line, a NUL or half of a surrogate pair may be in the message.
_SUSPICIOUS = (b"\\u0000", b"\\ud", b"\\uD", b"\xed")


class Closed(Exception):
    """The other side has closed its end, or does not read any more."""


class TooLong(Exception):
    """A message is longer than the other side reads."""


class HalfALine(BadMessage):
    """The other side ended while it sent a message."""


class Pipe:
    """JSON lines over two descriptors, which it owns. One thread reads; any may write."""

    def __init__(self, reader: int, writer: int) -> None:
        self._reader = reader
        self._writer = writer
        self._buffer = bytearray()
        self._searched = 0
        self._lock = threading.Lock()
        os.set_blocking(reader, False)
        os.set_blocking(writer, False)
        self._readable = select.poll()
        self._readable.register(reader, select.POLLIN)

    def read(self, timeout_s: float) -> Message | None:
        """The next message, or None at the end of the stream; raises TimeoutError and BadMessage."""
        deadline = time.monotonic() + timeout_s
        while (end := self._buffer.find(b"\n", self._searched)) < 0:
            self._searched = len(self._buffer)
            if self._searched > LINE_LIMIT:
                raise BadMessage(f"a line of more than {LINE_LIMIT} bytes")
            if not self._readable.poll(max(0.0, deadline - time.monotonic()) * 1000):
                raise TimeoutError
            chunk = os.read(self._reader, _CHUNK)
            if not chunk:
                if self._buffer:
                    raise HalfALine("half a line")
                return None
            self._buffer += chunk
            if b"\n" not in chunk and time.monotonic() > deadline:
                raise TimeoutError  # whoever sends without end is not waited for without end
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        self._searched = 0
        return _message(line)

    def write(self, message: Mapping[str, Any]) -> None:
        """Send a message; raises Closed if nobody reads it in good time, TooLong where it cannot be read as a whole."""
        line = encode(message)
        if len(line) > LINE_LIMIT:
            raise TooLong(f"{len(line) // 1_000_000} MB; at most {LINE_LIMIT // 2**20} MB can be passed at once")
        left = memoryview(line)
        deadline = time.monotonic() + WRITE_S
        with self._lock:
            while left:
                try:
                    left = left[os.write(self._writer, left) :]
                except BlockingIOError:
                    self._await_writable(deadline)
                except OSError as error:
                    raise Closed(str(error)) from error

    def _await_writable(self, deadline: float) -> None:
        writable = select.poll()
        writable.register(self._writer, select.POLLOUT)
        if not writable.poll(max(0.0, deadline - time.monotonic()) * 1000):
            raise Closed(f"it has not read anything for {WRITE_S:.0f} s")

    def close(self) -> None:
        """Close both ends; the child sees the end of its pipe."""
        for descriptor in (self._reader, self._writer):
            with suppress(OSError):
                os.close(descriptor)
        self._reader = self._writer = -1


def _message(line: bytes) -> Message:
    try:
        message = _DECODER.decode(line.decode())
    except (ValueError, RecursionError) as error:
        raise BadMessage(f"a line that is not JSON: {line[:60]!r}") from error
    if not isinstance(message, dict) or not isinstance(message.get("op"), str):
        raise BadMessage(f"a line that is not a message: {line[:60]!r}")
    if any(sign in line for sign in _SUSPICIOUS):
        cleaned: Message = _cleaned(message)
        return cleaned
    return message


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


# json.loads with options would make a decoder for every line.
_DECODER = json.JSONDecoder(parse_constant=_refuse)


def _cleaned(value: Any) -> Any:
    """No database keeps NUL characters and halves of surrogate pairs."""
    if isinstance(value, str):
        return value.replace("\0", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_cleaned(item) for item in value]
    if isinstance(value, dict):
        return {_cleaned(key): _cleaned(item) for key, item in value.items()}
    return value
