"""Our own published form of events: ``repertory_sdk/schemas/event.schema.json``."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from repertory.runtime.ingest.entries import Unfit
from repertory.runtime.ingest.kinds import contains_of
from repertory.runtime.ingest.times import LATEST
from repertory_sdk.convert import conform, from_json
from repertory_sdk.errors import ConversionError
from repertory_sdk.models import EVENT_STATUSES, SEVERITIES, Event

if TYPE_CHECKING:
    from collections.abc import Mapping

    from repertory_sdk.models import Artifact

EVENT_SCHEMA = "urn:repertory:schema:event:1"
_FIELDS = frozenset(field.name for field in fields(Event)) | {"$schema"}
_HINT = f"the form of an event is described in event.schema.json ({EVENT_SCHEMA})"


def looks_native(plain: Mapping[str, Any]) -> bool:
    """Whether somebody meant this object to be an event of ours."""
    return "name" in plain or "artifacts" in plain or (bool(plain) and set(plain) <= _FIELDS)


def native_event(plain: Mapping[str, Any]) -> Event:
    """The event that this object is; raises Unfit naming the field."""
    try:
        event: Event = from_json(Event, {key: value for key, value in plain.items() if key != "$schema"})
        _check(event, plain)
    except ConversionError as error:
        raise Unfit(str(error), _HINT) from None
    artifacts = zip(event.artifacts, plain.get("artifacts", ()), strict=True)
    return replace(event, artifacts=tuple(_with_kinds(artifact, given) for artifact, given in artifacts))


def _with_kinds(artifact: Artifact, given: Mapping[str, Any]) -> Artifact:
    """A person who writes an event need not know our types: absent, they are taken from the field names."""
    return artifact if "contains" in given else replace(artifact, contains=contains_of(artifact.cef))


def _check(event: Event, plain: Mapping[str, Any]) -> None:
    if plain.get("$schema", EVENT_SCHEMA) != EVENT_SCHEMA:
        raise ConversionError("$schema", f"must be {EVENT_SCHEMA}")
    if not event.name.strip():
        raise ConversionError("name", "must not be empty")
    conform({"enum": SEVERITIES}, event.severity, "severity")
    conform({"enum": EVENT_STATUSES}, event.status, "status")
    conform({"minimum": 0}, event.id, "id")
    conform({"minimum": 0, "maximum": LATEST}, event.happened_at, "happened_at")
    for index, artifact in enumerate(event.artifacts):
        conform({"enum": SEVERITIES}, artifact.severity, f"artifacts[{index}].severity")
        conform({"minimum": 0}, artifact.id, f"artifacts[{index}].id")
    _check_identities(event)
    _check_characters(plain)


def _check_identities(event: Event) -> None:
    seen = set()
    for index, artifact in enumerate(event.artifacts):
        if artifact.source_id and artifact.source_id in seen:
            raise ConversionError(f"artifacts[{index}].source_id", f"{artifact.source_id!r} occurs twice in this event")
        seen.add(artifact.source_id)


def _check_characters(plain: Mapping[str, Any]) -> None:
    """No database of ours keeps the character NUL in a text."""
    waiting: list[tuple[str, Any]] = [("", plain)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, str) and "\0" in value:
            raise ConversionError(path, "must not hold the character NUL (\\u0000)")
        if isinstance(value, dict):
            waiting.extend((f"{path}.{key}".lstrip("."), item) for key, item in value.items())
            waiting.extend((path or "a key", key) for key in value)
        elif isinstance(value, list):
            waiting.extend((f"{path}[{index}]", item) for index, item in enumerate(value))
