"""Archives as an attacker would write them, and what a home consists of."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from repertory.content.changes.install import InstallReport
from repertory.content.installed.staging import move_in, staged_bundle
from repertory.home import Home

Files = dict[str, bytes]


def bring(home: Home, path: Path) -> list[InstallReport]:
    """Install a bundle, agreed to by somebody."""
    with staged_bundle(home, path) as staged:
        return move_in(staged)


def everything(home: Home) -> dict[str, bytes]:
    """All files of a home, but those that say nothing."""
    kept = [path for path in home.root.rglob("*") if path.is_file() and path.name != "README.txt"]
    return {
        str(path.relative_to(home.root)): path.read_bytes()
        for path in kept
        if path.parent != home.root or not path.name.startswith(".")
    }


def files_of(path: Path) -> tuple[Any, Files]:
    """The index, and every file by its path."""
    with tarfile.open(path) as archive:
        members = {one.name: archive.extractfile(one).read() for one in archive}  # type: ignore[union-attr]
    index = json.loads(members["bundle.json"])
    return index, {name: members[f"files/{digest}"] for name, digest in index["files"].items()}


def write(path: Path, index: Any, files: Files) -> Path:
    """A well-formed archive of these, with hashes that fit."""
    index["files"] = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    members = [member("bundle.json", json.dumps(index).encode())]
    return assemble(path, members + [member(f"files/{hashlib.sha256(data).hexdigest()}", data) for data in files.values()])


def member(name: str, data: bytes = b"", change: Callable[[tarfile.TarInfo], None] | None = None) -> bytes:
    """One member's bytes: header and content."""
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    if change:
        change(entry)
    return entry.tobuf(tarfile.GNU_FORMAT) + data + bytes(-len(data) % tarfile.BLOCKSIZE)


def assemble(path: Path, members: list[bytes], end: bytes = bytes(2 * tarfile.BLOCKSIZE)) -> Path:
    """An archive of these bytes."""
    with io.BytesIO() as stream:
        for one in [*members, end]:
            stream.write(one)
        path.write_bytes(stream.getvalue())
    return path
