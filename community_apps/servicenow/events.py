"""Records as ServiceNow gives them, and a ticket as an event."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any, Mapping

from repertory_sdk import Artifact, Event

OVERLAP_S = 60
SEVERITIES = {"1": "critical", "2": "high", "3": "medium", "4": "low", "5": "low"}


def text_of(row: Mapping[str, Any], name: str) -> str:
    """Everything is text; a reference may be an object with its value."""
    value = row.get(name)
    return str((value.get("value") if isinstance(value, dict) else value) or "")


def since_query(query: str, since: float) -> str:
    """The query, for what changed since then, in that order."""
    parts = [query.strip("^")] if query else []
    if since > 0:
        at = datetime.fromtimestamp(since, timezone.utc)
        parts.append(f"sys_updated_on>=javascript:gs.dateGenerate('{at:%Y-%m-%d}','{at:%H:%M:%S}')")
    return "^".join([*parts, "ORDERBYsys_updated_on"])


def moment(text: str) -> float:
    """Seconds since the epoch of a time as ServiceNow writes it, in UTC; 0 for what is none."""
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=timezone.utc).timestamp()
    except ValueError:
        return 0.0


def event_of(row: Mapping[str, str], url: str) -> Event:
    """One event with the ticket as its artifact."""
    number, identity = row.get("number", ""), row.get("sys_id", "")
    cef = {
        "externalId": number, "requestURL": url, "message": row.get("short_description", ""), "cat": row.get("category", ""),
    }  # fmt: skip
    contains = {"externalId": ("ticket",), "requestURL": ("url",)}
    artifact = Artifact(
        name=number or "ticket",
        cef={name: value for name, value in cef.items() if value},
        contains=contains if number else {"requestURL": ("url",)},
        label="ticket",
        source_id=identity,
    )
    return Event(
        name=row.get("short_description") or number or "Ticket of ServiceNow",
        artifacts=[artifact],
        description=row.get("description", ""),
        severity=SEVERITIES.get(row.get("priority", ""), "medium"),
        labels=["ticket"],
        source="servicenow",
        source_id=identity,
        happened_at=moment(row.get("sys_created_on", "")),
    )
