"""What is said of a failure: the connector's last word, and what it told on the way where that says more."""

from __future__ import annotations

from typing import Any, Dict, Iterable

Plain = Dict[str, Any]

MOST_LINES = 20


def message_of(done: Plain, told: Iterable[str], *, is_test: bool) -> str:
    """``told``: its persistent progress. Tests of connectivity are made to be read with all of it."""
    if done["status"] == "success":
        return str(done["message"])
    last = _last_word(done).strip()
    if last and not is_test:
        return last
    lines = [line for line in map(str.strip, told) if line and line not in last]
    return "\n".join(dict.fromkeys([*lines, last] if last else lines)) or str(done["message"])


def _last_word(done: Plain) -> str:
    """Empty where all that is known is how many results there are."""
    totals = done["result_summary"]
    if done["message"] != f"{totals['total_objects_successful']} of {totals['total_objects']} action(s) succeeded":
        return str(done["message"])
    failed = [each["message"] for each in done["result_data"] if each["status"] != "success" and each["message"]]
    return "; ".join(dict.fromkeys(failed))
