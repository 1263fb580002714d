"""Datapaths: ``artifact:*.cef.sourceAddress``, ``lookup_1:action_result.data.*.country`` and what else names data of a run."""

from __future__ import annotations

import re
from dataclasses import dataclass

_FILTER = re.compile(r"filtered-data:(?P<filter>.+?:condition_\d+):(?P<rest>.*)", re.DOTALL)
_PLAIN = re.compile(
    r"(?P<artifact>(?:filtered[-_])?artifact)s?:\*(?P<artifact_tail>.*)"
    r"|(?P<container>container|event):(?P<field>.*)"
    r"|playbook_input:(?P<input>.*)"
    r"|custom_list:(?P<list>.*)"
    r"|(?P<results>action_result)(?P<results_tail>(?:\..*)?)",
    re.DOTALL,
)
_NAMED = re.compile(
    r"(?P<name>[\w][\w .-]*):(?:"
    r"artifact:\*(?P<artifact_tail>.*)"
    r"|(?P<of>filtered-action_result|action_result|summary|custom_function_result)(?P<tail>(?:\..*)?)"
    r"|(?P<variable_of>custom_function|playbook_input|playbook_output):(?P<variable>.*)"
    r"|formatted_data(?P<format_tail>(?:\.\*)?))",
    re.DOTALL,
)
OF_RUN = ("action", "app", "status", "message", "name", "asset")


@dataclass(frozen=True)
class Source:
    """Where values come from. ``kind`` is one of the words of datapaths, ``name`` that of a block, ``variable`` what it has.

    ``condition`` is the filter that they went through, as ``filter_1:condition_1``.
    """

    kind: str
    name: str = ""
    variable: str = ""
    condition: str = ""


@dataclass(frozen=True)
class Datapath:
    """A source, and the steps from each of its items. ``of_run``: a field of the run of the app itself."""

    source: Source
    steps: tuple[str, ...] = ()
    of_run: bool = False


def parse(text: object, *, bare: bool = False) -> Datapath | None:
    """The datapath that a text is, or None. ``bare``: also fields of app runs such as ``status``."""
    if not isinstance(text, str):
        return None
    if bare and text in OF_RUN:
        return Datapath(Source("action_result"), (text,), of_run=True)
    filtered = _FILTER.fullmatch(text)
    condition, rest = (filtered["filter"], filtered["rest"]) if filtered else ("", text)
    return _plain(rest, condition) or _named(rest, condition)


def _plain(text: str, condition: str) -> Datapath | None:
    found = _PLAIN.fullmatch(text)
    if found is None:
        return None
    if found["artifact"]:
        kind = "artifact" if found["artifact"] == "artifact" else "filtered-artifact"
        return Datapath(Source(kind, condition=condition), _steps(found["artifact_tail"]))
    if found["container"]:
        return Datapath(Source("container", condition=condition), _steps(f".{found['field']}"))
    if found["input"] is not None:
        return _variable("playbook_input", "", found["input"], condition)
    if found["list"] is not None:
        return Datapath(Source("custom_list", variable=found["list"], condition=condition))
    return Datapath(Source("action_result", condition=condition), _steps(found["results_tail"]))


def _named(text: str, condition: str) -> Datapath | None:
    found = _NAMED.fullmatch(text)
    if found is None:
        return None
    name = found["name"]
    if found["artifact_tail"] is not None:
        return Datapath(Source("artifact", name, condition=condition), _steps(found["artifact_tail"]))
    if found["of"]:
        return Datapath(Source(found["of"], name, condition=condition), _steps(found["tail"]))
    if found["variable_of"]:
        return _variable(found["variable_of"], name, found["variable"], condition)
    kind = "formatted_list" if found["format_tail"] else "formatted_data"
    return Datapath(Source(kind, name, condition=condition))


def _variable(kind: str, name: str, text: str, condition: str) -> Datapath:
    variable, dot, rest = text.partition(".")
    return Datapath(Source(kind, name, variable, condition), _steps(f"{dot}{rest}"))


def _steps(tail: str) -> tuple[str, ...]:
    """``.a.*.b`` as steps; an empty step stays where it is."""
    if not tail:
        return ()
    steps: list[str] = tail.split(".")
    return tuple(step for step in steps[1:] if step) if not steps[0] else tuple(step for step in steps if step)
