"""What is to come of a simulated run: which results actions have, what people answer, and the seed of all the rest."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any, Literal

from repertory.runtime.records import Call, Question, as_text, canonical
from repertory_sdk.convert import from_json, to_json

SIMULATED = "simulated"
Outcomes = Literal["succeeded", "failed", "empty", "mixed"]


@dataclass(frozen=True, kw_only=True)
class GivenResult:
    """What action runs come to that fit ``action``, ``app``, ``asset`` and ``parameters`` (equal, or patterns with ``*``).

    ``failure`` is why they fail; ``delay_s`` how long they take, in seconds; ``times`` how often this holds in one run.
    """

    action: str
    app: str = "*"
    asset: str = "*"
    parameters: Mapping[str, Any] = field(default_factory=dict)
    status: Literal["succeeded", "failed", "denied", "in_doubt", "cancelled"] = "succeeded"
    message: str = ""
    data: Sequence[Mapping[str, Any]] = ()
    summary: Mapping[str, Any] = field(default_factory=dict)
    failure: str = ""
    delay_s: float = 0.0
    times: int | None = None

    def fits(self, call: Call) -> bool:
        """Whether it says something about this action run."""
        return (
            fnmatchcase(call.action, self.action)
            and (fnmatchcase(call.app, self.app) or fnmatchcase(call.app.rpartition("/")[2], self.app))
            and fnmatchcase(call.asset, self.asset)
            and all(_value_fits(wanted, call.parameters.get(name)) for name, wanted in self.parameters.items())
        )


def _value_fits(wanted: Any, value: Any) -> bool:
    return bool(wanted == value) or (isinstance(wanted, str) and value is not None and fnmatchcase(str(value), wanted))


@dataclass(frozen=True, kw_only=True)
class GivenAnswer:
    """What is answered to prompts whose question is equal to ``question`` or fits it as a pattern with ``*``."""

    question: str
    answer: str


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """Of several entries that fit, the first one counts."""

    actions: Sequence[GivenResult] = ()
    prompts: Sequence[GivenAnswer] = ()

    @property
    def counts(self) -> bool:
        """Whether it matters what was asked before."""
        return any(entry.times is not None for entry in self.actions)

    def result_for(self, call: Call, before: Sequence[Call]) -> GivenResult | None:
        """The entry for an action run; ``before`` are those that were planned before it, in order."""
        if not self.counts:
            return next((entry for entry in self.actions if entry.fits(call)), None)
        left = [entry.times for entry in self.actions]
        found = None
        for one in (*before, call):
            found = None
            for index, entry in enumerate(self.actions):
                times = left[index]
                if times != 0 and entry.fits(one):
                    left[index] = None if times is None else times - 1
                    found = entry
                    break
        return found

    def answer_to(self, question: Question) -> str | None:
        """What the first entry that fits says."""
        fitting = (one for one in self.prompts if question.text == one.question or fnmatchcase(question.text, one.question))
        return next((one.answer for one in fitting), None)


@dataclass(frozen=True, kw_only=True)
class Simulation:
    """What a simulated run is made of; kept with the run, so that every attempt makes up the same.

    ``source`` is the file of the scenario, ``place`` where in the tree of runs this one is, ``outcomes`` what becomes of actions
    that the scenario says nothing about, ``traced`` whether the playbook tells which of its lines it reached.
    """

    seed: int
    scenario: Scenario = field(default_factory=Scenario)
    source: str = ""
    place: str = ""
    outcomes: Outcomes = "succeeded"
    traced: bool = False

    def chance(self, *about: Any) -> random.Random:
        """The same choices for the same seed and the same matter."""
        return random.Random(canonical([self.seed, self.place, *about]))

    def below(self, key: str) -> Simulation:
        """The same for a run that was started under this key."""
        return replace(self, place=f"{self.place}{key}:")


def simulation_text(simulation: Simulation | None) -> str:
    """As it is kept; empty for a run that is none."""
    return as_text(to_json(simulation)) if simulation else ""


def read_simulation(text: str) -> Simulation | None:
    """The inverse."""
    return from_json(Simulation, json.loads(text)) if text else None
