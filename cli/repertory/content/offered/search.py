"""Questions to the index: words and filters, answered in the order of how well they fit."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from repertory.content.offered.index import ask
from repertory.content.offered.index_rows import plain_name
from repertory.errors import nearest_names

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from repertory.home import Home

# How much a hit counts: name, product, actions, summary, contains, labels, needs, kind.
WEIGHTS = (20.0, 8.0, 6.0, 4.0, 2.0, 2.0, 1.0, 1.0)
WORD = re.compile(r"[^\W_]")
RANK = f"bm25(words, {', '.join(map(str, WEIGHTS))})"
COLUMNS = "i.full_name, i.kind, i.version, i.summary, i.errors"


@dataclass(frozen=True, kw_only=True)
class Query:
    """What is looked for; all of it must fit. ``input`` is a parameter's name or what it contains. ``limit`` 0: all."""

    words: Sequence[str] = ()
    action: str = ""
    type: str = ""
    product: str = ""
    input: str = ""
    kind: str = ""
    limit: int = 0


@dataclass(frozen=True, kw_only=True)
class Hit:
    """An item that fits. ``errors`` is how many keep it from being installed; ``record`` its catalogue line."""

    full_name: str
    kind: str
    version: str
    summary: str
    errors: int
    record: str = ""

    @property
    def plain(self) -> dict[str, Any]:
        """The catalogue line as JSON value; only where it was asked for."""
        plain: dict[str, Any] = json.loads(self.record)
        return plain


@dataclass(frozen=True, kw_only=True)
class Found:
    """The best hits, and how many there are in all; ``hint`` says why there cannot be any."""

    hits: Sequence[Hit]
    total: int
    hint: str = ""


def search(home: Home, query: Query, *, with_records: bool = False) -> Found:
    """Items that fit, best first. Words match whole words and the last one also beginnings of words.

    Where nothing fits so, items in whose name, product or summary the words occur anywhere.
    """
    return ask(home, lambda index: _answer(index, query, with_records=with_records))


def _answer(index: sqlite3.Connection, query: Query, *, with_records: bool) -> Found:
    words = [word for word in (one.replace("\0", " ").strip() for one in query.words) if word]
    filters, values = _filters(query)
    for condition, more, order in _ways(words):
        where = " AND ".join([condition, *filters]) or "1"
        source = "words JOIN items i ON i.id = words.rowid" if "MATCH" in condition else "items i"
        arguments = {**values, **more}
        (total,) = index.execute(f"SELECT count(*) FROM {source} WHERE {where}", arguments).fetchone()
        if total:
            record = "(SELECT plain FROM records WHERE id = i.id)" if with_records else "''"
            sql = f"SELECT {COLUMNS}, {record} FROM {source} WHERE {where} ORDER BY {order} LIMIT :limit"
            rows = index.execute(sql, {**arguments, "limit": query.limit or -1})
            return Found(hits=[_hit(row) for row in rows], total=total)
    return Found(hits=(), total=0, hint=_unknown(index, query))


def _hit(row: tuple[Any, ...]) -> Hit:
    full_name, kind, version, summary, errors, record = row
    return Hit(full_name=full_name, kind=kind, version=version, summary=summary, errors=errors, record=record)


def _ways(words: Sequence[str]) -> list[tuple[str, dict[str, str], str]]:
    """Condition, arguments and order: the index first, then texts anywhere."""
    if not words:
        return [("1", {}, "i.full_name, i.id")]
    ways = []
    if all(map(WORD.search, words)):
        match = match_text(words)
        in_name = "words.rowid IN (SELECT rowid FROM words WHERE words MATCH :in_name)"
        order = f"(i.name = :all COLLATE NOCASE) DESC, ({in_name}) DESC, {RANK}, i.full_name, i.id"
        arguments = {"match": match, "in_name": f"name : ({match})", "all": "_".join(words).replace(" ", "_")}
        ways.append(("words MATCH :match", arguments, order))
    text = "(i.full_name || ' ' || i.product || ' ' || i.summary)"
    anywhere = " AND ".join(f"{text} LIKE :w{number} ESCAPE '\\'" for number in range(len(words)))
    ways.append(
        (anywhere, {f"w{number}": f"%{_like(word)}%" for number, word in enumerate(words)}, "i.full_name, i.id")
    )
    return ways


def match_text(words: Sequence[str]) -> str:
    """Every word as a quoted phrase, so that nothing in it is syntax; the last one may go on."""
    phrases = ['"{}"'.format(word.replace('"', '""')) for word in words]
    return " AND ".join([*phrases[:-1], f"{phrases[-1]} *"])


def _like(word: str) -> str:
    return re.sub(r"([\\%_])", r"\\\1", word)


def _filters(query: Query) -> tuple[list[str], dict[str, str]]:
    conditions, inner, values = [], [], {}
    if query.kind:
        conditions.append("i.kind = :kind")
        values["kind"] = query.kind
    if query.product:
        conditions.append("i.product LIKE :product ESCAPE '\\'")
        values["product"] = f"%{_like(query.product)}%"
    if query.action:
        inner.append("a.plain = :action")
        values["action"] = plain_name(query.action)
    if query.type:  # what a playbook asks for has the type that apps give it
        inner.append("(a.type = :type OR (NOT a.offered AND EXISTS (SELECT 1 FROM actions o"
                     " WHERE o.plain = a.plain AND o.offered AND o.type = :type)))")  # fmt: skip
        values["type"] = query.type
    if query.input:
        of_action = "(n.action = '' OR n.action = a.plain)" if inner else "1"
        takes = f"EXISTS (SELECT 1 FROM inputs n WHERE n.item = i.id AND n.word = :input AND {of_action})"
        (inner if inner else conditions).append(takes)
        values["input"] = plain_name(query.input)
    if inner:
        conditions.append(f"EXISTS (SELECT 1 FROM actions a WHERE a.item = i.id AND {' AND '.join(inner)})")
    return conditions, values


def _unknown(index: sqlite3.Connection, query: Query) -> str:
    """A filter with a value that nothing on offer has is most often a slip of the pen."""
    for option, wanted, sql in (
        ("kind", query.kind, "SELECT DISTINCT kind FROM items"),
        ("type", query.type, "SELECT DISTINCT type FROM actions WHERE type <> ''"),
        ("action", plain_name(query.action), "SELECT DISTINCT plain FROM actions"),
        ("input", plain_name(query.input), "SELECT DISTINCT word FROM inputs"),
    ):
        known = [text for (text,) in index.execute(sql)] if wanted else []
        if known and wanted not in known:
            nearest = nearest_names(wanted, known)
            cure = f"did you mean {' or '.join(nearest)}?" if nearest else f"there is {', '.join(sorted(known)[:8])}"
            return f"nothing on offer has the {option} {wanted!r}; {cure}"
    return ""
