"""What an environment consisted of when it was built, and whether it still does.

Both notes lie outside of the environment's folder: whoever can write there cannot change what is expected of it. The
listing has every file's hash. The stamp is a hash over what the file system says of every file; as long as it holds,
nothing was written since all hashes were compared: of a file's times, a user can set that of its content, not that of
its last change. Where it does not hold, as in a copy of the home, all hashes are compared again.
"""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

from repertory.errors import UserError
from repertory.home import write_atomically

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from repertory.home import Home


def write_listing(home: Home, digest: str) -> None:
    """Note every file of a finished environment."""
    root = home.environment(digest)
    stamp = _stamp(root)
    write_atomically(home.environment_listing(digest), list_environment(root))
    write_atomically(home.environment_stamp(digest), stamp)


def list_environment(root: Path) -> bytes:
    """``sha256 path`` lines sorted by path; of a link, its target counts."""
    lines = sorted((path, _hash(child)) for path, child in _walk(os.fsencode(root), b""))
    return b"".join(b"%s %s\n" % (digest.encode(), path) for path, digest in lines)


def is_as_built(home: Home, digest: str) -> bool:
    """Whether an environment is there, and every file in it is what it was; cheap as long as nothing was touched."""
    root = home.environment(digest)
    if not (root / "bin" / "python").exists():
        return False
    try:
        stamp = _stamp(root)
        if _note(home.environment_stamp(digest)) == stamp and home.environment_listing(digest).exists():
            return True
        if _note(home.environment_listing(digest)) != list_environment(root):
            return False
        write_atomically(home.environment_stamp(digest), stamp)
    except OSError:
        return False
    return True


def check_environment(home: Home, digest: str, *, name: str) -> None:
    """Raise UserError unless an environment may be executed; ``name`` is the app's. Empty where there is none."""
    if not digest or is_as_built(home, digest):
        return
    here = (home.environment(digest) / "bin" / "python").exists()
    problem = "was changed after it was built" if here else "is gone, or its interpreter is"
    hint = "build it again: repertory install --locked" + ("; `repertory verify` says what was changed" if here else "")
    raise UserError(f"{name}: its environment {problem}", hint)


def _note(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def _stamp(root: Path) -> bytes:
    digest = hashlib.sha256()
    for path, child in sorted(_walk(os.fsencode(root), b""), key=lambda pair: pair[0]):
        status = child.stat(follow_symlinks=False)
        numbers = (status.st_ino, status.st_mode, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        digest.update(b"%s\0%s\0" % (path, repr(numbers).encode()))
    return digest.hexdigest().encode()


def _hash(child: os.DirEntry[bytes]) -> str:
    if child.is_symlink():
        return hashlib.sha256(b"link " + os.readlink(child.path)).hexdigest()  # noqa: PTH115 (paths are bytes)
    with open(child.path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _walk(root: bytes, prefix: bytes) -> Iterator[tuple[bytes, os.DirEntry[bytes]]]:
    with os.scandir(root + b"/" + prefix) as children:
        for child in children:
            path = prefix + child.name
            if child.is_dir(follow_symlinks=False):
                yield from _walk(root, path + b"/")
            else:
                yield path, child
