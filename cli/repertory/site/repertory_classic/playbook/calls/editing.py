"""Changes to containers, and what is left on them."""

from __future__ import annotations

from typing import Any

from repertory_classic.playbook.state import current

Answer = tuple[bool, str]
Answered = tuple[bool, str, Any]

def add_artifact(
    container: Any = None, raw_data: Any = None, cef_data: Any = None, label: Any = None, name: Any = None, severity: Any = None,
    identifier: Any = None, artifact_type: Any = None, field_mapping: Any = None, **_ignored: Any,
) -> Answered:  # fmt: skip
    """Add evidence."""
    plain = {
        "data": raw_data, "cef": cef_data or {}, "label": label, "name": name, "severity": severity,
        "source_data_identifier": identifier, "type": artifact_type, "cef_types": field_mapping or {},
    }  # fmt: skip
    return current().containers.add_artifact(container, plain)


def create_container(name: Any = None, label: Any = None, container_type: Any = "default", **_ignored: Any) -> Answered:
    """Make a container."""
    return current().containers.create(name, label, container_type)


def get_container(container_id: Any = None, **_ignored: Any) -> dict[str, Any] | None:
    """A fresh dictionary of a container."""
    return current().containers.get(container_id)


def update(container: Any = None, update_dict: Any = None, **given: Any) -> Answer:
    """Change fields."""
    return current().containers.update(container, update_dict if isinstance(update_dict, dict) else given)


def set_status(container: Any = None, status: Any = None, **_ignored: Any) -> Answer:
    """Open, close."""
    return current().containers.update(container, {"status": str(status or "").lower()})


def close(container: Any = None, **_ignored: Any) -> Answer:
    """Close."""
    return set_status(container, "closed")


def set_severity(container: Any = None, severity: Any = None, **_ignored: Any) -> Answer:
    """How grave it is."""
    return current().containers.update(container, {"severity": str(severity or "").lower()})


def set_sensitivity(container: Any = None, sensitivity: Any = None, **_ignored: Any) -> Answer:
    """Whom it may be told."""
    return current().containers.update(container, {"sensitivity": sensitivity})


def set_label(container: Any = None, label: Any = None, **_ignored: Any) -> Answer:
    """What kind it is."""
    return current().containers.update(container, {"label": label})


def set_owner(container: Any = None, user: Any = None, role: Any = None, **_ignored: Any) -> Answer:
    """Whose it is."""
    return current().containers.update(container, {"owner": str(user or role or ""), "owner_name": str(user or role or "")})


def set_phase(container: Any = None, phase: Any = None, **_ignored: Any) -> Answer:
    """Which phase of its workbook it is in."""
    return current().containers.update(container, {"current_phase": phase, "current_phase_id": phase})


def deescalate(container: Any = None, **_ignored: Any) -> Answer:
    """One severity down."""
    return current().containers.lower(container)


def promote(container: Any = None, template: Any = None, **_ignored: Any) -> Answer:
    """Make it a case."""
    return current().containers.update(container, {"container_type": "case", "workflow_name": template or ""})


def merge(case: Any = None, container_id: Any = None, workbook: Any = None, **_ignored: Any) -> Answer:
    """What two containers have in common is noted; each stays what it is."""
    _, said, number = current().containers.note(case, f"Merged with container {container_id}", "")
    return number is not None, said


def add_tags(container: Any = None, tags: Any = None, **_ignored: Any) -> Answer:
    """More tags."""
    held = list((current().containers.get(container) or {}).get("tags") or ())
    return current().containers.update(container, {"tags": [*held, *(tag for tag in tags or () if tag not in held)]})


def remove_tags(container: Any = None, tags: Any = None, **_ignored: Any) -> Answer:
    """Fewer tags."""
    held = list((current().containers.get(container) or {}).get("tags") or ())
    return current().containers.update(container, {"tags": [tag for tag in held if tag not in (tags or ())]})


def add_workbook(container: Any = None, workbook_id: Any = None, **_ignored: Any) -> Answer:
    """A workbook is named on the container."""
    return current().containers.update(container, {"workflow_name": str(workbook_id)})


def add_note(
    container: Any = None, note_type: Any = "general", task_id: Any = None, title: Any = None, content: Any = None,
    note_format: Any = "markdown", **_ignored: Any,
) -> Answered:  # fmt: skip
    """Leave a note."""
    return current().containers.note(container, title, content, note_type=note_type, task=task_id, note_format=note_format)


def get_notes(container: Any = None, task_id: Any = None, note_id: Any = None, **_ignored: Any) -> list[dict[str, Any]]:
    """Notes of this run."""
    notes = [one for one in current().containers.notes if note_id in (None, one["id"])]
    return [{"success": True, "message": "", "data": one} for one in notes]


def comment(container: Any = None, comment: Any = None, **_ignored: Any) -> Answer:
    """Leave a comment."""
    return current().containers.comment(container, comment)


def get_tasks(container: Any = None, **_ignored: Any) -> list[dict[str, Any]]:
    """Tasks of workbooks: there are none."""
    return []


def pin(
    container: Any = None, message: Any = None, data: Any = None, pin_type: Any = "card", pin_style: Any = None, name: Any = None,
    **_ignored: Any,
) -> Answered:  # fmt: skip
    """Pin something to the container."""
    return current().containers.pin(message, data, pin_type=pin_type, pin_style=pin_style, name=name)


def update_pin(pin_id: Any = None, message: Any = None, data: Any = None, **_ignored: Any) -> Answer:
    """Change what was pinned."""
    return current().containers.update_pin(pin_id, message=message, data=data)


def delete_pin(pin_id: Any = None, **_ignored: Any) -> Answer:
    """Take it off."""
    return current().containers.delete_pin(pin_id)
