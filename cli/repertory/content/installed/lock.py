"""``repertory.lock``: exactly what is installed. People commit it, so it is sorted, stable and readable."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from repertory.content.environments.interpreters import python_of
from repertory.content.items.json_lines import JsonFile, JsonProblem, parse_json, place_of
from repertory.errors import UserError
from repertory.home import home_error, write_atomically
from repertory.items import Installed, InstalledSet, Kind
from repertory_sdk.convert import from_json, to_json
from repertory_sdk.errors import ConversionError
from repertory_sdk.manifest import APP_FILE, PLAYBOOK_FILE, AppManifest, PlaybookManifest, load_app, load_playbook

if TYPE_CHECKING:
    from pathlib import Path

    from repertory.home import Home

LOCK_SCHEMA = "urn:repertory:schema:lock:1"
SCHEMA_FAMILY = "urn:repertory:schema:lock:"
FORMS = {
    "name": re.compile(r"[a-z][a-z0-9-]{0,39}/[A-Za-z][A-Za-z0-9_]{0,99}"),
    "hash": re.compile(r"[0-9a-f]{64}"),
    "environment": re.compile(r"([0-9a-f]{64})?"),
    "commit": re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}"),
    "format": re.compile(r"([a-z][a-z0-9_-]{0,39})?"),
}
MEND = "mend it, restore it from Git, or return to what was installed last: repertory rollback"


@dataclass(frozen=True, kw_only=True)
class LockedItem:
    """One installed item: where it came from, what its bytes are, what was agreed to.

    ``name`` is the full name; ``hash`` the content hash; ``environment`` the digest of an app's environment, empty
    without requirements; ``format`` how its files are laid out; ``signer`` who signed the commit, as ``trust.py`` names
    them; ``pinned`` keeps updates away. ``permissions`` are what was agreed to, as sentences, and ``grants`` the same to
    be compared; ``needs`` are ``action NAME`` and ``playbook NAME``.
    """

    name: str
    kind: Kind
    version: str
    url: str
    ref: str = ""
    commit: str
    path: str
    hash: str
    environment: str = ""
    format: str = ""
    signer: str = ""
    pinned: bool = False
    permissions: Sequence[str] = field(default=())
    grants: Sequence[str] = field(default=())
    needs: Sequence[str] = field(default=())


@dataclass(frozen=True, kw_only=True)
class Lock:
    """All installed items by full name."""

    items: Sequence[LockedItem] = field(default=())

    def item(self, name: str) -> LockedItem | None:
        """The item of this full name."""
        return next((item for item in self.items if item.name == name), None)

    def replacing(self, items: Iterable[LockedItem]) -> Lock:
        """The lock with these items in it, whatever it said about them before."""
        merged = {item.name: item for item in [*self.items, *items]}
        return Lock(items=tuple(merged[name] for name in sorted(merged)))

    def without(self, names: Iterable[str]) -> Lock:
        """The lock without these items."""
        gone = set(names)
        return Lock(items=tuple(item for item in self.items if item.name not in gone))


def dump_lock(lock: Lock) -> str:
    """Equal locks give equal bytes, whatever order things were installed in."""
    items = [to_json(item) for item in sorted(lock.items, key=lambda item: item.name)]
    return json.dumps({"$schema": LOCK_SCHEMA, "items": items}, indent=2, ensure_ascii=False) + "\n"


def write_lock_text(home: Home, text: str) -> None:
    """Replace the lock completely or not at all; `generations.py` does it for whoever changes what is installed."""
    try:
        write_atomically(home.lock, text.encode(), mode=0o644)
    except OSError as error:
        raise home_error(home.root, error) from error


def read_lock(home: Home) -> Lock:
    """What is installed; empty where there is no lock. Raises UserError with the line of what is wrong."""
    try:
        content = home.lock.read_bytes()
    except FileNotFoundError:
        return Lock()
    except OSError as error:
        raise UserError(f"cannot read {home.lock}: {error.strerror}") from error
    return parse_lock(content, str(home.lock))


def parse_lock(content: bytes, name: str = "repertory.lock") -> Lock:
    """Read the bytes of a lock; ``name`` is how errors call it."""
    try:
        parsed = parse_json(content.decode("utf-8"))
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UserError(f"{name}:{line}: is not UTF-8", MEND) from None
    except JsonProblem as problem:
        raise UserError(f"{name}:{problem.line}: {problem.message}", MEND) from None
    if not isinstance(parsed.value, dict):
        raise UserError(f"{name}:1: is not a lock", MEND)
    _check_schema(parsed, name)
    try:
        lock: Lock = from_json(Lock, {key: value for key, value in parsed.value.items() if key != "$schema"})
    except ConversionError as error:
        raise UserError(f"{name}:{parsed.line_of(place_of(error.path))}: {error}", MEND) from None
    _check_names(lock, parsed, name)
    return lock


def _check_schema(parsed: JsonFile, name: str) -> None:
    schema = parsed.value.get("$schema")
    if schema == LOCK_SCHEMA:
        return
    line = parsed.line_of(["$schema"])
    if isinstance(schema, str) and schema.startswith(SCHEMA_FAMILY):
        raise UserError(f"{name}:{line}: was written by a newer Repertory ({schema})", "update this one")
    raise UserError(f"{name}:{line}: is not a lock: its $schema must be {LOCK_SCHEMA}", MEND)


def _check_names(lock: Lock, parsed: JsonFile, name: str) -> None:
    """Texts that become paths or commands must have the form that the schema publishes."""
    seen: set[str] = set()
    for index, item in enumerate(lock.items):
        for part, form in FORMS.items():
            if not form.fullmatch(getattr(item, part)):
                line = parsed.line_of(["items", index, part])
                raise UserError(f"{name}:{line}: items[{index}].{part}: {getattr(item, part)!r} cannot be one", MEND)
        if item.name in seen:
            raise UserError(f"{name}:{parsed.line_of(['items', index, 'name'])}: {item.name!r} occurs twice", MEND)
        seen.add(item.name)


# ---------------------------------------------------------------- installed


def installed(home: Home) -> InstalledSet:
    """Everything that is installed, with its manifests."""
    items = [_installed_item(home, item) for item in read_lock(home).items]
    return InstalledSet(
        apps={item.name: item for item in items if item.kind == "app"},
        playbooks={item.name: item for item in items if item.kind == "playbook"},
    )


def _installed_item(home: Home, item: LockedItem) -> Installed:
    folder = home.content(item.hash)
    return Installed(
        name=item.name,
        kind=item.kind,
        version=item.version,
        hash=item.hash,
        folder=folder,
        python=python_of(home, item.environment),
        manifest=read_installed_manifest(item, folder),
        environment=item.environment,
    )


def read_installed_manifest(item: LockedItem, folder: Path) -> AppManifest | PlaybookManifest:
    """The manifest in the folder of an installed item."""
    path = folder / (APP_FILE if item.kind == "app" else PLAYBOOK_FILE)
    try:
        plain = json.loads(path.read_bytes())
        return load_app(plain) if item.kind == "app" else load_playbook(plain)
    except FileNotFoundError:
        hint = "bring everything that the lock names: repertory install --locked"
        raise UserError(f"{item.name} is in the lock, but its files are not on this machine", hint) from None
    except (OSError, ValueError, ConversionError) as error:
        raise UserError(f"{path}: {error}", "bring the locked bytes again: repertory install --locked") from error
