"""Events of MISP as events to work on: what was published since the last time."""

from __future__ import annotations

import time
from typing import Any, Dict, Iterator, List, Optional, Tuple

from misp_client import PAGE, Client, Object, attributes_of, number, tags_of, text

from repertory_sdk import Artifact, Event

OVERLAP_S = 300
MOST = 10 * PAGE
SEVERITIES = {"1": "high", "2": "medium", "3": "low"}
ADDRESS, DOMAIN, HASH = ("ip",), ("domain",), ("hash",)
# The type of an attribute, the field for its value, and what that contains. Of composites the first part counts.
FIELDS: Dict[str, Tuple[str, Tuple[str, ...]]] = {
    "ip-src": ("sourceAddress", ADDRESS), "ip-src|port": ("sourceAddress", ADDRESS),
    "ip-dst": ("destinationAddress", ADDRESS), "ip-dst|port": ("destinationAddress", ADDRESS),
    "domain": ("destinationDnsDomain", DOMAIN), "hostname": ("destinationDnsDomain", DOMAIN),
    "domain|ip": ("destinationDnsDomain", DOMAIN),
    "url": ("requestURL", ("url",)), "uri": ("requestURL", ("url",)), "link": ("requestURL", ("url",)),
    "md5": ("fileHash", HASH), "sha1": ("fileHash", HASH), "sha256": ("fileHash", HASH),
    "email-src": ("fromEmail", ("email",)), "email-dst": ("toEmail", ("email",)),
}  # fmt: skip
HASHED = ("filename|md5", "filename|sha1", "filename|sha256")


def published(client: Client, checkpoint: Dict[str, Any], first_days: int, most: int = MOST) -> Iterator[Event]:
    """Events that were published since the checkpoint, at most so many (a multiple of a page); the checkpoint tells where to go on.

    Publishing and searching overlap, so each search begins a little earlier; what was seen within that time is left out. MISP does
    not say in which order it finds them: while there are more, the next poll goes on with the next page of the same search.
    """
    since = number(checkpoint.get("since")) or int(time.time()) - first_days * 86400
    seen, page = dict(checkpoint.get("seen") or {}), number(checkpoint.get("page")) or 1
    newest, count = max(since, number(checkpoint.get("newest")) or 0), 0
    query = {"published": 1, "publish_timestamp": max(0, since - OVERLAP_S)}
    for found in client.search("events", query, most, page):
        identity, when = text(found.get("uuid")), number(found.get("publish_timestamp")) or 0
        newest, count = max(newest, when), count + 1
        if identity and seen.get(identity) != when:
            seen[identity] = when
            yield event_of(found, identity)
    if count >= most:
        checkpoint.update(since=since, newest=newest, page=page + most // PAGE, seen=seen)
        return
    recent = {identity: when for identity, when in seen.items() if when >= newest - OVERLAP_S}
    checkpoint.update(since=newest, newest=newest, page=1, seen=recent)


def event_of(found: Object, identity: str) -> Event:
    """One event, with an artifact for each attribute that is meant for detection."""
    wanted = [row for row in attributes_of(found) if row.get("to_ids") is True]
    threat = text(found.get("threat_level_id")) or ""
    organization = found.get("Orgc")
    by = text(organization.get("name")) if isinstance(organization, dict) else None
    return Event(
        name=text(found.get("info")) or f"MISP event {identity}",
        description=f"Shared by {by}" if by else "",
        severity=SEVERITIES.get(threat, "medium"),
        source="misp",
        source_id=identity,
        happened_at=float(number(found.get("timestamp")) or 0),
        tags=tags_of(found),
        artifacts=[artifact for row in wanted if (artifact := artifact_of(row)) is not None],
    )


def artifact_of(row: Object) -> Optional[Artifact]:
    """One attribute; None of types that nothing is done with."""
    kind, value = text(row.get("type")) or "", text(row.get("value")) or ""
    first, _, second = value.partition("|")
    name, contains = FIELDS.get(kind, ("", ()))
    cef: Dict[str, Any] = {name: first if "|" in kind else value}
    if kind in HASHED:
        name, contains, cef = "fileHash", HASH, {"fileName": first, "fileHash": second}
    if not name or not value:
        return None
    tags: List[str] = tags_of(row)
    return Artifact(
        name=f"{kind} {value}"[:200], cef=cef, contains={name: contains}, tags=tags, source_id=text(row.get("uuid")) or ""
    )
