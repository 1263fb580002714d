"""``collect2`` and ``collect``: rows of values for datapaths."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from repertory_classic.playbook.data import Plain, RunData
from repertory_classic.playbook.datapaths import Datapath, Source, parse
from repertory_classic.playbook.rows import ActionResult, table

MOST = 2000


def collect_rows(
    data: RunData, paths: Sequence[str], given: Any = None, chosen: Sequence[Plain] | None = None
) -> list[list[Any]]:
    """Rows with one value for each path; a text that is no path is a value of its own."""
    parsed = [parse(path, bare=given is not None) for path in paths]
    by_source: dict[Source, list[int]] = {}
    for index, one in enumerate(parsed):
        by_source.setdefault(one.source if one else Source("literal", paths[index]), []).append(index)
    tables = [
        _of_source(data, source, [parsed[index] for index in indexes], given, chosen) for source, indexes in by_source.items()
    ]
    rows: list[list[Any]] = []
    for number in range(max([len(made) for made in tables], default=0)):
        row: list[Any] = [None] * len(paths)
        for made, indexes in zip(tables, by_source.values()):
            if number < len(made):
                for index, value in zip(indexes, made[number]):
                    row[index] = value
        rows.append(row)
    return rows


def _of_source(
    data: RunData, source: Source, paths: Sequence[Datapath | None], given: Any, chosen: Sequence[Plain] | None
) -> list[list[Any]]:
    if source.kind == "literal":
        return [[source.name] * len(paths)]
    steps = [path.steps if path else () for path in paths]
    rows = []
    for root in data.roots(source, given, chosen):
        for row in table(root, steps):
            values = [_field(root, path, value) for path, value in zip(paths, row.values)]
            rows.append(values)
    return rows


def _field(root: Any, path: Datapath | None, value: Any) -> Any:
    if path and path.of_run and isinstance(root, ActionResult):
        return root.run.get(path.steps[0])
    return dict(value) if isinstance(value, ActionResult) else value


def collect_values(data: RunData, path: str, given: Any, chosen: Sequence[Plain] | None) -> list[Any]:
    """One path as a flat list: of artifacts without what is missing, of results one value for each row."""
    values = [row[0] for row in collect_rows(data, [path], given, chosen)]
    return values if given is not None else [value for value in values if value is not None]
