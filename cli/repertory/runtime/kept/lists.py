"""Custom lists as a whole, for those who know nothing smaller."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from repertory.runtime.records import as_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from repertory.runtime.storage.database import Transaction

# Where classic playbooks keep values for themselves: no list for anybody else.
OF_PLAYBOOKS = "classic playbook data"


def all_lists(transaction: Transaction) -> Mapping[str, Sequence[Sequence[str]]]:
    """Rows by the names of their lists."""
    found: dict[str, list[list[str]]] = {}
    for row in transaction.query("select list, cells from list_row where list <> ? order by id", OF_PLAYBOOKS):
        found.setdefault(row["list"], []).append(json.loads(row["cells"]))
    return found


def replace_list(transaction: Transaction, name: str, rows: Sequence[Sequence[str]]) -> None:
    """All rows anew."""
    transaction.query("delete from list_row where list = ?", name)
    for row in rows:
        transaction.query("insert into list_row (list, cells) values (?, ?)", name, as_text(list(row)))
