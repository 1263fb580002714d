"""Results that a test gives instead of an app: what one request becomes, and what each part of it returns."""

from __future__ import annotations

import dataclasses
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Union

from repertory_sdk.app_worker import outcome_of
from repertory_sdk.errors import ActionFailed
from repertory_sdk.models import Result

Parameters = Mapping[str, Any]
Canned = Union[Any, Callable[[Parameters], Any]]
"""A row (record or mapping), a list of rows, an ``Output``, a ``Result`` or a list of them, an ``ActionFailed``, or a
function from one parameter set to any of these (which may also raise ``ActionFailed``)."""


@dataclasses.dataclass(frozen=True)
class Request:
    """What one ``play.act`` asked for."""

    action: str
    app: Optional[str]
    assets: Optional[Sequence[str]]
    parameters: Parameters
    optional: bool


class Impossible(Exception):
    """Why a request can run nowhere, in one sentence."""


def parameter_sets(parameters: Parameters) -> List[Dict[str, Any]]:
    """One set for each value of the lists, paired by position; what is no list is the same in every set.

    >>> parameter_sets({"ip": ["192.0.2.1", "192.0.2.2"], "days": 30})
    [{'ip': '192.0.2.1', 'days': 30}, {'ip': '192.0.2.2', 'days': 30}]
    """
    lists = {name: value for name, value in parameters.items() if isinstance(value, list)}
    lengths = sorted({len(value) for value in lists.values()})
    if 0 in lengths:
        return []
    if len(lengths) > 1:
        raise Impossible(
            f"the lists given to {', '.join(lists)} have different lengths: {', '.join(map(str, lengths))}"
        )
    count = lengths[0] if lengths else 1
    return [{**parameters, **{name: value[index] for name, value in lists.items()}} for index in range(count)]


def results_of(canned: Mapping[str, Canned], request: Request) -> List[Result]:
    """The results of one request, in the order of assets and parameter sets. One asset, ``test``, stands for all.

    As in a real run, a request that can run nowhere has one failed result, or none if it is optional.
    """
    try:
        sets = parameter_sets(request.parameters)
        if sets and request.action not in canned:
            raise Impossible(f"no result was given for {request.action!r}")
    except Impossible as problem:
        facts = _facts(request, ", ".join(request.assets or ()), request.parameters)
        return [] if request.optional else [Result("failed", str(problem), **facts)]
    found = []
    for asset in ["test"] if request.assets is None else request.assets:
        for given in sets:
            found += _named(_returned(canned[request.action], given), _facts(request, asset, given))
    return found


def _facts(request: Request, asset: str, parameters: Parameters) -> Dict[str, Any]:
    return {"action": request.action, "app": request.app or "", "asset": asset, "parameters": parameters}


def _returned(canned: Canned, parameters: Parameters) -> Any:
    try:
        return canned(dict(parameters)) if callable(canned) else canned
    except ActionFailed as error:
        return error


def _named(returned: Any, facts: Mapping[str, Any]) -> List[Result]:
    """Results that say what they are the result of, unless the test said it already."""
    if isinstance(returned, ActionFailed):
        return [Result("failed", str(returned), **facts)]
    if isinstance(returned, Result):
        returned = [returned]
    if isinstance(returned, (list, tuple)) and returned and all(isinstance(item, Result) for item in returned):
        return [_completed(item, facts) for item in returned]
    return [Result(**outcome_of(returned), **facts)]


def _completed(result: Result, facts: Mapping[str, Any]) -> Result:
    missing = {name: value for name, value in facts.items() if not getattr(result, name)}
    return dataclasses.replace(result, **missing)
