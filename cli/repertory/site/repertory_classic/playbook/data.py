"""All that a run knows: container, artifacts, results of its blocks, inputs, outputs, and what it has kept for itself."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from repertory_classic.playbook.datapaths import Source
from repertory_classic.playbook.rows import ActionResult

Plain = dict[str, Any]
VARIABLES = ("playbook_input", "playbook_output", "custom_function", "container", "event", "custom_list")


@dataclass
class Format:
    """A text that was made, and the texts of the rows in it."""

    text: str
    rows: list[str]


@dataclass
class RunData:
    """Read by datapaths. ``lists`` gives the rows of a custom list, or None where there is none."""

    container: Plain
    artifacts: list[Plain]
    inputs: Plain
    lists: Callable[[str], list[list[str]] | None]
    base_url: str = ""
    results: dict[str, list[Plain]] = field(default_factory=dict)  # app runs by block
    functions: dict[str, list[Plain]] = field(default_factory=dict)  # results of custom functions by block
    outputs: dict[str, Plain] = field(default_factory=dict)  # of child playbooks by block
    formats: dict[str, Format] = field(default_factory=dict)
    kept: dict[str, Any] = field(default_factory=dict)  # run data
    filters: dict[str, dict[Source, list[Any]]] = field(default_factory=dict)

    # ------------------------------------------------------------- sources

    def roots(self, source: Source, given: Any = None, chosen: Sequence[Plain] | None = None) -> list[Any]:
        """The items that paths of a source begin at. ``given`` are ``action_results=``, ``chosen`` the artifacts in scope."""
        if source.condition:
            return self._filtered(source, given, chosen)
        if source.kind in ("artifact", "filtered-artifact"):
            return self._artifacts(source, chosen)
        if source.kind in ("action_result", "filtered-action_result"):
            return results_in(self.runs(source, given))
        if source.kind == "summary":
            return [run.get("summary") or {} for run in self.runs(source, given)]
        if source.kind == "custom_function_result":
            named = [one for one in _plain_list(given) if one.get("name") == source.name and "custom_function" in one]
            return list(named or self.functions.get(source.name, []))
        return self._variable(source)

    def runs(self, source: Source, given: Any) -> list[Plain]:
        """The app runs that a name means: those that were given, else the last of that block."""
        listed = _plain_list(given)
        if not source.name:
            return listed
        named = [run for run in listed if run.get("name") == source.name]
        return named or self.results.get(source.name, [])

    def _artifacts(self, source: Source, chosen: Sequence[Plain] | None) -> list[Any]:
        artifacts = list(self.artifacts if chosen is None else chosen)
        if not source.name:
            return artifacts
        used = {_artifact_of(result) for result in results_in(self.results.get(source.name, []))}
        return [one for one in self.artifacts if one.get("id") in used]

    def _variable(self, source: Source) -> list[Any]:
        if source.kind in ("container", "event"):
            return [{**self.container, "url": f"{self.base_url}/mission/{self.container.get('id')}"}]
        if source.kind == "custom_list":
            return [cell for row in self.lists(source.variable) or [] for cell in row]
        if source.kind == "formatted_data":
            made = self.formats.get(source.name)
            return [made.text if made else None]
        if source.kind == "formatted_list":
            made = self.formats.get(source.name)
            return list(made.rows) if made else []
        return _expanded(self._value(source))

    def _value(self, source: Source) -> Any:
        if source.kind == "playbook_input":
            return self._input(source.variable)
        if source.kind == "playbook_output":
            return self.outputs.get(source.name, {}).get(source.variable)
        text = self.kept.get(f"{source.name}:{source.variable}")
        if not isinstance(text, str):
            return text
        try:
            return json.loads(text)
        except ValueError:
            return text

    def _input(self, name: str) -> Any:
        """By its name, in whatever letters: authors changed them in one place and not in the other."""
        if name in self.inputs:
            return self.inputs[name]
        return next((value for known, value in self.inputs.items() if known.casefold() == name.casefold()), None)

    # ------------------------------------------------------------- filtered

    def _filtered(self, source: Source, given: Any, chosen: Sequence[Plain] | None) -> list[Any]:
        bare = Source(source.kind, source.name, source.variable)
        survivors = self.filters.get(source.condition)
        if survivors is None:
            return []
        if bare in survivors:
            return list(survivors[bare])
        if not survivors:
            return []
        roots = self.roots(bare, given, chosen)
        return [one for one in roots if _is_linked(one, bare, survivors)]


def results_in(runs: Sequence[Mapping[str, Any]]) -> list[ActionResult]:
    """The results of app runs, each with its run behind it."""
    found = []
    for run in runs:
        for plain in run.get("action_results") or ():
            result = ActionResult(plain)
            result.run = run
            found.append(result)
    return found


def runs_of(results: Sequence[ActionResult]) -> list[Plain]:
    """App runs that have these results and no others."""
    found: dict[int, Plain] = {}
    for result in results:
        run = found.setdefault(id(result.run), {**result.run, "action_results": []})
        run["action_results"].append(dict(result))
    return list(found.values())


def _plain_list(given: Any) -> list[Plain]:
    return [one for one in given if isinstance(one, dict)] if isinstance(given, (list, tuple)) else []


def _artifact_of(result: Mapping[str, Any]) -> Any:
    return ((result.get("parameter") or {}).get("context") or {}).get("artifact_id")


def _is_linked(item: Any, source: Source, survivors: Mapping[Source, Sequence[Any]]) -> bool:
    """What another source kept restricts results to its artifacts, and artifacts to its results; nothing else."""
    artifacts = [one.get("id") for kept, items in survivors.items() if kept.kind == "artifact" for one in items]
    if source.kind == "action_result" and any(kept.kind == "artifact" for kept in survivors):
        return _artifact_of(item) in artifacts
    results = [one for kept, items in survivors.items() if kept.kind == "action_result" for one in items]
    if source.kind == "artifact" and results:
        return item.get("id") in {_artifact_of(one) for one in results}
    return True


def _expanded(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value or [None]
    return [value]
