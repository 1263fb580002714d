"""The widget of an action: a table of what its manifest declares, or what the app's own view draws."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from repertory_sdk import classic

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from repertory.items import Installed
    from repertory.runtime.records import Call

_MOST_COLUMNS = 8
_RESULT = "action_result"


@dataclass(frozen=True, kw_only=True)
class Table:
    """Columns and rows of texts."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, kw_only=True)
class Column:
    """A declared one: its title, and where its values are in a result."""

    title: str
    path: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class Render:
    """How an action wants to be shown: by a view of the app, or by columns; by what is there if neither."""

    view: str = ""
    columns: Sequence[Column] = ()
    is_json: bool = False


def render_of(app: Installed, action: str) -> Render:
    """What the app's own manifest says; that of native apps says nothing."""
    if app.manifest.format != classic.FORMAT:
        return Render()
    plain = json.loads((app.folder / app.manifest.origin).read_bytes())
    for one in plain["actions"]:
        if isinstance(one, dict) and " ".join(str(one.get("action")).split()).lower() == action:
            return _render(one.get("render"), one.get("output"))
    return Render()


def _render(render: Any, outputs: Any) -> Render:
    said: Mapping[str, Any] = render if isinstance(render, dict) else {}
    is_json = said.get("type") == "json"
    columns = list(_columns(outputs)) if isinstance(outputs, list) and not is_json else []
    return Render(view=str(said.get("view") or ""), columns=columns, is_json=is_json)


def _columns(outputs: Sequence[Any]) -> Iterator[Column]:
    named = [one for one in outputs if isinstance(one, dict) and one.get("column_name")]
    for one in sorted(named, key=_order):
        root, *path = (step for step in str(one.get("data_path")).split(".") if step)
        if root == _RESULT and path:
            yield Column(title=str(one["column_name"]), path=path)


def _order(output: Mapping[str, Any]) -> float:
    order = output.get("column_order")
    return order if isinstance(order, int | float) else float("inf")


def declared_table(columns: Sequence[Column], calls: Sequence[Call]) -> Table:
    """A line for each row of data, and one for a result without any."""
    lines = [
        [_cell(column, call, row) for column in columns]
        for call in calls
        for row in (call.data or [{}])
    ]  # fmt: skip
    return Table(columns=[column.title for column in columns], rows=lines)


def _cell(column: Column, call: Call, row: Mapping[str, Any]) -> str:
    root, *path = column.path
    roots: dict[str, Any] = {
        "data": [row], "parameter": call.parameters, "summary": call.summary, "message": call.message,
        "status": "success" if call.state == "succeeded" else "failed",
    }  # fmt: skip
    return ", ".join(_shown(value) for value in _values(roots.get(root), path) if value not in (None, "", [], {}))


def _values(value: Any, path: Sequence[str]) -> Iterator[Any]:
    if not path:
        yield value
    elif path[0] == "*" and isinstance(value, list | tuple):
        for one in value:
            yield from _values(one, path[1:])
    elif isinstance(value, dict) and path[0] in value:
        yield from _values(value[path[0]], path[1:])


def plain_table(calls: Sequence[Call]) -> Table:
    """Without anything declared: the parameters, and the first fields that are no records themselves."""
    rows = [(call, row) for call in calls for row in call.data]
    fields = dict.fromkeys(name for _, row in rows for name, value in row.items() if not isinstance(value, dict | list))
    columns = list(fields)[:_MOST_COLUMNS]
    return Table(columns=columns, rows=[[_shown(row.get(name)) for name in columns] for _, row in rows])


def _shown(value: Any) -> str:
    return "" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def as_json(calls: Sequence[Call]) -> str:
    """All rows, for people who read JSON."""
    return json.dumps([dict(row) for call in calls for row in call.data], indent=2, ensure_ascii=False)
