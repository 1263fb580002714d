"""``condition`` and ``decision``: which rows of which sources satisfy conditions, and what a filter keeps of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from repertory_classic.playbook.comparing import compare
from repertory_classic.playbook.data import Plain, RunData, runs_of
from repertory_classic.playbook.datapaths import Datapath, Source, parse
from repertory_classic.playbook.rows import ActionResult, Row, pruned, table

Test = Callable[[Any], bool]
_NEGATIVE = ("!=", "not in")


@dataclass(frozen=True)
class Manner:
    """How to compare, and on what."""

    operator: str = "and"
    delimiter: str | None = ","
    case_sensitive: bool = True
    given: Any = None
    chosen: Sequence[Plain] | None = None


@dataclass
class Kept:
    """What conditions left over, by source; ``holds`` is whether they are fulfilled at all."""

    holds: bool
    sources: dict[Source, list[Any]] = field(default_factory=dict)

    def artifacts(self) -> list[Any]:
        """Ids of the artifacts that are left."""
        return [one.get("id") for source, items in self.sources.items() if source.kind == "artifact" for one in items]

    def results(self) -> list[Any]:
        """App runs with the results that are left, and items of other sources."""
        results = [one for items in self.sources.values() for one in items if isinstance(one, ActionResult)]
        others = [
            one for source, items in self.sources.items() for one in items
            if not isinstance(one, ActionResult) and source.kind != "artifact"
        ]  # fmt: skip
        return [*runs_of(results), *others]


def evaluate(data: RunData, conditions: Sequence[Sequence[Any]], manner: Manner) -> Kept:
    """Rows of one source have to satisfy its conditions together; sources are judged each by itself."""
    tests: dict[Source, list[tuple[Datapath, Test]]] = {}
    constants: list[bool] = []
    for left, operator, right in conditions:
        _read(data, left, str(operator), right, manner, tests, constants)
    is_and = manner.operator.strip().lower() != "or"
    kept = {source: _survivors(data, source, tests[source], manner, is_and) for source in tests}
    holding = [*constants, *(bool(items) for items in kept.values())]
    holds = bool(holding) and (all(holding) if is_and else any(holding))
    return Kept(holds, {source: items for source, items in kept.items() if items} if holds else {})


def _read(
    data: RunData, left: Any, operator: str, right: Any, manner: Manner,
    tests: dict[Source, list[tuple[Datapath, Test]]], constants: list[bool],
) -> None:  # fmt: skip
    bare = manner.given is not None
    one, other = _operand(data, left, bare), _operand(data, right, bare)

    def holds(first: Any, second: Any) -> bool:
        used = {"==": "in", "!=": "not in"}.get(operator.strip(), operator) if _is_list(right) else operator
        return compare(first, used, second, delimiter=manner.delimiter, case_sensitive=manner.case_sensitive)

    if isinstance(one, Datapath) and isinstance(other, Datapath):
        lefts, rights = _values(data, one, manner), _values(data, other, manner)
        whole = all if operator.strip() in _NEGATIVE else any
        tests.setdefault(one.source, []).append((one, lambda value: whole(holds(value, each) for each in rights)))
        if other.source != one.source:
            tests.setdefault(other.source, []).append((other, lambda value: any(holds(each, value) for each in lefts)))
    elif isinstance(one, Datapath):
        tests.setdefault(one.source, []).append((one, lambda value: holds(value, other)))
    elif isinstance(other, Datapath):
        tests.setdefault(other.source, []).append((other, lambda value: holds(one, value)))
    else:
        constants.append(holds(one, other))


def _operand(data: RunData, operand: Any, bare: bool) -> Any:
    """A path to walk, or a value; a custom list is the value of all its cells."""
    path = parse(operand, bare=bare)
    if path and path.source.kind == "custom_list":
        return data.roots(path.source)
    return path or operand


def _is_list(operand: Any) -> bool:
    path = parse(operand)
    return path is not None and path.source.kind == "custom_list"


def _values(data: RunData, path: Datapath, manner: Manner) -> list[Any]:
    roots = data.roots(path.source, manner.given, manner.chosen)
    return [_value(root, path, row.values[0]) for root in roots for row in table(root, [path.steps])]


def _value(root: Any, path: Datapath, value: Any) -> Any:
    return root.run.get(path.steps[0]) if path.of_run and isinstance(root, ActionResult) else value


def _survivors(
    data: RunData, source: Source, tests: Sequence[tuple[Datapath, Test]], manner: Manner, is_and: bool
) -> list[Any]:
    """Items of the source with a row that passes, without the elements that do not."""
    paths = [path for path, _ in tests]
    whole = all if is_and else any
    kept = []
    for root in data.roots(source, manner.given, manner.chosen):
        rows = table(root, [path.steps for path in paths])
        passing = [
            row for row in rows if whole(_passes(root, path, test, row, number) for number, (path, test) in enumerate(tests))
        ]
        if passing:
            kept.append(pruned(root, [row.trail for row in passing]))
    return kept


def _passes(root: Any, path: Datapath, test: Test, row: Row, number: int) -> bool:
    return test(_value(root, path, row.values[number]))
