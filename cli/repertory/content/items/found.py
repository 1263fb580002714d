"""What a content format finds in a tree: an item, as far as its files tell, and the findings about them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from repertory.content.checks.issue import Issue, sort_issues
from repertory.items import Kind
from repertory_sdk.manifest import AppManifest, PlaybookManifest, load_app, load_playbook


@dataclass(frozen=True, kw_only=True)
class FoundItem:
    """One item. ``folder`` (empty: the whole tree) is all that is installed of it; ``path`` is its manifest's file.

    ``plain_manifest`` is the valid manifest in the native form, as JSON; None where it is broken, and ``issues`` say
    why. It becomes a record when it is asked for: a catalogue has thousands of actions that nobody looks at.
    """

    kind: Kind
    name: str
    format: str
    folder: str
    path: str
    plain_manifest: Mapping[str, Any] | None = None
    issues: Sequence[Issue] = field(default=())

    @cached_property
    def manifest(self) -> AppManifest | PlaybookManifest | None:
        """The manifest as a record."""
        if self.plain_manifest is None:
            return None
        return load_app(self.plain_manifest) if self.kind == "app" else load_playbook(self.plain_manifest)

    @property
    def app(self) -> AppManifest | None:
        """The manifest of an app."""
        return self.manifest if isinstance(self.manifest, AppManifest) else None

    @property
    def playbook(self) -> PlaybookManifest | None:
        """The manifest of a playbook."""
        return self.manifest if isinstance(self.manifest, PlaybookManifest) else None

    def with_record(self, record: AppManifest | PlaybookManifest) -> FoundItem:
        """The same item, whose manifest has been read already: making the record is a good part of a sync."""
        copied = replace(self)
        vars(copied)["manifest"] = record  # where the cached property looks
        return copied

    def below(self, path: str) -> str:
        """The tree's path of a file that is named relative to the item's folder."""
        return f"{self.folder}/{path}" if self.folder else path

    def holds(self, path: str) -> bool:
        """Whether a path of the tree belongs to the item."""
        return not self.folder or path.startswith(f"{self.folder}/")

    def with_issues(self, issues: Iterable[Issue]) -> FoundItem:
        """The same item with more findings."""
        return replace(self, issues=tuple(sort_issues([*self.issues, *issues])))
