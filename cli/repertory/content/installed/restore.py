"""From a lock to installed items: the same bytes on another machine."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from repertory.content.changes.progress import Progress, silent
from repertory.content.environments.environments import environment_of
from repertory.content.git import commits as git
from repertory.content.git.sources import Source
from repertory.content.installed.contents import export, is_intact
from repertory.content.installed.generations import change_lock, record_found
from repertory.content.installed.lock import LockedItem, read_installed_manifest, read_lock
from repertory.errors import UserError

if TYPE_CHECKING:
    from repertory.home import Home

COMMAND = "install --locked"


def restore(home: Home, progress: Progress | None = None, *, helper: str = "") -> list[str]:
    """Bring everything that the lock names to this machine, byte for byte; returns the names of what was missing.

    ``helper`` is Git's credential helper for https.
    """
    tell = progress or silent
    with home.exclusive():
        lock = read_lock(home)
        restored = [_restore_one(home, item, tell, helper) for item in lock.items]
        after = lock.replacing(item for item, _ in restored)
        if after != lock:
            change_lock(home, after, command=COMMAND)
        else:
            record_found(home, command=COMMAND)
    return [item.name for item, was_missing in restored if was_missing]


def _restore_one(home: Home, item: LockedItem, tell: Progress, helper: str) -> tuple[LockedItem, bool]:
    folder = home.content(item.hash)
    missing = not is_intact(folder, item.hash)
    if missing:
        tell(item.name, "fetching")
        _fetch_locked(home, item, helper)
    manifest = read_installed_manifest(item, folder)
    environment = environment_of(home, manifest, item.hash, item.name, tell)
    return replace(item, environment=environment), missing


def _fetch_locked(home: Home, item: LockedItem, helper: str) -> None:
    bare = home.repository(item.name.partition("/")[0])
    commit = git.fetch(bare, Source(url=item.url, ref=item.commit), helper=helper, bytes_are_known=True)
    with git.open_tree(bare, commit) as tree:
        digest = export(home, tree, item.path)
    if digest != item.hash:
        message = f"{item.name}: commit {item.commit[:12]} holds other bytes than the lock names"
        raise UserError(message, "the lock or the repository was changed by hand: find out which")
