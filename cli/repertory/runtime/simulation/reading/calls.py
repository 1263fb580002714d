"""What methods of values tell of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from repertory.runtime.simulation.reading.seen import Many, Row, Seen, Value, element, entry

if TYPE_CHECKING:
    from collections.abc import Sequence

_SAME = ("lower", "upper", "strip", "lstrip", "rstrip", "replace", "encode", "decode", "title", "copy", "json", "casefold")
_CONTAINING = ("startswith", "endswith", "find", "index", "count")


def method(seen: Seen, name: str, literals: Sequence[Any], given: Sequence[Seen]) -> Seen:
    """What ``seen.name(...)`` is; ``literals`` are its arguments where they are plain."""
    first = literals[0] if literals else None
    if name in ("get", "pop"):
        return entry(seen, first if isinstance(first, (str, int)) else None)
    if name in ("append", "add", "extend") and isinstance(seen, Many) and seen.item is None and given:
        return None
    places = seen.places if isinstance(seen, Value) else ()
    if name == "__int__":
        for place in places:
            place.kinds.add("number")
        return seen
    if name in ("split", "partition", "rsplit", "rpartition", "splitlines"):
        for place in places:
            place.kinds.add("text")
            place.parts.extend([first] if isinstance(first, str) and first not in place.parts else [])
        return Many(seen)
    if name in _CONTAINING:
        for place in places:
            place.kinds.add("text")
            place.want([first] if isinstance(first, str) else [])
        return None
    if name in ("items", "values", "keys"):
        for place in places:
            place.kinds.add("object")
    return _view(seen, name)


def _view(seen: Seen, name: str) -> Seen:
    if name == "items":
        return Many(Row((None, None)))
    if name in ("values", "keys"):
        return Many(None)
    return seen if name in _SAME else element(seen) if name == "__next__" else None
