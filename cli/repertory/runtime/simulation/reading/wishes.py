"""Values that make a difference, from what a playbook compares with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from repertory.runtime.simulation.reading.seen import Seen, Value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from repertory.runtime.simulation.reading.places import Place

ORDERED = (">", ">=", "<", "<=")
OPERATORS = ("==", "!=", "in", "not in", *ORDERED)
UNKNOWN = object()


def compare(left: Seen, operator: str, right: Seen, *, literals: tuple[Any, Any]) -> None:
    """Note a comparison; ``literals`` are both sides where they are plain values, else UNKNOWN."""
    first, second = literals
    if isinstance(left, Value) and isinstance(right, Value):
        for one in left.places:
            for other in right.places:
                one.link(other)
    elif isinstance(left, Value) and second is not UNKNOWN:
        _want(left, wishes(operator, second), operator)
    elif isinstance(right, Value) and first is not UNKNOWN:
        _want(right, [first] if operator in ("in", "not in") else wishes(operator, first), operator)


def fulfilling(left: Seen, operator: str, right: Seen, *, literals: tuple[Any, Any]) -> list[tuple[Place, list[Any]]]:
    """Places of one condition, with values for which it holds."""
    first, second = literals
    found: list[tuple[Place, list[Any]]] = []
    if isinstance(left, Value):
        found += [(place, _values(operator, second)) for place in left.places]
    if isinstance(right, Value) and not isinstance(left, Value):
        known = [] if first is UNKNOWN or operator in ("!=", "not in") else [first]
        found += [(place, known) for place in right.places]
    return found


def _values(operator: str, literal: Any) -> list[Any]:
    if literal is UNKNOWN or operator in ("!=", "not in"):
        return []
    if operator == "==":
        return [None if literal in (None, "", [], {}) else literal]
    wanted = wishes(operator, literal)
    if operator == "in" or not wanted:
        return wanted
    more, less, same = wanted
    return [same if "=" in operator else more if ">" in operator else less]


def _want(value: Value, wanted: Sequence[Any], operator: str) -> None:
    for place in value.places:
        place.want(wanted)
        if operator in ORDERED:
            place.kinds.add("number")


def wishes(operator: str, literal: Any) -> list[Any]:
    """Values on both sides of a comparison, as far as they cannot be guessed.

    >>> wishes(">", 3), wishes("in", "a, b"), wishes("==", "x"), wishes("!=", "")
    ([4, 2, 3], ['a', 'b'], ['x'], [])
    """
    if operator in ORDERED:
        number = _number(literal)
        return [] if number is None else [number + 1, number - 1, number]
    if operator in ("in", "not in"):
        several = literal if isinstance(literal, (list, tuple)) else str(literal).split(",")
        return [one.strip() if isinstance(one, str) else one for one in several]
    return [] if literal in (None, "", [], {}) else [literal]


def _number(literal: Any) -> float | None:
    if isinstance(literal, (int, float)) and not isinstance(literal, bool):
        return literal
    try:
        return float(literal) if "." in literal else int(literal)
    except (TypeError, ValueError):
        return None
