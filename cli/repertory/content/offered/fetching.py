"""Bringing what followed repositories have now: each place is asked once, and fetched only where there is news."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from repertory.content.git import commits as git

if TYPE_CHECKING:
    from repertory.content.git.sources import Source
    from repertory.content.offered.follows import Repository
    from repertory.content.offered.index import Facts
    from repertory.home import Home

# After so many failures in a row nobody waits for the same host again.
GIVEN_UP_AFTER = 3


@dataclass(kw_only=True)
class Hosts:
    """Which hosts do not answer; shared by all threads of one sync."""

    _silent: Counter[str] = field(default_factory=Counter)
    _answered: set[str] = field(default_factory=set)
    _lock: Lock = field(default_factory=Lock)

    def refuse_silent(self, source: Source) -> None:
        """Raise Unreachable where the last ones to ask were not answered."""
        host = urlsplit(source.url).netloc
        with self._lock:
            given_up = host not in self._answered and self._silent[host] >= GIVEN_UP_AFTER
        if given_up:
            raise git.Unreachable(
                f"{source.url}: {host} did not answer the others, so it was not asked", "check the network"
            )

    def note(self, source: Source, *, answered: bool) -> None:
        """Remember what became of a request."""
        host = urlsplit(source.url).netloc
        with self._lock:
            if answered:
                self._answered.add(host)
            else:
                self._silent[host] += 1

    @property
    def any_answered(self) -> bool:
        """Whether there is a network at all."""
        return any(self._answered)


@dataclass(frozen=True, kw_only=True)
class Fetching:
    """How to fetch in one sync. ``helper`` knows credentials; ``facts`` are what was known before, by repository."""

    home: Home
    limits: git.ProcessLimits
    facts: Mapping[str, Facts]
    helper: str = ""
    hosts: Hosts = field(default_factory=Hosts)

    def bring(self, group: Sequence[Repository]) -> str:
        """The commit that all these repositories of one source have now, in the copy of each of them."""
        first, *others = group
        if not first.source.is_local:
            self.hosts.refuse_silent(first.source)
        try:
            commit = self._bring_one(first)
        except git.Unreachable:
            if not first.source.is_local and not self.limits.stop.is_set():
                self.hosts.note(first.source, answered=False)
            raise
        except git.GitFailed:
            self._answered(first.source)  # that there is nothing is an answer, too
            raise
        self._answered(first.source)
        for other in others:
            self.copy(first, other, commit)
        return commit

    def _answered(self, source: Source) -> None:
        if not source.is_local:
            self.hosts.note(source, answered=True)

    def copy(self, first: Repository, other: Repository, commit: str) -> None:
        """Give a second name its own copy of what is here already."""
        if self._known(other) != commit:
            git.copy_commit(self.home.repository(first.name), self.home.repository(other.name))

    def _bring_one(self, repository: Repository) -> str:
        known, source, bare = self._known(repository), repository.source, self.home.repository(repository.name)
        if known and source.wish.commit:
            return known  # a commit stays what it is
        # A short name could be a branch and a tag: that is found out before anything is fetched.
        now = None
        if (known or source.ref) and not source.wish.commit:
            now = git.advertised(bare, source, limits=self.limits, helper=self.helper)
            if known and now and now.commit == known:
                return known
        return git.fetch(bare, source, name=now.name if now else "", limits=self.limits, helper=self.helper)

    def _known(self, repository: Repository) -> str:
        """The commit that is here already; empty if that is another one than of this URL and ref."""
        facts = self.facts.get(repository.name)
        here = facts is not None and (facts.url, facts.ref) == (repository.url, repository.ref)
        return facts.commit if facts and here and (self.home.repository(repository.name) / "HEAD").exists() else ""
