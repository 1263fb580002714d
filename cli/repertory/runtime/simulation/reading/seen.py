"""What is known of the value of an expression without running it: where it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from repertory.runtime.simulation.reading.places import ITEM

if TYPE_CHECKING:
    from repertory.runtime.simulation.reading.places import Place


@dataclass(frozen=True)
class Value:
    """What is at one of these places."""

    places: tuple[Place, ...]

    def below(self, step: str) -> Value:
        """What is in it."""
        return Value(tuple(place.at((step,)) for place in self.places))


@dataclass(frozen=True)
class Many:
    """A list; each of its elements is such."""

    item: Seen


@dataclass(frozen=True)
class Row:
    """Some values side by side."""

    items: tuple[Seen, ...]


@dataclass(frozen=True)
class AppRuns:
    """What callbacks get as ``results``: runs of apps, each with the results of these actions."""

    actions: tuple[Place, ...]


@dataclass(frozen=True)
class AppRun:
    """One of them."""

    actions: tuple[Place, ...]


@dataclass(frozen=True)
class Text:
    """A value written as JSON by the playbook itself."""

    of: Seen


@dataclass(frozen=True)
class Table:
    """A dictionary of the playbook's own, with these keys."""

    keys: tuple[str | int, ...]


Seen = Value | Many | Row | AppRuns | AppRun | Text | Table | None


def element(seen: Seen) -> Seen:
    """What a loop over it gets."""
    if isinstance(seen, Many):
        return seen.item
    if isinstance(seen, AppRuns):
        return AppRun(seen.actions)
    if isinstance(seen, Row):
        return together(seen.items)
    return seen.below(ITEM) if isinstance(seen, Value) else None


def together(several: tuple[Seen, ...]) -> Seen:
    """A value that may be any of these; where they are of different kinds, the first one counts."""
    known = [one for one in several if one is not None]
    places = [place for one in known if isinstance(one, Value) for place in one.places]
    if places and isinstance(known[0], Value):
        return Value(tuple(dict.fromkeys(places)))
    return known[0] if known else None


def entry(seen: Seen, key: object) -> Seen:
    """What ``seen[key]`` is; ``key`` is a text, a number, or None where it is not known."""
    if isinstance(seen, AppRun) and key == "action_results":
        return Many(Value(seen.actions))
    if isinstance(seen, Row) and isinstance(key, int) and -len(seen.items) <= key < len(seen.items):
        return seen.items[key]
    if isinstance(seen, Value) and isinstance(key, str):
        return seen.below(key)
    return element(seen) if isinstance(key, int) or isinstance(seen, (Many, AppRuns)) else None
