"""Read a scenario from its YAML file; what is wrong with it is told with file and line."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import yaml

from repertory.errors import UserError
from repertory.runtime.simulation.scenario import Scenario
from repertory_sdk.convert import from_json
from repertory_sdk.errors import ConversionError

if TYPE_CHECKING:
    from pathlib import Path

_STEP = re.compile(r"[^.\[\]]+")
_HINT = "`repertory schema scenario` prints what a scenario may say"
_MOST_BYTES = 10_000_000


class _Loader(yaml.SafeLoader):  # type: ignore[misc]
    """Knows nothing but JSON's types: a date stays the text that it is in results of apps."""


_Loader.add_constructor("tag:yaml.org,2002:timestamp", lambda loader, node: loader.construct_yaml_str(node))


def read_scenario(path: Path) -> Scenario:
    """Raises UserError naming file and line."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"the scenario {path} cannot be read: {error}", "give the path of a YAML file in UTF-8") from error
    root: Any = None
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        plain = _Loader(text).get_single_data() or {}
        if len(json.dumps(plain, allow_nan=False)) > _MOST_BYTES:
            raise UserError(f"{path} holds more than {_MOST_BYTES} bytes", "keep large results out of it")
        named = {name: value for name, value in plain.items() if name != "$schema"} if isinstance(plain, dict) else plain
        scenario: Scenario = from_json(Scenario, named)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise UserError(f"{path}:{line}: {error.problem}", "it is not YAML: mind the indentation, and quote texts") from error
    except (yaml.YAMLError, TypeError, ValueError, RecursionError) as error:
        raise UserError(f"{path}: {error}", "it must hold texts, numbers, lists and objects, as JSON does") from error
    except ConversionError as error:
        raise UserError(f"{path}:{_line_of(root, error.path)}: {error}", _HINT) from error
    _check(path, root, scenario)
    return scenario


def _check(path: Path, root: Any, scenario: Scenario) -> None:
    """What the types do not say."""
    for index, entry in enumerate(scenario.actions):
        for name, value in (("times", entry.times), ("delay_s", entry.delay_s)):
            if value is not None and value < 0:
                line = _line_of(root, f"actions[{index}].{name}")
                raise UserError(f"{path}:{line}: {name} is {value}", "it cannot be less than 0")
        if entry.failure and entry.status != "succeeded":
            line = _line_of(root, f"actions[{index}].failure")
            raise UserError(f"{path}:{line}: both failure and status say how it ends", "leave one of them out")


def _line_of(node: Any, place: str) -> int:
    """Where a place such as ``actions[2].status`` stands, or what is nearest above it."""
    line = 1
    for step in _STEP.findall(place):
        if isinstance(node, yaml.SequenceNode) and step.isdigit() and int(step) < len(node.value):
            node = node.value[int(step)]
            line = node.start_mark.line + 1
        elif isinstance(node, yaml.MappingNode):
            found = next(((key, value) for key, value in node.value if key.value == step), None)
            if found is None:
                return line
            line, node = found[0].start_mark.line + 1, found[1]
    return line
