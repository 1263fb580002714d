"""The vault: files on the event, by their hash."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from repertory_classic.playbook.data import Plain
from repertory_classic.playbook.engine import Engine
from repertory_sdk.errors import PlaybookError


def add_file(engine: Engine, location: Any, name: Any) -> tuple[bool, str, str | None]:
    """Keep a file on the event; its hash."""
    try:
        content = Path(str(location)).read_bytes()
        encoded = base64.b64encode(content).decode("ascii")
        kept = engine.record(
            "attach", event=engine.data.container["id"], name=str(name or Path(str(location)).name), content=encoded,
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
