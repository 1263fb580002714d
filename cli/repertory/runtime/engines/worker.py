"""A worker process: serves queued runs until it is told to stop."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import uuid
from typing import TYPE_CHECKING

from repertory.errors import UserError
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
GIVE_BACK_S = 1.0
# Threads here mostly wait for pipes and disks; with Python's default of 5 ms a reply would wait for a busy one.
SWITCH_S = 0.0005


def serve(settings: Settings, database: Database, library: Library, *, notice: Callable[[str], None]) -> None:
    """Take the lock, start the engine, sweep. SIGTERM and SIGINT end it when the actions in flight are recorded."""
    name = f"{socket.gethostname()[:40]}-{os.getpid()}-{uuid.uuid4().hex[:6]}"
    alive = liveness.register(settings, name)
    executor = Executor(settings, database, library, worker=name)
    engine = DbosEngine(settings, name)
    stopping = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopping.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    sys.setswitchinterval(SWITCH_S)
    running = Running(executor, database, name, notice, stopping)
    engine.start(running.attempt)
    notice(f"worker {name} is ready")
    try:
        Sweeper(database=database, liveness=alive, engine=engine, notice=notice).run(stopping)
    finally:
        stopping.set()
        executor.stop()
        running.wait(DRAIN_S)
        executor.close()
        engine.stop()
    runs.forget_worker(database, name)
    alive.leave()
    notice(f"worker {name} has stopped")


class Running:
    """Counts the attempts under way, and hands on those that break off."""

    def __init__(
        self, executor: Executor, database: Database, worker: str, notice: Callable[[str], None], stopping: threading.Event
    ) -> None:
        self._stopping = stopping
        self._executor = executor
        self._database = database
        self._worker = worker
        self._notice = notice
        self._changed = threading.Condition()
        self._count = 0

    def attempt(self, run: str, number: int) -> None:
        """Execute one."""
        with self._changed:
            self._count += 1
        try:
            self._executor.attempt(run, number)
        except Exception as error:  # the engine would only note it, and the run would wait for ever
            self._notice(f"run {run} was interrupted: {error}")
            self._give_back(run, number)
        finally:
            with self._changed:
                self._count -= 1
                self._changed.notify_all()

    def _give_back(self, run: str, number: int) -> None:
        """As soon as the database answers again; should this process end first, others find its runs."""
        is_last_time = False
        while not is_last_time:
            is_last_time = self._stopping.wait(GIVE_BACK_S)
            try:
                runs.give_back(self._database, run, number, worker=self._worker)
            except UserError:
                continue
            return

    def wait(self, seconds: float) -> None:
        """Until none is under way."""
        with self._changed:
            self._changed.wait_for(lambda: self._count == 0, seconds)
