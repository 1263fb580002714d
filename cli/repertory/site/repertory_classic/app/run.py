"""One run of one action: what was asked, and how far it is."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Mapping, Optional

Plain = Dict[str, Any]

# Polls say these also where they found nothing.
_COUNTED = ("containers", "containers_successful", "artifacts", "artifacts_successful")


class Run:
    """Made anew from each request; a connector made before its request has one made from the process's context."""

    def __init__(self, request: Mapping[str, Any], manifest: Plain) -> None:
        self.request = request
        self.manifest = manifest
        config = request.get("config")
        self.config: Plain = config if isinstance(config, dict) else {}
        self.identifier: str = str(request.get("identifier") or "")
        self.action: str = str(request.get("action") or "")
        asset = request.get("asset_id")
        self.asset_id: Optional[str] = None if asset is None else str(asset)
        self.container_id: Optional[int] = request.get("container_id")
        self.parameter: Plain = {}
        self.validators: Dict[str, Optional[Callable[[Any], Any]]] = {}
        self.cancelled = False
        self.state: Any = None
        self.counters: Dict[str, int] = dict.fromkeys(_COUNTED, 0) if self.identifier == "on_poll" else {}

    @property
    def parameters(self) -> List[Plain]:
        """Each a call of ``handle_action``."""
        given = self.request.get("parameters") or [{}]
        return [given] if isinstance(given, dict) else list(given)

    def declared(self, manifest: Mapping[str, Any]) -> Plain:
        """What the manifest says of this action."""
        for action in manifest.get("actions") or ():
            if isinstance(action, dict) and action.get("identifier") == self.identifier:
                return action
        return {}

    def count(self, name: str, more: int = 1) -> None:
        self.counters[name] = self.counters.get(name, 0) + more
