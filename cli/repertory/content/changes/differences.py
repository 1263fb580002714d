"""What an update of an installed item would change: permissions, manifest, dependencies, code."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from repertory.content.changes.offers import Offers
from repertory.content.changes.planning import installed_item, look_at, review_items
from repertory.content.changes.resolution import refuse_broken
from repertory.content.changes.review import ReviewedItem
from repertory.content.checks.requirements import LOCK_FILE
from repertory.content.environments.dependencies import read_dependencies
from repertory.content.installed.contents import content_hash, item_files, walk_files
from repertory.content.installed.lock import LockedItem, read_lock
from repertory.content.items.opening import open_content
from repertory.errors import UserError, counted
from repertory_sdk.manifest import APP_FILE, PLAYBOOK_FILE

if TYPE_CHECKING:
    from repertory.content.offered.catalog import CatalogItem
    from repertory.home import Home

# Comparing takes time that grows with the square of the lines.
MAX_LINES = 5_000
TOLD_OTHERWISE = (APP_FILE, PLAYBOOK_FILE, LOCK_FILE)


@dataclass(frozen=True, kw_only=True)
class FieldChange:
    """One value of the manifest; None where it is not."""

    path: str
    before: Any = None
    after: Any = None


@dataclass(frozen=True, kw_only=True)
class DependencyChange:
    """One package; an empty version means that it is not there. Equal versions have other hashes."""

    name: str
    before: str = ""
    after: str = ""


@dataclass(frozen=True, kw_only=True)
class FileChange:
    """One file. ``diff`` is in the unified form; empty where ``note`` says why."""

    path: str
    change: Literal["added", "removed", "changed"]
    diff: str = ""
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Between an installed item and what was synced. ``review`` is what an update would show.

    ``dropped`` are grants that it would not have any more, ``gained`` all new ones, also those that do no harm.
    """

    before: LockedItem
    review: ReviewedItem
    gained: Sequence[str]
    dropped: Sequence[str]
    fields: Sequence[FieldChange]
    dependencies: Sequence[DependencyChange]
    files: Sequence[FileChange]


def difference(home: Home, name: str) -> Difference:
    """Compare an installed item with what is on offer under its name."""
    lock, offers = read_lock(home), Offers(home)
    before = installed_item(lock, name)
    item = offers.of([before.name]).get(before.name)
    if item is None:
        hint = "sync, or follow its repository again; what is installed goes on working"
        raise UserError(f"{before.name} is not on offer any more", hint)
    refuse_broken([item])
    (review,) = review_items(home, [item], look_at(home, [item]), lock)
    old, new = _installed_files(home, before), _offered_files(home, item)
    return Difference(
        before=before,
        review=review,
        gained=[grant for grant in review.grants if grant not in before.grants],
        dropped=[grant for grant in before.grants if grant not in review.grants],
        fields=[change for file in TOLD_OTHERWISE[:2] for change in field_changes(_plain(old, file), _plain(new, file))],
        dependencies=_dependency_changes(old.get(LOCK_FILE, b""), new.get(LOCK_FILE, b"")),
        files=list(file_changes(old, new)),
    )


def _installed_files(home: Home, item: LockedItem) -> dict[str, bytes]:
    try:
        files = dict(walk_files(home.content(item.hash)))
    except (OSError, UserError):
        files = {}
    if content_hash(files.items()) != item.hash:
        message = f"{item.name}: its files are missing or were changed since it was installed"
        raise UserError(message, "bring them again: repertory install --locked")
    return files


def _offered_files(home: Home, item: CatalogItem) -> dict[str, bytes]:
    with open_content(home.repository(item.repository), item.commit) as tree:
        return item_files(tree, item.folder)


# ------------------------------------------------------------------- manifest


def _plain(files: Mapping[str, bytes], name: str) -> Any:
    return json.loads(files[name]) if name in files else {}


def field_changes(before: Any, after: Any, path: str = "") -> Iterator[FieldChange]:
    """Values that differ, by place; members of a list that have a name are compared by it."""
    old, new = _members(before), _members(after)
    if old is None or new is None:
        if before != after:
            yield FieldChange(path=path, before=before, after=after)
        return
    for key in dict.fromkeys([*old, *new]):
        yield from field_changes(old.get(key), new.get(key), f"{path}.{key}" if path else key)


def _members(value: Any) -> Mapping[str, Any] | None:
    """An object, or a list of named objects as one."""
    if isinstance(value, dict):
        return value
    if isinstance(value, list) and value and all(isinstance(one, dict) and isinstance(one.get("name"), str) for one in value):
        return {one["name"]: one for one in value}
    return None


# --------------------------------------------------------------- dependencies


def _dependency_changes(before: bytes, after: bytes) -> list[DependencyChange]:
    old, new = _packages(before), _packages(after)
    return [
        DependencyChange(name=name, before=_versions(old.get(name)), after=_versions(new.get(name)))
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    ]


def _packages(text: bytes) -> dict[str, list[tuple[str, int]]]:
    found: dict[str, list[tuple[str, int]]] = {}
    for one in read_dependencies(text.decode(errors="replace")):
        found.setdefault(one.name, []).append((one.version, one.hashes))
    return found


def _versions(pins: Sequence[tuple[str, int]] | None) -> str:
    return ", ".join(version for version, _hashes in pins or ())


# ----------------------------------------------------------------------- code


def file_changes(old: Mapping[str, bytes], new: Mapping[str, bytes]) -> Iterator[FileChange]:
    """Files that differ, but for those that are told in other words."""
    for path in sorted(old.keys() | new.keys()):
        before, after = old.get(path), new.get(path)
        if before == after or path in TOLD_OTHERWISE:
            continue
        change: Literal["added", "removed", "changed"] = (
            "added" if before is None else "removed" if after is None else "changed"
        )
        yield _file_change(path, change, before or b"", after or b"")


def _file_change(path: str, change: Literal["added", "removed", "changed"], before: bytes, after: bytes) -> FileChange:
    try:
        texts = [content.decode("utf-8") for content in (before, after)]
    except UnicodeDecodeError:
        return FileChange(path=path, change=change, note=f"not text: {counted(len(before), 'byte')}, then {len(after)}")
    # Only line feeds end a line: what else some editors take for an end would hide code here.
    old, new = (text.split("\n") for text in texts)
    if max(len(old), len(new)) > MAX_LINES:
        return FileChange(path=path, change=change, note=f"too long to compare: {counted(len(old), 'line')}, then {len(new)}")
    lines = difflib.unified_diff(old, new, f"installed/{path}", f"offered/{path}", lineterm="")
    return FileChange(path=path, change=change, diff="\n".join(lines))
