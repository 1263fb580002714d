"""What a change of the installed items would be: resolved, read from our copies, reviewed, and nothing written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from repertory.content.changes.offers import Offers
from repertory.content.changes.resolution import (
    choose_apps,
    graver_uses,
    known_actions,
    present_actions,
    refuse_broken,
    resolve,
    unmet_needs,
)
from repertory.content.changes.review import Review, ReviewedItem, review_item
from repertory.content.environments.dependencies import Dependency, read_dependencies
from repertory.content.environments.environments import LOCK_FILE
from repertory.content.git import commits as git
from repertory.content.git.history import comes_before
from repertory.content.git.sources import Source
from repertory.content.installed.contents import content_hash, item_files
from repertory.content.installed.lock import Lock, LockedItem, read_lock
from repertory.content.offered.earlier import item_at
from repertory.content.trust.trust import Signer, check_signer
from repertory.errors import NotFound, UserError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from repertory.content.git.tree import Tree
    from repertory.content.offered.catalog import CatalogItem
    from repertory.home import Home


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a person wants: these items, with these apps to serve them. ``command`` is how history calls it.

    ``update`` means items that are installed already, all without names. ``pin`` keeps them from then on. ``at`` is the
    commit of the one named item, to be fetched with the credential ``helper``; without it, what was synced counts.
    """

    command: str
    names: Sequence[str] = ()
    apps: Sequence[str] = ()
    update: bool = False
    pin: bool = False
    at: str = ""
    helper: str = ""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What would be done; ``items`` and the items of ``review`` belong to each other, one by one."""

    lock: Lock
    offers: Offers
    items: Sequence[CatalogItem]
    review: Review


@dataclass(frozen=True, kw_only=True)
class _Look:
    digest: str
    dependencies: Sequence[Dependency]
    signer: Signer


def make_plan(home: Home, request: Request) -> Plan:
    """Resolve and review everything; raises UserError where it cannot be done."""
    lock, offers = read_lock(home), Offers(home)
    chosen, notes = _choose_at(home, lock, request) if request.at else _choose(lock, offers, request)
    refuse_broken(chosen)
    looks = look_at(home, chosen)
    if not request.at:
        chosen, held = _hold_pinned(lock, chosen, looks, [] if request.update else request.names)
        notes += held
    for item in chosen:
        _refuse_changed_bytes(lock.item(item.full_name), item, looks[item.full_name].digest)
    items = review_items(home, chosen, looks, lock)
    actions = dict.fromkeys(action for item in items for action in item.uses)
    present = present_actions(lock) | {action.name for item in items for action in item.actions}
    review = Review(items=items, unmet=unmet_needs(actions, offers, present), notes=notes)
    return Plan(lock=lock, offers=offers, items=chosen, review=review)


def review_items(
    home: Home, items: Sequence[CatalogItem], looks: Mapping[str, _Look], lock: Lock
) -> list[ReviewedItem]:
    """Each item, compared with what is installed of it."""
    actions = known_actions(items, lock)
    return [
        review_item(
            item,
            lock.item(item.full_name),
            digest=looks[item.full_name].digest,
            dependencies=looks[item.full_name].dependencies,
            signer=looks[item.full_name].signer,
            actions=actions,
            graver=graver_uses(item, lock),
            is_earlier=_is_earlier(home, lock.item(item.full_name), item, looks[item.full_name].digest),
        )
        for item in items
    ]


def _is_earlier(home: Home, before: LockedItem | None, item: CatalogItem, digest: str) -> bool:
    """Whether other bytes come from a commit that was made before the installed one."""
    if before is None or before.hash == digest:
        return False
    return comes_before(home.repository(item.repository), item.commit, before.commit)


# ------------------------------------------------------------------- choosing


def _choose(lock: Lock, offers: Offers, request: Request) -> tuple[list[CatalogItem], list[str]]:
    """Items as they were synced, with all that they need, and notes about what is left alone."""
    named, notes = _update_names(lock, offers, request.names) if request.update else (list(request.names), [])
    chosen = resolve(offers, [*named, *_app_names(offers, request.apps)])
    return [*choose_apps(offers, chosen, present_actions(lock)), *chosen], notes


def _choose_at(home: Home, lock: Lock, request: Request) -> tuple[list[CatalogItem], list[str]]:
    """One installed item as it is elsewhere in its history."""
    (name,) = request.names
    return [item_at(home, installed_item(lock, name), request.at, helper=request.helper)], []


def _app_names(offers: Offers, names: Sequence[str]) -> list[str]:
    """Only apps can serve."""
    for name in names:
        if offers.named(name) and not offers.named(name, "app"):
            raise UserError(f"{name} is a playbook and offers no actions", "name an app: `repertory search` lists them")
    return [offers.one(name, "app").full_name for name in names]


def _update_names(lock: Lock, offers: Offers, names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Installed items to look at, and why others stay as they are."""
    items = [installed_item(lock, name) for name in names] or lock.items
    on_offer = offers.of([item.name for item in items])
    chosen, notes = [], []
    for item in items:
        if item.pinned:
            notes.append(f"{item.name} is pinned to {item.version}: left as it is")
        elif item.name not in on_offer:
            notes.append(f"{item.name} is not on offer any more: left as it is")
        elif on_offer[item.name].errors and not names:
            notes.append(f"{item.name} is broken at {on_offer[item.name].commit[:12]}: left as it is")
        elif may_differ(item, on_offer[item.name]):
            chosen.append(item.name)
    return chosen, notes


def may_differ(item: LockedItem, on_offer: CatalogItem) -> bool:
    """Whether an installed item has to be compared with what is on offer under its name."""
    return (item.commit, item.url, item.path) != (on_offer.commit, on_offer.url, on_offer.folder)


def installed_item(lock: Lock, name: str) -> LockedItem:
    """The one item in the lock of this full or short name."""
    fitting = [item for item in lock.items if name in (item.name, item.name.rpartition("/")[2])]
    if not fitting:
        raise NotFound("installed item", name, [item.name for item in lock.items], "see `repertory list`")
    if len(fitting) > 1:
        raise UserError(f"{name!r} is ambiguous", f"name one: {', '.join(item.name for item in fitting)}")
    return fitting[0]


def _hold_pinned(
    lock: Lock, items: Sequence[CatalogItem], looks: Mapping[str, _Look], named: Sequence[str]
) -> tuple[list[CatalogItem], list[str]]:
    """Leave pinned items out that would change; one that was named is an error."""
    kept, notes = [], []
    for item in items:
        before = lock.item(item.full_name)
        if before is None or not before.pinned or before.hash == looks[item.full_name].digest:
            kept.append(item)
        elif item.full_name in named or item.name in named:
            hint = f"let it go first: repertory unpin {before.name}"
            raise UserError(f"{before.name} is pinned to {before.version}", hint)
        else:
            notes.append(f"{before.name} is pinned to {before.version}: left as it is")
    return kept, notes


# -------------------------------------------------------------------- looking


def look_at(home: Home, items: Sequence[CatalogItem]) -> dict[str, _Look]:
    """Content hash, dependencies and signer by full name, from our copies of the repositories; each is opened once."""
    looks: dict[str, _Look] = {}
    for repository, commit in dict.fromkeys((item.repository, item.commit) for item in items):
        here = [item for item in items if (item.repository, item.commit) == (repository, commit)]
        signer = check_signer(home, repository, commit, ref=here[0].ref, remember=False)
        with git.open_tree(home.repository(repository), commit) as tree:
            looks |= {item.full_name: _look(tree, item, signer) for item in here}
    return looks


def _look(tree: Tree, item: CatalogItem, signer: Signer) -> _Look:
    files = item_files(tree, item.folder)
    text = files.get(LOCK_FILE, b"").decode("utf-8", errors="replace")
    dependencies = read_dependencies(text) if item.kind == "app" else []
    return _Look(digest=content_hash(files.items()), dependencies=dependencies, signer=signer)


def changed_bytes(before: LockedItem | None, item: CatalogItem, digest: str) -> bool:
    """Whether something else is offered as the version that is installed."""
    if before is None or before.version != item.version or before.hash == digest:
        return False
    # In a developer's own folder every edit is a change.
    return not (before.url == item.url and Source(url=item.url).is_local)


def _refuse_changed_bytes(before: LockedItem | None, item: CatalogItem, digest: str) -> None:
    if before is not None and changed_bytes(before, item, digest):
        message = f"{item.full_name} {item.version}: changed bytes under an unchanged version"
        hint = f"it was {before.hash[:12]} and is {digest[:12]}; ask why, then remove and install it"
        raise UserError(message, hint)
