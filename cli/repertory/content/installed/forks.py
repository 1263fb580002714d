"""A community item made one's own: copied into a repository of the user's.

``upstream.json`` in the copy says what it was made from; `merging.py` brings in what upstream does later. Sync itself never
touches a copy.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from repertory.content.installed.contents import export, item_files
from repertory.content.installed.lock import FORMS
from repertory.content.installed.worktree import make_folder, read_file, write_error
from repertory.content.items.opening import open_content
from repertory.content.offered.catalog import CatalogItem, find_item
from repertory.errors import UserError
from repertory_sdk.convert import from_json, to_json
from repertory_sdk.errors import ConversionError

if TYPE_CHECKING:
    from pathlib import Path

    from repertory.home import Home

UPSTREAM_FILE = "upstream.json"
UPSTREAM_SCHEMA = "urn:repertory:schema:upstream:1"


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


def fork(home: Home, name: str, target: Path) -> Fork:
    """Copy an item, as synced, to the same place in another repository's folder."""
    item = find_item(home, name)
    if not target.is_dir():
        raise UserError(f"{target} is not a folder", "name the folder of a repository of your own (git init makes one)")
    place = item.folder or item.name
    folder = target / place
    if folder.exists():
        raise UserError(f"{folder} exists already", f"`repertory merge {folder}` brings upstream's changes into it")
    files, upstream = as_synced(home, item)
    try:
        make_folder(target, place, {**files, UPSTREAM_FILE: upstream_text(upstream)})
    except OSError as error:
        raise write_error(target, error) from error
    return Fork(folder=folder, upstream=upstream, files=len(files))


def as_synced(home: Home, item: CatalogItem) -> tuple[dict[str, bytes], Upstream]:
    """An item's files; its bytes are also kept in our store, as the base of a later merge."""
    with open_content(home.repository(item.repository), item.commit) as tree:
        files = item_files(tree, item.folder)
        digest = export(home, tree, item.folder)
    upstream = Upstream(
        name=item.full_name, url=item.url, ref=item.ref, commit=item.commit, path=item.folder, version=item.version,
        hash=digest,
    )  # fmt: skip
    return files, upstream


def upstream_text(upstream: Upstream) -> bytes:
    """The bytes of ``upstream.json``."""
    text = json.dumps({"$schema": UPSTREAM_SCHEMA, **to_json(upstream)}, indent=2, ensure_ascii=False) + "\n"
    return text.encode()


def read_upstream(folder: Path) -> Upstream:
    """What a copy was made from."""
    path = folder / UPSTREAM_FILE
    if not folder.is_dir():
        raise UserError(f"{folder} is not a folder", "name the one that `repertory fork` made")
    try:
        content = read_file(folder, UPSTREAM_FILE)
        if content is None:
            raise UserError(f"{folder} was not made by `repertory fork`", f"it has no {UPSTREAM_FILE}")
        plain = json.loads(content)
        found: Upstream = from_json(Upstream, {key: value for key, value in plain.items() if key != "$schema"})
    except (OSError, ValueError, AttributeError, RecursionError, ConversionError) as error:
        raise UserError(f"{path}: {error}", "restore it from your own Git history") from error
    for part in ("name", "hash", "commit"):
        if not FORMS[part].fullmatch(getattr(found, part)):
            raise UserError(f"{path}: {part}: {getattr(found, part)!r} cannot be one", "restore it from your own Git history")
    return found
