"""Delete what nobody needs: neither a kept generation, nor the lock, nor an unfinished run, nor the merge of a copy."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from repertory.content.installed.copies import bases_of_copies
from repertory.content.installed.generations import Generation, current_generation, list_generations, lock_of
from repertory.content.installed.lock import LockedItem, read_lock
from repertory.content.installed.pinned import environment_digest_of_content
from repertory.content.installed.stages import sweep_stages
from repertory.errors import UserError
from repertory.home import home_error

if TYPE_CHECKING:
    from repertory.home import Home

# A folder that is being filled is younger: the steps in between take no longer, and have limits of their own.
ABANDONED_S = 3600.0
TEMPORARY = (
    ".new-*", ".sdk-*", ".history-*", ".old-*", ".*.json.????????", ".*.files.????????", ".*.stamp.????????",
    ".repertory.lock.????????",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Garbage:
    """What was, or would be, deleted; ``size`` is in bytes."""

    generations: Sequence[int] = ()
    contents: Sequence[Path] = ()
    environments: Sequence[Path] = ()
    sdks: Sequence[Path] = ()
    temporary: Sequence[Path] = ()
    size: int = 0

    @property
    def paths(self) -> list[Path]:
        """Files and folders, besides generations."""
        return [*self.contents, *self.environments, *self.sdks, *self.temporary]


@dataclass(frozen=True, kw_only=True)
class InUse:
    """What others need: content hashes that unfinished runs began with, and names of copies of the SDK (None: all)."""

    hashes: frozenset[str] = frozenset()
    sdks: frozenset[str] | None = None


def collect(home: Home, *, keep: int, in_use: Callable[[], InUse], dry_run: bool = False) -> Garbage:
    """Delete everything but the last ``keep`` generations, the current one, and what they, the lock and others need.

    ``in_use`` is asked while nothing installed can change.
    """
    with home.exclusive():
        garbage = _find(home, keep, in_use())
        if not dry_run:
            _delete(home, garbage)
            sweep_stages(home)
    return garbage


def _find(home: Home, keep: int, in_use: InUse) -> Garbage:
    known = list_generations(home)
    kept = known[-keep:]
    current = current_generation(home)
    kept += [current] if current and current not in kept else []
    items = [item for generation in kept for item in _items(home, generation)] + list(read_lock(home).items)
    hashes = {item.hash for item in items} | in_use.hashes | bases_of_copies(home)
    environments = {item.environment for item in items} | _environments(home, known, in_use.hashes)
    found = Garbage(
        generations=[one.number for one in known if one not in kept],
        contents=_others(home.content("x").parent, hashes | {home.listing(digest).name for digest in hashes}),
        environments=[
            *_others(home.environment("x").parent, environments),
            *_others(home.environment_listing("x").parent, _notes(home, environments)),
        ],
        sdks=[] if in_use.sdks is None else _others(home.sdk, in_use.sdks),
        temporary=_abandoned(home),
    )
    size = sum(_size(path) for path in found.paths)
    return Garbage(**{**found.__dict__, "size": size})


def _items(home: Home, generation: Generation) -> Sequence[LockedItem]:
    """A generation that is damaged cannot be returned to, so it needs nothing."""
    try:
        return lock_of(home, generation).items
    except UserError:
        return ()


def _environments(home: Home, known: Iterable[Generation], hashes: frozenset[str]) -> set[str]:
    """Environments of items that only runs need: as they were locked, and as they would be built now."""
    locked = {item.environment for one in known for item in _items(home, one) if item.hash in hashes}
    return locked | {environment_digest_of_content(home, digest) for digest in hashes}


def _notes(home: Home, environments: Iterable[str]) -> set[str]:
    """Names of what is noted about these environments."""
    return {path(digest).name for digest in environments for path in (home.environment_listing, home.environment_stamp)}


def _others(folder: Path, needed: Iterable[str]) -> list[Path]:
    """Everything in a folder of ours but these names, and what is still being made."""
    names = set(needed)
    return [path for path in _children(folder) if path.name not in names and not path.name.startswith(".")]


def _children(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _abandoned(home: Home) -> list[Path]:
    """What processes that were killed left half made."""
    names = (home.content("x"), home.environment("x"), home.environment_listing("x"), home.repository("x"))
    folders = [*(path.parent for path in names), home.sdk]
    before = time.time() - ABANDONED_S
    found = [path for folder in (*folders, home.generations, home.lock.parent) for name in TEMPORARY for path in folder.glob(name)]
    return sorted({path for path in found if path.lstat().st_mtime < before})


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() and not path.is_symlink() else [path]
    return sum(file.lstat().st_size for file in files if not file.is_dir())


def _delete(home: Home, garbage: Garbage) -> None:
    """Generations first: one that is there has all that it needs."""
    try:
        for number in garbage.generations:
            (home.generations / f"{number}.json").unlink(missing_ok=True)
        for path in garbage.paths:
            _discard(path)
    except OSError as error:
        raise home_error(home.root, error) from error


def _discard(path: Path) -> None:
    """Out of sight first, so that nobody ever finds half of it."""
    if not path.is_dir() or path.is_symlink():
        path.unlink(missing_ok=True)
        return
    grave = Path(tempfile.mkdtemp(prefix=".old-", dir=path.parent))
    path.rename(grave / path.name)
    shutil.rmtree(grave)
