"""What one repository offers at one commit, compared with what it offered before."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from repertory.content.git.tree import Tree, entries_below, tree_digest
from repertory.content.items.inspection import inspect_tree, outside_of_items, own_issues
from repertory.content.items.opening import open_content
from repertory.content.offered.catalog import Catalog, catalog_item
from repertory.content.offered.members import MEMBERS_FILE, MOST_BYTES, Member, parse_members
from repertory.content.trust.signers import kept_signers
from repertory.content.trust.trust import check_signer
from repertory.errors import UserError

if TYPE_CHECKING:
    import pluggy

    from repertory.content.items.found import FoundItem
    from repertory.content.offered.follows import Repository
    from repertory.home import Home


@dataclass(frozen=True, kw_only=True)
class Described:
    """A catalogue, the repositories that are listed beside the items, and whether such a list was left unread."""

    catalog: Catalog
    members: Sequence[Member] = ()
    lists_more: bool = False


def judged_by(home: Home, repository: str, checker: str) -> str:
    """Changes whenever the same commit might be judged differently: by other checks, or other signers."""
    signers = kept_signers(home, repository)
    return f"{checker} signers {hashlib.sha256(signers).hexdigest()}" if signers else checker


def describe(
    home: Home, repository: Repository, commit: str, old: Catalog | None, plugins: pluggy.PluginManager, made_by: str
) -> Described:
    """Look at a fetched commit; what ``old`` knows by the same checks is not looked at again."""
    signer = check_signer(home, repository.name, commit, ref=repository.ref).label
    with open_content(home.repository(repository.name), commit) as tree:
        members = _members(tree, repository)
        outside = outside_of_items(tree)
        items_before = old.items if old and old.outside == outside else ()
        if not items_before:
            tree.read_ahead(".json", ".py")
        known = {(item.format, item.path, item.digest): item for item in items_before}

        def digest_of(item: FoundItem) -> str:
            return tree_digest(entries_below(tree, item.folder), item.folder)

        def unchanged(place: FoundItem) -> FoundItem | None:
            item = known.get((place.format, place.path, digest_of(place)))
            return replace(item, issues=own_issues(item)) if item else None

        inspection = inspect_tree(tree, plugins, unchanged)
        items = [catalog_item(item, digest_of(item)) for item in inspection.items]
        lists_more = bool(repository.via) and MEMBERS_FILE in tree.files
    catalog = Catalog(
        repository=repository.name,
        url=repository.url,
        ref=repository.ref,
        commit=commit,
        synced_at=time.time(),
        made_by=made_by,
        signer=signer,
        members=len(members),
        outside=outside,
        items=tuple(items),
        issues=tuple(inspection.issues),
    )
    return Described(catalog=catalog, members=members, lists_more=lists_more)


def _members(tree: Tree, repository: Repository) -> list[Member]:
    """Only what a person named may list repositories: lists of lists would have no end."""
    if repository.via or MEMBERS_FILE not in tree.files:
        return []
    size = tree.files[MEMBERS_FILE].size
    if size > MOST_BYTES:
        raise UserError(f"{MEMBERS_FILE} has {size:,} bytes; {MOST_BYTES:,} are the most", "tell whoever keeps it")
    return parse_members(tree.read(MEMBERS_FILE), repository.name, repository.source)
