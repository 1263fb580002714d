"""What connectors save besides events and evidence: changes of containers, notes, files of other containers than their own.

The tool knows events of an asset by their ``source_id``; what has none cannot be told to it, and is said to be lost.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Tuple

from repertory_classic.app.ingested import severity_of, status_of, texts_of
from repertory_classic.app.store import Store, as_number

Plain = Dict[str, Any]


def changes_of(container: Mapping[str, Any]) -> Tuple[Plain, List[str]]:
    """Changes in the tool's words, and the fields of which it has none."""
    kept: Plain = {}
    left: List[str] = []
    for name, value in container.items():
        if name == "severity":
            kept["severity"] = severity_of(value)
        elif name == "status":
            kept["status"] = status_of(value)
        elif name == "label":
            kept["labels"] = texts_of(value)
        elif name == "tags":
            kept["tags"] = texts_of(value)
        elif name in ("owner", "owner_name"):
            kept["owner"] = str(value or "")
        elif name == "container_type" and value in ("case", "default"):
            kept["case"] = value == "case"
        else:
            left.append(name)
    return kept, left


def beside_in(store: Store, own_event: Optional[int]) -> Plain:
    """``changes`` and ``notes`` of the event that the action is about, the same of others (``elsewhere``), and what is ``lost``."""
    lost: List[str] = []
    of: Dict[int, Plain] = {}
    for number, changed in store.changes.items():
        kept, left = changes_of(changed)
        lost += [f"{name} of {_called(store, number)}" for name in left]
        if kept:
            of.setdefault(number, {"changes": {}, "notes": []})["changes"] = kept
    for note in store.notes:
        number = as_number(note.get("container_id"))
        if number not in store.containers:
            lost.append(f"a note on container {note.get('container_id')}, which nobody here knows")
            continue
        of.setdefault(number, {"changes": {}, "notes": []})["notes"].append(note)
    own = of.pop(own_event or 0, {"changes": {}, "notes": []})
    elsewhere = []
    for number, found in of.items():
        identifier = store.containers[number].get("source_data_identifier")
        if identifier:
            elsewhere.append({"source_id": identifier, **found})
        else:
            lost.append(f"changes of {_called(store, number)}")
    return {**own, "elsewhere": elsewhere, "lost": lost}


def _called(store: Store, number: int) -> str:
    return f"container {number} ({store.containers[number].get('name')})"


def files_in(store: Store, rows: List[Plain], own_event: Optional[int]) -> List[Plain]:
    """Files of other containers than that of the action: which event, and which file."""
    return [
        {
            "source_id": store.containers[row["container_id"]].get("source_data_identifier", ""),
            "name": row["name"], "sha256": row["metadata"]["sha256"], "size": row["size"], "media_type": row["mime_type"],
        }
        for row in rows
        if row["container_id"] != own_event
    ]  # fmt: skip
