"""A worker process: serves queued runs until it is told to stop."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import uuid
from contextlib import suppress
from typing import TYPE_CHECKING

from repertory.runtime.engines import liveness
from repertory.runtime.engines.dbos_engine import DbosEngine
from repertory.runtime.engines.sweeper import Sweeper
from repertory.runtime.execution.executor import Executor
from repertory.runtime.kept import runs

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from repertory.runtime.execution.library import Library
    from repertory.runtime.storage.database import Database
    from repertory.settings import Settings

DRAIN_S = 30.0
# Threads here mostly wait for pipes and disks; with Python's default of 5 ms a reply would wait for a busy one.
SWITCH_S = 0.0005


def serve(settings: Settings, database: Database, library: Library, *, notice: Callable[[str], None]) -> None:
    """Take the lock, start the engine, sweep. SIGTERM and SIGINT end it when the actions in flight are recorded."""
    name = f"{socket.gethostname()[:40]}-{os.getpid()}-{uuid.uuid4().hex[:6]}"
    alive = liveness.register(settings, name)
    executor = Executor(settings, database, library, worker=name, stays=True, notice=notice)
    engine = DbosEngine(settings, name)
    stopping = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopping.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    sys.setswitchinterval(SWITCH_S)
    running = Running(executor)
    engine.start(running.attempt)
    notice(f"worker {name} is ready")
    try:
        Sweeper(database=database, liveness=alive, engine=engine, notice=notice).run(stopping)
    finally:
        stopping.set()
        executor.stop()
        running.wait(DRAIN_S)
        try:
            # What takes longer is ended in the middle, and cannot record that any more.
            runs.forget_worker(database, name, outcome="interrupted")
        finally:
            executor.close()
            engine.stop()
    alive.leave()
    notice(f"worker {name} has stopped")


class Running:
    """Counts the attempts under way."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._changed = threading.Condition()
        self._count = 0

    def attempt(self, run: str, number: int) -> None:
        """Execute one. What breaks it off was told and dealt with; the engine has nothing to do with it."""
        with self._changed:
            self._count += 1
        try:
            with suppress(Exception):
                self._executor.attempt(run, number)
        finally:
            with self._changed:
                self._count -= 1
                self._changed.notify_all()

    def wait(self, seconds: float) -> None:
        """Until none is under way."""
        with self._changed:
            self._changed.wait_for(lambda: self._count == 0, seconds)
