"""An app that tries what it is told to."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Optional

import bombs
import files
import kernel
import lies
import network
import processes
from repertory_sdk import App, Asset, Secret, setting
from trying import outcome_of

MODULES = (bombs, files, kernel, lies, network, processes)
KEPT: list = []
app = App("attacker", version="1.0.0", product="Attacker", vendor="Tests")


@app.asset
class Victim(Asset):
    token: Optional[Secret] = setting("Token", default=None)


@app.action("attempt")
def attempt(asset: Victim, name: str, targets: dict) -> dict:
    return outcome_of(name, targets)


@app.action("keep")
def keep(asset: Victim, mark: str) -> dict:
    """What it can for the next one to find."""
    KEPT.append(asset.token)
    for folder in (tempfile.gettempdir(), "/tmp", "/dev/shm"):
        try:
            Path(folder, mark).write_text(str(asset.token))
        except OSError:
            pass
    return {}


@app.action("recall")
def recall(asset: Victim, mark: str) -> dict:
    """What another asset left."""
    found = []
    for folder in (tempfile.gettempdir(), "/tmp", "/dev/shm"):
        path = Path(folder, mark)
        if path.exists():
            found.append(path.read_text())
    return {"memory": [str(one) for one in KEPT], "files": found}
