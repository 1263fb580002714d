"""How far a sync is: a bar on a terminal, a line for each tenth of many repositories elsewhere."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from repertory.commands._output import can_show_progress, note, progress_bar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.progress import Progress, TaskID

    from repertory.content.offered.repositories import RepositorySync

# Fewer are done before anybody wonders.
MANY = 20


class SyncProgress(Protocol):
    """Hears of a sync as it goes on."""

    def expect(self, total: int) -> None:
        """So many repositories in all."""

    def done(self, one: RepositorySync) -> None:
        """One more is done."""


@contextmanager
def sync_progress(*, shown: bool) -> Iterator[SyncProgress]:
    """For the time of a ``with`` block."""
    if shown and can_show_progress():
        with progress_bar("{task.completed}/{task.total} repositories {task.description}") as bar:
            yield _Bar(bar=bar, task=bar.add_task("", total=None))
    else:
        yield _Lines(shown=shown)


@dataclass(kw_only=True)
class _Bar:
    bar: Progress
    task: TaskID
    failed: int = 0
    last: str = ""

    def expect(self, total: int) -> None:
        self.bar.update(self.task, total=total)

    def done(self, one: RepositorySync) -> None:
        if one.error:
            self.failed, self.last = self.failed + 1, one.name
        failures = f"· {self.failed} failed, last {self.last}" if self.failed else ""
        self.bar.update(self.task, advance=1, description=failures)


@dataclass(kw_only=True)
class _Lines:
    shown: bool
    total: int = 0
    count: int = 0
    failed: int = 0

    def expect(self, total: int) -> None:
        self.total = total

    def done(self, one: RepositorySync) -> None:
        self.count += 1
        self.failed += one.error is not None
        step = max(self.total // 10, 1)
        if self.shown and self.total >= MANY and (self.count % step == 0 or self.count == self.total):
            note(f"{self.count}/{self.total} repositories" + (f", {self.failed} failed" if self.failed else ""))
