"""Files on the event."""

from __future__ import annotations

from typing import Any

from repertory_classic.playbook import files
from repertory_classic.playbook.state import current

Answered = tuple[bool, str, Any]

def vault_add(
    container: Any = None, file_location: Any = None, file_name: Any = None, metadata: Any = None, **_ignored: Any
) -> Answered:
    """Keep a file."""
    return files.add_file(current().engine, current().scratch, file_location, file_name)


def vault_info(vault_id: Any = None, file_name: Any = None, container_id: Any = None, **_ignored: Any) -> Answered:
    """Files that are kept."""
    found = files.files_of(current().engine, vault_id, file_name)
    return bool(found), "" if found else "there is no such file", found


def vault_delete(vault_id: Any = None, file_name: Any = None, **_ignored: Any) -> Answered:
    """Files on an event stay."""
    return False, "files on an event are not deleted", []


def get_vault_item_info(vault_id: Any = None, get_hashes: Any = None, **_ignored: Any) -> list[dict[str, Any]]:
    """Files that are kept."""
    return files.files_of(current().engine, vault_id)


def get_vault_file(vault_id: Any = None, **_ignored: Any) -> str | None:
    """A playbook's process has no files that it could open."""
    return None


class Vault:
    """The older form."""

    @staticmethod
    def get_vault_tmp_dir() -> str:
        """Where files are put before they are added."""
        return files.PLACES[0]

    @staticmethod
    def create_attachment(content: Any = "", container_id: Any = None, file_name: Any = None, **_ignored: Any) -> dict[str, Any]:
        """Keep a file with this content."""
        path = f"{files.PLACES[0]}/{file_name or 'attachment'}"
        current().scratch.contents[path] = content if isinstance(content, bytes) else str(content).encode()
        good, said, digest = files.add_file(current().engine, current().scratch, path, file_name)
        return {"succeeded": good, "message": said, "hash": digest, "vault_id": digest}

    @staticmethod
    def get_file_info(vault_id: Any = None, file_name: Any = None, container_id: Any = None) -> list[dict[str, Any]]:
        """Files that are kept."""
        return files.files_of(current().engine, vault_id, file_name)
