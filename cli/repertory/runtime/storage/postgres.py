"""PostgreSQL: the same statements through a small pool of connections."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool, PoolTimeout

from repertory.errors import UserError
from repertory.runtime.storage.trouble import StorageTrouble

if TYPE_CHECKING:
    from collections.abc import Iterator

    from repertory.runtime.storage.database import Row, Transaction

CONNECT_S = 10.0


class PostgresDatabase:
    """A pool; each thread borrows a connection for one statement or one transaction."""

    dialect = "postgres"

    def __init__(self, url: str) -> None:
        options: dict[str, Any] = {"autocommit": True, "row_factory": dict_row, "prepare_threshold": 5}
        self._pool: ConnectionPool[psycopg.Connection[dict[str, Any]]] = ConnectionPool(
            url, min_size=1, max_size=16, kwargs=options, timeout=CONNECT_S, open=False,
            reconnect_timeout=CONNECT_S,
        )  # fmt: skip
        _reach(url)
        try:
            self._pool.open(wait=True, timeout=CONNECT_S)
        except PoolTimeout as error:
            self._pool.close()
            raise UserError(
                f"the PostgreSQL server of database_url does not answer within {CONNECT_S:.0f} s",
                "check that it runs and that user, password and database name are right",
            ) from error

    def query(self, sql: str, *parameters: object) -> list[Row]:
        """One statement, committed at once."""
        with _explained(), self._pool.connection() as connection:
            return _run(connection, sql, parameters)

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Several statements on one connection."""
        with _explained(), self._pool.connection() as connection, connection.transaction():
            yield _PostgresTransaction(connection)

    def close(self) -> None:
        """Close every connection."""
        self._pool.close()


def _reach(url: str) -> None:
    """The pool would try again and again; one who mistyped a host wants to know at once, and why."""
    try:
        psycopg.connect(url, connect_timeout=int(CONNECT_S)).close()
    except psycopg.OperationalError as error:
        said = " ".join(str(error).split())
        raise UserError(f"PostgreSQL: {said}", "check database_url, and that the server runs") from error
    except psycopg.ProgrammingError as error:  # its text may hold the password
        raise UserError("database_url cannot be understood", "write postgresql://user@host:port/database") from error


@contextmanager
def _explained() -> Iterator[None]:
    """Lost connections, full disks and servers that shut down, as sentences."""
    try:
        yield
    except (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout) as error:
        said = str(error).strip().partition("\n")[0]
        raise StorageTrouble(f"PostgreSQL: {said}", "check the server; what was interrupted can be continued") from error


class _PostgresTransaction:
    def __init__(self, connection: psycopg.Connection[dict[str, Any]]) -> None:
        self._connection = connection

    def query(self, sql: str, *parameters: object) -> list[Row]:
        return _run(self._connection, sql, parameters)


def _run(connection: psycopg.Connection[dict[str, Any]], sql: str, parameters: tuple[object, ...]) -> list[Row]:
    cursor = connection.execute(sql.replace("?", "%s").encode(), parameters)
    return cursor.fetchall() if cursor.description else []
