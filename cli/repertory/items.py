"""Plain records in which content and runtime meet: what an installed item is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from repertory_sdk.manifest import AppManifest, PlaybookManifest

Kind = Literal["app", "playbook"]
T = TypeVar("T")


def those_called(name: str, items: Iterable[T], full_name: Callable[[T], str]) -> list[T]:
    """Items that may be called so: by the full name, or else by a short one: without the repository, or with the catalogue
    that lists the repository in its place. More than one means that the name is ambiguous.

    >>> those_called("connectors/whois", ["connectors-whois/whois", "mine/whois"], str)
    ['connectors-whois/whois']
    """
    known = list(items)
    exact = [one for one in known if full_name(one) == name]
    return exact or [one for one in known if _is_short_for(name, full_name(one))]


def _is_short_for(name: str, full_name: str) -> bool:
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
        return [items[name]] if name in items else those_called(name, items.values(), lambda item: item.name)
