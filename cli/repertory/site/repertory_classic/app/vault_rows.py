"""Files of events as the vault shows them: by the SHA-1 of their content, in a folder."""

from __future__ import annotations

import hashlib
import mimetypes
import os
import shutil
from typing import Any, Callable, Dict, List, Mapping, Optional

from repertory_classic.app import paths
from repertory_classic.app.context import CURRENT
from repertory_classic.app.store import as_number, now

Plain = Dict[str, Any]
_BYTES_OF_A_FILE = 20 * 1024 * 1024


class Refused(Exception):
    """The file cannot be kept; the message says why."""


class Rows:
    """One row for each content, container and name.

    ``attach`` tells the tool of a file (container, name, content, media type); ``read`` fetches one from it by its SHA-256.
    """

    def __init__(self) -> None:
        self.rows: List[Plain] = []
        self.attach: Callable[[int, str, bytes, str], None] = lambda container, name, content, media_type: None
        self.read: Optional[Callable[[str], bytes]] = None
        self._number = 0

    def know(self, container: int, attachments: List[Mapping[str, Any]]) -> None:
        """Files of the event that an action is about; their contents are fetched when somebody looks at them."""
        self.rows = [row for row in self.rows if row["container_id"] != container]
        for attachment in attachments:
            self._number += 1
            sha1 = str(attachment.get("sha1") or "")
            self.rows.append(
                self._row(container, str(attachment["name"]), sha1, str(attachment["sha256"]), int(attachment["size"]))
            )

    def add(self, location: Any, container: Any, name: Any = None, metadata: Any = None) -> Plain:
        """Move a file into the vault; its row. Raises Refused."""
        if not location or not os.path.isfile(str(location)):
            raise Refused(f"there is no file {location}")
        with open(str(location), "rb") as file:
            content = file.read(_BYTES_OF_A_FILE + 1)
        row = self.keep(content, container, str(name or os.path.basename(str(location))), metadata)
        if os.path.realpath(str(location)) != os.path.realpath(row["path"]):
            os.unlink(str(location))
        return row

    def keep(self, content: bytes, container: Any, name: str, metadata: Any = None) -> Plain:
        """Put a content into the vault; its row, with ``known`` if it was there already. Raises Refused."""
        number = as_number(container.get("id") if isinstance(container, dict) else container)
        if number not in CURRENT.store.containers:
            raise Refused(f"there is no container {container!r} to keep a file in")
        if len(content) > _BYTES_OF_A_FILE:
            raise Refused(f"{name}: a file may have at most {_BYTES_OF_A_FILE} bytes")
        sha1 = hashlib.sha1(content, usedforsecurity=False).hexdigest()
        for row in self.rows:
            if (row["vault_id"], row["container_id"], row["name"]) == (sha1, number, name):
                return {**row, "known": True}
        paths.write_whole(os.path.join(paths.vault_folder(), sha1), content, 0o660)
        self._number += 1
        row = self._row(number, name, sha1, hashlib.sha256(content).hexdigest(), len(content))
        row["metadata"].update(md5=hashlib.md5(content, usedforsecurity=False).hexdigest())
        if isinstance(metadata, dict):
            row["metadata"].update({key: value for key, value in metadata.items() if key not in row["metadata"]})
            row["contains"] = list(metadata.get("contains") or ())
            row["metadata"]["contains"] = row["contains"]
        self.rows.append(row)
        self.attach(number, name, content, row["mime_type"])
        return row

    def find(self, vault_id: Any = None, name: Any = None, container: Any = None) -> List[Plain]:
        """Rows that have all of what is given; their contents are in the folder afterwards."""
        wanted = str(vault_id).lower() if vault_id else ""
        number = container.get("id") if isinstance(container, dict) else container
        found = []
        for row in self.rows:
            if number is not None and row["container_id"] != as_number(number):
                continue
            if name and row["name"] != name:
                continue
            self._fetch(row, wanted)
            if wanted in ("", row["vault_id"], row["metadata"]["sha256"]):
                found.append({**row, "aka": self._names(row["vault_id"]), "container": self._title(row["container_id"])})
        return found

    def drop(self, rows: List[Plain]) -> None:
        """Of this process only: what an event has been given stays on it."""
        numbers = {row["id"] for row in rows}
        self.rows = [row for row in self.rows if row["id"] not in numbers]
        for row in rows:
            if not any(each["vault_id"] == row["vault_id"] for each in self.rows) and os.path.exists(row["path"]):
                os.unlink(row["path"])

    def _fetch(self, row: Plain, wanted: str) -> None:
        """Get the content of a file that nobody looked at yet, unless it is known to be another one."""
        others = wanted not in ("", row["metadata"]["sha256"], row["vault_id"]) and row["vault_id"]
        if self.read is None or others or (row["vault_id"] and os.path.exists(row["path"])):
            return
        content = self.read(row["metadata"]["sha256"])
        sha1 = hashlib.sha1(content, usedforsecurity=False).hexdigest()
        path = os.path.join(paths.vault_folder(), sha1)
        paths.write_whole(path, content, 0o660)
        row.update(vault_id=sha1, hash=sha1, path=path)
        row["metadata"].update(sha1=sha1, md5=hashlib.md5(content, usedforsecurity=False).hexdigest())

    def _names(self, vault_id: str) -> List[str]:
        return sorted({row["name"] for row in self.rows if row["vault_id"] == vault_id})

    @staticmethod
    def _title(container: int) -> str:
        return str(CURRENT.store.containers.get(container, {}).get("name", ""))

    def _row(self, container: int, name: str, sha1: str, sha256: str, size: int) -> Plain:
        return {
            "id": self._number, "name": name, "path": os.path.join(paths.vault_folder(), sha1), "size": size,
            "vault_id": sha1, "hash": sha1, "container_id": container, "container": "", "contains": [], "aka": [name],
            "metadata": {"sha1": sha1, "sha256": sha256, "md5": "", "size": size, "contains": []},
            "mime_type": mimetypes.guess_type(name)[0] or "application/octet-stream", "user": "automation",
            "create_time": now(), "created_via": "automation", "vault_document": self._number, "task": "",
            "es_attachment_id": None,
        }  # fmt: skip


ROWS = Rows()


def clear_tmp() -> None:
    """What the action before has left where files stand before they are added."""
    shutil.rmtree(paths.vault_tmp_folder(), ignore_errors=True)
    paths.vault_tmp_folder()
