"""One file for a network without a way out: the fetched commits of everything installed, and the wheels of its apps.

Whom this home trusts stays here: a bundle carries signatures, which are part of the commits, and nobody's keys.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from repertory.content.changes.progress import Progress, silent
from repertory.content.environments.environments import LOCK_FILE, collect_wheels
from repertory.content.git.packs import is_cut, wanted_object, write_pack
from repertory.content.installed.bundle_file import Bundle, BundledRepository, BundleIndex, digest_of, write_bundle
from repertory.content.installed.contents import export
from repertory.content.installed.lock import LockedItem, read_lock
from repertory.content.items.opening import open_content
from repertory.content.offered.catalog import find_item
from repertory.content.offered.follows import find_repository
from repertory.errors import UserError

if TYPE_CHECKING:
    from repertory.home import Home


def create_bundle(home: Home, target: Path, progress: Progress | None = None) -> Bundle:
    """Everything that is installed, as one file."""
    tell = progress or silent
    items = read_lock(home).items
    if not items:
        raise UserError("nothing is installed, so there is nothing to bundle", "`repertory install` comes first")
    if target.is_dir():
        raise UserError(f"cannot write {target}: it is a folder", "name a file in it, such as content.bundle")
    with tempfile.TemporaryDirectory(prefix="repertory-bundle-") as name:
        folder = Path(name)
        repositories = _repositories(home, items, folder, tell)
        for item in items:
            if item.kind == "app" and (home.content(item.hash) / LOCK_FILE).is_file():
                tell(item.name, "collecting wheels")
                collect_wheels(home.content(item.hash), folder / "wheels", name=item.name)
        files = {str(path.relative_to(folder)): digest_of(path) for path in sorted(folder.rglob("*")) if path.is_file()}
        index = BundleIndex(items=[item.name for item in items], repositories=repositories, files=files)
        return write_bundle(folder, index, target)


def _repositories(home: Home, items: Sequence[LockedItem], folder: Path, tell: Progress) -> list[BundledRepository]:
    """Each repository at the commit that was synced last, which must be what is installed."""
    commits: dict[str, str] = {}
    for item in items:
        commits[item.name.partition("/")[0]] = _commit_of(home, item)
    found = []
    for name, commit in sorted(commits.items()):
        tell(name, "packing")
        one, bare = find_repository(home, name), home.repository(name)
        made = BundledRepository(
            name=name, url=one.url, ref=one.ref, commit=commit, wanted=wanted_object(bare, commit),
            shallow=[commit] if is_cut(bare, commit) else [],
        )  # fmt: skip
        (folder / made.pack).parent.mkdir(parents=True)
        write_pack(bare, made.wanted, folder / made.pack)
        found.append(made)
    return found


def _commit_of(home: Home, item: LockedItem) -> str:
    offered = find_item(home, item.name)
    with open_content(home.repository(offered.repository), offered.commit) as tree:
        digest = export(home, tree, offered.folder)
    if digest != item.hash:
        raise UserError(
            f"{item.name} {item.version} of {item.commit[:12]} is not what was synced last:"
            f" {offered.version} of {offered.commit[:12]}",
            f"update it first (repertory update {item.name}), or unpin it",
        )
    return offered.commit
