"""The playbook's side of the pipe: requests with deterministic keys, and branches that take turns.

A key is the path of branches plus a counter in that branch (``3``, ``2.0/1``). It depends on the playbook's code
only, never on timing, so a replay makes the same keys.

One branch runs at a time. It keeps its turn until it waits for a reply; then the next branch that can go on has it. A
reply is taken in only when no branch can go on, one at a time, in the order in which the other side sent them. So with the
same replies in the same order, branches interleave in the same way, even where they share variables. When nobody can go
on and no reply is there, the other side is told (``idle``); it may end this process until it has an answer.

Both pipes can be full at once. So replies are read by a thread that waits for nothing else: it needs none of the locks
below, and puts them where whoever passes the turn on takes them in.
"""

from __future__ import annotations

import os
import queue
import threading
from collections import deque
from typing import IO, Any, Callable, Deque, Dict, List, Protocol, Sequence, TypeVar

from repertory_sdk import protocol
from repertory_sdk.errors import PlaybookError

T = TypeVar("T")


class Requests(Protocol):
    """What a Play needs: a real channel in a run, a recorder in a test."""

    def next_key(self) -> str:
        """The key of the next request of the current branch."""

    def send(self, op: str, key: str, **fields: Any) -> None:
        """Ask for something without waiting."""

    def wait(self, key: str) -> Any:
        """The reply to an earlier request."""

    def parallel(self, branches: "List[Callable[[], T]]") -> "List[T]":
        """Run branches at the same time; their results in order."""


class _Branch(threading.local):
    """Path and counter of the branch that the current thread runs."""

    path = ""
    calls = 0


class Channel:
    """Requests over a pair of pipes."""

    def __init__(self, reader: IO[bytes], writer: IO[bytes]) -> None:
        self._reader = reader
        self._writer = writer
        self._writing = threading.Lock()
        self._passing = threading.Lock()
        self._arrived: "queue.SimpleQueue[protocol.Message]" = queue.SimpleQueue()
        self._accepted: Dict[str, protocol.Message] = {}
        self._waiting: Dict[str, List[threading.Event]] = {}
        self._ready: Deque[threading.Event] = deque()
        self._branch = _Branch()

    def start(self) -> None:
        """Begin to read replies."""
        threading.Thread(target=self._read_replies, daemon=True).start()

    def next_key(self) -> str:
        """Deterministic within the branch."""
        self._branch.calls += 1
        return f"{self._branch.path}{self._branch.calls}"

    def send(self, op: str, key: str, **fields: Any) -> None:
        """Ask for something without waiting."""
        try:
            line = protocol.encode({"op": op, "key": key, **fields})
        except (TypeError, ValueError) as error:
            raise PlaybookError(f"{op}: only JSON values can be passed ({error})") from error
        if len(line) > protocol.LINE_LIMIT:
            raise PlaybookError(f"{op}: at most {protocol.LINE_LIMIT // 2**20} MB can be passed at once")
        self._write(line)

    def wait(self, key: str) -> Any:
        """Wait for the reply; raises PlaybookError where the other side refused."""
        if key not in self._accepted:
            turn = threading.Event()
            self._waiting.setdefault(key, []).append(turn)
            self._pass_turn(turn)
            turn.wait()
        reply = self._accepted[key]
        if "error" in reply:
            raise PlaybookError(reply["error"])
        return reply["value"]

    def wait_any(self, keys: Sequence[str]) -> str:
        """Wait until one of these requests is answered; the key of the one whose reply was taken in first.

        The reply itself, which may be a refusal, is given by ``reply``.
        """
        if not any(key in self._accepted for key in keys):
            turn = threading.Event()
            for key in keys:
                self._waiting.setdefault(key, []).append(turn)
            self._pass_turn(turn)
            turn.wait()
            for key in keys:
                self._forget(key, turn)
        return next(key for key in self._accepted if key in keys)

    def _forget(self, key: str, turn: threading.Event) -> None:
        left = [one for one in self._waiting.get(key, ()) if one is not turn]
        if left:
            self._waiting[key] = left
        else:
            self._waiting.pop(key, None)

    def reply(self, key: str) -> protocol.Message:
        """The reply to a request that has been answered: with ``value``, or with ``error``."""
        return self._accepted[key]

    def parallel(self, branches: "List[Callable[[], T]]") -> "List[T]":
        """One thread a branch; the first exception, in the order given, is raised after all have ended."""
        base = self.next_key()
        outcomes: List[Any] = [None] * len(branches)
        remaining = len(branches)
        back = threading.Event()

        def run(index: int, turn: threading.Event) -> None:
            nonlocal remaining
            self._branch.path = f"{base}.{index}/"
            turn.wait()
            try:
                outcomes[index] = (True, branches[index]())
            except BaseException as error:  # handed to the caller below
                outcomes[index] = (False, error)
            remaining -= 1
            if not remaining:
                self._ready.append(back)
            self._pass_turn(back)

        turns = [threading.Event() for _ in branches]
        for index, turn in enumerate(turns):
            threading.Thread(target=run, args=(index, turn), daemon=True).start()
        self._ready.extend(turns or [back])
        self._pass_turn(back)
        back.wait()
        for fine, value in outcomes:
            if not fine:
                raise value
        return [value for _, value in outcomes]

    def close(self, message: protocol.Message) -> None:
        """Send the last message."""
        self._write(protocol.encode(message))

    def _read_replies(self) -> None:
        """When the other side is gone, so is this process: nothing it does could be recorded."""
        try:
            while (reply := protocol.read(self._reader)) is not None:
                self._arrived.put(reply)
        finally:
            os._exit(3)

    def _pass_turn(self, awaited: threading.Event) -> None:
        """Let the next branch run; take replies in until one can, or until the one this thread waits for has been let run.

        The latter only where a playbook has threads of its own, which the rules forbid; they must not block each other.
        """
        with self._passing:
            while not self._ready and not awaited.is_set():
                self._take_in(self._next_reply())
            if self._ready and not awaited.is_set():
                self._ready.popleft().set()

    def _next_reply(self) -> protocol.Message:
        if self._arrived.empty():
            self._write(protocol.encode({"op": "idle", "seen": len(self._accepted)}))
        return self._arrived.get()

    def _take_in(self, reply: protocol.Message) -> None:
        self._accepted[reply["key"]] = reply
        self._ready.extend(self._waiting.pop(reply["key"], ()))

    def _write(self, line: bytes) -> None:
        with self._writing:
            self._writer.write(line)
            self._writer.flush()
