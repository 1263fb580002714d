"""The files of containers: added, looked up, deleted."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Tuple

from repertory_classic.app import paths
from repertory_classic.app.context import CURRENT
from repertory_classic.app.vault_rows import ROWS, Refused

Plain = Dict[str, Any]


def vault_add(
    container: Any = None, file_location: Any = None, file_name: Any = None, metadata: Any = None, trace: bool = False
) -> Tuple[bool, str, Optional[str]]:
    """(whether, message, vault id); the file is moved. Without a container, the one of the action is meant."""
    try:
        row = ROWS.add(file_location, _meant(container), file_name, metadata)
    except (Refused, OSError) as error:
        return False, str(error), None
    return True, "the file is in the vault already" if row.get("known") else "success", row["vault_id"]


def vault_info(
    vault_id: Any = None,
    file_name: Any = None,
    container_id: Any = None,
    trace: bool = False,
    download_file: bool = True,
) -> Tuple[bool, str, List[Plain]]:
    """(whether, message, rows): files that have everything that was given."""
    if vault_id is None and file_name is None and container_id is None:
        return True, "", []
    found = ROWS.find(vault_id, file_name, container_id)
    wanted = vault_id or file_name or f"container {container_id}"
    return (True, "success", found) if found else (False, f"there is no file {wanted} in the vault", [])


def vault_delete(
    vault_id: Any = None,
    file_name: Any = None,
    container_id: Any = None,
    remove_all: bool = False,
    trace: bool = False,
) -> Tuple[bool, str, List[str]]:
    """(whether, message, names); several files only if all are meant."""
    _, message, found = vault_info(vault_id, file_name, container_id)
    if not found:
        return False, message or "nothing was named", []
    if len(found) > 1 and not remove_all:
        return False, f"{len(found)} files are meant; say remove_all", []
    ROWS.drop(found)
    return True, "success", [row["name"] for row in found]


def get_vault_tmp_dir() -> str:
    return paths.vault_tmp_folder()


def create_attachment(file_contents: Any, container_id: Any, file_name: Any = None, metadata: Any = None) -> Plain:
    """Keep a text or bytes as a file."""
    content = file_contents.encode("utf-8") if isinstance(file_contents, str) else bytes(file_contents)
    try:
        return _answer(ROWS.keep(content, _meant(container_id), str(file_name or "attachment"), metadata))
    except (Refused, OSError) as error:
        return _failure(error)


def add_attachment(file_location: Any, container_id: Any, file_name: Any = None, metadata: Any = None) -> Plain:
    """Keep a file, which is moved."""
    try:
        return _answer(ROWS.add(file_location, _meant(container_id), file_name, metadata))
    except (Refused, OSError) as error:
        return _failure(error)


def get_file_info(vault_id: Any = None, file_name: Any = None, container_id: Any = None) -> List[Plain]:
    return vault_info(vault_id, file_name, container_id)[2]


def get_file_path(vault_id: Any) -> Optional[str]:
    found = ROWS.find(vault_id) if vault_id else []
    return str(found[0]["path"]) if found else None


def _meant(container: Any) -> Any:
    return CURRENT.request.get("container_id") if container is None else container


def _failure(error: Exception) -> Plain:
    return {"succeeded": False, "failed": True, "message": str(error)}


def _answer(row: Plain) -> Plain:
    return {
        "succeeded": True,
        "message": "success",
        "hash": row["vault_id"],
        "vault_id": row["vault_id"],
        "container": row["container_id"],
        "size": row["size"],
        "id": row["id"],
        "created_via": "automation",
    }


class Vault:
    """The same functions, as apps of all ages call them."""

    get_vault_tmp_dir = staticmethod(get_vault_tmp_dir)
    create_attachment = staticmethod(create_attachment)
    add_attachment = staticmethod(add_attachment)
    get_file_info = staticmethod(get_file_info)
    get_file_path = staticmethod(get_file_path)
    vault_add = staticmethod(vault_add)
    vault_info = staticmethod(vault_info)
    vault_delete = staticmethod(vault_delete)
