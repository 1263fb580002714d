"""Repairs everything that a crash can leave behind, and hands due runs to the engine; in every worker."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from repertory.runtime.kept import runs

if TYPE_CHECKING:
    from collections.abc import Callable

    from repertory.runtime.engines.engine import Engine
    from repertory.runtime.engines.liveness import Liveness
    from repertory.runtime.storage.database import Database

# How soon a new run, an answer or a deadline is noticed.
LOOK_S = 0.08
DEATHS_S = 1.0
ORPHANS_S = 5.0
# How long the queue keeps what it has delivered, for whoever looks into it; the record of runs is a thing apart.
KEEP_S = 86400.0
TIDY_S = 3600.0


@dataclass(kw_only=True)
class Sweeper:
    """Each of its tasks can be done by any number of workers at once."""

    database: Database
    liveness: Liveness
    engine: Engine
    notice: Callable[[str], None]
    _enqueued: set[tuple[str, int]] = field(default_factory=set)
    _deaths_seen: float = 0.0
    _orphans_at: float = 0.0
    _tidy_at: float = 0.0

    def run(self, stopping: threading.Event) -> None:
        """Sweep until told to stop. A worker that cannot prove that it lives must not go on: raises UserError."""
        while not stopping.wait(LOOK_S):
            if time.monotonic() - self._deaths_seen >= DEATHS_S:
                self._deaths_seen = time.monotonic()
                self.liveness.confirm()
                self.recover_dead_workers()
                self.take_over_orphans()
                self.tidy_up()
            self.hand_over_due_runs()

    def recover_dead_workers(self) -> None:
        """Runs of dead workers go back into the queue, and so does what the queue had given them."""
        for peer in self.liveness.peers():
            with self.liveness.claim_if_dead(peer) as dead:
                if dead:
                    found = runs.forget_worker(self.database, peer)
                    self.engine.recover(peer)
                    self.notice(f"worker {peer} is dead; {len(found)} of its runs go on here")

    def take_over_orphans(self) -> None:
        """What the queue had given a worker whose death others noticed first: they know nothing of the queue."""
        if time.monotonic() < self._orphans_at:
            return
        self._orphans_at = time.monotonic() + ORPHANS_S
        owners = self.engine.owners()  # before the peers: who begins something is registered by then
        for owner in owners.difference(self.liveness.peers()):
            self.engine.recover(owner)

    def tidy_up(self) -> None:
        """The queue forgets what it delivered long ago, a little at a time."""
        if time.monotonic() >= self._tidy_at and not self.engine.forget(KEEP_S):
            self._tidy_at = time.monotonic() + TIDY_S

    def hand_over_due_runs(self) -> None:
        """What was answered or is due becomes queued; what is queued is enqueued."""
        runs.wake_due_runs(self.database)
        queued = set(runs.queued_attempts(self.database))
        for run, number in sorted(queued - self._enqueued):
            self.engine.enqueue(run, number)
        self._enqueued = queued


def recover_without_engine(database: Database, liveness: Liveness) -> list[str]:
    """For a process that executes one run itself: which runs of dead workers are queued again."""
    found: list[str] = []
    for peer in liveness.peers():
        with liveness.claim_if_dead(peer) as dead:
            if dead:
                found += runs.forget_worker(database, peer)
    return found


