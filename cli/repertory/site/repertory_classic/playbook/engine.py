"""One run: what its blocks have asked for, and whose turn it is.

All code of a playbook runs in one thread, one callback at a time. Answers are taken in the order in which they were recorded, so
that a run that is repeated after an interruption calls the same blocks in the same order.
"""

from __future__ import annotations

import inspect
import json
import traceback
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from repertory_classic.playbook.data import Plain, RunData

Reply = Mapping[str, Any]
_LEAST = 5  # action, success, container, results, handle
_MORE = ("filtered_artifacts", "filtered_results", "custom_function", "loop_state_json")


class BlockFailed(Exception):
    """A block of the playbook raised; the message names it."""


@dataclass
class Pending:
    """Something that was asked for. ``finish`` is told the reply and gives what the callback is to get."""

    name: str
    kind: str
    finish: Callable[[Reply], Finished | None]


@dataclass
class Finished:
    """What became of it."""

    action: Plain
    success: bool
    results: list[Any]
    callback: Callable[..., Any] | None = None
    handle: Any = None
    extra: Plain = field(default_factory=dict)


class Engine:
    """``channel`` carries requests to the tool."""

    def __init__(self, channel: Any, data: RunData, *, item: str, repository: str, run: str) -> None:
        self.channel = channel
        self.data = data
        self.item = item
        self.repository = repository
        self.run = run
        self.output: Plain = {}
        self.summaries: list[Plain] = []
        self.user = ""  # who started the run
        self.prepared: Plain = {}  # what an explored run is told by others who are not there
        self.functions: dict[str, Callable[..., Any]] = {}
        self._pending: dict[str, Pending] = {}
        self._ready: deque[Callable[[], None]] = deque()
        self._started: dict[str, int] = {}
        self._open: dict[str, int] = {}
        self._completed: set[str] = set()
        self._numbers = 0

    # ------------------------------------------------------------- asking

    def number(self) -> int:
        """A number for whatever has one; the same in every attempt."""
        self._numbers += 1
        return self._numbers

    def ask(self, op: str, **fields: Any) -> Any:
        """Ask and wait; raises PlaybookError where it was refused."""
        key = self.channel.next_key()
        self.channel.send(op, key, **fields)
        return self.channel.wait(key)

    def record(self, what: str, **arguments: Any) -> Any:
        """Do something to the event, to lists, to files."""
        return self.ask("record", what=what, arguments=arguments)

    def start(self, op: str, pending: Pending, **fields: Any) -> None:
        """Ask without waiting."""
        key = self.channel.next_key()
        self.channel.send(op, key, **fields)
        self._begin(pending.name)
        self._pending[key] = pending

    def soon(self, name: str, work: Callable[[], Finished | None]) -> None:
        """Do something here, when whoever asks for it has returned."""
        self._begin(name)

        def turn() -> None:
            self._end(name, work())

        self._ready.append(turn)

    def _begin(self, name: str) -> None:
        self._open[name] = self._open.get(name, 0) + 1

    def _end(self, name: str, finished: Finished | None) -> None:
        self._open[name] -= 1
        if finished is None:  # it asked for something else first
            return
        if not self._open[name]:
            self._completed.add(name)
        if finished.callback is not None:
            self._call_back(finished)

    def is_completed(self, name: str) -> bool:
        """Whether this block was started and every start of it has ended."""
        return name in self._completed and not self._open.get(name)

    # ------------------------------------------------------------ running

    def run_all(self, on_start: Callable[..., Any], on_finish: Callable[..., Any] | None) -> Plain:
        """From the first block to the last; the outputs. Raises BlockFailed."""
        self._block(on_start, [self.container()], {})
        self._work()
        if on_finish is not None:
            self._block(on_finish, [self.container(), json.dumps(self.summary())], {})
            self._work()
        return self.output

    def _work(self) -> None:
        while self._ready or self._pending:
            while self._ready:
                self._ready.popleft()()
            if self._pending:
                key = self.channel.wait_any(list(self._pending))
                pending = self._pending.pop(key)
                self._end(pending.name, pending.finish(self.channel.reply(key)))

    def container(self) -> Plain:
        """A copy as callbacks get it."""
        return {**self.data.container, "current_rule_run_id": self.run}

    def _call_back(self, finished: Finished) -> None:
        values = [finished.action, finished.success, self.container(), finished.results, finished.handle]
        more = {**{name: None for name in _MORE}, **finished.extra}
        assert finished.callback is not None
        self._block(finished.callback, values, more)

    def _block(self, block: Callable[..., Any], values: list[Any], more: Plain) -> None:
        positional, takes = _signature(block)
        try:
            block(*values[:positional], **{name: value for name, value in more.items() if takes(name)})
        except Exception as error:
            traceback.print_exc()
            name = getattr(block, "__name__", "a block")
            where = _last_block(error) or name
            raise BlockFailed(f"block {where}: {type(error).__name__}: {error}") from error

    # -------------------------------------------------------------- telling

    def summary(self) -> Plain:
        """What ``get_summary`` gives."""
        return {"playbook_run_id": self.run, "status": "success", "message": "", "result": list(self.summaries)}


def _signature(block: Callable[..., Any]) -> tuple[int, Callable[[str], bool]]:
    """How many values it takes by position, and which more by name."""
    parameters = inspect.signature(block).parameters.values()
    kinds = [parameter.kind for parameter in parameters]
    if inspect.Parameter.VAR_POSITIONAL in kinds:
        positional = _LEAST
    else:
        by_position = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        positional = min(_LEAST, sum(kind in by_position for kind in kinds))
    names = {parameter.name for parameter in parameters}
    takes_all = inspect.Parameter.VAR_KEYWORD in kinds
    return positional, lambda name: takes_all or name in names


def _last_block(error: BaseException) -> str:
    """The innermost function of the playbook itself on the way to the error."""
    found = ""
    for frame, _line in traceback.walk_tb(error.__traceback__):
        if frame.f_globals.get("__name__") == "classic_playbook" and not frame.f_code.co_name.startswith("<"):
            found = frame.f_code.co_name
    return found
