"""Filters, order and pages of lists, as the platform's REST interface has them."""

from __future__ import annotations

import json
from typing import Any, Dict, List, Mapping

Plain = Dict[str, Any]
_RELATED = {"container": "container_id", "asset": "asset_id", "asset_id": "asset_id", "container_id": "container_id"}
_PAGE = 10


class BadQuery(Exception):
    """The message says what is wrong with it."""


def listed(records: List[Plain], query: Mapping[str, str]) -> Plain:
    """One page of the records that pass all filters. Raises BadQuery."""
    found = [record for record in records if _passes(record, query)]
    key = query.get("sort", "id")
    found.sort(key=lambda record: _sortable(record.get(key)), reverse=query.get("order", "asc") == "desc")
    size, page = _number(query, "page_size", _PAGE), _number(query, "page", 0)
    shown = found[page * size : (page + 1) * size] if size else found
    pages = -(-len(found) // size) if size else 1
    return {"count": len(found), "num_pages": pages, "data": shown}


def _passes(record: Plain, query: Mapping[str, str]) -> bool:
    for name, text in query.items():
        for prefix, wanted in (("_filter_", True), ("_exclude_", False)):
            if name.startswith(prefix) and _matches(record, name[len(prefix) :], _value(text)) != wanted:
                return False
    return True


def _matches(record: Plain, name: str, wanted: Any) -> bool:
    field, _, rest = name.partition("__")
    value = record.get(_RELATED.get(field, field), record.get(field))
    lookup = rest.rpartition("__")[2] or "exact"
    if lookup == "isnull":
        return (value is None) == bool(wanted)
    if lookup == "in":
        return isinstance(wanted, list) and any(_same(value, each) for each in wanted)
    if lookup in ("gt", "gte", "lt", "lte"):
        return _compares(value, lookup, wanted)
    text, sought = str(value), str(wanted)
    if lookup in ("iexact", "icontains", "istartswith"):
        text, sought, lookup = text.lower(), sought.lower(), lookup[1:]
    if lookup == "contains":
        return any(_same(each, wanted) for each in value) if isinstance(value, list) else sought in text
    if lookup == "startswith":
        return text.startswith(sought)
    return text == sought or _same(value, wanted)


def _compares(value: Any, lookup: str, wanted: Any) -> bool:
    if value is None or wanted is None:
        return False
    if not (isinstance(value, (int, float)) and isinstance(wanted, (int, float))):
        value, wanted = str(value), str(wanted)
    less, equal = value < wanted, value == wanted
    return bool({"gt": not less and not equal, "gte": not less, "lt": less, "lte": less or equal}[lookup])


def _same(value: Any, wanted: Any) -> bool:
    return bool(value == wanted) or str(value) == str(wanted)


def _value(text: str) -> Any:
    """JSON; Python's words for true and false are accepted, and text without quotes."""
    try:
        return json.loads({"True": "true", "False": "false", "None": "null"}.get(text, text))
    except ValueError:
        return text.strip("'")


def _sortable(value: Any) -> Any:
    return (0, value, "") if isinstance(value, (int, float)) else (1, 0, "" if value is None else str(value))


def _number(query: Mapping[str, str], name: str, default: int) -> int:
    try:
        return max(0, int(query.get(name, default)))
    except ValueError as error:
        raise BadQuery(f"{name} is not a number") from error
