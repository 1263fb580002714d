"""What this process knows before and besides the request that it handles: one app, one action at a time."""

from __future__ import annotations

import json
import os
import sys
from typing import Any, Callable, Dict, Optional

from repertory_classic.app import paths
from repertory_classic.app.store import Store

Plain = Dict[str, Any]


class Context:
    """Constructors of connectors ask for these things before there is a request; hence defaults for all of them.

    ``tell`` gets what is said while an action runs: its kind (``progress``, ``transient``, ``debug``, ``error``) and text.
    ``serve_rest`` starts what answers connectors that call the platform back, and returns its address.
    """

    def __init__(self) -> None:
        self.request: Plain = {}
        self.manifest: Plain = {}
        self.folder = ""
        self.asset_name = ""
        self.store = Store()
        self.tell: Callable[[str, str], None] = _log
        self.serve_rest: Optional[Callable[[], str]] = None
        self._url = ""

    def base_url(self) -> str:
        """With a slash at the end."""
        if not self._url:  # an app may ask while it is loaded, before anybody can answer
            self._url = paths.named_url() or self._served()
        return f"{(self._url or 'https://127.0.0.1').rstrip('/')}/"

    def is_answered(self) -> bool:
        """Whether anybody is at that address."""
        self.base_url()
        return bool(self._url)

    def _served(self) -> str:
        """Nothing where this process may not listen; calls to the platform fail then, and the app says so."""
        try:
            return self.serve_rest() if self.serve_rest else ""
        except OSError as error:
            self.tell("error", f"the platform's interface cannot be offered to this app: {error}")
            return ""

    def config_value(self, name: str) -> Any:
        config = self.request.get("config")
        return config.get(name) if isinstance(config, dict) else None

    def label(self) -> str:
        """The label of containers that bring none."""
        ingest = self.config_value("ingest")
        return str((ingest.get("container_label") if isinstance(ingest, dict) else None) or "events")


def _log(kind: str, text: str) -> None:
    if kind == "error":
        sys.stderr.write(text + "\n")


def shown(tag: Any, dump_object: Any = "") -> str:
    """A line of a log out of anything whatever; never fails."""
    try:
        if isinstance(dump_object, (dict, list)):
            return f"{tag} {json.dumps(dump_object, indent=1, default=str)}"
        return f"{tag} {dump_object}" if dump_object not in ("", None) else str(tag)
    except Exception as error:  # a log that fails would change what an app does
        return f"(cannot be shown: {type(error).__name__})"


def find_manifest(folder: str, module: str) -> Plain:
    """The manifest among an app's JSON files: the first whose main module has this name; ``{}`` without one."""
    try:
        names = sorted(name for name in os.listdir(folder) if name.endswith(".json"))
    except OSError:
        return {}
    for name in names:
        plain = _read(os.path.join(folder, name))
        if isinstance(plain, dict) and _stem(plain.get("main_module")) == module and "appid" in plain:
            return plain
    return {}


def _read(path: str) -> Any:
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError):
        return None


def _stem(main_module: Any) -> str:
    return os.path.splitext(os.path.basename(str(main_module or "")))[0]


def state_folder(appid: str) -> str:
    """With a slash at the end; made when it is asked for."""
    folder = os.path.join(paths.states_folder(), appid)
    os.makedirs(folder, exist_ok=True)
    return folder + "/"


CURRENT = Context()
