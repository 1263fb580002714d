"""From a lock to installed items: the same bytes on another machine, and nothing that the lock only claims."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from repertory.content.changes.progress import Progress, silent
from repertory.content.environments.environments import environment_of
from repertory.content.git import commits as git
from repertory.content.git.paths import Refused
from repertory.content.git.sources import Source
from repertory.content.installed.claims import contradictions
from repertory.content.installed.contents import export, is_intact
from repertory.content.installed.generations import change_lock, record_found
from repertory.content.installed.lock import LockedItem, read_installed_manifest, read_lock
from repertory.content.items.opening import open_content
from repertory.content.items.plugins import content_plugins
from repertory.content.trust.trust import doubt_about_signer
from repertory.errors import UserError

if TYPE_CHECKING:
    import pluggy

    from repertory.home import Home

COMMAND = "install --locked"


def restore(home: Home, progress: Progress | None = None, *, helper: str = "") -> list[str]:
    """Bring everything that the lock names to this machine, byte for byte; returns the names of what was missing.

    What the lock says of an item is not believed: what it may do is read from its bytes, who signed it from its commit.
    ``helper`` is Git's credential helper for https.
    """
    tell = progress or silent
    with home.exclusive():
        lock = read_lock(home)
        work = _Restoring(home=home, helper=helper, tell=tell)
        missing = [item.name for item in lock.items if work.bring(item)]
        _refuse_lies({item.name: work.problems(item) for item in lock.items})
        after = lock.replacing(_with_environment(home, item, tell) for item in lock.items)
        if after != lock:
            change_lock(home, after, command=COMMAND)
        else:
            record_found(home, command=COMMAND)
    return missing


def _refuse_lies(problems: dict[str, list[str]]) -> None:
    told = [f"  {name}: {problem}" for name, found in problems.items() for problem in found]
    if not told:
        return
    names = ", ".join(name for name, found in problems.items() if found)
    message = "\n".join([f"{names}: the lock is not to be believed:", *told])
    hint = f"ask whoever wrote the lock; to see and agree to what is on offer: repertory install {names.replace(',', '')}"
    raise UserError(message, hint)


def _with_environment(home: Home, item: LockedItem, tell: Progress) -> LockedItem:
    manifest = read_installed_manifest(item, home.content(item.hash))
    return replace(item, environment=environment_of(home, manifest, item.hash, item.name, tell))


@dataclass(kw_only=True)
class _Restoring:
    """One restoration at work; every commit is fetched once, whoever lies in it."""

    home: Home
    helper: str
    tell: Progress
    _fetched: set[tuple[str, str, str, str]] = field(default_factory=set)

    @cached_property
    def plugins(self) -> pluggy.PluginManager:
        """Who judges."""
        return content_plugins()

    def bring(self, item: LockedItem) -> bool:
        """Export an item's files if they are missing or changed; whether they were."""
        if is_intact(self.home.content(item.hash), item.hash):
            return False
        self.tell(item.name, "fetching")
        self._fetch(item)
        with open_content(self.home.repository(_repository(item)), item.commit) as tree:
            digest = export(self.home, tree, item.path)
        if digest != item.hash:
            message = f"{item.name}: commit {item.commit[:12]} holds other bytes than the lock names"
            raise UserError(message, "the lock or the repository was changed by hand: find out which")
        return True

    def _fetch(self, item: LockedItem) -> None:
        """By what was followed, where that is this commit still: with a tag comes the signature on it."""
        repository = _repository(item)
        place = (repository, item.url, item.ref, item.commit)
        if place in self._fetched:
            return
        bare, followed = self.home.repository(repository), Source(url=item.url, ref=item.ref)
        now = None if followed.wish.commit else git.advertised(bare, followed, helper=self.helper)
        if now and now.commit == item.commit:
            git.fetch(bare, followed, name=now.name, helper=self.helper)
        else:
            git.fetch(bare, Source(url=item.url, ref=item.commit), helper=self.helper)
        self._fetched.add(place)

    def problems(self, item: LockedItem) -> list[str]:
        """Everything in which the lock contradicts the item's bytes and commit."""
        return [*contradictions(self.home, item, self.plugins, judge_code=True), *self._other_signer(item)]

    def _other_signer(self, item: LockedItem) -> list[str]:
        """A lock without a signer is of a time when none was noted."""
        if not item.signer:
            return []
        try:
            doubt = self._doubt(item)
        except Refused:  # its bytes are here, and its commit is not
            self._fetch(item)
            doubt = self._doubt(item)
        return [doubt] if doubt else []

    def _doubt(self, item: LockedItem) -> str:
        return doubt_about_signer(self.home, _repository(item), item.commit, item.signer, ref=item.ref)


def _repository(item: LockedItem) -> str:
    return item.name.partition("/")[0]
