"""A simulation as a piece of evidence."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any, Mapping, Optional

from repertory_sdk import Artifact

KINDS = {
    "sourceAddress": ("ip",), "sourceHostName": ("host name",), "destinationAddress": ("ip",), "destinationPort": ("port",),
    "externalId": ("simulation",),
}  # fmt: skip


def artifact_of(simulation: Mapping[str, Any]) -> Artifact:
    """The fields of a simulation, by the names that artifacts have."""
    cef = {
        "sourceAddress": simulation["source_ip"], "sourceHostName": simulation["target_host"],
        "destinationAddress": simulation["destination_ip"], "destinationPort": simulation["port"],
        "applicationProtocol": simulation["protocol"], "externalId": simulation["simulation"],
        "deviceCustomNumber1": simulation["attack"], "deviceCustomNumber1Label": "attack",
    }  # fmt: skip
    given = {name: value for name, value in cef.items() if value not in (None, "")}
    contains = {name: kinds for name, kinds in KINDS.items() if name in given}
    name = simulation["name"] or "simulation"
    return Artifact(name=name, cef=given, contains=contains, label="simulation", source_id=simulation["simulation"])


def epoch(text: Optional[str]) -> float:
    """Seconds since the epoch; 0 for what is no time."""
    try:
        moment = datetime.fromisoformat((text or "").replace("Z", "+00:00"))
    except ValueError:
        return 0.0
    return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()
