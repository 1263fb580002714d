"""Perform one action run of a simulated run: say what came of it, without any app."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from repertory.errors import UserError
from repertory.runtime.execution.performing import Intent
from repertory.runtime.kept import runs
from repertory.runtime.processes.app_workers import GivenUp
from repertory.runtime.records import CallOutcome
from repertory.runtime.simulation.filling import Temper, choose_case, fill, temper_of
from repertory.runtime.simulation.offers import offered_action
from repertory.runtime.simulation.reading.classic_paths import RESULT
from repertory.runtime.simulation.reading.places import ITEM, Place
from repertory.runtime.simulation.scenario import GivenResult, Scenario, Simulation
from repertory.runtime.simulation.values import make_rows
from repertory_sdk.convert import from_json
from repertory_sdk.errors import ConversionError
from repertory_sdk.manifest import ActionManifest, AppManifest

if TYPE_CHECKING:
    import random
    import threading

    from repertory.items import Installed
    from repertory.runtime.execution.journal import Journal
    from repertory.runtime.execution.performing import Tools
    from repertory.runtime.records import Call

EXAMPLES_FILE = "examples.json"
_MOST_BYTES = 1_000_000
_ROWS = (1, 1, 1, 2, 3)  # how many an action finds that finds anything


@dataclass(frozen=True, kw_only=True)
class SimulatedPerformer:
    """Stands where ``Performer`` stands in real runs. The scenario comes first, then the app's examples, then its manifest."""

    tools: Tools
    journal: Journal
    simulation: Simulation
    giving_up: threading.Event
    reads: Place = field(default_factory=Place)

    def perform(self, call: Call) -> CallOutcome:
        """The outcome; raises GivenUp or Cancelled before it was begun."""
        if self.giving_up.is_set():
            raise GivenUp
        Intent(self.journal, call).write()
        app = self.tools.library.pinned(call.app, call.app_hash) if call.app_hash else None
        given = self._given(call, app)
        if given is None:
            return self._made(call, app)
        self.giving_up.wait(given.delay_s)
        if given.failure:
            return CallOutcome(status="failed", message=given.failure, data=given.data, summary=given.summary)
        return CallOutcome(status=given.status, message=given.message, data=given.data, summary=given.summary)

    def has_happened(self, call: Call) -> bool | None:
        """Nothing ever happens."""
        return False

    def is_repeatable(self, call: Call) -> bool:
        """It does no harm."""
        return True

    # ------------------------------------------------------------- results

    def _given(self, call: Call, app: Installed | None) -> GivenResult | None:
        scenarios = [self.simulation.scenario, *([self._examples(app)] if app else [])]
        before = self._before(call) if any(one.counts for one in scenarios) else []
        return next((found for one in scenarios if (found := one.result_for(call, before))), None)

    def _before(self, call: Call) -> list[Call]:
        calls = [step.call for step in runs.steps_of(self.tools.database, self.journal.run)]
        return calls[: [one.key for one in calls].index(call.key)]

    def _examples(self, app: Installed) -> Scenario:
        known = self._read
        if app.hash not in known:
            known[app.hash] = read_examples(app)
        return known[app.hash]

    @cached_property
    def _read(self) -> dict[str, Scenario]:
        return {}

    def _made(self, call: Call, app: Installed | None) -> CallOutcome:
        chance = self.simulation.chance(call.key, call.action, call.asset)
        outcome, count = self._fate(chance)
        if outcome == "failed":
            return CallOutcome(status="failed", message="a simulated failure")
        action = app.manifest.action(call.action) if app and isinstance(app.manifest, AppManifest) else None
        if action is None:
            offered = self.tools.library.offered(call.action)
            action = offered_action(call.action, offered, app=None, asset=call.asset)
        rows = _rows(action, call.parameters, chance, count)
        made = self._summary(action, call)
        if not count:
            return CallOutcome(status="succeeded", data=rows, summary=made)
        return self._as_read(call, rows or [{}] * count, made, chance)

    def _as_read(
        self, call: Call, rows: list[dict[str, Any]], made: dict[str, Any], chance: random.Random
    ) -> CallOutcome:
        """With what the playbook looks at and nobody else speaks of."""
        whole = self.reads.find(RESULT, call.action)
        if whole is None:
            return CallOutcome(status="succeeded", data=[one for one in rows if one], summary=made)
        row, summary, message = whole.find("data", ITEM), whole.find("summary"), whole.find("message")
        case = choose_case(whole, chance, self._temper)
        if row and row.fields:
            known = call.parameters
            first = fill(rows[0], row, chance, temper=self._temper, known=known, case=case)
            rows = [first, *(fill(one, row, chance, temper=self._temper, known=known) for one in rows[1:])]
        told = fill(made, summary, chance, temper=self._temper, case=case) if summary and summary.fields else made
        said = fill("", message, chance, temper=self._temper, case=case) if message and message.wanted else ""
        return CallOutcome(status="succeeded", message=str(said or ""), data=[one for one in rows if one], summary=told)

    def _summary(self, action: ActionManifest | None, call: Call) -> dict[str, Any]:
        """By chances of its own, so that rows are the same with it and without."""
        chance = self.simulation.chance(call.key, call.action, call.asset, "summary")
        made = make_rows(action.summary, call.parameters, chance, count=1) if action else []
        return made[0] if made else {}

    def _fate(self, chance: random.Random) -> tuple[str, int]:
        outcomes, temper = self.simulation.outcomes, self._temper
        if outcomes != "mixed":
            return outcomes, 0 if outcomes == "empty" else 1
        if chance.random() < temper.failing:
            return "failed", 0
        return "succeeded", 0 if chance.random() < temper.empty else chance.choice(_ROWS)

    @cached_property
    def _temper(self) -> Temper:
        return temper_of(self.simulation)


def _rows(action: ActionManifest | None, parameters: Any, chance: random.Random, count: int) -> list[dict[str, Any]]:
    return make_rows(action.outputs, parameters, chance, count=count) if action else []


def read_examples(app: Installed) -> Scenario:
    """What an app ships beside its manifest, as data; raises UserError where it cannot be understood."""
    path = app.folder / EXAMPLES_FILE
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            raise ValueError(f"it has more than {_MOST_BYTES} bytes")
        plain = json.loads(content)
        named = {name: value for name, value in plain.items() if name != "$schema"}
        return from_json(Scenario, named)  # type: ignore[no-any-return]
    except FileNotFoundError:
        return Scenario()
    except (OSError, ValueError, AttributeError, RecursionError, ConversionError) as error:
        raise UserError(f"{EXAMPLES_FILE} of {app.name} cannot be used: {error}", "tell its authors") from error
