"""What connectors take from ``phantom.rules``: the vault, and a few functions of playbooks."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Tuple

from phantom.vault import Vault, get_vault_tmp_dir, vault_add, vault_delete, vault_info

from repertory_classic.app.context import CURRENT

Plain = Dict[str, Any]
Rows = List[List[Any]]

__all__ = [
    "Vault", "add_list", "add_note", "delete_artifact", "delete_from_list", "get_container", "get_list",
    "get_vault_tmp_dir", "set_list", "vault_add", "vault_delete", "vault_info",
]  # fmt: skip


def get_list(list_name: str) -> Tuple[bool, str, Rows]:
    rows = CURRENT.store.lists.get(list_name)
    return (False, f"there is no list {list_name}", []) if rows is None else (True, "success", rows)


def set_list(list_name: str, values: Any) -> Tuple[bool, str]:
    CURRENT.store.set_list(list_name, values)
    return True, "success"


def add_list(list_name: str, values: Any) -> Tuple[bool, str]:
    """One row more; the list is made if there is none."""
    CURRENT.store.set_list(list_name, [*CURRENT.store.lists.get(list_name, []), values])
    return True, "success"


def delete_from_list(
    list_name: str, value: Any, column: Optional[int] = None, remove_all: bool = False, remove_row: bool = False
) -> Tuple[bool, str]:
    """Rows with this value go, or with ``remove_row`` unset its cells become empty; the first one or all."""
    rows = CURRENT.store.lists.get(list_name)
    if rows is None:
        return False, f"there is no list {list_name}"
    left: Rows = []
    found = 0
    for row in rows:
        places = [place for place, cell in enumerate(row) if cell == value and column in (None, place)]
        if not places or (found and not remove_all):
            left.append(row)
            continue
        found += 1
        if not remove_row:
            left.append([None if place in places else cell for place, cell in enumerate(row)])
    CURRENT.store.set_list(list_name, left)
    return (True, "success") if found else (False, f"{value!r} is not in the list {list_name}")


def add_note(
    container: Any = None,
    note_type: str = "general",
    title: str = "",
    content: str = "",
    note_format: str = "markdown",
    artifact_id: Any = None,
    **more: Any,
) -> Tuple[bool, str, Optional[int]]:
    notes = CURRENT.store.notes
    meant = CURRENT.request.get("container_id") if container is None else container
    number = meant.get("id") if isinstance(meant, dict) else meant
    notes.append({
        "id": len(notes) + 1, "container_id": number, "note_type": note_type, "title": title, "content": content,
        "note_format": note_format, "artifact_id": artifact_id,
    })  # fmt: skip
    return True, "success", len(notes)


def get_container(container_id: Any) -> Plain:
    return CURRENT.store.container(container_id) or {}


def delete_artifact(artifact_id: Any) -> bool:
    return CURRENT.store.drop_artifact(artifact_id)
