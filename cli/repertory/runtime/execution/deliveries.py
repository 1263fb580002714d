"""Replies to a playbook, in an order that a replay repeats.

Replies that an earlier attempt delivered have numbers; they are delivered in that order again, as soon as the playbook
asks for them. New replies come after those and get the next numbers. The number is written together with what is replied,
before the playbook sees it.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Reply = dict[str, Any]


class Deliveries:
    """Thread-safe."""

    def __init__(self, send: Callable[[Reply], None], earlier: Mapping[str, int], last_number: int) -> None:
        self._send = send
        self._lock = threading.RLock()
        self._earlier = deque(sorted(earlier, key=lambda key: earlier[key]))
        self._recorded: dict[str, Reply] = {}
        self._fresh: deque[Reply] = deque()
        self._number = last_number
        self._sent = 0

    def again(self, key: str, reply: Reply) -> None:
        """A reply that was recorded by an earlier attempt."""
        with self._lock:
            self._recorded[key] = {"op": "reply", "key": key, **reply}
            self._pump()

    def new(self, settle: Callable[[int], Reply | None]) -> None:
        """Write something down under the next number, and deliver the reply if there is one."""
        with self._lock:
            self._number += 1
            reply = settle(self._number)
            if reply is not None:
                self._fresh.append({"op": "reply", **reply})
                self._pump()

    def _pump(self) -> None:
        while self._earlier and self._earlier[0] in self._recorded:
            self._deliver(self._recorded.pop(self._earlier.popleft()))
        while not self._earlier and self._fresh:
            self._deliver(self._fresh.popleft())

    def _deliver(self, reply: Reply) -> None:
        self._sent += 1
        self._send(reply)

    def nothing_under_way(self, seen: int) -> bool:
        """Whether the playbook, idle after ``seen`` replies, has been sent nothing else."""
        with self._lock:
            held = len(self._recorded) + len(self._fresh)
            if held and seen == self._sent:
                self._release()
                return False
            return seen == self._sent

    def _release(self) -> None:
        """The playbook waits, but not for the reply that came next the last time: give it what there is."""
        for key in [key for key in self._earlier if key in self._recorded][:1]:
            self._earlier.remove(key)
            self._deliver(self._recorded.pop(key))
            return
        if self._recorded:
            self._deliver(self._recorded.pop(next(iter(self._recorded))))
        elif self._fresh:
            self._deliver(self._fresh.popleft())
