"""What an item says about itself, as static data: ``app.json`` and ``playbook.json``.

The author's tool makes these records from code (``describe.py``); everybody else only ever reads the JSON.
Their form is published as ``schemas/app.schema.json`` and ``schemas/playbook.schema.json``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Optional, Union

from repertory_sdk.convert import JsonObject, from_json, to_json

APP_FILE = "app.json"
PLAYBOOK_FILE = "playbook.json"
APP_SCHEMA = "urn:repertory:schema:app:1"
PLAYBOOK_SCHEMA = "urn:repertory:schema:playbook:1"
ON_POLL = "on poll"
ANY = "*"
TEST_CONNECTIVITY = "test connectivity"


@dataclass(frozen=True)
class Parameter:
    """A parameter of an action or an input of a playbook.

    ``schema`` is a JSON Schema fragment (type, items, enum, minimum, maximum). ``contains`` are the semantic types
    of its values (``ip``, ``domain``, ``url``, ``hash``, ``email``, ``file name`` …).
    """

    name: str
    schema: Mapping[str, Any]
    description: str = ""
    required: bool = True
    default: Any = None
    contains: Sequence[str] = ()

    @property
    def takes_list(self) -> bool:
        """Whether a list is one value of this parameter, rather than many values."""
        return bool(self.schema.get("type", "array") == "array")


@dataclass(frozen=True)
class Setting:
    """One setting of an app's assets. A secret one is stored apart and never shown."""

    name: str
    schema: Mapping[str, Any]
    description: str = ""
    required: bool = True
    default: Any = None
    secret: bool = False


@dataclass(frozen=True)
class DataPath:
    """One documented place in an action's data rows: ``verdict``, ``records[].address``; ``examples`` are values found there."""

    path: str
    schema: Mapping[str, Any] = field(default_factory=dict)
    description: str = ""
    contains: Sequence[str] = ()
    examples: Sequence[Any] = ()


@dataclass(frozen=True)
class ActionManifest:
    """One action. ``check`` and ``undo`` name other actions of the same app; ``timeout_s`` is in seconds.

    ``outputs`` are places in its rows, ``summary`` places in what it says of all of them.
    """

    name: str
    type: str
    function: str = ""
    description: str = ""
    read_only: bool = False
    idempotent: bool = False
    undo: Optional[str] = None
    check: Optional[str] = None
    timeout_s: float = 60.0
    parameters: Sequence[Parameter] = ()
    outputs: Sequence[DataPath] = ()
    summary: Sequence[DataPath] = ()

    @property
    def repeatable(self) -> bool:
        """Whether doing it twice does no harm."""
        return self.read_only or self.idempotent


@dataclass(frozen=True)
class Permissions:
    """What an app needs to reach, as patterns that may name settings (``${asset.server}``).

    ``hosts`` are ``host:port`` (``:port/udp`` for UDP; ``*.example.com``, ``*``, ranges such as ``192.0.2.0/24``), ``lookups``
    are names whose DNS records are asked for (``*``, ``*.example.com``), ``files`` are paths to read, ``programs`` are child
    programs, ``memory_mb`` is how much address space it needs, in megabytes, where 2048 are not enough.
    """

    hosts: Sequence[str] = ()
    lookups: Sequence[str] = ()
    files: Sequence[str] = ()
    programs: Sequence[str] = ()
    memory_mb: Optional[int] = None


@dataclass(frozen=True)
class AppManifest:
    """An app. ``requires`` are its Python requirements; their locked form is the file ``requirements.lock``.

    ``format`` is ``native``, or ``classic`` where the manifest was derived from a file of that form, ``origin``.
    """

    name: str
    version: str
    summary: str = ""
    product: str = ""
    vendor: str = ""
    license: str = ""
    homepage: str = ""
    main: str = "app.py"
    python: str = ">=3.9"
    requires: Sequence[str] = ()
    concurrency: int = 4
    permissions: Permissions = field(default_factory=Permissions)
    settings: Sequence[Setting] = ()
    actions: Sequence[ActionManifest] = ()
    format: str = "native"
    origin: str = ""

    def action(self, name: str) -> Optional[ActionManifest]:
        """The action of this name."""
        return next((action for action in self.actions if action.name == name), None)


@dataclass(frozen=True)
class PlaybookManifest:
    """A playbook. ``actions`` and ``playbooks`` are all that it may ask for. ``format`` and ``origin``: as of an app.

    ``outputs`` are what a classic custom function documents of what it returns; nothing else has them.
    ``tags`` are words by which other playbooks look for it. ``*`` among ``playbooks`` stands for any that is installed.
    """

    name: str
    version: str
    summary: str = ""
    license: str = ""
    homepage: str = ""
    main: str = "playbook.py"
    function: str = ""
    labels: Sequence[str] = ()
    inputs: Sequence[Parameter] = ()
    outputs: Sequence[DataPath] = ()
    actions: Sequence[str] = ()
    playbooks: Sequence[str] = ()
    tags: Sequence[str] = ()
    format: str = "native"
    origin: str = ""

    @property
    def named_playbooks(self) -> Sequence[str]:
        """Those of ``playbooks`` that are called by their names."""
        return [name for name in self.playbooks if name != ANY]


Manifest = Union[AppManifest, PlaybookManifest]


def dump_manifest(manifest: Manifest) -> str:
    """The text of ``app.json`` or ``playbook.json``; equal manifests give equal bytes."""
    schema = APP_SCHEMA if isinstance(manifest, AppManifest) else PLAYBOOK_SCHEMA
    plain = {"$schema": schema, **_without_defaults(to_json(manifest))}
    if manifest.format == "native":
        del plain["format"]
    return json.dumps(plain, indent=2, ensure_ascii=False) + "\n"


def load_app(plain: Mapping[str, Any]) -> AppManifest:
    """Read an app's manifest; raises ConversionError naming the place."""
    return from_json(AppManifest, _content(plain))  # type: ignore[no-any-return]


def load_playbook(plain: Mapping[str, Any]) -> PlaybookManifest:
    """Read a playbook's manifest; raises ConversionError naming the place."""
    return from_json(PlaybookManifest, _content(plain))  # type: ignore[no-any-return]


def _content(plain: Mapping[str, Any]) -> JsonObject:
    return {key: value for key, value in plain.items() if key != "$schema"}


def _without_defaults(plain: JsonObject) -> JsonObject:
    """Drop what says nothing: empty texts, lists and objects, and absent links."""
    kept: JsonObject = {}
    for key, given in plain.items():
        value = given
        if isinstance(given, list):
            value = [_without_defaults(item) if isinstance(item, dict) else item for item in given]
        elif isinstance(given, dict) and key not in ("schema", "default"):
            value = _without_defaults(given)
        if key in ("default", "required", "schema") or value not in ("", [], {}, None):
            kept[key] = value
    if kept.get("default", 0) is None:
        del kept["default"]
    return kept
