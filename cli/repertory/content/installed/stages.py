"""Folders beside what is installed, in which a stranger's file is unpacked and looked at; nothing in them counts.

A process holds its folder as long as it lives. What nobody holds was left by one that was killed, and goes.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from repertory.home import home_error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from repertory.home import Home


@contextmanager
def new_stage(home: Home) -> Iterator[Path]:
    """An empty folder on the file system of the home; it is gone afterwards, and so is what others left."""
    with home.exclusive("staging"):
        _sweep(home)
        try:
            home.stages.mkdir(mode=0o700, exist_ok=True)
            folder = Path(tempfile.mkdtemp(dir=home.stages))
        except OSError as error:
            raise home_error(home.root, error) from error
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)
        with suppress(OSError):
            home.stages.rmdir()


def sweep_stages(home: Home) -> None:
    """Delete what processes left that were killed."""
    if home.stages.is_dir():
        with home.exclusive("staging"):
            _sweep(home)


def _sweep(home: Home) -> None:
    for folder in home.stages.iterdir() if home.stages.is_dir() else ():
        descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        except BlockingIOError:
            continue  # somebody looks at it
        finally:
            os.close(descriptor)
