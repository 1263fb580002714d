"""What is known of whom a process reached: one line for each host, port and verdict, however often it was tried."""

from __future__ import annotations

import errno
import os
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from repertory.runtime.sandbox.confinement import Contact

if TYPE_CHECKING:
    from repertory.runtime.sandbox.confinement import Verdict

MOST = 200


class Contacts:
    """May be used by any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[tuple[str, int, Verdict, str], Contact] = {}

    def note(self, target: object, port: int, verdict: Verdict, reason: str = "", *, sent: int = 0, received: int = 0) -> None:
        """Add to what is known of this target; beyond a number of targets nothing is added."""
        key = (str(target), port, verdict, reason)
        with self._lock:
            known = self._known.get(key) or Contact(host=key[0], port=port, verdict=verdict, reason=reason)
            if key in self._known or len(self._known) < MOST:
                self._known[key] = replace(known, sent=known.sent + sent, received=known.received + received)

    def take(self) -> list[Contact]:
        """Everything since the last time."""
        with self._lock:
            taken, self._known = self._known, {}
        return list(taken.values())


def reason_of(error: Exception) -> str:
    """Why a connection failed, in a clause."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, OSError) and error.errno is not None and error.errno in errno.errorcode:
        return os.strerror(error.errno)  # asyncio has words of its own
    return str(getattr(error, "strerror", None) or error or type(error).__name__)
