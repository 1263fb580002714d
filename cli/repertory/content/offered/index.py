"""The index that finding reads: one SQLite file, derived from the catalogues of all followed repositories.

It can be deleted at any time: whoever opens it compares it with the catalogues and brings it up to date, so what it
answers is what they say. A search opens this file alone, however many repositories there are.
"""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from repertory.content.offered.index_rows import ItemRows, rows_of
from repertory.items import those_called

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from repertory.home import Home

T = TypeVar("T")
APPLICATION = 0x52657074  # "Rept": whose file this is
VERSION = 1
CATALOG_SCHEMA = "urn:repertory:schema:catalog:1"
SUFFIX = ".catalog.json"
# How long another process may write before it is said to be stuck, seconds.
PATIENCE_S = 30.0
TABLES = """
CREATE TABLE catalogs (repository TEXT PRIMARY KEY, mark TEXT NOT NULL, facts TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE items (id INTEGER PRIMARY KEY, repository TEXT NOT NULL, name TEXT NOT NULL, full_name TEXT NOT NULL,
  kind TEXT NOT NULL, version TEXT NOT NULL, summary TEXT NOT NULL, product TEXT NOT NULL, errors INTEGER NOT NULL);
CREATE INDEX items_by_repository ON items (repository);
CREATE INDEX items_by_name ON items (name);
CREATE INDEX items_by_full_name ON items (full_name);
CREATE TABLE records (id INTEGER PRIMARY KEY, plain TEXT NOT NULL);
CREATE TABLE actions (item INTEGER NOT NULL, name TEXT NOT NULL, plain TEXT NOT NULL, type TEXT NOT NULL, offered INTEGER NOT NULL);
CREATE INDEX actions_by_item ON actions (item);
CREATE INDEX actions_by_name ON actions (plain);
CREATE TABLE inputs (item INTEGER NOT NULL, action TEXT NOT NULL, word TEXT NOT NULL);
CREATE INDEX inputs_by_item ON inputs (item);
CREATE TABLE started (item INTEGER NOT NULL, playbook TEXT NOT NULL);
CREATE INDEX started_by_item ON started (item);
CREATE VIRTUAL TABLE words USING fts5(
  name, product, actions, summary, contains, labels, needs, kind, tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3');
"""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What a sync has to know of an earlier one, without reading what it found."""

    commit: str = ""
    url: str = ""
    ref: str = ""
    made_by: str = ""
    signer: str = ""
    members: int = 0
    items: int = 0
    broken: Sequence[str] = field(default=())


def update_index(home: Home) -> None:
    """Bring the file up to date; to be called where the catalogues have just been written."""
    ask(home, lambda _index: None)


def ask(home: Home, question: Callable[[sqlite3.Connection], T]) -> T:
    """What the index says as the catalogues are now; it is made again where it is missing, damaged or not ours."""
    marks = _marks(home)
    if marks or home.index.exists():  # else nothing was ever synced, and nothing is created
        for _attempt in range(2):
            try:
                with closing(_current(home, marks)) as connection:
                    return question(connection)
            except sqlite3.OperationalError as error:
                if not _is_damage(error):
                    break  # a home that may only be read, a full disk, a writer that hangs
            except OSError:
                break  # a home of somebody else
            except sqlite3.DatabaseError:
                pass
            _discard(home.index)
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        _bring_up_to_date(connection, home, marks)
        return question(connection)


def _is_damage(error: sqlite3.OperationalError) -> bool:
    """Tables that look otherwise than ours, as opposed to a file that cannot be written."""
    return getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_ERROR


def _current(home: Home, marks: Mapping[str, str]) -> sqlite3.Connection:
    connection = sqlite3.connect(home.index, timeout=PATIENCE_S, isolation_level=None)
    try:
        _refuse_foreign(connection, home.index)
        if _is_new(connection) or _known_marks(connection) != marks:
            os.chmod(home.index, 0o600)
            connection.execute("PRAGMA synchronous = OFF")  # it can be made again
            connection.execute("BEGIN IMMEDIATE")
            _bring_up_to_date(connection, home, marks)
            connection.execute("COMMIT")
    except BaseException:
        connection.close()
        raise
    return connection


def _refuse_foreign(connection: sqlite3.Connection, path: Path) -> None:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if (application, version) != (APPLICATION, VERSION) and path.stat().st_size > 0:
        raise sqlite3.DatabaseError("not an index of this version")


def _is_new(connection: sqlite3.Connection) -> bool:
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    return not tables


def _discard(path: Path) -> None:
    for name in (path, path.with_name(f"{path.name}-journal"), path.with_name(f"{path.name}-wal")):
        with suppress(OSError):
            name.unlink()


# ------------------------------------------------------------------ updating


def _marks(home: Home) -> dict[str, str]:
    """What changes whenever a catalogue is written, by repository."""
    try:
        with os.scandir(home.catalog("x").parent) as entries:
            found = [(entry.name, entry.stat()) for entry in entries if entry.name.endswith(SUFFIX)]
    except OSError:
        return {}
    return {
        name.removesuffix(SUFFIX): f"{status.st_ino} {status.st_size} {status.st_mtime_ns}" for name, status in found
    }


def _known_marks(connection: sqlite3.Connection) -> dict[str, str]:
    return dict(connection.execute("SELECT repository, mark FROM catalogs"))


def _bring_up_to_date(connection: sqlite3.Connection, home: Home, marks: Mapping[str, str]) -> None:
    if _is_new(connection):
        for statement in TABLES.split(";\n"):
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
        connection.execute(f"PRAGMA user_version = {VERSION}")
    known = _known_marks(connection)
    for repository in known.keys() - marks.keys():
        _forget(connection, repository)
    for repository in sorted(marks):
        if known.get(repository) != marks[repository]:
            _forget(connection, repository)
            _take_in(connection, repository, marks[repository], home.catalog(repository))


def _forget(connection: sqlite3.Connection, repository: str) -> None:
    ids = connection.execute("SELECT id FROM items WHERE repository = ?", (repository,)).fetchall()
    for table, key in (
        ("words", "rowid"), ("records", "id"), ("actions", "item"), ("inputs", "item"), ("started", "item"), ("items", "id"),
    ):  # fmt: skip
        connection.executemany(f"DELETE FROM {table} WHERE {key} = ?", ids)
    connection.execute("DELETE FROM catalogs WHERE repository = ?", (repository,))


def _take_in(connection: sqlite3.Connection, repository: str, mark: str, path: Path) -> None:
    plain, rows = _read(path, repository)
    facts = {key: plain.get(key, "") for key in ("commit", "url", "ref", "made_by", "signer")}
    facts |= {"members": plain.get("members", 0), "items": len(rows), "broken": sorted({row.name for row in rows if row.errors})}
    connection.execute("INSERT INTO catalogs VALUES (?, ?, ?)", (repository, mark, json.dumps(facts)))
    common = {key: plain.get(key, "") for key in ("url", "ref", "commit")}
    for row in rows:
        _insert(connection, row, {"repository": repository, **common})


def _read(path: Path, repository: str) -> tuple[dict[str, Any], list[ItemRows]]:
    """What the file holds, nothing where it is damaged or of another version."""
    try:
        plain = json.loads(path.read_bytes())
        if plain["$schema"] == CATALOG_SCHEMA:
            return plain, [rows_of(repository, item) for item in plain["items"]]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        pass
    return {}, []


def _insert(connection: sqlite3.Connection, row: ItemRows, common: Mapping[str, Any]) -> None:
    cursor = connection.execute(
        "INSERT INTO items (repository, name, full_name, kind, version, summary, product, errors)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (row.repository, row.name, row.full_name, row.kind, row.version, row.summary, row.product, row.errors),
    )
    number = cursor.lastrowid
    text = json.dumps({**row.plain, **common}, ensure_ascii=False, separators=(",", ":"))
    connection.execute("INSERT INTO records VALUES (?, ?)", (number, text))
    columns, marks = ", ".join(row.words), ", ?" * len(row.words)
    connection.execute(f"INSERT INTO words (rowid, {columns}) VALUES (?{marks})", (number, *row.words.values()))
    connection.executemany("INSERT INTO actions VALUES (?, ?, ?, ?, ?)", [(number, *action) for action in row.actions])
    connection.executemany("INSERT INTO inputs VALUES (?, ?, ?)", [(number, *word) for word in row.inputs])
    connection.executemany("INSERT INTO started VALUES (?, ?)", [(number, name) for name in row.started])


# ------------------------------------------------------------------ looking up


def records_named(home: Home, name: str) -> list[dict[str, Any]]:
    """Catalogue lines of all items that are called so; a full name means no other item."""
    sql = "SELECT full_name, plain FROM items JOIN records USING (id) WHERE full_name = ?1 OR name = ?2 ORDER BY full_name, id"
    found = ask(home, lambda index: list(index.execute(sql, (name, name.rpartition("/")[2]))))
    return [json.loads(plain) for _, plain in those_called(name, found, lambda row: str(row[0]))]


def records_in(home: Home, names: Sequence[str]) -> list[dict[str, Any]]:
    """Catalogue lines of all items with one of these full names."""
    sql = """SELECT plain FROM items JOIN records USING (id) WHERE full_name IN (SELECT value FROM json_each(?))
             ORDER BY full_name, id"""
    return ask(home, lambda index: [json.loads(plain) for (plain,) in index.execute(sql, (json.dumps(list(names)),))])


def records_offering(home: Home, action: str) -> list[dict[str, Any]]:
    """Catalogue lines of all apps without errors that have this action."""
    sql = """SELECT plain FROM items JOIN records USING (id) WHERE kind = 'app' AND errors = 0
             AND id IN (SELECT item FROM actions WHERE name = ? AND offered) ORDER BY full_name, id"""
    return ask(home, lambda index: [json.loads(plain) for (plain,) in index.execute(sql, (action,))])


def item_names(home: Home, beginning: str = "") -> list[str]:
    """Full names that begin so, sorted."""
    sql = "SELECT DISTINCT full_name FROM items WHERE substr(full_name, 1, ?) = ? ORDER BY full_name"
    return ask(home, lambda index: [name for (name,) in index.execute(sql, (len(beginning), beginning))])


def known_facts(home: Home) -> dict[str, Facts]:
    """What the last sync found, in short, by repository."""
    sql = "SELECT repository, facts FROM catalogs"
    return ask(home, lambda index: {name: Facts(**json.loads(facts)) for name, facts in index.execute(sql)})
