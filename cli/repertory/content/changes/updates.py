"""Installed items and what was synced since: what is outdated, and what updates have to leave alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from repertory.content.changes.offers import Offers
from repertory.content.changes.planning import changed_bytes, installed_item, look_at, may_differ, review_items
from repertory.content.installed.generations import change_lock
from repertory.content.installed.lock import Lock, LockedItem, read_lock
from repertory.errors import UserError

if TYPE_CHECKING:
    from repertory.content.changes.review import ReviewedItem
    from repertory.content.offered.catalog import CatalogItem
    from repertory.home import Home


@dataclass(frozen=True, kw_only=True)
class Outdated:
    """An installed item of which another version was synced, or of which that cannot be said.

    ``added`` are grants that can do harm and were not agreed to; ``asks`` whether an update asks a person; ``goes_back``
    says what it would go back from; ``problem`` why there is none.
    """

    item: LockedItem
    version: str = ""
    commit: str = ""
    added: Sequence[str] = ()
    asks: bool = False
    goes_back: str = ""
    problem: str = ""


def outdated(home: Home, names: Sequence[str] = ()) -> list[Outdated]:
    """Those of the installed items (or of these) that an update would change, by name."""
    lock, offers = read_lock(home), Offers(home)
    chosen = [installed_item(lock, name) for name in names] or list(lock.items)
    by_name = offers.of([item.name for item in chosen])
    gone = [Outdated(item=item, problem="not on offer any more") for item in chosen if item.name not in by_name]
    moved = [by_name[item.name] for item in chosen if item.name in by_name and may_differ(item, by_name[item.name])]
    found = [one for repository in _by_repository(moved) for one in _compare(home, repository, lock)]
    return sorted([*gone, *found], key=lambda one: one.item.name)


def _by_repository(items: Sequence[CatalogItem]) -> list[list[CatalogItem]]:
    names = dict.fromkeys(item.repository for item in items)
    return [[item for item in items if item.repository == name] for name in names]


def _compare(home: Home, items: Sequence[CatalogItem], lock: Lock) -> list[Outdated]:
    """Items of one repository; what is wrong with it does not hide the others."""
    sound = [item for item in items if item.manifest is not None and not item.errors]
    found = [Outdated(item=_locked(lock, item), problem=f"broken at {item.commit[:12]}") for item in items if item not in sound]
    try:
        looks = look_at(home, sound)
    except UserError as error:
        return [*found, *(Outdated(item=_locked(lock, item), problem=error.message) for item in sound)]
    reviews = review_items(home, sound, looks, lock)
    pairs = [(item, review) for item, review in zip(sound, reviews, strict=True) if review.change == "update"]
    return [*found, *(_outdated(_locked(lock, item), item, review) for item, review in pairs)]


def _outdated(before: LockedItem, item: CatalogItem, review: ReviewedItem) -> Outdated:
    problem = "changed bytes under an unchanged version" if changed_bytes(before, item, review.hash) else ""
    return Outdated(
        item=before, version=item.version, commit=item.commit, added=review.added, asks=review.asks,
        goes_back=review.goes_back, problem=problem,
    )  # fmt: skip


def _locked(lock: Lock, item: CatalogItem) -> LockedItem:
    found = lock.item(item.full_name)
    assert found is not None
    return found


# -------------------------------------------------------------------- pinning


def set_pinned(home: Home, names: Sequence[str], *, pinned: bool) -> list[LockedItem]:
    """Keep installed items as they are, or let them go again; they as they are now in the lock."""
    with home.exclusive():
        lock = read_lock(home)
        items = [replace(installed_item(lock, name), pinned=pinned) for name in dict.fromkeys(names)]
        changed = lock.replacing(items)
        if changed != lock:
            change_lock(home, changed, command=f"{'pin' if pinned else 'unpin'} {' '.join(item.name for item in items)}")
    return items
