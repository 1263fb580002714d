"""Followed repositories: those that a person named, and those that they list."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from repertory.content.git.sources import Source
from repertory.content.offered.members import read_members
from repertory.errors import NotFound, UserError
from repertory_sdk.convert import from_json
from repertory_sdk.errors import ConversionError

if TYPE_CHECKING:
    from repertory.home import Home


@dataclass(frozen=True, kw_only=True)
class Repository:
    """A followed repository. ``ref`` is a branch, tag or commit, empty for the default branch.

    ``via`` names the followed repository that lists it, empty where a person named it.
    """

    name: str
    url: str
    ref: str = ""
    via: str = ""

    @property
    def source(self) -> Source:
        """What to fetch."""
        return Source(url=self.url, ref=self.ref)


@dataclass(frozen=True, kw_only=True)
class Follows:
    """The file with all of them."""

    repositories: Sequence[Repository] = field(default=())


def list_repositories(home: Home) -> list[Repository]:
    """All followed repositories by name; what a person named comes before a namesake that is only listed."""
    named = named_repositories(home)
    listed = [
        Repository(name=f"{one.name}-{member.name}", url=member.url, ref=member.ref, via=one.name)
        for one in named
        for member in read_members(home, one.name)
    ]
    return sorted({one.name: one for one in [*reversed(listed), *named]}.values(), key=lambda one: one.name)


def named_repositories(home: Home) -> list[Repository]:
    """Those that a person named, by name."""
    try:
        follows: Follows = from_json(Follows, json.loads(home.follows.read_bytes()))
    except FileNotFoundError:
        return []
    except (OSError, ValueError, RecursionError, ConversionError) as error:
        raise UserError(f"cannot read {home.follows}: {error}", "mend it, or delete it and follow again") from error
    return sorted(follows.repositories, key=lambda one: one.name)


def find_repository(home: Home, name: str) -> Repository:
    """The followed repository of this name."""
    return choose_repositories(list_repositories(home), [name])[0]


def choose_repositories(known: Sequence[Repository], names: Sequence[str]) -> list[Repository]:
    """Those of these names, and what they list; all without names."""
    by_name = {one.name: one for one in known}
    for name in names:
        if name not in by_name:
            raise NotFound("repository", name, by_name, "follow one: repertory repo add NAME URL")
    return [one for one in known if not names or one.name in names or one.via in names]
