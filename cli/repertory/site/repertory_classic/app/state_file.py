"""The state of an asset: the tool keeps it, apps find it in a file, and beside their code what they wrote there."""

from __future__ import annotations

import json
import os
from typing import Any, Dict, Optional

from repertory_classic.app import own_files, paths
from repertory_classic.app.context import state_folder
from repertory_classic.app.loading import LoadedApp

Plain = Dict[str, Any]
FILES = "files beside the code"  # a field of the state that apps do not see


def put(app: LoadedApp, state: Plain) -> None:
    """What the tool remembers, before an action; no file where there is nothing to remember."""
    file = _file(app)
    state = dict(state)
    own_files.put(app.folder, app.shipped, state.pop(FILES, {}))
    if state:
        paths.write_whole(file, json.dumps(state).encode())
    elif os.path.exists(file):
        os.unlink(file)


def taken(app: LoadedApp) -> Optional[Plain]:
    """What an action has left; None if it is not a state."""
    state = _read(_file(app))
    files = own_files.taken(app.folder, app.shipped)
    if not files:
        return state
    return {**(state or {}), FILES: files}


def _read(path: str) -> Optional[Plain]:
    try:
        with open(path, encoding="utf-8") as file:
            state = json.load(file)
    except (OSError, ValueError, RecursionError):
        return None
    return state if isinstance(state, dict) else None


def _file(app: LoadedApp) -> str:
    return f"{state_folder(str(app.manifest.get('appid', '')))}{app.asset_id}_state.json"
