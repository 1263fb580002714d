"""Plain records in which content and runtime meet: what an installed item is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from repertory_sdk.manifest import AppManifest, PlaybookManifest

Kind = Literal["app", "playbook"]


def is_short_for(name: str, full_name: str) -> bool:
    """Whether an item may be called so: without its repository, or by the catalogue that lists the repository.

    >>> is_short_for("whois", "connectors-whois/whois"), is_short_for("connectors/whois", "connectors-whois/whois")
    (True, True)
    """
    repository, _, short_name = full_name.rpartition("/")
    above, _, last = name.rpartition("/")
    return last == short_name and (not above or repository.startswith(f"{above}-"))


@dataclass(frozen=True, kw_only=True)
class Installed:
    """One line of the lock, with where its bytes are.

    ``name`` is the full name ``repository/item``; ``hash`` the content hash (sha256, hexadecimal); ``folder`` the
    immutable tree; ``python`` the interpreter to run it with, in the item's own environment; ``environment`` the digest of
    that, empty where it is the tool's own interpreter.
    """

    name: str
    kind: Kind
    version: str
    hash: str
    folder: Path
    python: Path
    manifest: AppManifest | PlaybookManifest
    environment: str = ""

    @property
    def short_name(self) -> str:
        """The name without its repository."""
        return self.name.rpartition("/")[2]


@dataclass(frozen=True, kw_only=True)
class InstalledSet:
    """Everything that is installed, by full name; what a run may use."""

    apps: Mapping[str, Installed]
    playbooks: Mapping[str, Installed]

    def named(self, kind: Kind, name: str) -> Sequence[Installed]:
        """Items of this kind that are called so; more than one means the name is ambiguous."""
        items = self.apps if kind == "app" else self.playbooks
        if name in items:
            return [items[name]]
        return [item for item in items.values() if is_short_for(name, item.name)]
