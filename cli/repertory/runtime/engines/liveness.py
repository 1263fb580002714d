"""Find out that a worker is dead, without heartbeats and time-outs.

Each process that executes runs holds a lock, which the operating system or the database releases when the process
ends, however it ends. Who can take the lock of another knows that its holder is gone, and while holding it is the only
one who cleans up.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from repertory.errors import UserError
from repertory.home import home_error

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from repertory.settings import Settings

# Far from the numbers that other programs in the same database are likely to choose.
_LOCK_SPACE = "repertory-worker:"


class Liveness(Protocol):
    """The lock of this process and those of its peers."""

    def confirm(self) -> None:
        """Raise UserError if this process can no longer prove that it lives."""

    def peers(self) -> list[str]:
        """Names of all others that are registered, dead or alive."""

    def claim_if_dead(self, peer: str) -> AbstractContextManager[bool]:
        """Context: True when the peer is dead; it is forgotten at the end."""

    def leave(self) -> None:
        """Give the lock back."""


class FileLocks:
    """``flock`` on one file for each process; for a single machine."""

    def __init__(self, folder: Path, name: str) -> None:
        self._path = folder / name
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._descriptor = _register(self._path)
        except OSError as error:
            raise home_error(folder, error) from error

    def confirm(self) -> None:
        """The kernel keeps the lock as long as the process lives; only the file may have gone."""
        if not _is_same_file(self._descriptor, self._path):
            raise UserError("the lock file of this worker has been removed", "start the worker again")

    def peers(self) -> list[str]:
        """One file each."""
        return [path.name for path in self._path.parent.iterdir() if path.name != self._path.name]

    @contextmanager
    def claim_if_dead(self, peer: str) -> Iterator[bool]:
        """Try the peer's lock; its file is removed while we still hold it."""
        path = self._path.parent / peer
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            yield False
            return
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            yield False
            return
        try:
            yield True
            path.unlink(missing_ok=True)
        finally:
            os.close(descriptor)

    def leave(self) -> None:
        """Remove the file while the lock is still held."""
        self._path.unlink(missing_ok=True)
        os.close(self._descriptor)


def _register(path: Path) -> int:
    """Again, when a peer saw the file before it was locked and removed it."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if _is_same_file(descriptor, path):
            return descriptor
        os.close(descriptor)


def _is_same_file(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


class AdvisoryLocks:
    """PostgreSQL advisory locks, each held by a connection; for workers on many machines."""

    def __init__(self, url: str, name: str) -> None:
        import psycopg  # a heavy import that homes with SQLite never need

        self._lost = psycopg.Error
        self._name = name
        try:
            self._connection = psycopg.connect(url, autocommit=True, keepalives_idle=5, keepalives_count=3)
        except psycopg.Error as error:
            raise UserError(f"the PostgreSQL server does not answer: {error}", "check database_url and the server") from error
        self._execute("select pg_advisory_lock(%s)", _lock_number(name))
        self._execute("insert into worker (name, started_at) values (%s, %s)", name, time.time())

    def _execute(self, sql: str, *parameters: object) -> list[tuple[object, ...]]:
        cursor = self._connection.execute(sql.encode(), parameters)
        return cursor.fetchall() if cursor.description else []

    def confirm(self) -> None:
        """The lock belongs to the connection: with that, the right to work is lost."""
        try:
            self._execute("select 1")
        except self._lost as error:
            raise UserError(f"the connection to PostgreSQL was lost: {error}", "start the worker again") from error

    def peers(self) -> list[str]:
        """One row each."""
        return [str(row[0]) for row in self._execute("select name from worker where name <> %s", self._name)]

    @contextmanager
    def claim_if_dead(self, peer: str) -> Iterator[bool]:
        """Try the peer's lock; its row goes while we hold it."""
        number = _lock_number(peer)
        if not self._execute("select pg_try_advisory_lock(%s)", number)[0][0]:
            yield False
            return
        try:
            yield True
            self._execute("delete from worker where name = %s", peer)
        finally:
            self._execute("select pg_advisory_unlock(%s)", number)

    def leave(self) -> None:
        """The server releases the lock with the connection."""
        self._execute("delete from worker where name = %s", self._name)
        self._connection.close()


def _lock_number(name: str) -> int:
    digest = hashlib.sha256(f"{_LOCK_SPACE}{name}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def register(settings: Settings, name: str) -> Liveness:
    """Take the lock of this process; before it executes anything."""
    if settings.database_url:
        return AdvisoryLocks(settings.database_url, name)
    return FileLocks(settings.home.workers, name)
