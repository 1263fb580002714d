"""Values, conditions and texts."""

from __future__ import annotations

import json
from typing import Any

from repertory_classic.playbook.collecting import MOST, collect_rows, collect_values
from repertory_classic.playbook.data import results_in
from repertory_classic.playbook.deciding import Kept, Manner, evaluate
from repertory_classic.playbook.looping import LoopState
from repertory_classic.playbook.state import current
from repertory_classic.playbook.templates import render


def _chosen(scope: Any, limit: Any, tags: Any, chosen: Any) -> list[dict[str, Any]] | None:
    artifacts = current().data.artifacts
    if isinstance(scope, (list, tuple)):
        artifacts = [one for one in artifacts if one["id"] in scope]
    if tags:
        artifacts = [one for one in artifacts if set(tags) & set(one["tags"])]
    if chosen:
        ids = {one.get("id") if isinstance(one, dict) else one for one in chosen}
        artifacts = [one for one in artifacts if one["id"] in ids] or artifacts
    return artifacts[: limit or MOST]


def collect2(
    container: Any = None, datapath: Any = None, action_results: Any = None, scope: Any = None, limit: Any = None, tags: Any = None,
    filter_artifacts: Any = None, **_ignored: Any,
) -> list[Any]:  # fmt: skip
    """Rows of values; of a single path that is not in a list, the values themselves, which is how playbooks read it."""
    chosen = _chosen(scope, limit, tags, filter_artifacts)
    if isinstance(datapath, str):
        return collect_values(current().data, datapath, action_results, chosen)
    return collect_rows(current().data, list(datapath or ()), action_results, chosen)


def collect(
    container: Any = None, datapath: Any = None, scope: Any = None, limit: Any = None, none_if_first: bool = False, **_ignored: Any
) -> list[Any]:
    """Values of one path, or rows of several; of results, where these are given in the place of the container."""
    given = container if isinstance(container, list) else None
    chosen = _chosen(scope, limit, None, None)
    if isinstance(datapath, (list, tuple)):
        rows = collect_rows(current().data, list(datapath), given, chosen)
        return [row for row in rows if none_if_first or row[0] is not None]
    return collect_values(current().data, str(datapath), given, chosen)


def collect_from_contains(
    container: Any = None, action_results: Any = None, contains: Any = None, scope: Any = None, tags: Any = None, **_ignored: Any
) -> list[Any]:
    """Distinct values of artifacts that are of one of these types."""
    found: list[Any] = []
    for artifact in _chosen(scope, None, tags, None) or ():
        for name, kinds in artifact["cef_types"].items():
            value = artifact["cef"].get(name)
            if set(kinds) & set(contains or ()) and value not in found:
                found.append(value)
    return found


def _evaluated(
    conditions: Any, logical_operator: Any, delimiter: Any, case_sensitive: Any, action_results: Any, chosen: Any
) -> Kept:
    manner = Manner(str(logical_operator or "and"), delimiter, bool(case_sensitive), action_results, chosen)
    return evaluate(current().data, list(conditions or ()), manner)


def condition(
    container: Any = None, action_results: Any = None, conditions: Any = None, logical_operator: Any = "and", scope: Any = None,
    limit: Any = None, filter_artifacts: Any = None, name: str | None = None, delimiter: Any = ",", case_sensitive: bool = True,
    **_ignored: Any,
) -> tuple[list[Any], list[Any]]:  # fmt: skip
    """What satisfies conditions: artifacts and results; nothing of either where nothing does."""
    chosen = _chosen(scope, limit, None, filter_artifacts)
    kept = _evaluated(conditions, logical_operator, delimiter, case_sensitive, action_results, chosen)
    if name:
        current().data.filters[name] = kept.sources
    if not kept.holds:
        return [], []
    artifacts, results = kept.artifacts(), kept.results()
    return (artifacts, results) if artifacts or results else ([], [True])


def decision(
    container: Any = None, action_results: Any = None, conditions: Any = None, logical_operator: Any = "and", scope: Any = None,
    limit: Any = None, filter_artifacts: Any = None, delimiter: Any = ",", case_sensitive: bool = True, **_ignored: Any,
) -> bool:  # fmt: skip
    """Whether conditions hold."""
    chosen = _chosen(scope, limit, None, filter_artifacts)
    return _evaluated(conditions, logical_operator, delimiter, case_sensitive, action_results, chosen).holds


LoopState.decide = staticmethod(decision)


def format(
    container: Any = None, template: Any = "", parameters: Any = None, name: str | None = None, separator: str = ", ",
    drop_none: bool = False, scope: Any = None, **_ignored: Any,
) -> str:  # fmt: skip
    """A text with values in it."""
    chosen = _chosen(scope, None, None, None)
    made = render(current().data, template, parameters or (), separator=separator, drop_none=drop_none, chosen=chosen)
    if name:
        current().data.formats[name] = made
    return made.text


def get_format_data(name: str = "", **_ignored: Any) -> Any:
    """A text that was made, or its rows."""
    formats = current().data.formats
    if name.endswith("__as_list"):
        made = formats.get(name[: -len("__as_list")])
        return list(made.rows) if made else None
    return formats[name].text if name in formats else None


def get_summary(*_given: Any, **_ignored: Any) -> dict[str, Any]:
    """What the run has done so far."""
    return current().engine.summary()


def get_action_results(
    action_json: Any = None, playbook_run_id: Any = 0, action_run_id: Any = 0, app_run_id: Any = 0, action_name: Any = None,
    result_data: bool = True, flatten: bool = True, **_ignored: Any,
) -> list[dict[str, Any]]:  # fmt: skip
    """Results of the run, or of one of its actions."""
    runs = [run for listed in current().data.results.values() for run in listed]
    wanted = action_run_id or app_run_id
    runs = [run for run in runs if not wanted or run["action_run_id"] == wanted]
    runs = [run for run in runs if action_name in (None, run["name"], run["action"])]
    if not flatten:
        return runs if result_data else [{**run, "action_results": [_bare(one) for one in run["action_results"]]} for run in runs]
    flat = [{**_without_results(run), **one} for run in runs for one in run["action_results"]]
    return flat if result_data else [_bare(one) for one in flat]


def _without_results(run: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in run.items() if key != "action_results"}


def _bare(result: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in result.items() if key != "data"}


def parse_success(results: Any = None, **_ignored: Any) -> list[Any]:
    """Data of everything that succeeded, one after the other."""
    return [row for one in get_successful_action_results_v2(results) for row in one.get("data") or ()]


def get_successful_action_results_v2(results: Any = None, **_ignored: Any) -> list[dict[str, Any]]:
    """Results that succeeded."""
    return [dict(one) for one in results_in(results or ()) if one.get("status") == "success"]


def get_raw_data(container: Any = None, **_ignored: Any) -> str:
    """The data of the container as JSON."""
    data = current().data.container["data"]
    return data if isinstance(data, str) else json.dumps(data)


def get_artifacts(container: Any = None, artifact_label: Any = None, **_ignored: Any) -> list[dict[str, Any]]:
    """Artifacts, of one label or all."""
    return [one for one in current().data.artifacts if artifact_label in (None, one["label"])]


def _ends(field_in: str, field_out: str) -> list[Any]:
    cefs = [one["cef"] for one in current().data.artifacts]
    values = [cef.get(field_out if cef.get("deviceDirection") == "outbound" else field_in) for cef in cefs]
    return [value for value in values if value]


def attacker_ips(container: Any = None, scope: Any = "new", **_ignored: Any) -> list[Any]:
    """Where attacks came from."""
    return _ends("sourceAddress", "destinationAddress")


def victim_ips(container: Any = None, scope: Any = "new", **_ignored: Any) -> list[Any]:
    """Whom attacks were meant for."""
    return _ends("destinationAddress", "sourceAddress")


def concatenate(*values: Any, dedup: bool = False, **_ignored: Any) -> list[Any]:
    """One list of all."""
    found: list[Any] = []
    for value in values:
        found += value if isinstance(value, list) else [] if value is None else [value]
    return [one for number, one in enumerate(found) if one not in found[:number]] if dedup else found
