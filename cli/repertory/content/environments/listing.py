"""What an environment consisted of when it was built; kept in its folder, to find out what has changed since."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LISTING = "repertory.files"


def write_listing(root: Path) -> None:
    """Note every file of a finished environment."""
    (root / LISTING).write_bytes(list_environment(root))


def list_environment(root: Path) -> bytes:
    """``sha256 path`` lines sorted by path, without the listing itself; of a link, its target counts."""
    lines = sorted((path, digest) for path, digest in _walk(os.fsencode(root), b"") if path != LISTING.encode())
    return b"".join(b"%s %s\n" % (digest.encode(), path) for path, digest in lines)


def _walk(root: bytes, prefix: bytes) -> Iterator[tuple[bytes, str]]:
    with os.scandir(root + b"/" + prefix) as children:
        for child in children:
            path = prefix + child.name
            if child.is_symlink():
                yield path, hashlib.sha256(b"link " + os.readlink(child.path)).hexdigest()  # noqa: PTH115 (paths are bytes)
            elif child.is_dir(follow_symlinks=False):
                yield from _walk(root, path + b"/")
            else:
                with open(child.path, "rb") as stream:
                    yield path, hashlib.file_digest(stream, "sha256").hexdigest()
