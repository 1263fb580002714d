"""Files of a commit or of a folder, as paths and bytes; nothing is checked out and no link is followed."""

from __future__ import annotations

import hashlib
import os
import stat
from bisect import bisect_left
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from repertory.content.checks.issue import Issue
from repertory.content.git.paths import NameLedger, Refused, TreeLimits, check_path
from repertory.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

AFTER_SLASH = chr(ord("/") + 1)
EntryKind = Literal["file", "symbolic link", "submodule", "special file"]
# What tools leave in a working folder and nobody commits.
LEFTOVERS = (".git", "__pycache__", "*.pyc", ".venv", "venv", ".tox", ".nox", "node_modules", ".*_cache", ".hypothesis")


@dataclass(frozen=True, kw_only=True)
class TreeEntry:
    """One file. ``size`` is in bytes; ``object_id`` is what Git calls its content, empty in a folder.

    ``derived``: nobody wrote it; its bytes are made from other files of the tree.
    """

    path: str
    size: int
    object_id: str = ""
    kind: EntryKind = "file"
    derived: bool = False


class Files(dict[str, TreeEntry]):
    """Files by path, not to be changed once they are asked for by folder: a tree may hold thousands of items."""

    @cached_property
    def _paths(self) -> list[str]:
        return sorted(self)

    @cached_property
    def top(self) -> list[TreeEntry]:
        """Those in no folder."""
        return [self[path] for path in self._paths if "/" not in path]

    def below(self, folder: str) -> list[TreeEntry]:
        """Those in a folder (empty: all), by path."""
        if not folder:
            return [self[path] for path in self._paths]
        first, last = bisect_left(self._paths, f"{folder}/"), bisect_left(self._paths, f"{folder}{AFTER_SLASH}")
        return [self[path] for path in self._paths[first:last]]


class Tree(Protocol):
    """Accepted files by path, findings about what was left out, and the bytes of a file."""

    @property
    def files(self) -> Mapping[str, TreeEntry]:
        """Accepted files by path."""

    @property
    def issues(self) -> Sequence[Issue]:
        """What was left out."""

    def read(self, path: str) -> bytes:
        """The bytes of an accepted file."""


@dataclass(frozen=True, kw_only=True)
class Listing:
    """A judged tree."""

    files: Mapping[str, TreeEntry]
    issues: Sequence[Issue]


def judge(entries: Iterable[TreeEntry], limits: TreeLimits) -> Listing:
    """Accept plain files, leave links and submodules out with a warning, refuse the tree for anything suspicious."""
    names = NameLedger()
    files = Files()
    issues: list[Issue] = []
    total = 0
    for entry in entries:
        check_path(entry.path, limits)
        limits.hold("files", len(files) + len(issues) + 1, limits.files)
        if entry.kind != "file":
            issues.append(_left_out(entry))
            continue
        names.add(entry.path)
        total += entry.size
        limits.hold("bytes in one file", entry.size, limits.file_bytes, path=entry.path)
        limits.hold("bytes", total, limits.total_bytes)
        files[entry.path] = entry
    names.refuse_embedded_repositories()
    return Listing(files=files, issues=issues)


def _left_out(entry: TreeEntry) -> Issue:
    hint = "put a copy of the file there; links and submodules are never followed"
    return Issue(
        path=entry.path, rule="left-out", severity="warning", message=f"a {entry.kind} is not installed", hint=hint
    )


def entries_below(tree: Tree, folder: str) -> list[TreeEntry]:
    """All files of a folder (empty: of the tree), by path."""
    files = tree.files if isinstance(tree.files, Files) else Files(tree.files)
    return files.below(folder)


def tree_digest(entries: Iterable[TreeEntry], folder: str) -> str:
    """Changes whenever a path or content below the folder changes; only for trees that come from Git."""
    start = len(folder) + 1 if folder else 0
    digest = hashlib.sha256()
    for entry in entries:
        digest.update(f"{entry.path[start:]}\0{entry.object_id}\0".encode())
    return digest.hexdigest()


class FolderTree:
    """A local folder: what ``validate`` looks at."""

    def __init__(self, root: Path, limits: TreeLimits | None = None) -> None:
        if not root.is_dir():
            raise UserError(f"{root} is not a folder", "name the folder of an app, a playbook or a whole repository")
        self.root = root
        listing = judge(_walk(root, ""), limits or TreeLimits())
        self.files = listing.files
        self.issues = listing.issues

    def read(self, path: str) -> bytes:
        """The bytes of an accepted file; a link that replaced it meanwhile is not followed."""
        if path not in self.files:
            raise UserError(f"{self.root / path} is not a file of this tree")
        try:
            with open(os.open(self.root / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as stream:
                return stream.read()
        except OSError as error:
            raise UserError(f"cannot read {self.root / path}: {error.strerror}") from error


def _walk(root: Path, prefix: str) -> Iterator[TreeEntry]:
    try:
        children = sorted(os.scandir(root / prefix), key=lambda child: child.name)
    except OSError as error:
        raise UserError(f"cannot read {root / prefix}: {error.strerror}") from error
    for child in children:
        path = prefix + child.name
        status = child.stat(follow_symlinks=False)
        if any(fnmatch(child.name, pattern) for pattern in LEFTOVERS):
            continue
        if stat.S_ISDIR(status.st_mode):
            yield from _walk(root, f"{path}/")
        else:
            yield TreeEntry(path=path, size=status.st_size, kind=_kind_of(status.st_mode))


def _kind_of(mode: int) -> EntryKind:
    if stat.S_ISREG(mode):
        return "file"
    return "symbolic link" if stat.S_ISLNK(mode) else "special file"


__all__ = ["FolderTree", "Listing", "Refused", "Tree", "TreeEntry", "entries_below", "judge", "tree_digest"]
