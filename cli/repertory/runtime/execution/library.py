"""What the runtime needs to know of installed content; the content side provides it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from repertory.items import Installed, InstalledSet
    from repertory_sdk.manifest import AppManifest


class Library(Protocol):
    """Installed content, read afresh whenever it may have changed."""

    def installed(self) -> InstalledSet:
        """Everything that is installed now."""

    def offered(self, action: str) -> Sequence[AppManifest]:
        """Apps that followed repositories offer, installed or not, which have this action."""

    def pinned(self, name: str, digest: str) -> Installed:
        """An item as it was when a run began; raises UserError when its bytes are gone or were changed."""
