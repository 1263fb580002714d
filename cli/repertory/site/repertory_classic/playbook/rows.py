"""Rows: what several datapaths of one source give for each of its items.

Paths that go into the same list advance together, shallower values are repeated on each row of the deeper ones, lists that are
beside each other are paired, and a list that is empty or missing gives one row without its values.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Steps = tuple[str, ...]
Trail = tuple[tuple[Steps, int], ...]
CEF = "cef"


class ActionResult(dict):  # type: ignore[type-arg]
    """A result of one parameter set; what it does not have is looked up in the run of its app."""

    run: Mapping[str, Any] = {}


@dataclass
class Row:
    """Values in the order of the paths, and which elements of which lists they came from."""

    values: list[Any]
    trail: Trail = ()


@dataclass
class _Column:
    index: int
    steps: Steps
    value: Any
    prefix: Steps = ()


@dataclass
class _Group:
    """Columns that go into the same list."""

    prefix: Steps
    elements: Sequence[Any]
    columns: list[tuple[int, Steps]] = field(default_factory=list)


def table(root: Any, paths: Sequence[Steps]) -> list[Row]:
    """The rows of one item."""
    return _rows([_Column(index, steps, root) for index, steps in enumerate(paths)], len(paths))


def _rows(columns: Sequence[_Column], width: int) -> list[Row]:
    scalars: dict[int, Any] = {}
    groups: dict[Steps, _Group] = {}
    for column in columns:
        reached = _advance(column)
        if isinstance(reached, _Group):
            groups.setdefault(reached.prefix, reached).columns += [] if groups.get(reached.prefix) is reached else reached.columns
        else:
            scalars[column.index] = reached[0]
    tables = [_group_rows(group, width) for group in groups.values()]
    rows: list[Row] = []
    for number in range(max([len(one) for one in tables], default=1)):
        values: list[Any] = [None] * width
        trail: Trail = ()
        for one, group in zip(tables, groups.values()):
            if number < len(one):
                for index, _ in group.columns:
                    values[index] = one[number].values[index]
                trail += one[number].trail
        for index, value in scalars.items():
            values[index] = value
        rows.append(Row(values, trail))
    return rows


def _group_rows(group: _Group, width: int) -> list[Row]:
    if not group.elements:
        return [Row([None] * width)]
    rows: list[Row] = []
    for number, element in enumerate(group.elements):
        inner = _rows([_Column(index, steps, element, group.prefix) for index, steps in group.columns], width)
        rows += [Row(row.values, ((group.prefix, number), *row.trail)) for row in inner]
    return rows


def _advance(column: _Column) -> _Group | tuple[Any]:
    """To the next list on the way, or to the end."""
    value, prefix = column.value, list(column.prefix)
    for number, step in enumerate(column.steps):
        is_star = step == "*"
        if is_star or (isinstance(value, list) and not step.isdigit()):
            rest = column.steps[number + 1 :] if is_star else column.steps[number:]
            return _Group((*prefix, "*"), _elements(value, rest), [(column.index, rest)])
        value = stepped(value, step, in_cef=bool(prefix) and prefix[-1] == CEF)
        prefix.append(step)
    return (value,)


def _elements(value: Any, rest: Steps) -> Sequence[Any]:
    if isinstance(value, list):
        return value
    if isinstance(value, Mapping):
        return [value] if not rest or rest[0] in value else list(value.values())
    return [] if value is None else [value]


def stepped(value: Any, step: str, *, in_cef: bool = False) -> Any:
    """One step into a value; None where there is nothing."""
    if isinstance(value, list):
        return value[int(step)] if step.isdigit() and int(step) < len(value) else None
    if not isinstance(value, Mapping):
        return None
    if step in value:
        return value[step]
    if isinstance(value, ActionResult):
        return value.run.get(step)
    if in_cef:
        return next((one for name, one in value.items() if str(name).lower() == step.lower()), None)
    return None


def pruned(root: Any, trails: Sequence[Trail]) -> Any:
    """A copy in which the innermost list of the trails holds only the elements that they went through."""
    made = copy.deepcopy(root)
    if isinstance(root, ActionResult):
        made.run = root.run
    _prune(made, (), [trail for trail in trails if trail])
    return made


def _prune(value: Any, base: Steps, trails: Sequence[Trail]) -> None:
    by_list: dict[Steps, dict[int, list[Trail]]] = {}
    for trail in trails:
        (prefix, number), rest = trail[0], trail[1:]
        by_list.setdefault(prefix, {}).setdefault(number, []).extend([rest] if rest else [])
    for prefix, kept in by_list.items():
        target = value
        for step in prefix[len(base) : -1]:
            target = stepped(target, step)
        if not isinstance(target, list):
            continue
        for number, inner in kept.items():
            _prune(target[number], prefix, inner)
        target[:] = [target[number] for number in sorted(kept)]
