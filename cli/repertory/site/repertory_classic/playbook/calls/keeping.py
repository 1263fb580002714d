"""Custom lists, and values that are kept."""

from __future__ import annotations

import json
from typing import Any

from repertory_classic.playbook.state import current

Answer = tuple[bool, str]
Answered = tuple[bool, str, Any]

def get_list(list_name: Any = None, values: Any = None, column_index: int = -1, **_ignored: Any) -> Answered:
    """Rows of a custom list."""
    rows = current().lists.rows(str(list_name))
    if rows is None:
        return False, f"there is no list {list_name}", []
    wanted = [str(value) for value in values or ()]
    start, end = (0, None) if column_index < 0 else (column_index, column_index + 1)
    return True, "list found", [row for row in rows if not wanted or set(row[start:end]) & set(wanted)]


def add_list(list_name: Any = None, values: Any = None, **_ignored: Any) -> Answer:
    """Append a row."""
    current().lists.add(str(list_name), values if values is not None else [])
    return True, "row added"


def set_list(list_name: Any = None, contents: Any = None, **_ignored: Any) -> Answer:
    """All rows anew."""
    current().lists.replace(str(list_name), contents)
    return True, "list set"


def remove_list(list_name: Any = None, empty_list: bool = False, **_ignored: Any) -> Answer:
    """Remove all rows."""
    current().lists.replace(str(list_name), [])
    return True, "list removed"


def check_list(
    list_name: Any = None, value: Any = None, case_sensitive: bool = False, substring: bool = False, **_ignored: Any
) -> Answered:
    """In how many cells a value is."""
    found = current().lists.matches(str(list_name), value, case_sensitive=case_sensitive, substring=substring)
    return True, "", found


def delete_from_list(
    list_name: Any = None, value: Any = None, column: Any = None, remove_all: bool = False, remove_row: bool = False,
    **_ignored: Any,
) -> Answer:  # fmt: skip
    """Delete cells or rows."""
    found = current().lists.delete(str(list_name), value, column, everywhere=remove_all, whole_row=remove_row)
    return bool(found), f"{found} deleted"


def datastore_get(name: Any = None, **_ignored: Any) -> list[Any]:
    """Contents of a list; rows of one cell as the cell."""
    return [row[0] if len(row) == 1 else row for row in current().lists.rows(str(name)) or []]


def datastore_set(name: Any = None, values: Any = None, **_ignored: Any) -> bool:
    """All contents anew."""
    return set_list(name, values)[0]


def datastore_add(name: Any = None, row: Any = None, **_ignored: Any) -> bool:
    """Append a row."""
    return add_list(name, row)[0]


def datastore_present(name: Any = None, values: Any = None, column: Any = None, **_ignored: Any) -> dict[str, Any]:
    """Which rows have one of these values."""
    wanted = [str(value) for value in (values if isinstance(values, list) else [values])]
    rows = current().lists.rows(str(name)) or []
    found = [number for number, row in enumerate(rows) if any(cell in wanted for cell in row)]
    return {"matches": [{"index": number} for number in found]}



def save_run_data(value: Any = None, key: Any = None, auto: Any = None, **_ignored: Any) -> None:
    """Keep a value for this run."""
    current().data.kept[str(key)] = value


def get_run_data(key: Any = None, **_ignored: Any) -> Any:
    """A value that this run keeps; an empty text where there is none."""
    return current().data.kept.get(str(key), "")


def save_data(value: Any = None, key: Any = None, **_ignored: Any) -> Any:
    """Keep a value for later runs; its key."""
    chosen = str(key) if key is not None else f"data {current().engine.run} {current().engine.number()}"
    current().objects.save(chosen, value)
    return chosen


def get_data(key: Any = None, clear_data: bool = False, **_ignored: Any) -> Any:
    """A value of an earlier run."""
    found, value = current().objects.find(str(key))
    if found and clear_data:
        current().objects.forget(str(key))
    return value if found else None


def _object_key(key: Any, container_id: Any, playbook_name: Any) -> str:
    return json.dumps([str(key or ""), str(container_id or ""), str(playbook_name or "")])


def save_object(key: Any = None, value: Any = None, container_id: Any = None, playbook_name: Any = None, **_ignored: Any) -> None:
    """Keep a value for later runs, by several keys."""
    current().objects.save(_object_key(key, container_id, playbook_name), value)


def get_object(
    key: Any = None, clear_data: bool = False, container_id: Any = None, playbook_name: Any = None, **_ignored: Any
) -> list[dict[str, Any]]:
    """Values of earlier runs."""
    name = _object_key(key, container_id, playbook_name)
    found, value = current().objects.find(name)
    if found and clear_data:
        current().objects.forget(name)
    return [{"value": value, "composite_key": {"key": key, "container_id": container_id}}] if found else []


def clear_object(key: Any = None, container_id: Any = None, playbook_name: Any = None, **_ignored: Any) -> None:
    """Keep it no more."""
    current().objects.forget(_object_key(key, container_id, playbook_name))
