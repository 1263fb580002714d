"""Programs that print a secret, such as those of password stores; started without a shell."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from repertory.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

PATIENCE_S = 30.0
MOST_BYTES = 64 * 1024


def printed_by(words: Sequence[str], where: str, *, patience_s: float = PATIENCE_S) -> str:
    """What a program prints, without its last line feed; nothing that it printed is in an error."""
    told = f"{where} refers to the program {words[0]}, which"
    try:
        child = subprocess.Popen(
            list(words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
        )
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "this cannot be a command"
        raise UserError(f"{told} did not start: {reason}", "name it by its whole path") from None
    deadline = time.monotonic() + patience_s
    assert child.stdout is not None
    try:
        printed = _read(child.stdout.fileno(), deadline)
        code = child.wait(max(0.0, deadline - time.monotonic()) if len(printed) <= MOST_BYTES else 0)
    except subprocess.TimeoutExpired:
        if len(printed) > MOST_BYTES:
            raise UserError(f"{told} printed more than {MOST_BYTES} bytes", "print the secret alone") from None
        raise UserError(f"{told} did not end within {patience_s:g} s", "does it wait for somebody to type?") from None
    finally:
        with suppress(ProcessLookupError, PermissionError):  # with all that it started
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        child.stdout.close()
    return _text_of(printed, code, told)


def _read(source: int, deadline: float) -> bytes:
    """All that comes until its end, the deadline, or what is too much."""
    waiting, printed = select.poll(), b""
    waiting.register(source, select.POLLIN)
    while len(printed) <= MOST_BYTES:
        if not waiting.poll(max(0.0, deadline - time.monotonic()) * 1000):
            break
        chunk = os.read(source, MOST_BYTES)
        if not chunk:
            break
        printed += chunk
    return printed


def _text_of(printed: bytes, code: int, told: str) -> str:
    if code:
        raise UserError(f"{told} ended with status {code}", "run it by hand to see what it says")
    if len(printed) > MOST_BYTES:
        raise UserError(f"{told} printed more than {MOST_BYTES} bytes", "print the secret alone")
    try:
        return printed.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise UserError(f"{told} printed what is not UTF-8 text", "print the secret alone") from None
