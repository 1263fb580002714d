"""A community item made one's own: copied into a repository of the user's, and merged with upstream later.

``upstream.json`` in the copy says what it was made from. Three versions of a file are merged: the one the copy began with,
the user's, and the one that was synced last. Sync itself never touches a copy.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from repertory.content.git import commits as git
from repertory.content.git.paths import TreeLimits
from repertory.content.git.process import run
from repertory.content.git.sources import Source
from repertory.content.git.tree import FolderTree
from repertory.content.installed.contents import export, is_intact, item_files, walk_files
from repertory.content.offered.catalog import CatalogItem, find_item
from repertory.errors import UserError
from repertory.home import Home, home_error, write_atomically
from repertory_sdk.convert import from_json, to_json
from repertory_sdk.errors import ConversionError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

UPSTREAM_FILE = "upstream.json"
UPSTREAM_SCHEMA = "urn:repertory:schema:upstream:1"

Change = Literal["added", "changed", "removed", "merged", "conflict", "kept"]


@dataclass(frozen=True, kw_only=True)
class Upstream:
    """What a copy was made from, or last merged with. ``name`` is the item's full name, ``hash`` its content hash."""

    name: str
    url: str
    ref: str
    commit: str
    path: str
    version: str
    hash: str


@dataclass(frozen=True, kw_only=True)
class Fork:
    """A fresh copy."""

    folder: Path
    upstream: Upstream
    files: int


@dataclass(frozen=True, kw_only=True)
class MergedFile:
    """What upstream's changes mean for one file; ``content`` None removes it."""

    path: str
    change: Change
    content: bytes | None


@dataclass(frozen=True, kw_only=True)
class Merge:
    """Upstream's changes since the copy was made, file by file; those that change nothing here are left out."""

    folder: Path
    before: Upstream
    after: Upstream
    files: Sequence[MergedFile]

    @property
    def conflicts(self) -> list[str]:
        """Files that both sides changed at the same place."""
        return [file.path for file in self.files if file.change == "conflict"]


# -------------------------------------------------------------------- forking


def fork(home: Home, name: str, target: Path) -> Fork:
    """Copy an item, as synced, to the same place in another repository's folder."""
    item = find_item(home, name)
    if not target.is_dir():
        raise UserError(f"{target} is not a folder", "name the folder of a repository of your own (git init makes one)")
    folder = target / (item.folder or item.name)
    if folder.exists():
        raise UserError(f"{folder} exists already", f"`repertory merge {folder}` brings upstream's changes into it")
    files, upstream = _as_synced(home, item)
    try:
        for path, content in files.items():
            _write(folder / path, content)
        _write_upstream(folder, upstream)
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise home_error(folder, error) from error
    return Fork(folder=folder, upstream=upstream, files=len(files))


def _as_synced(home: Home, item: CatalogItem) -> tuple[dict[str, bytes], Upstream]:
    """An item's files; its bytes are also kept in our store, as the base of a later merge."""
    with git.open_tree(home.repository(item.repository), item.commit) as tree:
        files = item_files(tree, item.folder)
        digest = export(home, tree, item.folder)
    upstream = Upstream(
        name=item.full_name, url=item.url, ref=item.ref, commit=item.commit, path=item.folder, version=item.version,
        hash=digest,
    )  # fmt: skip
    return files, upstream


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _write_upstream(folder: Path, upstream: Upstream) -> None:
    text = json.dumps({"$schema": UPSTREAM_SCHEMA, **to_json(upstream)}, indent=2, ensure_ascii=False) + "\n"
    write_atomically(folder / UPSTREAM_FILE, text.encode(), mode=0o644)


def read_upstream(folder: Path) -> Upstream:
    """What a copy was made from."""
    path = folder / UPSTREAM_FILE
    try:
        plain = json.loads(path.read_bytes())
        found: Upstream = from_json(Upstream, {key: value for key, value in plain.items() if key != "$schema"})
    except FileNotFoundError:
        raise UserError(f"{folder} was not made by `repertory fork`", f"it has no {UPSTREAM_FILE}") from None
    except (OSError, ValueError, AttributeError, RecursionError, ConversionError) as error:
        raise UserError(f"{path}: {error}", "restore it from your own Git history") from error
    return found


# -------------------------------------------------------------------- merging


def plan_merge(home: Home, folder: Path, *, helper: str = "") -> Merge:
    """What upstream changed since, and how it fits with what was changed here; nothing is written.

    ``helper`` is Git's credential helper for https.
    """
    before = read_upstream(folder)
    theirs, after = _as_synced(home, find_item(home, before.name))
    base = _base(home, before, helper)
    ours = _own_files(folder)
    files = [
        _merge_one(path, base.get(path), ours.get(path), theirs.get(path))
        for path in sorted({*base, *theirs})
        if base.get(path) != theirs.get(path)
    ]
    return Merge(
        folder=folder, before=before, after=after, files=[file for file in files if file.change != "kept"]
    )


def _base(home: Home, before: Upstream, helper: str) -> dict[str, bytes]:
    """The files the copy began with, from our store or from upstream's history."""
    stored = home.content(before.hash)
    if not is_intact(stored, before.hash):
        bare = home.repository(before.name.partition("/")[0])
        commit = git.fetch(bare, Source(url=before.url, ref=before.commit), helper=helper, bytes_are_known=True)
        with git.open_tree(bare, commit) as tree:
            digest = export(home, tree, before.path)
        if digest != before.hash:
            raise UserError(f"{before.name}: commit {before.commit[:12]} holds other bytes than {UPSTREAM_FILE} names")
    return dict(walk_files(stored))


def _own_files(folder: Path) -> dict[str, bytes]:
    tree = FolderTree(folder, TreeLimits())
    return {path: tree.read(path) for path in tree.files if path != UPSTREAM_FILE}


def _merge_one(path: str, base: bytes | None, ours: bytes | None, theirs: bytes | None) -> MergedFile:
    """Upstream's change of one file, where nobody here touched it; else a three-way merge."""
    if ours == theirs:
        return MergedFile(path=path, change="kept", content=ours)
    if ours == base:
        change: Change = "removed" if theirs is None else "added" if base is None else "changed"
        return MergedFile(path=path, change=change, content=theirs)
    if ours is None or theirs is None:  # one side removed what the other changed: a person has to look
        return MergedFile(path=path, change="conflict", content=ours if ours is not None else theirs)
    return _merge_texts(path, base or b"", ours, theirs)


def _merge_texts(path: str, base: bytes, ours: bytes, theirs: bytes) -> MergedFile:
    """By ``git merge-file``; its exit status is the number of conflicts."""
    with tempfile.TemporaryDirectory(prefix="repertory-merge-") as name:
        places = [Path(name) / part for part in ("yours", "before", "upstream")]
        for place, content in zip(places, (ours, base, theirs), strict=True):
            place.write_bytes(content)
        labels = ["-L", "yours", "-L", "before", "-L", "upstream"]
        status, merged, _complaint = run(["merge-file", "-p", "--diff3", *labels, *map(str, places)], None)
    if status < 0 or status >= 128:  # not text
        return MergedFile(path=path, change="conflict", content=ours)
    return MergedFile(path=path, change="conflict" if status else "merged", content=merged)


def apply_merge(merge: Merge) -> None:
    """Write the merged files; conflicts get the usual markers. Your own Git history is the way back."""
    try:
        for file in merge.files:
            target = merge.folder / file.path
            if file.content is None:
                target.unlink(missing_ok=True)
            else:
                _write(target, file.content)
        _write_upstream(merge.folder, merge.after)
    except OSError as error:
        raise home_error(merge.folder, error) from error


def changed_texts(merge: Merge) -> Mapping[str, tuple[str, str]]:
    """Before and after of each file here, for a comparison."""
    ours = _own_files(merge.folder)
    return {
        file.path: (_text(ours.get(file.path)), _text(file.content)) for file in merge.files
    }  # fmt: skip


def _text(content: bytes | None) -> str:
    return (content or b"").decode("utf-8", errors="replace")
