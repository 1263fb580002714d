"""SQLite: one file for one machine, in WAL mode with full synchronisation: an intent is on disk before its effect.

Writes that several threads want at the same time are committed together: what a commit costs is the wait for the disk, and
one wait serves all of them. Reads use connections of their own, which a commit does not hold up.
"""

from __future__ import annotations

import sqlite3
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from repertory.runtime.storage.trouble import StorageTrouble

if TYPE_CHECKING:
    from collections.abc import Iterator

    from repertory.runtime.storage.database import Row, Transaction

BUSY_S = 30.0
_READING = ("select", "with")
# Words of PostgreSQL; here one transaction writes at a time, and nobody changes a row meanwhile.
_LOCKS = (" for share", " for update")


@dataclass
class _Wish:
    """A statement that a thread wants committed."""

    sql: str
    parameters: tuple[object, ...]
    rows: list[Row] = field(default_factory=list)
    error: Exception | None = None
    done: bool = False


class SqliteDatabase:
    """Safe to use from several threads and processes."""

    dialect = "sqlite"

    def __init__(self, path: str) -> None:
        self._path = path
        self._writing = threading.RLock()
        self._wishing = threading.Lock()
        self._wishes: list[_Wish] = []
        self._readers: list[sqlite3.Connection] = []
        with _explained(path):
            self._writer = self._connect()
            self._writer.execute("pragma journal_mode = wal")
            self._writer.execute("pragma synchronous = full")
            self._writer.execute("pragma foreign_keys = on")

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, timeout=BUSY_S)
        connection.row_factory = sqlite3.Row
        return connection

    def query(self, sql: str, *parameters: object) -> list[Row]:
        """One statement, committed when it returns."""
        sql = _without_locks(sql)
        with _explained(self._path):
            if sql.lstrip()[:6].lower().startswith(_READING):
                return self._read(sql, parameters)
            return self._write(_Wish(sql, parameters))

    def _read(self, sql: str, parameters: tuple[object, ...]) -> list[Row]:
        with self._wishing:
            connection = self._readers.pop() if self._readers else None
        connection = connection or self._connect()
        try:
            return connection.execute(sql, parameters).fetchall()
        finally:
            with self._wishing:
                self._readers.append(connection)

    def _write(self, wish: _Wish) -> list[Row]:
        """Whoever gets the lock commits for all who wait for it."""
        with self._wishing:
            self._wishes.append(wish)
        with self._writing:
            if self._writer.in_transaction:  # one of this thread's own, which may yet be rolled back: only for itself
                with self._wishing:
                    self._wishes.remove(wish)
                self._execute(wish)
            elif not wish.done:
                with self._wishing:
                    wishes, self._wishes = self._wishes, []
                self._fulfil(wishes)
        if wish.error is not None:
            raise wish.error
        return wish.rows

    def _fulfil(self, wishes: list[_Wish]) -> None:
        alone = len(wishes) == 1
        try:
            if not alone:
                self._writer.execute("begin immediate")
            for wish in wishes:
                self._execute(wish)
            if not alone:
                self._writer.execute("commit")
        except BaseException as error:  # nothing of it was committed, and everybody must know
            if self._writer.in_transaction:
                self._writer.execute("rollback")
            for wish in wishes:
                wish.error = wish.error or (error if isinstance(error, sqlite3.Error) else StorageTrouble("interrupted"))
            if not isinstance(error, sqlite3.Error):
                raise
        finally:
            for wish in wishes:
                wish.done = True

    def _execute(self, wish: _Wish) -> None:
        """A statement that breaks a rule, or whose values cannot be kept (halves of surrogate pairs, huge numbers), fails
        alone: SQLite takes back what it did and keeps the transaction."""
        try:
            wish.rows = self._writer.execute(wish.sql, wish.parameters).fetchall()
        except (sqlite3.IntegrityError, sqlite3.ProgrammingError, sqlite3.DataError, ValueError, OverflowError) as error:
            wish.error = error

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Takes the write lock at once, so that it cannot fail half way for want of it."""
        with self._writing, _explained(self._path):
            self._writer.execute("begin immediate")
            try:
                yield _SqliteTransaction(self._writer)
                self._writer.execute("commit")
            except BaseException:
                if self._writer.in_transaction:
                    self._writer.execute("rollback")
                raise

    def close(self) -> None:
        """Checkpoint and close."""
        with self._writing, self._wishing:
            for connection in (*self._readers, self._writer):
                connection.close()
            self._readers = []


class _SqliteTransaction:
    """Reads and writes on the one connection that has the transaction."""

    dialect = "sqlite"

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def query(self, sql: str, *parameters: object) -> list[Row]:
        return self._connection.execute(_without_locks(sql), parameters).fetchall()


def _without_locks(sql: str) -> str:
    for words in _LOCKS:
        sql = sql.replace(words, "")
    return sql


@contextmanager
def _explained(path: str) -> Iterator[None]:
    """SQLite's complaints about files, disks and locks as sentences."""
    try:
        yield
    except sqlite3.OperationalError as error:
        hints = {
            "full": "free some space; nothing was lost, the command can be repeated",
            "readonly": "permit writing there, or name another folder with REPERTORY_HOME",
            "unable to open": "permit writing there, or name another folder with REPERTORY_HOME",
            "locked": "another process has been writing for long; try again when it has finished",
            "disk i/o": "check the disk; a full or failing one answers so",
        }
        for sign, hint in hints.items():
            if sign in str(error).lower():
                raise StorageTrouble(f"{path}: {error}", hint) from error
        raise
    except sqlite3.DatabaseError as error:
        if "not a database" in str(error) or "malformed" in str(error):
            raise StorageTrouble(f"{path}: {error}", "restore it from a copy, or move it away to start anew") from error
        raise
