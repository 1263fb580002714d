"""Letting whole folders survive a power cut; `home.py` does so for the files that it replaces."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from repertory.home import settle_names

# The disk writes many files at once sooner than one after the other.
PARALLEL = 16


def settle(folder: Path) -> None:
    """Write everything in a folder to the disk: files first, then the names of them."""
    below = list(os.walk(folder, topdown=False))
    with ThreadPoolExecutor(max_workers=PARALLEL) as pool:
        list(pool.map(_settle_file, [Path(place, name) for place, _folders, names in below for name in names]))
    for place, _folders, _names in below:
        settle_names(Path(place))


def _settle_file(path: Path) -> None:
    if path.is_symlink():
        return  # a link is no more than its name
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
