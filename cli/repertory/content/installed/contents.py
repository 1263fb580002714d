"""Installed bytes: immutable folders named by their content hash."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from repertory.content.durability import settle
from repertory.content.git.paths import Refused, TreeLimits
from repertory.content.git.tree import Tree, entries_below
from repertory.errors import UserError
from repertory.home import Home, home_error, make_folder, settle_names, write_atomically

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from repertory.items import Installed

ITEM_LIMITS = TreeLimits(files=5_000, total_bytes=50_000_000)


def content_hash(files: Iterable[tuple[str, bytes]]) -> str:
    """sha256, hexadecimal, over the listing: what an item is, byte for byte."""
    return hashlib.sha256(listing_of(files)).hexdigest()


def listing_of(files: Iterable[tuple[str, bytes]]) -> bytes:
    """``sha256(bytes) path`` lines sorted by path."""
    lines = sorted((path.encode(), hashlib.sha256(content).hexdigest().encode()) for path, content in files)
    return b"".join(b"%s %s\n" % (digest, path) for path, digest in lines)


def export(home: Home, tree: Tree, folder: str) -> str:
    """Write the files below a folder of a tree into our store; returns their content hash."""
    files = item_files(tree, folder)
    listing = listing_of(files.items())
    digest = hashlib.sha256(listing).hexdigest()
    target = home.content(digest)
    try:
        if is_intact(target, digest):
            settle_names(target.parent)  # whoever put it there may have died before
            return digest
        make_folder(target.parent)
        fresh = Path(tempfile.mkdtemp(prefix=".new-", dir=target.parent))
        try:
            for path, content in files.items():
                _write_new(fresh / path, content)
            shutil.rmtree(target, ignore_errors=True)  # what is left of a damaged one
            write_atomically(home.listing(digest), listing)
            settle(fresh)
            fresh.rename(target)
            settle_names(target.parent)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    except OSError as error:
        raise home_error(home.root, error) from error
    return digest


def item_files(tree: Tree, folder: str) -> dict[str, bytes]:
    """The files of an item by their path in its folder; raises Refused where there is too much."""
    entries = entries_below(tree, folder)
    ITEM_LIMITS.hold("files in one item", len(entries), ITEM_LIMITS.files)
    ITEM_LIMITS.hold("bytes in one item", sum(entry.size for entry in entries), ITEM_LIMITS.total_bytes)
    start = len(folder) + 1 if folder else 0
    return {entry.path[start:]: tree.read(entry.path) for entry in entries}


def _write_new(path: Path, content: bytes) -> None:
    """Never follow a link, never overwrite, never executable, never to be written again."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with open(os.open(path, flags, 0o444), "wb") as output:
        output.write(content)


def verify_hash(item: Installed) -> None:
    """Compare an installed folder with its hash, to be done before anything of it is executed."""
    if is_intact(item.folder, item.hash):
        return
    problem = "was changed after it was installed" if item.folder.is_dir() else "is missing"
    hint = "bring the locked bytes again: repertory install --locked"
    raise UserError(f"{item.name}: its folder {item.folder} {problem}", hint)


def is_intact(folder: Path, digest: str) -> bool:
    """Whether a folder holds exactly the files with this content hash."""
    return _hash_of_folder(folder) == digest


def _hash_of_folder(folder: Path) -> str:
    try:
        return content_hash(walk_files(folder))
    except (OSError, Refused):
        return ""


def walk_files(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Paths and bytes of everything in a folder; raises Refused for what is neither file nor folder."""
    return _walk(str(folder), "")


def _walk(root: str, prefix: str) -> Iterator[tuple[str, bytes]]:
    with os.scandir(f"{root}/{prefix}") as children:
        for child in children:
            path = prefix + child.name
            if child.is_dir(follow_symlinks=False):
                yield from _walk(root, f"{path}/")
            elif child.is_file(follow_symlinks=False):
                with open(child.path, "rb") as stream:
                    yield path, stream.read()
            else:
                raise Refused(path, "neither file nor folder")
