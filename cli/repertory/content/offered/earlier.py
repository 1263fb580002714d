"""An installed item as it is at another commit of its repository, which nobody synced."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from repertory.content.git import commits as git
from repertory.content.git.sources import COMMIT, Source
from repertory.content.git.tree import entries_below, tree_digest
from repertory.content.items.inspection import inspect_tree
from repertory.content.items.opening import open_content
from repertory.content.offered.catalog import CatalogItem, catalog_item
from repertory.errors import UserError

if TYPE_CHECKING:
    from repertory.content.installed.lock import LockedItem
    from repertory.home import Home


def item_at(home: Home, locked: LockedItem, commit: str, *, helper: str = "") -> CatalogItem:
    """Fetch that commit, which must belong to a branch or tag, and read the item there. Nothing else changes."""
    if not COMMIT.fullmatch(commit):
        raise UserError(f"{commit!r} is not a whole commit id", "give all of its 40 digits, as `git log` shows them")
    repository, _, name = locked.name.partition("/")
    bare = home.repository(repository)
    git.fetch(bare, Source(url=locked.url, ref=commit), helper=helper)
    with open_content(bare, commit) as tree:
        found = [item for item in inspect_tree(tree).items if (item.kind, item.name) == (locked.kind, name)]
        if len(found) != 1:
            said = "is not in" if not found else "is offered twice in"
            raise UserError(f"{locked.name} {said} commit {commit[:12]}", "name another commit of its repository")
        digest = tree_digest(entries_below(tree, found[0].folder), found[0].folder)
    item = catalog_item(found[0], digest)
    return replace(item, repository=repository, url=locked.url, ref=locked.ref, commit=commit)
