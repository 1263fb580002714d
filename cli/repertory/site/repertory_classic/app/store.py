"""Containers, artifacts, lists and notes as far as one process sees them."""

from __future__ import annotations

import copy
import hashlib
import json
import time
import uuid
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

Plain = Dict[str, Any]

CREATED = "Container(s) successfully created"
DUPLICATE = "Duplicate container found"
ARTIFACT_CREATED = "Artifact successfully created"
ARTIFACT_DUPLICATE = "Artifact already exists"
_CONTAINER = {"severity": "medium", "sensitivity": "amber", "status": "new", "description": "", "container_type": "default"}
_ARTIFACT = {"name": "Artifact", "label": "event", "severity": "medium", "type": "", "description": ""}


class Refused(Exception):
    """What was given cannot be kept."""


class Store:
    """Of one action; numbers grow from 1. What is ``new``, changed or a note is what the tool has to be told.

    ``read_lists`` gets all lists, when somebody asks for one.
    """

    def __init__(self, read_lists: Callable[[], Plain] = dict) -> None:
        self.containers: Dict[int, Plain] = {}
        self.artifacts: Dict[int, Plain] = {}
        self._lists: Optional[Dict[str, List[List[Any]]]] = None
        self._read_lists = read_lists
        self.notes: List[Plain] = []
        self.new_containers: List[int] = []
        self.new_artifacts: List[int] = []
        self.changed_lists: Dict[str, None] = {}
        self.changes: Dict[int, Plain] = {}

    # ------------------------------------------------------------- containers

    def know(self, container: Mapping[str, Any]) -> None:
        """A container from elsewhere, under its own number."""
        number = int(container["id"])
        self.containers[number] = {**self.containers.get(number, {}), **container, "id": number}

    def add_container(self, container: Any, defaults: Mapping[str, Any]) -> Tuple[bool, int]:
        """Whether it is new, and its number; its ``artifacts`` are not looked at. Raises Refused."""
        kept = _plain(container, "container")
        kept.pop("artifacts", None)
        if not kept.get("source_data_identifier"):
            kept["source_data_identifier"] = str(uuid.uuid4())
        kept["source_data_identifier"] = str(kept["source_data_identifier"])
        known = self.find_container(kept["source_data_identifier"], kept.get("asset_id") or defaults.get("asset_id"))
        if known is not None:
            return False, known
        for name, value in {**_CONTAINER, **defaults}.items():
            if kept.get(name) is None:
                kept[name] = value
        number = max(self.containers, default=0) + 1
        name = kept.get("name") or f"Container {kept['source_data_identifier']}"
        self.containers[number] = {**kept, "name": name, "id": number, "create_time": now()}
        self.new_containers.append(number)
        return True, number

    def change_container(self, number: int, changes: Mapping[str, Any]) -> None:
        kept = {name: value for name, value in _plain(changes, "container").items() if name not in ("id", "artifacts")}
        self.containers[number].update(kept)
        if number not in self.new_containers:
            self.changes.setdefault(number, {}).update(kept)

    def find_container(self, identifier: str, asset: Any) -> Optional[int]:
        for number, container in self.containers.items():
            if container.get("source_data_identifier") == identifier and str(container.get("asset_id")) == str(asset):
                return number
        return None

    def container(self, number: Any) -> Optional[Plain]:
        """A copy with its count of artifacts; None where there is none."""
        found = self.containers.get(as_number(number))
        if found is None:
            return None
        count = sum(1 for artifact in self.artifacts.values() if artifact["container_id"] == found["id"])
        return {**copy.deepcopy(found), "artifact_count": max(count, found.get("artifact_count") or 0)}

    # ------------------------------------------------------------- artifacts

    def add_artifact(self, artifact: Any, defaults: Mapping[str, Any], *, last: bool = True) -> Tuple[bool, int]:
        """Whether it is new, and its number. Raises Refused."""
        kept = _plain(artifact, "artifact")
        number = as_number(kept.get("container_id", kept.get("container")))
        if number not in self.containers:
            raise Refused(f"there is no container {kept.get('container_id')!r}")
        kept["container_id"] = number
        for name, value in {**_ARTIFACT, **defaults}.items():
            if kept.get(name) is None:
                kept[name] = value
        kept["cef"] = kept.get("cef") or {}
        identity = _identity(kept)
        for each in self.artifacts.values():
            if each["container_id"] == number and _identity(each) == identity:
                return False, int(each["id"])
        if kept.get("run_automation") is None:
            kept["run_automation"] = last
        own = max(self.artifacts, default=0) + 1
        self.artifacts[own] = {**kept, "id": own, "create_time": now()}
        self.new_artifacts.append(own)
        return True, own

    def drop_artifact(self, number: Any) -> bool:
        own = as_number(number)
        if own in self.new_artifacts:
            self.new_artifacts.remove(own)
        return self.artifacts.pop(own, None) is not None

    # ------------------------------------------------------------- lists

    @property
    def lists(self) -> Dict[str, List[List[Any]]]:
        if self._lists is None:
            self._lists = {str(name): [list(row) for row in rows] for name, rows in self._read_lists().items()}
        return self._lists

    def set_list(self, name: str, rows: Any) -> None:
        self.lists[name] = [list(row) if isinstance(row, (list, tuple)) else [row] for row in rows or ()]
        self.changed_lists[name] = None


def now() -> str:
    """The time as the platform writes it."""
    return moment(time.time())


def moment(seconds: float) -> str:
    """A time since the epoch as the platform writes it."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + ".000000Z"


def as_number(value: Any) -> int:
    """-1, which nothing has, for what is no number."""
    try:
        return int(value)
    except (TypeError, ValueError):
        return -1


def _plain(given: Any, what: str) -> Plain:
    """A copy that JSON can say, so that one bad record stops nobody else."""
    if not isinstance(given, Mapping):
        raise Refused(f"the {what} is not a dictionary")
    try:
        return dict(json.loads(json.dumps(given)))
    except (TypeError, ValueError, RecursionError) as error:
        raise Refused(f"the {what} cannot be written as JSON: {error}") from error


def _identity(artifact: Plain) -> str:
    if artifact.get("source_data_identifier"):
        return f"id {artifact['source_data_identifier']}"
    parts = [artifact.get(name) for name in ("cef", "name", "label", "type", "data")]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
