"""What a simulated run records: on its copy of the event and on copies of custom lists, with its own clock and chance."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

from repertory.runtime.kept import effects
from repertory.runtime.records import as_text
from repertory.runtime.storage.database import insert

if TYPE_CHECKING:
    from collections.abc import Mapping

    from repertory.runtime.records import Run
    from repertory.runtime.simulation.scenario import Simulation
    from repertory.runtime.storage.database import Transaction

CLOCK_STARTS = 1767225600.0  # 2026-01-01T00:00:00Z
_ON_EVENTS = ("update_event", "add_note", "add_artifact", "attach")
_COPIED = '"copied"'  # the row that says that a list was copied; rows of a list are JSON arrays


class SimulatedEffects:
    """Stands where ``effects.perform`` stands in real runs."""

    def __init__(self, run: Run, simulation: Simulation) -> None:
        self._run = run
        self._simulation = simulation

    def perform(self, place: effects.Place, transaction: Transaction, what: str, arguments: Mapping[str, Any]) -> Any:
        """Do it; raises Refused with a sentence for the playbook."""
        chance = self._simulation.chance(place.key, what)
        if what == "now":
            return CLOCK_STARTS + self._slept(transaction, place.key)
        if what == "random":
            return chance.random()
        if what == "uuid":
            return str(uuid.UUID(int=chance.getrandbits(128), version=4))
        if what in _ON_EVENTS and arguments.get("event") not in (0, self._run.event):
            raise effects.Refused("a simulated run changes nothing but its own copy of the event")
        if what.startswith("list_"):
            return self._on_list(place, transaction, what, arguments)
        return effects.perform(place, transaction, what, arguments)

    def _slept(self, transaction: Transaction, key: str) -> float:
        """In all, before the playbook came to this call."""
        rows = transaction.query("select call_key, value from record where run = ? and what = 'sleep'", self._run.id)
        return sum(json.loads(row["value"]) or 0.0 for row in rows if precedes(row["call_key"], key))

    def _on_list(self, place: effects.Place, transaction: Transaction, what: str, arguments: Mapping[str, Any]) -> Any:
        name = str(arguments["name"])
        copy = f"{name} (simulated {self._root(transaction)})"
        if not transaction.query("select id from list_row where list = ? limit 1", copy):
            rows = [_COPIED, *(as_text(row) for row in effects.list_rows(transaction, name))]
            for cells in rows:
                insert(transaction, "list_row", {"list": copy, "cells": cells})
        value = effects.perform(place, transaction, what, {**arguments, "name": copy})
        return [row for row in value if isinstance(row, list)] if what == "list_rows" else value

    def _root(self, transaction: Transaction) -> str:
        """Runs that were started by one run share their lists."""
        rows = transaction.query(
            """with recursive above (id, parent) as (
                   select id, parent from run where id = ?
                   union all select run.id, run.parent from run join above on run.id = above.parent)
               select id from above where parent = ''""",
            self._run.id,
        )  # fmt: skip
        return str(rows[0]["id"]) if rows else self._run.id


def precedes(earlier: str, later: str) -> bool:
    """Whether one call always comes before the other; calls of branches that run side by side do not.

    >>> precedes("2", "10"), precedes("3.0/1", "3.1/2"), precedes("3.0/1", "4")
    (True, False, True)
    """
    for one, other in zip(earlier.split("/"), later.split("/"), strict=False):
        if one != other:
            return int(one.partition(".")[0]) < int(other.partition(".")[0])
    return False
