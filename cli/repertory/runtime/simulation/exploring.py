"""Simulate a playbook many times, each time with other results, to see what it could do at most."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from repertory.home import Home
from repertory.runtime.execution.attempt import COVERAGE
from repertory.runtime.execution.executor import Executor
from repertory.runtime.kept import assets, runs
from repertory.runtime.processes.playbook_process import Template
from repertory.runtime.records import as_text, canonical
from repertory.runtime.sandbox.launch import Sandbox
from repertory.runtime.sandbox.probing import strongest
from repertory.runtime.simulation.filling import temper_of
from repertory.runtime.simulation.openings import make_event, make_inputs, make_lists
from repertory.runtime.simulation.reading.reads import reads_of
from repertory.runtime.simulation.scenario import Scenario, Simulation
from repertory.runtime.simulation.subject import copy_event
from repertory.runtime.storage.database import Database, insert, open_database
from repertory_sdk.manifest import PlaybookManifest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from repertory.items import Installed
    from repertory.runtime.execution.library import Library
    from repertory.runtime.records import Call, Run
    from repertory.runtime.simulation.scenario import Outcomes
    from repertory.runtime.storage.database import Transaction
    from repertory.settings import Settings
    from repertory_sdk.models import Event

MOST_PARAMETERS = 20
# Loops over everything that was found, one in the other, can take very long where much was made up.
MOST_CPU_S = 5
CHANGING = ("contain", "correct")
_FIRST: tuple[Outcomes, ...] = ("succeeded", "failed", "empty")
_MOST_ATTEMPTS = 20


@dataclass(kw_only=True)
class SeenAction:
    """What became of one action on one asset; ``runs`` counts runs, ``parameters`` are distinct sets, not all of them."""

    action: str
    type: str
    app: str
    asset: str
    decision: str
    runs: set[int] = field(default_factory=set)
    parameters: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def changes(self) -> bool:
        """Whether it contains or corrects."""
        return self.type in CHANGING


@dataclass(kw_only=True)
class Exploration:
    """Everything that was seen. ``lines`` and ``reached`` are those of the playbook's own modules, by path."""

    runs: int = 0
    actions: dict[tuple[str, str, str], SeenAction] = field(default_factory=dict)
    endings: Counter[tuple[str, str]] = field(default_factory=Counter)
    prompts: dict[str, Counter[str]] = field(default_factory=dict)
    lines: dict[str, set[int]] = field(default_factory=dict)
    reached: dict[str, set[int]] = field(default_factory=dict)

    def most_dangerous_first(self) -> list[SeenAction]:
        """What changes things, then the rest; by name."""
        return sorted(self.actions.values(), key=lambda one: (not one.changes, one.action, one.app, one.asset))

    def missed(self) -> dict[str, list[int]]:
        """Lines that no run came to."""
        return {name: sorted(lines - self.reached[name]) for name, lines in self.lines.items()}


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What is explored. An event that is None, and inputs that are not given, are made up for each run."""

    playbook: Installed
    event: Event | None
    inputs: Mapping[str, Any]
    scenario: Scenario
    seed: int


def explore(settings: Settings, database: Database, library: Library, subject: Subject, *, times: int) -> Exploration:
    """Everything is kept in a home of its own, which is thrown away. The first runs go all well, all wrong, and find nothing."""
    seen = Exploration()
    with ExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory(prefix="repertory-explore-"))
        limits = replace(settings.limits, playbook_cpu_s=min(settings.limits.playbook_cpu_s, MOST_CPU_S))
        own = replace(settings, home=Home(Path(folder)), database_url="", limits=limits)
        scratch = open_database(own)
        stack.callback(scratch.close)
        _copy_surroundings(database, scratch)
        sandbox = Sandbox(strongest(settings.home, settings.isolation.minimum_level))
        stack.callback(sandbox.close)
        output_bytes = settings.limits.output_bytes
        template = Template(settings.home, sandbox, output_bytes=output_bytes, contents=settings.home.contents)
        stack.callback(template.close)
        executor = Executor(own, scratch, library, worker="explore", template=template, sandbox=sandbox)
        stack.callback(executor.close)
        for number in range(times):
            outcomes = _FIRST[number] if number < len(_FIRST) else "mixed"
            simulation = Simulation(
                seed=subject.seed + number, scenario=subject.scenario, outcomes=outcomes, traced=True
            )  # fmt: skip
            run = _run(executor, scratch, subject, simulation)
            seen.runs += 1
            seen.endings[(run.state, run.message)] += 1
            _look(seen, scratch, run, number)
    return seen


def _copy_surroundings(database: Database, scratch: Database) -> None:
    with scratch.transaction() as transaction:
        for asset in assets.list_assets(database):
            values = {"name": asset.name, "app": asset.app, "settings": "{}", "state": "{}", "checkpoint": "null"}
            insert(transaction, "asset", {**values, "created_at": 0.0})
        for row in database.query("select list, cells from list_row order by id"):
            insert(transaction, "list_row", {"list": row["list"], "cells": row["cells"]})


def _put_lists(transaction: Transaction, lists: Mapping[str, Sequence[str]]) -> None:
    """Those that the playbook asks for and nobody has, with what it could find there."""
    for name, cells in lists.items():
        if not transaction.query("select id from list_row where list = ? limit 1", name):
            for cell in cells:
                insert(transaction, "list_row", {"list": name, "cells": as_text([cell])})


def _run(executor: Executor, scratch: Database, subject: Subject, simulation: Simulation) -> Run:
    manifest, reads, temper = subject.playbook.manifest, reads_of(subject.playbook), temper_of(simulation)
    assert isinstance(manifest, PlaybookManifest)
    event = subject.event or make_event(manifest, reads, simulation.chance("event"), temper)
    inputs = {**make_inputs(manifest, reads, simulation.chance("inputs"), temper), **subject.inputs}
    with scratch.transaction() as transaction:
        _put_lists(transaction, make_lists(reads, simulation.chance("lists")) if temper.is_varied else {})
        copy = copy_event(transaction, replace(event, id=0))
        new = runs.NewRun(event=copy, playbook=subject.playbook, inputs=inputs, simulation=simulation)
        run_id = runs.create_run(transaction, new)
    for _ in range(_MOST_ATTEMPTS):
        runs.wake_due_runs(scratch)
        run = runs.find_run(scratch, run_id)
        if run.ended:
            break
        executor.attempt(run_id, run.attempt)
    return runs.find_run(scratch, run_id)


def _look(seen: Exploration, scratch: Database, run: Run, number: int) -> None:
    for step in runs.steps_of(scratch, run.id):
        _note(seen, step.call, number)
    for prompt in runs.prompts_of(scratch, run.id):
        if prompt.kind == "question":
            answers = seen.prompts.setdefault(prompt.question, Counter({option: 0 for option in prompt.options}))
            answers[prompt.answer or ""] += 1
    for part in runs.output_of(scratch, run.id):
        if part.stream == COVERAGE and not run.parent:
            _note_lines(seen, part.text)
    for child in runs.children_of(scratch, run.id):
        _look(seen, scratch, child, number)


def _note(seen: Exploration, call: Call, number: int) -> None:
    first = SeenAction(action=call.action, type=call.type, app=call.app, asset=call.asset, decision=call.decision)
    action = seen.actions.setdefault((call.action, call.app, call.asset), first)
    action.runs.add(number)
    if len(action.parameters) < MOST_PARAMETERS:
        action.parameters.setdefault(canonical(call.parameters), call.parameters)


def _note_lines(seen: Exploration, text: str) -> None:
    """The playbook's process could say anything here."""
    told = json.loads(text)
    for name, module in told.items() if isinstance(told, dict) else ():
        for part, kept in (("lines", seen.lines), ("reached", seen.reached)):
            numbers = module.get(part) if isinstance(module, dict) else None
            found = {one for one in numbers if isinstance(one, int)} if isinstance(numbers, list) else set()
            kept.setdefault(str(name), set()).update(found)
