"""A run while it goes on: a tree that grows on a terminal, plain lines in a pipe."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from repertory.commands._output import console, duration, is_terminal, say
from repertory.commands._runtree import run_tree
from repertory.commands._runview import RunRecord, ending, headline, read_record, shown_parameters, shown_result, took
from repertory.runtime.kept.runs import find_run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console, ConsoleOptions, RenderResult

    from repertory.runtime.records import Run
    from repertory.runtime.storage.database import Database

LOOK_S = 0.15


@contextmanager
def watching(database: Database, root: Run) -> Iterator[Callable[[], None]]:
    """Show a run while it goes on; what is yielded is to be called whenever there is time to look."""
    if is_terminal():
        with _live_tree(database, root.id) as look:
            yield look
    else:
        lines = PlainLines(database, root.id)
        yield now_and_then(lines.look)
        lines.look()


@contextmanager
def _live_tree(database: Database, run_id: str) -> Iterator[Callable[[], None]]:
    """While it grows, only what fits on the terminal; the whole tree at the end."""
    try:
        with growing(database, run_id) as look:
            yield look
    finally:
        shown = console()
        shown.print(run_tree(read_record(database, find_run(database, run_id)), shown.width, everything=False))


@contextmanager
def growing(database: Database, run_id: str) -> Iterator[Callable[[], None]]:
    """The tree while it grows, and nothing of it afterwards; nothing at all where no person looks."""
    if not is_terminal():
        yield lambda: None
        return
    from rich.live import Live

    def end() -> _End:
        return _End(read_record(database, find_run(database, run_id)))

    with Live(end(), console=console(), auto_refresh=False, transient=True, vertical_overflow="crop") as live:
        yield now_and_then(lambda: live.update(end(), refresh=True))


def now_and_then(look: Callable[[], None]) -> Callable[[], None]:
    """Whoever calls it more often than is worth it finds nothing done."""
    last = 0.0

    def maybe() -> None:
        nonlocal last
        if time.monotonic() - last >= LOOK_S:
            look()
            last = time.monotonic()

    return maybe


class _End:
    """The last lines of a tree, as many as a terminal has."""

    def __init__(self, record: RunRecord) -> None:
        self._record = record

    def __rich_console__(self, shown: Console, options: ConsoleOptions) -> RenderResult:
        from rich.segment import Segment

        lines = shown.render_lines(run_tree(self._record, options.max_width, everything=False), options, pad=False)
        for line in lines[-max(shown.height - 1, 1) :]:
            yield from line
            yield Segment.line()


class PlainLines:
    """Each action, question and note once, as soon as it is known."""

    def __init__(self, database: Database, run_id: str) -> None:
        self._database = database
        self._run = run_id
        self._said: set[str] = set()

    def look(self) -> None:
        """Say what is new."""
        record = read_record(self._database, find_run(self._database, self._run))
        self._once("head", f"{headline(record)}  run {record.run.id}")
        self._say_parts(record)
        if record.run.ended:
            self._once("end", ending(record.run))

    def _say_parts(self, record: RunRecord) -> None:
        run = record.run.id
        for step in record.steps:
            if step.call.is_settled:
                parts = (step.call.action, shown_parameters(step), step.call.asset, shown_result(step), duration(took(step)))
                self._once(f"{run} {step.call.key}", "  ".join(filter(None, parts)))
        for prompt in record.prompts:
            if prompt.answer is None:
                self._once(f"? {prompt.id}", f"? {prompt.question}  (prompt {prompt.id})")
            else:
                self._once(f"! {prompt.id}", f"? {prompt.question}  → {prompt.answer}  ({prompt.answered_by})")
        for note in record.notes:
            self._once(f"note {note.id}", f"note: {note.title}")
        for child in record.children:
            self._say_parts(child)

    def _once(self, key: str, line: str) -> None:
        if key not in self._said:
            self._said.add(key)
            say(" ".join(line.split("\n")))
