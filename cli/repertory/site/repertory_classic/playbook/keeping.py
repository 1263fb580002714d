"""Custom lists, and what is kept from one run to the next: all in custom lists of ours."""

from __future__ import annotations

import json
from typing import Any

from repertory_classic.playbook.engine import Engine

Rows = list[list[str]]
OBJECTS = "classic playbook data"  # the custom list in which saved objects are, as rows of key and JSON


class Lists:
    """Custom lists by name. What was stored as flat texts comes back so to those who ask in the old way."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known: dict[str, Rows] = {}

    def rows(self, name: str) -> Rows | None:
        """All rows, or None where there is no such list."""
        if name not in self._known:
            self._known[name] = [list(row) for row in self._engine.record("list_rows", name=name)]
        return [list(row) for row in self._known[name]] or None

    def add(self, name: str, values: Any) -> None:
        """Append one row; everything becomes text."""
        row = [str(value) for value in values] if isinstance(values, (list, tuple)) else [str(values)]
        if row:
            self.rows(name)
            self._engine.record("list_add", name=name, row=row)
            self._known[name].append(row)

    def remove(self, name: str, row: list[str]) -> None:
        """Remove the rows that are the same."""
        self.rows(name)
        self._engine.record("list_remove", name=name, row=row)
        self._known[name] = [one for one in self._known[name] if one[: len(row)] != row]

    def replace(self, name: str, contents: Any) -> None:
        """All rows anew."""
        for row in self.rows(name) or []:
            self.remove(name, row)
        for values in contents or ():
            self.add(name, values)

    def delete(self, name: str, value: Any, column: Any, *, everywhere: bool, whole_row: bool) -> int:
        """Delete cells, or the rows that they are in; how many."""
        rows, kept, found = self.rows(name) or [], [], 0
        for row in rows:
            hit = next((number for number, cell in enumerate(row) if cell == str(value) and column in (None, number)), None)
            if hit is None or (found and not everywhere):
                kept.append(row)
                continue
            found += 1
            if not whole_row:
                kept.append([cell for number, cell in enumerate(row) if number != hit])
        if found:
            self.replace(name, kept)
        return found

    def matches(self, name: str, value: Any, *, case_sensitive: bool, substring: bool) -> int:
        """In how many cells a value is."""
        sought = str(value) if case_sensitive else str(value).casefold()
        cells = [cell if case_sensitive else cell.casefold() for row in self.rows(name) or [] for cell in row]
        return sum(sought in cell if substring else sought == cell for cell in cells)


class Objects:
    """Values that outlive the run, by key."""

    def __init__(self, lists: Lists) -> None:
        self._lists = lists

    def save(self, key: str, value: Any) -> None:
        """Keep a value in the place of the last one."""
        self.forget(key)
        self._lists.add(OBJECTS, [key, json.dumps(value, default=str)])

    def find(self, key: str) -> tuple[bool, Any]:
        """Whether there is one, and the value."""
        for row in self._lists.rows(OBJECTS) or []:
            if len(row) == 2 and row[0] == key:
                return True, json.loads(row[1])
        return False, None

    def forget(self, key: str) -> None:
        """Keep it no more."""
        if self.find(key)[0]:
            self._lists.remove(OBJECTS, [key])
