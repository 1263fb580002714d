"""What PowerShell printed, read as what it should be: rows may lack anything."""

from __future__ import annotations

from typing import Any, Dict, List

from powershell import PRODUCT, Machine

from repertory_sdk import ActionFailed

MODES = {"auto": "automatic", "automatic": "automatic", "manual": "manual", "disabled": "disabled"}
Row = Dict[str, Any]


def first(machine: Machine, name: str, rows: List[Row]) -> Row:
    """The row that has to be there."""
    if not rows:
        raise ActionFailed(f"{PRODUCT}: {name} on {machine.host} found nothing; check what was asked for")
    return rows[0]


def text(row: Row, name: str) -> str:
    """A text; empty where there is none."""
    value = row.get(name)
    return "" if value is None else str(value)


def number(row: Row, name: str) -> int:
    """A whole number; 0 where there is none."""
    value = row.get(name)
    return int(value) if isinstance(value, (int, float)) else 0


def start_mode(row: Row) -> str:
    """automatic, manual or disabled."""
    return MODES.get(text(row, "StartMode").lower(), text(row, "StartMode").lower())
