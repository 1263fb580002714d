"""Upstream's changes brought into a copy of one's own, without losing anything of one's own.

Three versions of a file are merged: the one the copy began with, the user's, and the one that was synced last. A file with
changes of the user is only written where these are committed, so that there is a way back. What cannot be merged is put
beside the user's file. ``upstream.json`` is written last: an interrupted merge is simply done again.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from repertory.content.git import commits as git
from repertory.content.git.committed import committed_files
from repertory.content.git.process import run
from repertory.content.git.sources import Source
from repertory.content.installed.contents import export, is_intact, walk_files
from repertory.content.installed.forks import UPSTREAM_FILE, Upstream, as_synced, read_upstream, upstream_text
from repertory.content.installed.worktree import read_file, remove_file, write_error, write_file
from repertory.content.items.opening import open_content
from repertory.content.offered.catalog import find_item
from repertory.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from repertory.home import Home

Change = Literal["added", "changed", "removed", "merged", "conflict", "kept"]
BESIDE = ".upstream"
MARK = b"<<<<<<< yours"


@dataclass(frozen=True, kw_only=True)
class MergedFile:
    """What upstream's changes mean for one file: ``ours`` becomes ``content``; None is no file.

    ``beside`` is upstream's version, where the two cannot be mixed; ``uncommitted``: ours would be lost by that.
    """

    path: str
    change: Change
    ours: bytes | None
    content: bytes | None
    beside: bytes | None = None
    uncommitted: bool = False

    @property
    def beside_path(self) -> str:
        """Where upstream's version is put, empty if it is not."""
        return "" if self.beside is None else f"{self.path}{BESIDE}"

    @property
    def marked(self) -> bool:
        """Whether the conflict is marked in the file itself."""
        return self.change == "conflict" and MARK in (self.content or b"")


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

    @property
    def uncommitted(self) -> list[str]:
        """Files that would be written over, and that no commit holds as they are."""
        return [file.path for file in self.files if file.uncommitted]


# ------------------------------------------------------------------- planning


def plan_merge(home: Home, folder: Path, *, helper: str = "") -> Merge:
    """What upstream changed since, and how it fits with what was changed here; nothing is written.

    ``helper`` is Git's credential helper for https.
    """
    before = read_upstream(folder)
    theirs, after = as_synced(home, find_item(home, before.name))
    base = _base(home, before, helper)
    paths = [path for path in sorted({*base, *theirs}) if base.get(path) != theirs.get(path) and path != UPSTREAM_FILE]
    ours = {path: read_file(folder, path) for path in paths}
    committed = committed_files(folder, paths)
    files = [_merge_one(path, base.get(path), ours[path], theirs.get(path), committed.get(path)) for path in paths]
    return Merge(folder=folder, before=before, after=after, files=[file for file in files if file.change != "kept"])


def _base(home: Home, before: Upstream, helper: str) -> dict[str, bytes]:
    """The files the copy began with, from our store or from upstream's history."""
    stored = home.content(before.hash)
    if not is_intact(stored, before.hash):
        bare = home.repository(before.name.partition("/")[0])
        commit = git.fetch(bare, Source(url=before.url, ref=before.commit), helper=helper, bytes_are_known=True)
        with open_content(bare, commit) as tree:
            digest = export(home, tree, before.path)
        if digest != before.hash:
            raise UserError(
                f"{before.name}: commit {before.commit[:12]} holds other bytes than {UPSTREAM_FILE} names",
                f"restore {UPSTREAM_FILE} from your own Git history",
            )
    return dict(walk_files(stored))


def _merge_one(
    path: str, base: bytes | None, ours: bytes | None, theirs: bytes | None, committed: bytes | None
) -> MergedFile:
    """Upstream's change of one file, where nobody here touched it; else a three-way merge."""
    if ours == theirs:
        return MergedFile(path=path, change="kept", ours=ours, content=ours)
    if ours == base:
        change: Change = "removed" if theirs is None else "added" if base is None else "changed"
        return MergedFile(path=path, change=change, ours=ours, content=theirs)
    if ours is None or theirs is None:  # one side removed what the other changed: a person has to look
        return MergedFile(path=path, change="conflict", ours=ours, content=ours, beside=theirs)
    if committed is not None and committed != ours:
        done = _merge_texts(path, base or b"", committed, theirs)
        if done.content == ours:  # an interrupted merge came that far
            return MergedFile(path=path, change=done.change, ours=ours, content=ours)
    merged = _merge_texts(path, base or b"", ours, theirs)
    lost = ours not in (merged.content, committed)
    return MergedFile(
        path=path, change=merged.change, ours=ours, content=merged.content, beside=merged.beside, uncommitted=lost
    )


def _merge_texts(path: str, base: bytes, ours: bytes, theirs: bytes) -> MergedFile:
    """By ``git merge-file``; its exit status is the number of conflicts."""
    with tempfile.TemporaryDirectory(prefix="repertory-merge-") as name:
        places = [Path(name) / part for part in ("yours", "before", "upstream")]
        for place, content in zip(places, (ours, base, theirs), strict=True):
            place.write_bytes(content)
        labels = ["-L", "yours", "-L", "before", "-L", "upstream"]
        status, merged, _complaint = run(["merge-file", "-p", "--diff3", *labels, *map(str, places)], None)
    if status < 0 or status >= 128:  # not text
        return MergedFile(path=path, change="conflict", ours=ours, content=ours, beside=theirs)
    return MergedFile(path=path, change="conflict" if status else "merged", ours=ours, content=merged)


# ------------------------------------------------------------------- applying


def apply_merge(merge: Merge) -> None:
    """Write the merged files; conflicts get the usual markers, or upstream's version beside them."""
    if merge.uncommitted:
        names = ", ".join(merge.uncommitted)
        hint = "commit them first (git add, git commit): that is the way back from a merge"
        raise UserError(f"changes of yours are not committed: {names}", hint)
    try:
        _refuse_surprises(merge)
        for file in merge.files:
            if file.beside is not None:
                write_file(merge.folder, file.beside_path, file.beside)
            if file.content is None:
                remove_file(merge.folder, file.path)
            elif file.content != file.ours:
                write_file(merge.folder, file.path, file.content)
        write_file(merge.folder, UPSTREAM_FILE, upstream_text(merge.after))
    except OSError as error:
        raise write_error(merge.folder, error) from error


def _refuse_surprises(merge: Merge) -> None:
    """Before the first byte is written: all is as it was planned, and nothing of the user's is in the way."""
    for file in merge.files:
        if read_file(merge.folder, file.path) != file.ours:
            raise UserError(f"{file.path} was changed meanwhile", "nothing was written; merge again")
        if file.beside is not None and read_file(merge.folder, file.beside_path) not in (None, file.beside):
            hint = "nothing was written; it may be of an earlier merge: decide, remove it, and merge again"
            raise UserError(f"{file.beside_path} is in the way", hint)


def changed_texts(merge: Merge) -> Mapping[str, tuple[str, str]]:
    """Before and after of each file here, for a comparison."""
    return {file.path: (_text(file.ours), _text(file.content)) for file in merge.files}


def _text(content: bytes | None) -> str:
    return (content or b"").decode("utf-8", errors="replace")
