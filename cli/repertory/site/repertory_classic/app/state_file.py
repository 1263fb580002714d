"""The state of an asset: the tool keeps it, apps find it in a file."""

from __future__ import annotations

import json
import os
from typing import Any, Dict, Optional

from repertory_classic.app import paths
from repertory_classic.app.context import state_folder
from repertory_classic.app.loading import LoadedApp

Plain = Dict[str, Any]


def put(app: LoadedApp, state: Plain) -> None:
    """What the tool remembers, before an action; no file where there is nothing to remember."""
    file = _file(app)
    if state:
        paths.write_whole(file, json.dumps(state).encode())
    elif os.path.exists(file):
        os.unlink(file)


def taken(app: LoadedApp) -> Optional[Plain]:
    """What an action has left; None if it is not a state."""
    try:
        with open(_file(app), encoding="utf-8") as file:
            state = json.load(file)
    except (OSError, ValueError, RecursionError):
        return None
    return state if isinstance(state, dict) else None


def _file(app: LoadedApp) -> str:
    return f"{state_folder(str(app.manifest.get('appid', '')))}{app.asset_id}_state.json"
