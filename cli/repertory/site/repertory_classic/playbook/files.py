"""The vault: files on the event, by their hash; and files on their way there, which are in memory."""

from __future__ import annotations

import base64
import builtins
import io
import os
from typing import Any, Dict

from repertory_classic.playbook.data import Plain
from repertory_classic.playbook.engine import Engine
from repertory_sdk.errors import PlaybookError

PLACES = ("/opt/phantom/vault/tmp", "/vault/tmp")


class Scratch:
    """Where playbooks put files before they add them: a folder that their process does not have, and so in memory."""

    def __init__(self) -> None:
        self.contents: Dict[str, bytes] = {}

    def open(self, file: Any, mode: str = "r", *more: Any, **options: Any) -> Any:
        """In the place of ``open``."""
        path = os.fspath(file) if not isinstance(file, int) else ""
        if not isinstance(path, str) or not path.startswith(PLACES):
            return builtins.open(file, mode, *more, **options)
        kept = self.contents.get(path, b"") if set(mode) & set("ra+") else b""
        if "r" in mode and path not in self.contents:
            raise FileNotFoundError(2, "No such file or directory", path)
        stream = _Kept(self, path, kept)
        if "a" in mode:
            stream.seek(0, io.SEEK_END)
        return stream if "b" in mode else io.TextIOWrapper(stream, encoding=options.get("encoding") or "utf-8", write_through=True)

    def read(self, path: str) -> bytes:
        """The bytes of a file, there or on the disk; raises OSError."""
        if path in self.contents:
            return self.contents[path]
        with builtins.open(path, "rb") as stream:
            return stream.read()


class _Kept(io.BytesIO):
    """Is kept when it is closed."""

    def __init__(self, scratch: Scratch, path: str, content: bytes) -> None:
        super().__init__(content)
        self._scratch = scratch
        self._path = path
        scratch.contents.setdefault(path, content)

    def close(self) -> None:
        if not self.closed:
            self._scratch.contents[self._path] = self.getvalue()
        super().close()


def add_file(engine: Engine, scratch: Scratch, location: Any, name: Any) -> tuple[bool, str, str | None]:
    """Keep a file on the event; its hash."""
    try:
        content = scratch.read(str(location))
        encoded = base64.b64encode(content).decode("ascii")
        kept = engine.record(
            "attach", event=engine.data.container["id"], name=str(name or os.path.basename(str(location))), content=encoded,
            media_type="application/octet-stream",
        )  # fmt: skip
    except (OSError, PlaybookError) as error:
        return False, str(error), None
    return True, "file added", str(kept["sha256"])


def files_of(engine: Engine, vault_id: Any = None, name: Any = None) -> list[Plain]:
    """Files on the event, those of one hash or name if it is given."""
    found = [_item(engine, kept) for kept in engine.record("attachments", event=engine.data.container["id"])]
    found = [one for one in found if vault_id in (None, "", one["vault_id"])]
    return [one for one in found if name in (None, "", one["name"])]


def _item(engine: Engine, kept: Plain) -> Plain:
    digest = kept["sha256"]
    return {
        "id": int(digest[:8], 16), "vault_id": digest, "name": kept["name"], "aka": [kept["name"]], "size": kept["size"],
        "path": "", "container": engine.data.container["name"], "container_id": engine.data.container["id"],
        "mime_type": kept.get("media_type", ""), "contains": [], "create_time": "", "user": "", "hash": digest,
        "metadata": {"sha256": digest, "sha1": "", "md5": "", "contains": []},
    }  # fmt: skip
