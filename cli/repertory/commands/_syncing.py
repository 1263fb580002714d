"""Sync and say what came of it; shared by ``sync`` and ``repo add --sync``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from repertory.commands._output import emit, note, say
from repertory.commands._syncprogress import sync_progress
from repertory.content.installed.lock import read_lock
from repertory.content.offered.repositories import RepositorySync, SyncReport, sync
from repertory.errors import EXIT_NOT_DONE, UserError, counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from repertory.home import Home
    from repertory.settings import Settings

# With more than so many, those without news are counted instead of named.
NAMED = 10
FEW = 6


def sync_and_tell(settings: Settings, names: Sequence[str], *, json: bool) -> None:
    """Fetch; exits with 1 if a repository failed, after all others were done."""
    with sync_progress(shown=not json) as progress:
        report = sync(
            settings.home, names, progress.done, expect=progress.expect,
            parallel=settings.sync.parallel, helper=settings.git.credential_helper,
        )  # fmt: skip
    if json:
        emit({"repositories": [_as_json(one) for one in report.repositories], "offline": report.offline})
    else:
        _tell(settings.home, report)
    if report.failed:
        raise typer.Exit(EXIT_NOT_DONE)


def _tell(home: Home, report: SyncReport) -> None:
    """What is new, then what failed; many failures for one reason are one sentence."""
    if not report.repositories:
        say("nothing is followed yet: repertory repo add NAME URL")
    told = [one for one in report.repositories if not one.error]
    quiet = [one for one in told if not one.has_news]
    for one in told:
        if one.has_news or len(report.repositories) <= NAMED:
            say(_line(one))
            _tell_unfollowed(home, one)
    if quiet and len(report.repositories) > NAMED:
        items = sum(one.items for one in quiet)
        say(f"{counted(len(quiet), 'repository', 'repositories')} without news, {counted(items, 'item')}")
    for one in report.failed:
        if one.error and not (report.offline and len(report.failed) > 1):
            _tell_error(one.name, one.error)
    if report.offline:
        count = len(report.failed)
        which = "The repository could not" if count == 1 else f"None of {count} repositories could"
        note(f"no network? {which} be reached; everything installed goes on working")
        note("  → check the network, then `repertory sync` again")


def _line(one: RepositorySync) -> str:
    words = (
        ("new", one.added), ("changed", one.changed), ("gone", one.removed), ("broken", one.broken),
        ("follows from now on", one.followed), ("follows no longer", one.unfollowed),
    )  # fmt: skip
    changes = [f"{word} {_some(names)}" for word, names in words if names] + ([one.note] if one.note else [])
    return f"{one.name}: {counted(one.items, 'item')} at {one.commit[:12]}; {'; '.join(changes) or 'no news'}"


def _some(names: Sequence[str]) -> str:
    """A few names, and how many more."""
    shown = ", ".join(names[:FEW])
    return f"{shown} and {len(names) - FEW} more" if len(names) > FEW else shown


def _tell_unfollowed(home: Home, one: RepositorySync) -> None:
    if not one.unfollowed:
        return
    left = [item.name for item in read_lock(home).items if item.name.partition("/")[0] in one.unfollowed]
    if left:
        say(f"  installed from there, and stays: {', '.join(left)}")


def _tell_error(name: str, error: UserError) -> None:
    note(f"{name}: {error.message}" + (f"\n  → {error.hint}" if error.hint else ""))


def _as_json(one: RepositorySync) -> dict[str, Any]:
    return {
        "name": one.name, "commit": one.commit, "items": one.items, "added": list(one.added),
        "changed": list(one.changed), "removed": list(one.removed), "broken": list(one.broken),
        "followed": list(one.followed), "unfollowed": list(one.unfollowed), "note": one.note,
        "error": {"message": one.error.message, "hint": one.error.hint} if one.error else None,
    }  # fmt: skip
