"""From the catalogue to installed items: resolve, export, environment, and one change of the lock."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from repertory.content.changes.permissions import describe_permissions, needs_of
from repertory.content.changes.planning import Request, installed_item, make_plan
from repertory.content.changes.progress import Progress, silent
from repertory.content.changes.resolution import UnmetNeed, present_actions, unmet_needs
from repertory.content.changes.review import LeftOut
from repertory.content.environments.environments import environment_of
from repertory.content.installed.contents import export
from repertory.content.installed.generations import change_lock
from repertory.content.installed.lock import Lock, LockedItem, read_lock
from repertory.content.items.opening import open_content
from repertory.content.trust.trust import check_signer
from repertory.errors import UserError
from repertory.items import Kind

if TYPE_CHECKING:
    from repertory.content.changes.offers import Offers
    from repertory.content.changes.review import ReviewedItem
    from repertory.content.offered.catalog import CatalogItem
    from repertory.home import Home

State = Literal["installed", "updated", "unchanged"]


@dataclass(frozen=True, kw_only=True)
class InstallReport:
    """What happened to one item. ``previous`` is the version before, empty if there was none.

    ``added_permissions`` are those that the version before did not have.
    """

    name: str
    kind: Kind
    version: str
    state: State
    hash: str
    previous: str = ""
    permissions: Sequence[str] = ()
    added_permissions: Sequence[str] = ()
    unmet: Sequence[UnmetNeed] = ()


@dataclass(frozen=True, kw_only=True)
class RemoveReport:
    """A removed item and the installed playbooks that ask for it."""

    name: str
    version: str
    needed_by: Sequence[str] = ()


def install(home: Home, names: Sequence[str], progress: Progress | None = None) -> list[InstallReport]:
    """Install or update these items, the playbooks they start and apps that serve them; nobody is asked."""
    return carry_out(home, Request(names=names, command=f"install {' '.join(names)}"), progress=progress)


def carry_out(
    home: Home, request: Request, *, reviewed: str = "", progress: Progress | None = None,
    leave_out: Callable[[LeftOut], None] | None = None,
) -> list[InstallReport]:  # fmt: skip
    """Do what a request means, all of it or nothing.

    ``reviewed`` is the digest of the review that was agreed to; anything else is refused. ``progress`` hears the item's
    name and what is being done with it. With ``leave_out``, which hears of them, items stay what they are whose
    environment cannot be built.
    """
    tell = progress or silent
    with home.exclusive():
        plan = make_plan(home, request)
        if reviewed and plan.review.digest != reviewed:
            raise UserError("what is on offer or installed has changed since it was reviewed", "look at it again")
        for repository, commit, ref in dict.fromkeys((item.repository, item.commit, item.ref) for item in plan.items):
            check_signer(home, repository, commit, ref=ref)  # from now on they are known
        pairs = list(zip(plan.items, plan.review.items, strict=True))
        if request.update:
            pairs = [pair for pair in pairs if pair[1].change != "unchanged"]
        hashes = _copy(home, [item for item, _review in pairs], tell)
        items = []
        for item, review in pairs:
            try:
                items.append(_lock_item(home, item, review, hashes[item.full_name], plan.lock, tell))
            except UserError as error:
                if leave_out is None:
                    raise
                leave_out(LeftOut(name=item.full_name, message=error.message, hint=error.hint))
        items = [replace(item, pinned=True) for item in items] if request.pin else items
        changed = plan.lock.replacing(items)
        if changed != plan.lock:
            change_lock(home, changed, command=request.command)
    present = present_actions(changed)
    return [_report(plan.lock.item(item.name), item, plan.offers, present) for item in items]


# --------------------------------------------------------------- installing


def _copy(home: Home, items: Sequence[CatalogItem], tell: Progress) -> dict[str, str]:
    """Export items; the content hash of each by its full name. Every repository is opened once."""
    hashes: dict[str, str] = {}
    for repository, commit in dict.fromkeys((item.repository, item.commit) for item in items):
        with open_content(home.repository(repository), commit) as tree:
            for item in items:
                if item.repository == repository:
                    tell(item.full_name, "copying")
                    hashes[item.full_name] = export(home, tree, item.folder)
    return hashes


def _lock_item(
    home: Home, item: CatalogItem, review: ReviewedItem, digest: str, lock: Lock, tell: Progress
) -> LockedItem:
    if item.manifest is None or digest != review.hash:
        hint = f"sync again; if it stays so, delete {home.repository(item.repository)} first"
        raise UserError(f"{item.full_name}: our copy of its repository gives other files than a moment ago", hint)
    before = lock.item(item.full_name)
    return LockedItem(
        name=item.full_name,
        kind=item.kind,
        version=item.version,
        url=item.url,
        ref=item.ref,
        # A commit that did not touch the item is no change of it.
        commit=before.commit if before and review.change == "unchanged" else item.commit,
        path=item.folder,
        hash=digest,
        environment=environment_of(home, item.manifest, digest, item.full_name, tell),
        format=item.format,
        signer=before.signer if before and before.signer and review.change == "unchanged" else review.signer,
        pinned=before.pinned if before else False,
        permissions=tuple(describe_permissions(item.manifest)),
        grants=tuple(review.grants),
        needs=tuple(needs_of(item.manifest)),
    )


# ---------------------------------------------------------------- reporting


def _report(
    before: LockedItem | None, item: LockedItem, offers: Offers, present: set[str]
) -> InstallReport:
    state: State = "installed" if before is None else "unchanged" if before == item else "updated"
    known = set(before.permissions) if before else set()
    wanted = [need.removeprefix("action ") for need in item.needs if need.startswith("action ")]
    return InstallReport(
        name=item.name,
        kind=item.kind,
        version=item.version,
        state=state,
        hash=item.hash,
        previous=before.version if before else "",
        permissions=item.permissions,
        added_permissions=[sentence for sentence in item.permissions if sentence not in known],
        unmet=unmet_needs(wanted, offers, present),
    )


# ----------------------------------------------------------------- removing


def remove(home: Home, names: Sequence[str]) -> list[RemoveReport]:
    """Take items out of the lock; their files stay for runs that still need them."""
    with home.exclusive():
        lock = read_lock(home)
        gone = [installed_item(lock, name) for name in dict.fromkeys(names)]
        after = lock.without(item.name for item in gone)
        change_lock(home, after, command=f"remove {' '.join(item.name for item in gone)}")
    return [RemoveReport(name=item.name, version=item.version, needed_by=_asking(after, item)) for item in gone]


def _asking(lock: Lock, gone: LockedItem) -> list[str]:
    names = {f"playbook {gone.name}", f"playbook {gone.name.rpartition('/')[2]}"}
    return [item.name for item in lock.items if names & set(item.needs)]
