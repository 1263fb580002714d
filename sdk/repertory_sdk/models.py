"""The frozen records that cross every boundary: events, artifacts, results, attachments.

Every record is plain data. ``repertory_sdk.convert`` turns any of them into JSON values and back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

SEVERITIES = ("low", "medium", "high", "critical")
EVENT_STATUSES = ("new", "open", "closed")
ACTION_TYPES = ("investigate", "contain", "correct", "generic", "ingest", "test")
RESULT_STATUSES = ("succeeded", "failed", "denied", "in_doubt", "cancelled")


@dataclass(frozen=True)
class Artifact:
    """One piece of evidence of an event.

    ``cef`` maps field names of ArcSight's Common Event Format (``sourceAddress``, ``fileHash`` …; rev. 26)
    to values. ``contains`` maps those of its fields that are worth acting on to semantic types
    (``{"sourceAddress": ("ip",)}``). ``source_id`` is the identity in the product it came from; within one
    event it is unique, empty means "none".
    """

    name: str = ""
    cef: Mapping[str, Any] = field(default_factory=dict)
    contains: Mapping[str, Sequence[str]] = field(default_factory=dict)
    label: str = "artifact"
    severity: str = "medium"
    tags: Sequence[str] = ()
    source_id: str = ""
    id: int = 0

    def values_of(self, kind: str) -> list[Any]:
        """Values of the fields that contain this type, in the order of the fields."""
        return [self.cef[name] for name, kinds in self.contains.items() if kind in kinds and name in self.cef]


@dataclass(frozen=True)
class Event:
    """What happened: an alert, a finding, a reported mail.

    ``severity`` is one of ``SEVERITIES``, ``status`` one of ``EVENT_STATUSES``; ``case`` is true once somebody
    promoted it. ``resolution`` says why a closed event was closed. ``source`` names the product or format,
    ``source_id`` the identity there; both together are unique unless ``source_id`` is empty. Times are
    seconds since the epoch, UTC; 0 means unknown.
    """

    name: str
    artifacts: Sequence[Artifact] = ()
    description: str = ""
    severity: str = "medium"
    status: str = "new"
    owner: str = ""
    labels: Sequence[str] = ()
    tags: Sequence[str] = ()
    source: str = "native"
    source_id: str = ""
    happened_at: float = 0.0
    case: bool = False
    resolution: str = ""
    id: int = 0

    def values(self, field_name: str) -> list[Any]:
        """Distinct values of one CEF field over all artifacts, in order of appearance.

        >>> Event("scan", artifacts=[Artifact(cef={"sourceAddress": "198.51.100.7"})]).values("sourceAddress")
        ['198.51.100.7']
        """
        return _distinct(artifact.cef[field_name] for artifact in self.artifacts if field_name in artifact.cef)

    def values_of(self, kind: str) -> list[Any]:
        """Distinct values of one semantic type (``ip``, ``domain``, ``hash`` …) over all artifacts."""
        return _distinct(value for artifact in self.artifacts for value in artifact.values_of(kind))


def _distinct(values: Any) -> list[Any]:
    seen: list[Any] = []
    for value in values:
        for single in value if isinstance(value, (list, tuple)) else (value,):
            if single not in (None, "") and single not in seen:
                seen.append(single)
    return seen


@dataclass(frozen=True)
class Attachment:
    """A file kept on an event. ``sha256`` is hexadecimal, ``size`` in bytes."""

    name: str
    sha256: str
    size: int
    media_type: str = "application/octet-stream"


@dataclass(frozen=True)
class Result:
    """What an action returned for one parameter set on one asset.

    ``status`` is one of ``RESULT_STATUSES``. ``data`` is a list of rows (JSON objects), ``summary`` a flat object.
    """

    status: str
    message: str = ""
    data: Sequence[Mapping[str, Any]] = ()
    summary: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    action: str = ""
    app: str = ""
    asset: str = ""
    attachments: Sequence[Attachment] = ()

    @property
    def succeeded(self) -> bool:
        """Whether the action did what it was asked."""
        return self.status == "succeeded"
