"""A row of a search as an event: fields of Splunk's Common Information Model under the names that artifacts have."""

from __future__ import annotations

import hashlib
import ipaddress
import json
from datetime import datetime
from typing import Any, Dict, List, Tuple

from repertory_sdk import Artifact, Event

_PLACES = {"src": "source", "src_ip": "source", "dest": "destination", "dest_ip": "destination", "dvc": "device"}
_FIELDS: Dict[str, Tuple[str, Tuple[str, ...]]] = {
    "src_port": ("sourcePort", ("port",)), "dest_port": ("destinationPort", ("port",)),
    "user": ("destinationUserName", ("user name",)), "src_user": ("sourceUserName", ("user name",)),
    "url": ("requestURL", ("url",)), "query": ("destinationDnsDomain", ("domain",)), "file_hash": ("fileHash", ("hash",)),
    "file_name": ("fileName", ("file name",)), "file_path": ("filePath", ("file path",)), "transport": ("transportProtocol", ()),
    "app": ("applicationProtocol", ()), "action": ("deviceAction", ()), "signature": ("message", ()),
    "process_name": ("sourceProcessName", ("process name",)), "src_host": ("sourceHostName", ("host name",)),
    "dest_host": ("destinationHostName", ("host name",)), "host": ("deviceHostname", ("host name",)),
}  # fmt: skip
_SEVERITIES = {"informational": "low", "info": "low", "low": "low", "medium": "medium", "high": "high", "critical": "critical"}


def identity_of(row: Dict[str, Any]) -> str:
    """What Splunk calls it, or a digest of the row."""
    named = row.get("event_id") or row.get("_cd")
    if named:
        return str(named) if row.get("event_id") else f"{row.get('index', '')}:{named}@{row.get('_bkt', '')}"
    return hashlib.sha256(json.dumps(row, sort_keys=True).encode()).hexdigest()


def event_of(row: Dict[str, Any], identity: str) -> Event:
    """One event with one artifact."""
    name = next((str(row[name]) for name in ("rule_title", "search_name", "signature", "title", "name") if row.get(name)), "")
    severity = str(row.get("urgency") or row.get("severity") or "").lower()
    name = " ".join(name.split())[:250] or "Row of a search in Splunk"
    return Event(
        name=name,
        artifacts=[_artifact(name, row, identity)],
        description=str(row.get("rule_description") or row.get("_raw") or "")[:10_000],
        severity=_SEVERITIES.get(severity, "medium"),
        labels=["splunk"],
        source="splunk",
        source_id=identity,
        happened_at=_epoch(str(row.get("_time") or "")),
    )


def _artifact(name: str, row: Dict[str, Any], identity: str) -> Artifact:
    cef: Dict[str, Any] = {}
    contains: Dict[str, Tuple[str, ...]] = {}
    for field, value in row.items():
        for target, kinds, values in _targets(field, value if isinstance(value, list) else [value]):
            cef[target] = values[0] if len(values) == 1 else values
            if kinds:
                contains[target] = kinds
    return Artifact(name=name, cef={**cef, "externalId": identity}, contains=contains, source_id=identity)


def _targets(field: str, values: List[Any]) -> List[Tuple[str, Tuple[str, ...], List[Any]]]:
    """What a field is by its name, and by its values: ``dest`` may be an address or a name."""
    given = [value for value in values if value not in (None, "", "unknown")]
    if field in _PLACES:
        place = _PLACES[field]
        addresses = [value for value in given if _is_address(value)]
        names = [value for value in given if value not in addresses]
        host = f"{place}Hostname" if place == "device" else f"{place}HostName"
        both = [(f"{place}Address", ("ip",), addresses), (host, ("host name",), names)]
        return [found for found in both if found[2]]
    if field in _FIELDS and given:
        target, kinds = _FIELDS[field]
        return [(target, kinds, [int(value) if target.endswith("Port") and str(value).isdigit() else value for value in given])]
    return []


def _is_address(value: Any) -> bool:
    try:
        ipaddress.ip_address(str(value))
    except ValueError:
        return False
    return True


def _epoch(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
    except ValueError:
        return 0.0
