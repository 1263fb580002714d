"""Syncing: what the followed repositories offer is brought up to date, each by itself and all at once."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from repertory.content.git import commits as git
from repertory.content.items.plugins import checker_name, content_plugins
from repertory.content.offered.catalog import Catalog, read_catalog, write_catalog
from repertory.content.offered.cycles import rare_collections
from repertory.content.offered.description import Described, describe, judged_by
from repertory.content.offered.fetching import Fetching
from repertory.content.offered.following import add_repository, forget_repository, remove_repository
from repertory.content.offered.follows import Repository, choose_repositories, find_repository, list_repositories
from repertory.content.offered.index import Facts, known_facts, update_index
from repertory.content.offered.members import read_members, write_members
from repertory.errors import UserError
from repertory.home import home_error

if TYPE_CHECKING:
    from pathlib import Path

    import pluggy

    from repertory.content.git.sources import Source
    from repertory.home import Home

__all__ = [
    "Repository", "RepositorySync", "SyncReport", "add_repository", "find_repository", "list_repositories",
    "remove_repository", "sync",
]  # fmt: skip
PARALLEL = 8


@dataclass(frozen=True, kw_only=True)
class RepositorySync:
    """What a sync did to one repository; item names are short. ``error`` says why nothing was done.

    ``followed`` and ``unfollowed`` are repositories that it lists since now, or no longer; ``note`` is for people.
    """

    name: str
    commit: str = ""
    added: Sequence[str] = ()
    changed: Sequence[str] = ()
    removed: Sequence[str] = ()
    broken: Sequence[str] = ()
    items: int = 0
    error: UserError | None = None
    followed: Sequence[str] = ()
    unfollowed: Sequence[str] = ()
    note: str = ""

    @property
    def has_news(self) -> bool:
        """Whether there is anything to say but that it is there."""
        return bool(
            self.error or self.added or self.changed or self.removed or self.followed or self.unfollowed or self.note
        )


@dataclass(frozen=True, kw_only=True)
class SyncReport:
    """What a sync did, by repository. ``offline``: none of those on other machines answered."""

    repositories: Sequence[RepositorySync]
    offline: bool = False

    @property
    def failed(self) -> list[RepositorySync]:
        """Those that could not be synced."""
        return [one for one in self.repositories if one.error]


@rare_collections()
def sync(
    home: Home,
    names: Sequence[str] = (),
    progress: Callable[[RepositorySync], None] | None = None,
    *,
    expect: Callable[[int], None] | None = None,
    parallel: int = PARALLEL,
    helper: str = "",
    limits: git.ProcessLimits | None = None,
) -> SyncReport:
    """Fetch these repositories, and those that they list (all without names), and describe what they offer.

    ``expect`` hears how many there are, ``progress`` of each one as it is done. A failure is part of the report and
    does not stop the others. ``helper`` is Git's credential helper for https, ``limits`` bounds each Git process.
    """
    waiting = choose_repositories(list_repositories(home), names)
    home.prepare()
    fetching = Fetching(home=home, limits=limits or git.ProcessLimits(), facts=known_facts(home), helper=helper)
    work = _Sync(home=home, fetching=fetching)
    done: dict[Repository, RepositorySync] = {}
    with ThreadPoolExecutor(max_workers=parallel) as pool:
        while waiting:  # a second time where a list has grown
            if expect:
                expect(len(done) + len(waiting))
            for repository, one in work.round(pool, waiting):
                done[repository] = one
                if progress:
                    progress(one)
            now = dict.fromkeys(list_repositories(home))
            done = {repository: one for repository, one in done.items() if repository in now}
            waiting = [one for one in now if one not in done and (not names or one.name in names or one.via in names)]
    if work.has_news:
        with home.exclusive():
            update_index(home)
    away = any(isinstance(one.error, git.Unreachable) for one in done.values())
    offline = away and not work.fetching.hosts.any_answered
    return SyncReport(repositories=sorted(done.values(), key=lambda one: one.name), offline=offline)


def _mistake(error: Exception) -> UserError:
    where = traceback.extract_tb(error.__traceback__)[-1]
    said = f"its content cannot be judged: {type(error).__name__}: {error} ({Path(where.filename).name}, line {where.lineno})"
    return UserError(said, "that is a mistake of Repertory or of a plug-in; please report it")


class _Gone(Exception):
    """A repository is followed no longer, since its fetch began."""


@dataclass(kw_only=True)
class _Sync:
    """One sync at work. Threads fetch; what was fetched is described here, one after the other."""

    home: Home
    fetching: Fetching
    has_news: bool = False
    marks: dict[str, tuple[tuple[int, int], ...]] = field(default_factory=dict)
    fetched: dict[Source, tuple[Repository, str]] = field(default_factory=dict)
    described: dict[Source, Catalog] = field(default_factory=dict)

    @cached_property
    def plugins(self) -> pluggy.PluginManager:
        """Loaded while the first answers are waited for."""
        return content_plugins()

    @cached_property
    def checker(self) -> str:
        """Who judges."""
        return checker_name(self.plugins)

    def round(
        self, pool: ThreadPoolExecutor, waiting: Sequence[Repository]
    ) -> Iterator[tuple[Repository, RepositorySync]]:
        """Fetch and describe these, as they come. Repositories with one source are fetched once."""
        self.marks = {via: self._mark(via) for via in {one.via for one in waiting}}
        groups: dict[Source, list[Repository]] = {}
        for one in waiting:
            groups.setdefault(one.source, []).append(one)
        fetches = {pool.submit(self._bring, group): group for group in groups.values()}
        try:
            _ = self.checker
            for commit in as_completed(fetches):
                for repository in fetches.pop(commit):
                    with suppress(_Gone):
                        yield repository, self._describe(repository, commit)
        except BaseException:
            self.fetching.limits.stop.set()  # an interrupted user does not wait for a silent server
            pool.shutdown(wait=False, cancel_futures=True)
            raise

    def _bring(self, group: Sequence[Repository]) -> str:
        source = group[0].source
        if source in self.fetched:  # in the round before, under another name
            first, commit = self.fetched[source]
            for one in group:
                self.fetching.copy(first, one, commit)
            return commit
        commit = self.fetching.bring(group)
        self.fetched[source] = (group[0], commit)
        return commit

    def _describe(self, repository: Repository, commit: Future[str]) -> RepositorySync:
        try:
            made_by = judged_by(self.home, repository.name, self.checker)
            facts = self.fetching.facts.get(repository.name)
            if facts and self._is_known(facts, repository, commit.result(), made_by):
                return RepositorySync(
                    name=repository.name, commit=facts.commit, items=facts.items, broken=facts.broken, added=[], changed=[],
                    removed=[],
                )  # fmt: skip
            before = read_catalog(self.home, repository.name)
            old = before if before and before.made_by == made_by else self.described.get(repository.source)
            found = describe(self.home, repository, commit.result(), old, self.plugins, made_by)
            followed, unfollowed = self._publish(repository, found)
        except UserError as error:
            return RepositorySync(name=repository.name, error=error)
        except OSError as error:
            return RepositorySync(name=repository.name, error=home_error(self.home.root, error))
        except _Gone:
            raise
        except Exception as error:  # a plug-in's mistake, or ours, must not stop the others
            return RepositorySync(name=repository.name, error=_mistake(error))
        self.described[repository.source] = found.catalog
        return _compare(before, found, followed, unfollowed)

    def _is_known(self, facts: Facts, repository: Repository, commit: str, made_by: str) -> bool:
        """Whether this very commit was described by the same checks before, and nothing of that was lost."""
        same = (facts.url, facts.ref, facts.commit, facts.made_by) == (repository.url, repository.ref, commit, made_by)
        return same and (not facts.members or len(read_members(self.home, repository.name)) == facts.members)

    def _publish(self, repository: Repository, found: Described) -> tuple[list[str], list[str]]:
        """Replace what is known of it; the names of repositories that are followed from now on, or no longer."""
        self.has_news = True
        with self.home.exclusive():
            if self._mark(repository.via) != self.marks[repository.via] and repository not in list_repositories(
                self.home
            ):
                raise _Gone
            write_catalog(self.home, found.catalog)
            if repository.via:
                return [], []
            listed = {f"{repository.name}-{one.name}" for one in read_members(self.home, repository.name)}
            if not listed and not found.members:
                return [], []
            before = {one.name for one in list_repositories(self.home)}
            write_members(self.home, repository.name, found.members)
            after = {one.name for one in list_repositories(self.home)}
            for name in before - after:
                forget_repository(self.home, name)
        return sorted(after - before), sorted(before - after)

    def _mark(self, catalog: str) -> tuple[tuple[int, int], ...]:
        """Changes whenever what is followed by a person, or listed by this one, is written anew."""
        return tuple(map(_written, (self.home.follows, *([self.home.members(catalog)] if catalog else []))))


def _written(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:
        return 0, 0
    return status.st_ino, status.st_mtime_ns


def _compare(
    before: Catalog | None, found: Described, followed: Sequence[str], unfollowed: Sequence[str]
) -> RepositorySync:
    after = found.catalog
    old = {item.name: item.digest for item in before.items} if before else {}
    new = {item.name: item.digest for item in after.items}
    return RepositorySync(
        name=after.repository,
        commit=after.commit,
        added=sorted(new.keys() - old.keys()),
        changed=sorted(name for name in new.keys() & old.keys() if new[name] != old[name]),
        removed=sorted(old.keys() - new.keys()),
        broken=sorted({item.name for item in after.items if item.errors}),
        items=len(after.items),
        followed=followed,
        unfollowed=unfollowed,
        note=_note_of(found),
    )


def _note_of(found: Described) -> str:
    if found.lists_more:
        return "it lists repositories itself; to follow those too, name it: repertory repo add"
    reason = next(iter(found.catalog.issues), None)
    return reason.message if reason and not found.catalog.items else ""
