"""The event of a run as a classic container, and what playbooks change about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from repertory_classic.playbook.data import Plain
from repertory_classic.playbook.engine import Engine
from repertory_sdk.errors import PlaybookError

Answer = tuple[bool, str]
_SEVERITIES = ("low", "medium", "high", "critical")
_STATUSES = {"new": "new", "open": "open", "closed": "closed", "resolved": "closed"}
_LOWER = {"critical": "high", "high": "medium", "medium": "low", "low": "low"}


def container_of(event: Mapping[str, Any], tenant: int = 0) -> Plain:
    """An event (native JSON) as a container dictionary."""
    labels = list(event.get("labels") or ())
    source_id = event.get("source_id") or ""
    return {
        "id": event.get("id") or 0, "name": event.get("name", ""), "description": event.get("description", ""),
        "severity": event.get("severity", "medium"), "status": event.get("status", "new"), "sensitivity": "amber",
        "owner": event.get("owner", ""), "owner_name": event.get("owner", ""), "label": labels[0] if labels else "events",
        "tags": list(event.get("tags") or ()), "source_data_identifier": source_id, "external_id": source_id,
        "source": event.get("source", ""), "type": "default", "data": {}, "custom_fields": {}, "tenant": tenant,
        "container_type": "case" if event.get("case") else "default", "in_case": False, "close_time": None,
        "create_time": "", "start_time": "", "current_phase": None, "current_phase_id": None, "workflow_name": "",
        "artifact_count": len(event.get("artifacts") or ()),
    }  # fmt: skip


def artifacts_of(event: Mapping[str, Any]) -> list[Plain]:
    """Its artifacts, by ascending id."""
    made = [artifact_of(one, event.get("id") or 0, number) for number, one in enumerate(event.get("artifacts") or (), 1)]
    return sorted(made, key=lambda one: one["id"])


def artifact_of(plain: Mapping[str, Any], container: Any, number: int) -> Plain:
    """An artifact (native JSON) as a classic one."""
    return {
        "id": plain.get("id") or number, "name": plain.get("name", ""), "label": plain.get("label", "artifact"),
        "severity": plain.get("severity", "medium"), "description": "", "tags": list(plain.get("tags") or ()),
        "cef": dict(plain.get("cef") or {}),
        "cef_types": {name: list(kinds) for name, kinds in (plain.get("contains") or {}).items()},
        "data": {}, "container": container, "type": "", "source_data_identifier": plain.get("source_id", ""),
        "create_time": "", "update_time": "", "start_time": "", "end_time": None, "hash": "", "version": 1, "kill_chain": None,
    }  # fmt: skip


class Containers:
    """Changes to the event of the run; other containers are known by their numbers only."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.notes: list[Plain] = []
        self.comments: list[Plain] = []
        self.pins: dict[int, Plain] = {}
        self.created: dict[int, Plain] = {}

    def is_own(self, container: Any) -> bool:
        """Whether this means the container of the run."""
        number = container.get("id") if isinstance(container, Mapping) else container
        own = self._engine.data.container["id"]
        return number is None or str(number) == str(own)

    def get(self, container: Any) -> Plain | None:
        """A fresh dictionary, or None where nothing is known of it."""
        if self.is_own(container):
            return self._engine.container()
        number = str(container.get("id") if isinstance(container, Mapping) else container)
        found = self.created.get(int(number)) if number.isdigit() else None
        return dict(found) if found else None

    def update(self, container: Any, changes: Mapping[str, Any]) -> Answer:
        """Change fields; what an event of ours does not have is kept for this run."""
        if not self.is_own(container):
            target = self.get(container)
            if target is None:
                return False, f"there is no container {container}"
            self.created[target["id"]].update(changes)
            return True, "container updated"
        native = _native(changes)
        if native:
            try:
                self._engine.record("update_event", event=self._engine.data.container["id"], changes=native)
            except PlaybookError as error:
                return False, str(error)
        self._engine.data.container.update(changes)
        if isinstance(container, dict):
            container.update(changes)
        return True, "container updated"

    def lower(self, container: Any) -> Answer:
        """One severity down."""
        now = str((self.get(container) or {}).get("severity", "medium")).lower()
        return self.update(container, {"severity": _LOWER.get(now, "low")})

    def add_artifact(self, container: Any, plain: Mapping[str, Any]) -> tuple[bool, str, int | None]:
        """Add evidence; its number."""
        if not self.is_own(container):
            return False, "artifacts can be added to the container of the run only", None
        cef = dict(plain.get("cef") or {})
        native = {
            "name": str(plain.get("name") or "artifact"), "cef": cef, "label": str(plain.get("label") or "artifact"),
            "severity": _severity(plain.get("severity")), "source_id": str(plain.get("source_data_identifier") or ""),
            "contains": dict(plain.get("cef_types") or {}), "tags": [str(tag) for tag in plain.get("tags") or ()],
        }  # fmt: skip
        try:
            number = int(self._engine.record("add_artifact", event=self._engine.data.container["id"], artifact=native))
        except PlaybookError as error:
            return False, str(error), None
        made = artifact_of({**native, "id": number}, self._engine.data.container["id"], number)
        self._engine.data.artifacts.append({**made, "type": plain.get("type") or "", "data": plain.get("data") or {}})
        return True, "artifact added", number

    def create(self, name: Any, label: Any, container_type: Any) -> tuple[bool, str, int]:
        """A container that this run knows of; it is told as a note on the event."""
        number = 1_000_000_000 + self._engine.number()
        self.created[number] = {
            **container_of({"name": str(name or ""), "labels": [str(label)] if label else [], "id": number}),
            "container_type": container_type or "default",
        }
        self.note(None, f"New container: {name}", f"label {label}")
        return True, "container created", number

    def note(self, container: Any, title: Any, content: Any, **more: Any) -> tuple[bool, str, int | None]:
        """Leave a note; its number."""
        if not self.is_own(container):
            title = f"Container {container.get('id') if isinstance(container, Mapping) else container}: {title}"
        try:
            self._engine.record(
                "add_note", event=self._engine.data.container["id"], title=str(title or "Note"), text=str(content or "")
            )
        except PlaybookError as error:
            return False, str(error), None
        number = self._engine.number()
        own = self._engine.data.container["id"]
        self.notes.append({"id": number, "title": title, "content": content, "container": own, **more})
        return True, "note added", number

    def comment(self, container: Any, comment: Any) -> Answer:
        """A comment is a note without a title of its own."""
        good, said, number = self.note(container, "Comment", comment)
        self.comments.append({"id": number, "comment": str(comment)})
        return good, said

    def pin(self, message: Any, data: Any, **more: Any) -> tuple[bool, str, int | None]:
        """What is pinned is left as a note as well."""
        number = self._engine.number()
        self.pins[number] = {"id": number, "message": message, "data": data, **more}
        self.note(None, f"Pinned: {message}", data)
        return True, "pinned", number

    def update_pin(self, number: Any, **changes: Any) -> Answer:
        """Change a pin of this run."""
        if number not in self.pins:
            return False, f"there is no pin {number}"
        self.pins[number].update({name: value for name, value in changes.items() if value is not None})
        return True, "pin updated"

    def delete_pin(self, number: Any) -> Answer:
        """Forget a pin of this run."""
        gone = self.pins.pop(number, None)
        return (True, "pin deleted") if gone else (False, f"there is no pin {number}")


def _native(changes: Mapping[str, Any]) -> Plain:
    native: Plain = {}
    status = _STATUSES.get(str(changes.get("status", "")).lower())
    if status:
        native["status"] = status
    if "severity" in changes:
        native["severity"] = _severity(changes["severity"])
    for name in ("owner", "owner_id", "owner_name"):
        if changes.get(name):
            native["owner"] = str(changes[name])
    if "tags" in changes:
        native["tags"] = [str(tag) for tag in changes["tags"] or ()]
    if changes.get("label"):
        native["labels"] = [str(changes["label"])]
    if "container_type" in changes:
        native["case"] = changes["container_type"] == "case"
    return native


def _severity(value: Any) -> str:
    text = str(value or "medium").lower()
    return text if text in _SEVERITIES else "medium"
