"""Values for the places that a playbook looks at, where nobody else says what is there."""

from __future__ import annotations

import json
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any

from repertory.runtime.simulation.reading.places import ITEM
from repertory.runtime.simulation.values import text_for, type_named

if TYPE_CHECKING:
    from collections.abc import Mapping

    from repertory.runtime.simulation.reading.places import Case, Place
    from repertory.runtime.simulation.scenario import Simulation

NOTHING: Any = object()
_DEEPEST = 12
_FAVOURED = 0.4
# Where a name says nothing of the kind of a text, it is of one that code looks for by patterns, as often as this.
_OTHER, _KINDS = 0.4, ("ip", "domain", "url", "email", "sha256", "port", "timestamp")


@dataclass(frozen=True, kw_only=True)
class Temper:
    """How one run is, so that some go through many branches: each a chance between 0 and 1.

    ``failing`` and ``empty`` are of actions, ``absent`` of values that may be missing, ``wanted`` of values that make a
    difference, ``usual`` of fields that alerts mostly have, ``made`` of answers of the product and of child playbooks.
    """

    is_varied: bool = False
    failing: float = 0.0
    empty: float = 0.0
    absent: float = 0.0
    wanted: float = 1.0
    usual: float = 1.0
    made: float = 0.0
    seed: int = 0


def temper_of(simulation: Simulation) -> Temper:
    """The same in every attempt of a run, and in the runs that it starts."""
    if simulation.outcomes != "mixed":
        return Temper()
    chance = Random(f"temper {simulation.seed}")
    return Temper(
        is_varied=True, failing=chance.choice((0.0, 0.05, 0.15, 0.4)), empty=chance.choice((0.0, 0.05, 0.15)),
        absent=chance.choice((0.0, 0.05, 0.2)), wanted=chance.choice((0.3, 0.7, 0.95)), usual=chance.choice((0.2, 0.7, 1.0)),
        made=chance.choice((0.0, 0.5, 0.9)), seed=simulation.seed,
    )  # fmt: skip


def fill(
    given: Any, place: Place, chance: Random, *, temper: Temper, known: Mapping[str, Any] | None = None, case: Case | None = None
) -> Any:
    """What is given, with what is missing; ``known`` are values to repeat under their names, ``case`` is to hold."""
    return _Filling(chance, temper, case or choose_case(place, chance, temper)).fill(given, place, known or {}, 0)


def choose_case(place: Place, chance: Random, temper: Temper) -> Case | None:
    """Conditions to be fulfilled. A run has favourites, or conditions on several sources would never hold together."""
    cases = place.cases_below()
    if not cases or (temper.is_varied and chance.random() > temper.wanted):
        return None
    favourites = [case for case in cases if Random(f"{temper.seed} {case.number}").random() < _FAVOURED]
    return chance.choice(favourites or cases)


class _Filling:
    def __init__(self, chance: Random, temper: Temper, case: Case | None) -> None:
        self._forced = dict(case.holds) if case else {}
        self._chance = chance
        self._temper = temper
        self._varied = temper.is_varied

    def fill(self, given: Any, place: Place, known: Mapping[str, Any], depth: int) -> Any:
        if depth > _DEEPEST:
            return None
        if place in self._forced and not place.inside:
            return self._fulfilled(given, place, known)
        if place.fields and (given is NOTHING or isinstance(given, dict)):
            made: Any = self._object({} if given is NOTHING else given, place, known, depth)
        elif ITEM in place.inside and not place.fields:
            made = self._list(given, place, depth)
        else:
            return self._leaf(given, place, known)
        return json.dumps(made) if place.is_json and given is NOTHING else made

    def _object(self, given: dict[str, Any], place: Place, known: Mapping[str, Any], depth: int) -> dict[str, Any]:
        made = dict(given)
        below = place.inside.get(ITEM)  # a list of one and what is in it are read in the same way
        for name, inner in {**(below.fields if below else {}), **place.fields}.items():
            value = self.fill(given.get(name, NOTHING), inner, known, depth + 1)
            if value is not NOTHING:
                made[name] = value
        return made

    def _list(self, given: Any, place: Place, depth: int) -> Any:
        if given is not NOTHING and not isinstance(given, list):
            return given
        missing = [NOTHING] * self._chance.randint(0 if self._varied and not self._forced else 1, 2)
        there = given if given is not NOTHING and given else missing
        items = [self.fill(one, place.inside[ITEM], {}, depth + 1) for one in there]
        wanted = [one for one in place.wanted if not isinstance(one, list)]
        return items + self._chance.sample(wanted, min(len(wanted), 1))

    def _fulfilled(self, given: Any, place: Place, known: Mapping[str, Any]) -> Any:
        values = self._forced[place]
        if values:
            return self._parted(self._chance.choice(values), place)
        if given is not NOTHING and given not in (None, ""):
            return given
        common = [in_common(place, other) for other in place.linked]
        return self._chance.choice(common) if common else known.get(place.name) or self._made(place)

    def _leaf(self, given: Any, place: Place, known: Mapping[str, Any]) -> Any:
        if self._varied and self._chance.random() < self._temper.absent:
            return None
        wanted = [*place.wanted, *(in_common(place, other) for other in place.linked)]
        is_free = given is NOTHING or self._varied
        if wanted and is_free and (not self._varied or self._chance.random() < self._temper.wanted):
            return self._parted(self._chance.choice(wanted), place)
        if given is not NOTHING:
            return given
        return known[place.name] if place.name in known else self._made(place)

    def _made(self, place: Place) -> Any:
        if "object" in place.kinds:
            return {text_for(place.name, (), self._chance): text_for("", (), self._chance).strip()}
        if "number" in place.kinds:
            return self._chance.randint(0, 100)
        if place.kinds == {"boolean"}:
            return self._chance.random() < 0.5
        if self._varied and not type_named(place.name) and self._chance.random() < _OTHER:
            return self._parted(text_for(place.name, [self._chance.choice(_KINDS)], self._chance), place)
        return self._parted(self._words(place), place)

    def _words(self, place: Place) -> str:
        words = [text_for(place.name, (), self._chance) for _ in range(place.words)]
        return words[0] if place.words == 1 else " ".join(word.replace(" ", "-") for word in words)

    def _parted(self, value: Any, place: Place) -> Any:
        """With what it is taken apart at."""
        missing = [part for part in place.parts if isinstance(value, str) and part not in value]
        return value + "".join(f"{part}{self._words(place)}" for part in missing) if missing else value


def in_common(place: Place, other: Place) -> str:
    """A value that both places may have, so that one that is compared with the other finds it."""
    names = sorted((place.name, other.name))
    return text_for(names[0], (names[1],), Random(" ".join(names)))
