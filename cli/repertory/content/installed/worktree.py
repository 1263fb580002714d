"""A folder that a person works in: written file by file, never through a link, never to a place outside of it.

Every folder on the way to a file is opened from the one above it, so what is checked is what is written to.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from repertory.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

NO_LINKS = os.O_NOFOLLOW | os.O_CLOEXEC
HINT = "nothing is read or written through links: put the file or folder itself there"


def write_error(folder: Path, error: OSError) -> UserError:
    """One sentence for a place of the user's own that cannot be written."""
    return UserError(f"cannot write in {folder}: {error.strerror or error}", "free some space, or permit writing there")


def read_file(folder: Path, path: str) -> bytes | None:
    """The bytes of a file; None if there is none. Raises UserError for whatever is not a file."""
    try:
        with _parent(folder, path) as (place, name):
            if _mode_of(folder, path, place, name) is None:
                return None
            with open(os.open(name, os.O_RDONLY | NO_LINKS, dir_fd=place), "rb") as stream:
                return stream.read()
    except FileNotFoundError:
        return None


def write_file(folder: Path, path: str, content: bytes) -> None:
    """Replace a file completely or not at all; it keeps its mode, and folders on the way are made."""
    with _parent(folder, path, create=True) as (place, name):
        mode = _mode_of(folder, path, place, name)
        temporary = f".{name}.{secrets.token_hex(4)}"
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | NO_LINKS, 0o666, dir_fd=place)
        try:
            with open(descriptor, "wb") as output:
                output.write(content)
                output.flush()
                os.fsync(descriptor)
                if mode is not None:
                    os.fchmod(descriptor, mode)
            os.rename(temporary, name, src_dir_fd=place, dst_dir_fd=place)
        except BaseException:
            with suppress(OSError):
                os.unlink(temporary, dir_fd=place)
            raise


def remove_file(folder: Path, path: str) -> None:
    """Delete a file, if it is there."""
    with suppress(FileNotFoundError), _parent(folder, path) as (place, name):
        _mode_of(folder, path, place, name)
        os.unlink(name, dir_fd=place)


def make_folder(folder: Path, path: str, files: Mapping[str, bytes]) -> None:
    """A new folder with these files, all of them or nothing."""
    with _parent(folder, path, create=True) as (place, name):
        temporary = f".{name}.{secrets.token_hex(4)}"
        os.mkdir(temporary, dir_fd=place)
        above = path.rpartition("/")[0]
        fresh = folder / above / temporary
        try:
            for inner, content in files.items():
                write_file(fresh, inner, content)
            os.rename(temporary, name, src_dir_fd=place, dst_dir_fd=place)
        except BaseException:
            shutil.rmtree(fresh, ignore_errors=True)
            raise


@contextmanager
def _parent(folder: Path, path: str, *, create: bool = False) -> Iterator[tuple[int, str]]:
    """The opened folder that a file is in, and the file's name there."""
    *parts, name = path.split("/")
    if any(part in ("", ".", "..") for part in (*parts, name)):
        raise UserError(f"{path!r} does not lead to a file in {folder}", "")
    place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for index, part in enumerate(parts):
            if create:
                with suppress(FileExistsError):
                    os.mkdir(part, dir_fd=place)
            inner = _open_folder(place, part, folder / "/".join(parts[: index + 1]))
            os.close(place)
            place = inner
        yield place, name
    finally:
        os.close(place)


def _open_folder(place: int, part: str, shown: Path) -> int:
    try:
        return os.open(part, os.O_RDONLY | os.O_DIRECTORY | NO_LINKS, dir_fd=place)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR):
            raise UserError(f"{shown} is {'a symbolic link' if shown.is_symlink() else 'not a folder'}", HINT) from error
        raise


def _mode_of(folder: Path, path: str, place: int, name: str) -> int | None:
    """The mode of a file, None if there is none; raises UserError for whatever is not a file."""
    try:
        mode = os.stat(name, dir_fd=place, follow_symlinks=False).st_mode
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(mode):
        raise UserError(f"{folder / path} is {'a symbolic link' if stat.S_ISLNK(mode) else 'not a file'}", HINT)
    return stat.S_IMODE(mode)
