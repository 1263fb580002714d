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
    return files.add_file(current().engine, file_location, file_name)


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
    def get_file_info(vault_id: Any = None, file_name: Any = None, container_id: Any = None) -> list[dict[str, Any]]:
        """Files that are kept."""
        return files.files_of(current().engine, vault_id, file_name)
