"""What a playbook reads after ``play.act``: the results of every asset and every parameter set."""

from __future__ import annotations

import itertools
from typing import Any, Callable, Iterator, List, Mapping, Optional, Sequence, Tuple, Union, overload

from repertory_sdk.errors import ActionFailed
from repertory_sdk.models import Result

_OF_RESULT = ("app", "asset", "status", "message", "action")


class Results(Sequence[Result]):
    """Results in the order of assets and parameter sets. Reading one waits for all of them.

    Failures are data: ``succeeded`` and ``failed`` separate them, ``required()`` turns them into an exception. A data
    path names a place in the rows of a result: ``verdict``, ``owner.name``, ``records[].address`` (``[]`` goes into a
    list). A name that the row lacks is looked up in the parameters, then in the result itself (``asset``,
    ``app``, ``status``, ``message``).
    """

    def __init__(self, results: Union[Sequence[Result], Callable[[], Sequence[Result]]]) -> None:
        self._source = results
        self._loaded: Optional[List[Result]] = None

    def _load(self) -> List[Result]:
        if self._loaded is None:
            self._loaded = list(self._source() if callable(self._source) else self._source)
        return self._loaded

    @overload
    def __getitem__(self, index: int) -> Result: ...
    @overload
    def __getitem__(self, index: slice) -> "Results": ...
    def __getitem__(self, index: Union[int, slice]) -> Union[Result, "Results"]:
        found = self._load()[index]
        return Results(found) if isinstance(found, list) else found

    def __len__(self) -> int:
        return len(self._load())

    def __iter__(self) -> Iterator[Result]:
        return iter(self._load())

    def __add__(self, other: "Results") -> "Results":
        return Results(lambda: [*self, *other])

    def __repr__(self) -> str:
        return "Results(pending)" if self._loaded is None else f"Results({self._loaded!r})"

    @property
    def succeeded(self) -> "Results":
        """Only those that did what they were asked."""
        return self.where(lambda result: result.succeeded)

    @property
    def failed(self) -> "Results":
        """All others: failed, denied by policy, in doubt, cancelled."""
        return self.where(lambda result: not result.succeeded)

    def where(self, condition: Optional[Callable[[Result], Any]] = None, **values: Any) -> "Results":
        """Results that fulfil a condition, or that have a row with all these values.

        >>> hosts = Results([Result("succeeded", data=[{"verdict": "malicious"}]), Result("failed")])
        >>> len(hosts.where(verdict="malicious"))
        1
        """

        def keeps(result: Result) -> bool:
            if condition is not None and not condition(result):
                return False
            return not values or any(
                all(value in values_at(row, path) for path, value in values.items()) for row in result.data
            )

        return Results([result for result in self if keeps(result)])

    def required(self) -> "Results":
        """Itself, or ActionFailed if anything failed or nothing was there to run on."""
        if not len(self):
            raise ActionFailed("no action was run, although its result is required")
        for result in self.failed:
            raise ActionFailed(f"{result.action} on {result.asset or 'no asset'}: {result.message or result.status}")
        return self

    def rows(self, *paths: str) -> List[Tuple[Any, ...]]:
        """One tuple for each data row of every succeeded result, with the values at these paths; None where absent.

        >>> Results([Result("succeeded", data=[{"verdict": "benign"}], parameters={"ip": "192.0.2.1"})]).rows("ip", "verdict")
        [('192.0.2.1', 'benign')]
        """
        found: List[Tuple[Any, ...]] = []
        for result in self.succeeded:
            for row in result.data:
                columns = [_values_of(result, row, path) or [None] for path in paths]
                found.extend(itertools.product(*columns))
        return found

    def values(self, path: str) -> List[Any]:
        """Distinct values at one path over all rows of succeeded results, in order; None is left out."""
        found: List[Any] = []
        for (value,) in self.rows(path):
            if value is not None and value not in found:
                found.append(value)
        return found


def _values_of(result: Result, row: Mapping[str, Any], path: str) -> List[Any]:
    found = values_at(row, path)
    if found:
        return found
    if path in result.parameters:
        return [result.parameters[path]]
    return [getattr(result, path)] if path in _OF_RESULT else []


def values_at(value: Any, path: str) -> List[Any]:
    """All values at a data path; a list is entered only where the path says ``[]``.

    >>> values_at({"records": [{"address": "192.0.2.1"}, {"address": "192.0.2.2"}]}, "records[].address")
    ['192.0.2.1', '192.0.2.2']
    """
    found = [value]
    for segment in path.split("."):
        name, enters = (segment[:-2], True) if segment.endswith("[]") else (segment, False)
        found = [item[name] for item in found if isinstance(item, Mapping) and name in item]
        if enters:
            found = [element for item in found if isinstance(item, list) for element in item]
    return found
