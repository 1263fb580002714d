"""Places in data that somebody else gives, and what is known of the values there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ITEM = "[]"  # the step from a list to any of its elements
_MOST_WANTED = 30


@dataclass(eq=False)
class Case:
    """Conditions that are to hold together: places with values that fulfil them; none where any value does, None where nothing is
    to be there."""

    number: int
    holds: list[tuple[Place, list[Any]]]


@dataclass(eq=False)
class Place:
    """One place. ``wanted`` are values that make a difference there, ``linked`` other places whose values it is compared with.

    ``cases`` are those that it has a part in; ``parts`` are texts at which what is there is taken apart; ``words`` how many words
    are between them; ``is_json`` says that it is a text, with JSON in it.
    """

    name: str = ""
    kinds: set[str] = field(default_factory=set)
    wanted: list[Any] = field(default_factory=list)
    linked: list[Place] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    words: int = 1
    is_json: bool = False
    cases: list[Case] = field(default_factory=list)
    inside: dict[str, Place] = field(default_factory=dict)

    def at(self, steps: Iterable[str]) -> Place:
        """The place below it."""
        found = self
        for step in steps:
            name = found.name if step == ITEM else step
            found = found.inside.setdefault(step, Place(name))
        return found

    def find(self, *steps: str) -> Place | None:
        """The place below it, if anybody looks there."""
        found: Place | None = self
        for step in steps:
            found = found.inside.get(step) if found else None
        return found

    @property
    def fields(self) -> dict[str, Place]:
        """What is looked for by name."""
        return {name: place for name, place in self.inside.items() if name != ITEM}

    def cases_below(self) -> list[Case]:
        """Here and in everything inside, each once."""
        found = {case: None for case in self.cases}
        for inner in self.inside.values():
            found.update(dict.fromkeys(inner.cases_below()))
        return list(found)

    def want(self, values: Sequence[Any]) -> None:
        """Note values that make a difference."""
        for value in values:
            is_known = any(value == one and type(value) is type(one) for one in self.wanted)
            if not is_known and len(self.wanted) < _MOST_WANTED:
                self.wanted.append(value)
                self.kinds.add(kind_of(value))

    def link(self, other: Place) -> None:
        """Note that values of the two are compared with each other."""
        if other is not self and other not in self.linked:
            self.linked.append(other)
            other.linked.append(self)


def kind_of(value: Any) -> str:
    """``boolean``, ``number``, ``list`` or ``text``; nothing for what says nothing.

    >>> kind_of(True), kind_of(2), kind_of("")
    ('boolean', 'number', '')
    """
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "number"
    return "list" if isinstance(value, list) else "text" if value else ""
