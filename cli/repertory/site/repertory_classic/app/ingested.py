"""What connectors save, as the tool's own records: containers are events, their fields have other names."""

from __future__ import annotations

import calendar
import time
from typing import Any, Dict, List, Mapping, Optional

from phantom.cef import CEF_JSON

from repertory_classic.app.store import Store, as_number
from repertory_sdk.models import EVENT_STATUSES, SEVERITIES

Plain = Dict[str, Any]

DAY_MS = 24 * 60 * 60 * 1000
_REMEMBERED = 1000
_SEVERITIES = {"informational": "low", "info": "low"}


def found_in(store: Store, source: str, own_event: Optional[int]) -> Plain:
    """``events`` with their artifacts, ``artifacts`` of the event that the action is about, and ``lists`` that were changed.

    A container of an earlier poll is told again with its new artifacts; the tool knows it by ``source_id``.
    """
    numbers = list(store.new_containers)
    own: List[Plain] = []
    of: Dict[int, List[Plain]] = {}
    for number in store.new_artifacts:
        artifact = store.artifacts[number]
        container = artifact["container_id"]
        if container == own_event:
            own.append({"event": container, **artifact_of(artifact)})
            continue
        of.setdefault(container, []).append(artifact_of(artifact))
        if container not in numbers and store.containers[container].get("source_data_identifier"):
            numbers.append(container)
    events = [event_of(store.containers[number], of.get(number, []), source) for number in numbers]
    return {
        "events": events,
        "artifacts": own,
        "lists": {name: store.lists[name] for name in store.changed_lists},
    }


def event_of(container: Plain, artifacts: List[Plain], source: str) -> Plain:
    """The event that a container is."""
    return {
        "name": str(container.get("name") or ""),
        "artifacts": artifacts,
        "description": str(container.get("description") or ""),
        "severity": severity_of(container.get("severity")),
        "status": status_of(container.get("status")),
        "labels": [str(container["label"])] if container.get("label") else [],
        "tags": texts_of(container.get("tags")),
        "source": source,
        "source_id": str(container.get("source_data_identifier") or ""),
        "happened_at": seconds_of(container.get("start_time")),
    }


def artifact_of(artifact: Plain) -> Plain:
    """Types of fields that an artifact does not name are those of the common names."""
    cef: Mapping[str, Any] = artifact["cef"] if isinstance(artifact.get("cef"), dict) else {}
    types = artifact.get("cef_types")
    contains: Dict[str, List[str]] = {}
    for name in cef:
        kinds = texts_of(types.get(name)) if isinstance(types, dict) else []
        kinds = kinds or list(CEF_JSON.get(name, {}).get("contains", ()))
        if kinds:
            contains[name] = kinds
    return {
        "name": str(artifact.get("name") or ""),
        "cef": dict(cef),
        "contains": contains,
        "label": str(artifact.get("label") or "event"),
        "severity": severity_of(artifact.get("severity")),
        "tags": texts_of(artifact.get("tags")),
        "source_id": str(artifact.get("source_data_identifier") or ""),
    }


def severity_of(value: Any) -> str:
    named = str(value or "medium").lower()
    named = _SEVERITIES.get(named, named)
    return named if named in SEVERITIES else "medium"


def status_of(value: Any) -> str:
    named = str(value or "new").lower()
    if named in EVENT_STATUSES:
        return named
    return "closed" if named in ("resolved", "close") else "open"


def texts_of(value: Any) -> List[str]:
    values = value if isinstance(value, (list, tuple)) else [] if value in (None, "") else [value]
    return [str(each) for each in values]


def seconds_of(moment: Any) -> float:
    """Of a time as the platform writes it (ISO 8601, UTC), or milliseconds; 0 if it is neither."""
    if isinstance(moment, (int, float)):
        return moment / 1000 if moment > 1e11 else float(moment)
    try:
        return float(calendar.timegm(time.strptime(str(moment)[:19].replace(" ", "T"), "%Y-%m-%dT%H:%M:%S")))
    except ValueError:
        return 0.0


# ------------------------------------------------------------- polls


def poll_parameters(
    given: Mapping[str, Any], checkpoint: Mapping[str, Any], now_ms: int, *, is_for_somebody: bool
) -> Plain:
    """Since the last poll that succeeded; the first one looks back one day. Somebody who waits for it is shown one."""
    return {
        "container_count": 1 if is_for_somebody else 100,
        "artifact_count": 10 if is_for_somebody else 100,
        "container_id": None,
        "start_time": checkpoint.get("polled_until_ms", now_ms - DAY_MS),
        "end_time": now_ms,
        **given,
    }


def know_earlier(store: Store, checkpoint: Mapping[str, Any], asset_id: str) -> None:
    """Containers of earlier polls, so that an app is told of duplicates."""
    for number, identifier in (checkpoint.get("containers") or {}).items():
        known = {"id": as_number(number), "source_data_identifier": identifier, "asset_id": asset_id}
        if known["id"] not in store.containers:
            store.know({"name": f"Container {identifier}", **known})


def checkpoint_after(store: Store, poll: Mapping[str, Any]) -> Plain:
    """Where the next poll goes on, and the latest containers."""
    latest = sorted(store.containers.items())[-_REMEMBERED:]
    known = {str(number): container["source_data_identifier"] for number, container in latest
             if container.get("source_data_identifier")}  # fmt: skip
    return {"polled_until_ms": poll.get("end_time"), "containers": known}
