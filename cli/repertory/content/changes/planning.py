"""What a change of the installed items would be: resolved, read from our copies, reviewed, and nothing written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
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
from repertory.content.changes.review import LeftOut, Review, ReviewedItem, review_item
from repertory.content.checks.requirements import LOCK_FILE
from repertory.content.environments.dependencies import Dependency, read_dependencies
from repertory.content.git.history import comes_before
from repertory.content.git.sources import Source
from repertory.content.installed.contents import content_hash, item_files
from repertory.content.installed.lock import Lock, LockedItem, read_lock
from repertory.content.items.opening import open_content
from repertory.content.offered.earlier import item_at
from repertory.content.trust.trust import Signer, check_signer
from repertory.errors import NotFound, UserError
from repertory.items import those_called

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
    """What our copy of a repository says of an item."""

    digest: str
    dependencies: Sequence[Dependency]
    signer: Signer


@dataclass(frozen=True, kw_only=True)
class _Chosen:
    """Items that can be installed, and what was seen of them."""

    items: Sequence[CatalogItem] = ()
    looks: Mapping[str, _Look] = field(default_factory=dict)
    notes: Sequence[str] = ()
    left_out: Sequence[LeftOut] = ()

    def and_also(self, other: _Chosen) -> _Chosen:
        """Both; an item that is in both comes once."""
        items = {item.full_name: item for item in [*self.items, *other.items]}
        return _Chosen(
            items=list(items.values()), looks={**self.looks, **other.looks},
            notes=list(dict.fromkeys([*self.notes, *other.notes])), left_out=[*self.left_out, *other.left_out],
        )  # fmt: skip


def make_plan(home: Home, request: Request) -> Plan:
    """Resolve and review everything; raises UserError where it cannot be done."""
    lock, offers = read_lock(home), Offers(home)
    found = _chosen(home, lock, offers, request)
    items = review_items(home, found.items, found.looks, lock)
    actions = dict.fromkeys(action for item in items for action in item.uses)
    present = present_actions(lock) | {action.name for item in items for action in item.actions}
    unmet = unmet_needs(actions, offers, present)
    review = Review(items=items, unmet=unmet, notes=found.notes, left_out=found.left_out)
    return Plan(lock=lock, offers=offers, items=found.items, review=review)


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


def _chosen(home: Home, lock: Lock, offers: Offers, request: Request) -> _Chosen:
    if request.at:
        (name,) = request.names
        item = item_at(home, installed_item(lock, name), request.at, helper=request.helper)
        return _sound(lock, _seen(home, [item]))
    if request.update:
        return _updates(home, lock, offers, request.names)
    return _with_needs(home, lock, offers, [*request.names, *_app_names(offers, request.apps)], named=request.names)


def _with_needs(home: Home, lock: Lock, offers: Offers, names: Sequence[str], *, named: Sequence[str]) -> _Chosen:
    """Items as they were synced, with all that they need; pinned ones stay, unless they were ``named``."""
    items = resolve(offers, names)
    items = [*choose_apps(offers, items, present_actions(lock)), *items]
    seen = _seen(home, items)
    kept, notes = _hold_pinned(lock, items, seen.looks, named)
    return _sound(lock, replace(seen, items=kept, notes=notes))


def _seen(home: Home, items: Sequence[CatalogItem]) -> _Chosen:
    refuse_broken(items)
    return _Chosen(items=items, looks=look_at(home, items))


def _sound(lock: Lock, chosen: _Chosen) -> _Chosen:
    for item in chosen.items:
        _refuse_changed_bytes(lock.item(item.full_name), item, chosen.looks[item.full_name].digest)
    return chosen


def _app_names(offers: Offers, names: Sequence[str]) -> list[str]:
    """Only apps can serve."""
    for name in names:
        if offers.named(name) and not offers.named(name, "app"):
            raise UserError(f"{name} is a playbook and offers no actions", "name an app: `repertory search` lists them")
    return [offers.one(name, "app").full_name for name in names]


def _updates(home: Home, lock: Lock, offers: Offers, names: Sequence[str]) -> _Chosen:
    """What can be updated of the installed items, or of these. What cannot be does not keep the others from it."""
    items = [installed_item(lock, name) for name in names] or lock.items
    on_offer = offers.of([item.name for item in items])
    waiting, notes, gone = [], [], []
    for item in items:
        if item.pinned:
            notes.append(f"{item.name} is pinned to {item.version}: left as it is")
        elif item.name not in on_offer:
            hint = f"sync, or follow its repository again; to keep it as it is: repertory pin {item.name}"
            gone.append(LeftOut(name=item.name, message="is not on offer any more", hint=hint))
        elif may_differ(item, on_offer[item.name]):
            waiting.append(item.name)
    found = _Chosen(notes=notes, left_out=gone).and_also(_those_that_can(home, lock, offers, waiting))
    if names and len(found.left_out) == len(items):
        first = found.left_out[0]
        raise UserError(f"{first.name}: {first.message}", first.hint)
    return found


def _those_that_can(home: Home, lock: Lock, offers: Offers, names: Sequence[str]) -> _Chosen:
    """All at once; where that fails, halves, until what is wrong stands alone."""
    if not names:
        return _Chosen()
    try:
        return _with_needs(home, lock, offers, names, named=())
    except UserError as error:
        if len(names) == 1:
            return _Chosen(left_out=[LeftOut(name=names[0], message=error.message, hint=error.hint)])
    half = len(names) // 2
    parts = [_those_that_can(home, lock, offers, part) for part in (names[:half], names[half:])]
    return parts[0].and_also(parts[1])


def may_differ(item: LockedItem, on_offer: CatalogItem) -> bool:
    """Whether an installed item has to be compared with what is on offer under its name."""
    return (item.commit, item.url, item.path) != (on_offer.commit, on_offer.url, on_offer.folder)


def installed_item(lock: Lock, name: str) -> LockedItem:
    """The one item in the lock that is called so."""
    fitting = those_called(name, lock.items, lambda item: item.name)
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
        with open_content(home.repository(repository), commit) as tree:
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
