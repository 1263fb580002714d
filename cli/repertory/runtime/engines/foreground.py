"""Execute one run in this process, without any worker: what ``repertory run`` does."""

from __future__ import annotations

import threading
import time
import uuid
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from repertory.runtime.engines import liveness
from repertory.runtime.engines.sweeper import recover_without_engine
from repertory.runtime.execution.executor import Executor
from repertory.runtime.kept import runs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from repertory.runtime.execution.library import Library
    from repertory.runtime.records import Run
    from repertory.runtime.storage.database import Database
    from repertory.settings import Settings

LOOK_S = 0.05
_STOP_S = 10.0


@dataclass(frozen=True, kw_only=True)
class Foreground:
    """This process as the executor of single runs."""

    settings: Settings
    database: Database
    executor: Executor
    _told: threading.Event = field(default_factory=threading.Event)
    _at_once: threading.Event = field(default_factory=threading.Event)

    def stop(self) -> None:
        """Let ``run`` end with KeyboardInterrupt as soon as what is in flight is recorded; for handlers of signals.

        A handler that raised it itself could lose the second Ctrl-C of one who presses it twice, and leave locks in any state.
        """
        self._told.set()
        self.executor.stop(hold=True)

    def stop_at_once(self) -> None:
        """Let ``run`` end with KeyboardInterrupt now, whatever is in flight."""
        self._at_once.set()

    def run(self, run_id: str, *, watch: Callable[[Run], bool]) -> Run:
        """Execute a run and its children until it has ended, or until ``watch`` says to leave it waiting.

        ``watch`` is called again and again with the run as it is; False means: do not wait for answers any longer.
        """
        while True:
            run = runs.find_run(self.database, run_id)
            if run.ended:
                return run
            if self._told.is_set():
                raise KeyboardInterrupt
            if not watch(run) and run.state == "waiting":
                return run
            due = self._next_due(run_id)
            if due is None:
                time.sleep(LOOK_S)
            else:
                self._attempt(due, watch)

    def _next_due(self, root: str) -> tuple[str, int] | None:
        """The next queued attempt of this run or one below it; a child's answer comes before its parent's wait."""
        runs.wake_due_runs(self.database)
        rows = self.database.query(
            """with recursive tree (id) as (
                   select id from run where id = ?
                   union all select run.id from run join tree on run.parent = tree.id)
               select run.id, run.attempt from run join tree on run.id = tree.id
               where run.state = 'queued' order by run.depth desc limit 1""",
            root,
        )  # fmt: skip
        return (rows[0]["id"], rows[0]["attempt"]) if rows else None

    def _attempt(self, due: tuple[str, int], watch: Callable[[Run], bool]) -> None:
        """In a thread, so that signals reach this one."""
        failure: list[BaseException] = []
        over = threading.Event()  # Thread.join takes a thread for ended once an exception has interrupted it

        def work() -> None:
            try:
                self.executor.attempt(*due)
            except BaseException as error:  # handed to the caller below
                failure.append(error)
            finally:
                over.set()

        threading.Thread(target=work, daemon=True).start()
        try:
            while not over.wait(LOOK_S):
                if self._at_once.is_set():
                    raise KeyboardInterrupt
                watch(runs.find_run(self.database, due[0]))
        except KeyboardInterrupt:
            self.executor.stop(hold=True)
            raise
        except BaseException:  # watch cannot go on
            self.executor.stop(hold=True)
            over.wait(_STOP_S)
            raise
        if failure:
            raise failure[0]


@contextmanager
def foreground(settings: Settings, database: Database, library: Library) -> Iterator[Foreground]:
    """Register this process as alive, and end its children afterwards."""
    name = f"run-{uuid.uuid4().hex[:8]}"
    alive = liveness.register(settings, name)
    executor = Executor(settings, database, library, worker=name)
    try:
        yield Foreground(settings=settings, database=database, executor=executor)
    finally:
        try:
            # What is still under way: from here on nothing can be recorded that comes of ending it in the middle.
            # Should this fail, the next process finds out that this one is gone.
            runs.forget_worker(database, name, held=executor.holds, outcome="interrupted")
        finally:
            executor.close()
        alive.leave()


def recover_interrupted(settings: Settings, database: Database) -> list[str]:
    """Runs whose process is gone become queued again; their ids."""
    alive = liveness.register(settings, f"look-{uuid.uuid4().hex[:8]}")
    try:
        return recover_without_engine(database, alive)
    finally:
        alive.leave()


def is_served(settings: Settings, database: Database) -> bool:
    """Whether a worker is alive that will go on with whatever is queued. Runs of dead ones are queued on the way."""
    alive = liveness.register(settings, f"look-{uuid.uuid4().hex[:8]}")
    try:
        recover_without_engine(database, alive)
        return any(not peer.startswith(("run-", "look-")) for peer in alive.peers())
    finally:
        alive.leave()
