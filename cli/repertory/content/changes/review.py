"""One review of a change before it happens: all that the new items may do, and what of it is new."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from repertory.content.changes.permissions import changes_things, grants_of, widening
from repertory.content.changes.resolution import GraverUse, UnmetNeed
from repertory.content.changes.versions import is_older
from repertory.content.checks.issue import Issue
from repertory.content.environments.dependencies import Dependency
from repertory.items import Kind
from repertory_sdk.manifest import AppManifest, Permissions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from repertory.content.installed.lock import LockedItem
    from repertory.content.offered.catalog import CatalogItem
    from repertory.content.trust.trust import Signer

Change = Literal["new", "update", "unchanged"]


@dataclass(frozen=True, kw_only=True)
class ReviewedAction:
    """An action of an app. ``destructive`` ones change things; ``undo`` takes that back."""

    name: str
    type: str
    destructive: bool
    undo: str = ""


@dataclass(frozen=True, kw_only=True)
class ReviewedItem:
    """What one item is and may do. ``hash`` is its content hash, ``previous`` the installed version.
    ``newer_commit`` is the installed commit, if that was made after this one.

    ``grants`` are those of ``permissions.py``; ``added`` those that can do harm and that the installed version lacks.
    ``signer`` is as the lock names it, ``signer_known`` the same for people, with since when it is known.
    ``moved_from`` is the URL where the installed version came from, ``signed_before`` who signed it, if they are others.
    ``uses`` are the actions that a playbook asks for, ``changing_uses`` those of which an app here says that it changes
    things by them, ``unknown_uses`` those that no app here has. ``graver_uses`` are what installed playbooks can do by this app.
    ``destructive``: it may change things outside.
    """

    name: str
    kind: Kind
    version: str
    change: Change
    url: str
    commit: str
    path: str
    format: str
    hash: str
    signer: str = ""
    signer_known: str = ""
    previous: str = ""
    newer_commit: str = ""
    moved_from: str = ""
    signed_before: str = ""
    actions: Sequence[ReviewedAction] = ()
    permissions: Permissions = field(default_factory=Permissions)
    dependencies: Sequence[Dependency] = ()
    uses: Sequence[str] = ()
    changing_uses: Sequence[str] = ()
    unknown_uses: Sequence[str] = ()
    graver_uses: Sequence[GraverUse] = ()
    starts: Sequence[str] = ()
    grants: Sequence[str] = ()
    added: Sequence[str] = ()
    findings: Sequence[Issue] = ()
    destructive: bool = False

    @property
    def goes_back(self) -> str:
        """What it goes back from and to, where the installed version or commit is the newer one; else empty."""
        if self.change != "update":
            return ""
        if is_older(self.version, self.previous):
            return f"goes back from {self.previous} to {self.version}"
        if not self.newer_commit:
            return ""
        return f"goes back from commit {self.newer_commit[:12]} to {self.commit[:12]}, which was made before it"

    @property
    def asks(self) -> bool:
        """Whether a person has to agree: it is new, may do more than what was agreed to, or undoes an update."""
        widened = self.added or self.moved_from or self.signed_before or self.goes_back
        return self.change == "new" or (self.change == "update" and bool(widened))


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """An installed item that cannot be updated, why, and what to do."""

    name: str
    message: str
    hint: str = ""


@dataclass(frozen=True, kw_only=True)
class Review:
    """All items of one change, those they bring along first; ``unmet`` is what will be missing.

    ``notes`` say what was left as it is because somebody wanted that, ``left_out`` what cannot be updated.
    """

    items: Sequence[ReviewedItem]
    unmet: Sequence[UnmetNeed] = ()
    notes: Sequence[str] = ()
    left_out: Sequence[LeftOut] = ()

    @property
    def changing(self) -> list[ReviewedItem]:
        """Items that will not be what they are."""
        return [item for item in self.items if item.change != "unchanged"]

    @property
    def asking(self) -> list[ReviewedItem]:
        """Items that a person has to agree to."""
        return [item for item in self.items if item.asks]

    @cached_property
    def digest(self) -> str:
        """Identifies what was reviewed, sha256: equal only where the same bytes may do the same things."""
        lines = sorted(
            [one.name, one.kind, one.version, one.url, one.path, one.hash, one.signer, *one.grants, *filter(None, [one.goes_back])]
            for one in self.changing
        )
        return hashlib.sha256(json.dumps(lines).encode()).hexdigest()


def review_item(
    item: CatalogItem, before: LockedItem | None, *, digest: str, dependencies: Sequence[Dependency], signer: Signer,
    actions: Mapping[str, bool], graver: Sequence[GraverUse], is_earlier: bool,
) -> ReviewedItem:  # fmt: skip
    """Everything about one item; ``before`` is what is installed of it.

    ``actions`` says of those that apps here have whether they only read, ``is_earlier`` whether its commit was made before
    the installed one.
    """
    manifest = item.manifest
    assert manifest is not None
    app = manifest if isinstance(manifest, AppManifest) else None
    grants = grants_of(manifest, (one.name for one in dependencies))
    harmless = [name for name, only_reads in actions.items() if only_reads]
    changing = [name for name, only_reads in actions.items() if not only_reads]
    return ReviewedItem(
        name=item.full_name,
        kind=item.kind,
        version=item.version,
        change=_change(item, before, digest),
        url=item.url,
        commit=item.commit,
        path=item.folder,
        format=item.format,
        hash=digest,
        signer=signer.locked,
        signer_known=signer.label,
        previous=before.version if before else "",
        newer_commit=before.commit if before and is_earlier else "",
        moved_from=before.url if before and before.url != item.url else "",
        signed_before=_other_signer(before, signer),
        actions=_actions(app) if app else (),
        permissions=app.permissions if app else Permissions(),
        dependencies=dependencies,
        uses=item.playbook.actions if item.playbook else (),
        changing_uses=[name for name in item.playbook.actions if name in changing] if item.playbook else (),
        unknown_uses=[name for name in item.playbook.actions if name not in actions] if item.playbook else (),
        graver_uses=graver,
        starts=item.playbook.playbooks if item.playbook else (),
        grants=grants,
        added=widening(before.grants, grants, harmless) if before else (),
        findings=item.issues,
        destructive=changes_things(grants, changing),
    )


def _other_signer(before: LockedItem | None, signer: Signer) -> str:
    """Who vouched for what is installed, if that is somebody else; that nobody did is no loss."""
    signed = before.signer if before and before.signer != "unsigned" else ""
    return "" if signer.matches(signed) else signed


def _change(item: CatalogItem, before: LockedItem | None, digest: str) -> Change:
    if before is None:
        return "new"
    same = (before.hash, before.url, before.path) == (digest, item.url, item.folder)
    return "unchanged" if same else "update"


def _actions(app: AppManifest) -> list[ReviewedAction]:
    """The destructive ones first."""
    actions = [
        ReviewedAction(name=one.name, type=one.type, destructive=not one.read_only, undo=one.undo or "")
        for one in app.actions
    ]
    return sorted(actions, key=lambda one: not one.destructive)
