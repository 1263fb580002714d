"""Completion on the command line: names that exist. Never fails, never writes, never creates a home."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from repertory.content.offered.follows import list_repositories
from repertory.content.offered.index import item_names
from repertory.errors import UserError
from repertory.runtime.kept import assets, runs
from repertory.runtime.storage.database import Database, open_database
from repertory.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def _matching(names: Iterable[str], incomplete: str) -> list[str]:
    return sorted(name for name in names if name.startswith(incomplete))


@contextmanager
def _database() -> Iterator[Database | None]:
    settings = load_settings()
    if not settings.database_url and not settings.home.database.exists():
        yield None
        return
    database = open_database(settings)
    try:
        yield database
    finally:
        database.close()


def complete_repository(incomplete: str) -> list[str]:
    """Followed repositories."""
    with suppress(UserError, OSError):
        return _matching((one.name for one in list_repositories(load_settings().home)), incomplete)
    return []


def complete_item(incomplete: str) -> list[str]:
    """Everything on offer."""
    with suppress(UserError, OSError):
        return item_names(load_settings().home, incomplete)
    return []


def complete_installed(incomplete: str) -> list[str]:
    """Everything installed."""
    from repertory.content.installed.lock import read_lock

    with suppress(UserError, OSError):
        return _matching((item.name for item in read_lock(load_settings().home).items), incomplete)
    return []


def complete_asset(incomplete: str) -> list[str]:
    """Configured assets."""
    with suppress(UserError, OSError), _database() as database:
        if database is not None:
            return _matching((asset.name for asset in assets.list_assets(database)), incomplete)
    return []


def complete_run(incomplete: str) -> list[str]:
    """The newest runs."""
    with suppress(UserError, OSError), _database() as database:
        if database is not None:
            return _matching((run.id for run in runs.list_runs(database)), incomplete)
    return []
