"""An app in versions: what its author changes from one to the next."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from content.builders import APP, APP_CODE, Repository

BLOCK: dict[str, Any] = {
    "name": "block ip",
    "function": "block_ip",
    "type": "contain",
    "parameters": [{"name": "ip", "schema": {"type": "string"}, "required": True}],
}
BLOCK_CODE = '''

@app.action("block ip", type="contain")
def block_ip(lists: Lists, ip: str = param("Address")) -> None:
    """Block an address."""
'''


def publish(
    repository: Repository,
    version: str,
    *,
    blocks: bool = False,
    hosts: Sequence[str] = (),
    requires: Sequence[str] = (),
    note: str = "",
    **more: Any,
) -> str:
    """Commit a version of the app; ``blocks`` gives it an action that changes things, ``note`` is a comment in its code."""
    said = {"hosts": list(hosts), "requires": list(requires)}
    words = [f"{name}={value!r}" for name, value in said.items() if value]
    code = APP_CODE.replace('version="1.0.0"', ", ".join([f'version="{version}"', *words]))
    code += BLOCK_CODE if blocks else ""
    code += f"# {note}\n" if note else ""
    manifest = APP | {"version": version, "actions": [*APP["actions"], *([BLOCK] if blocks else [])], **more}
    if requires:
        manifest["requires"] = list(requires)
    if hosts:
        manifest["permissions"] = {"hosts": list(hosts)}
    repository.write({"apps/blocklist/app.json": json.dumps(manifest, indent=2), "apps/blocklist/app.py": code})
    return repository.commit()
