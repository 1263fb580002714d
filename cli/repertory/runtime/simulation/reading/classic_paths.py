"""Datapaths of classic playbooks as places: ``lookup_1:action_result.data.*.country`` and the like."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from repertory.runtime.simulation.reading.places import ITEM
from repertory.runtime.simulation.reading.seen import Seen, Value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from repertory.runtime.simulation.reading.places import Place

ARTIFACT, CONTAINER, INPUT, LIST, RESULT, ANSWER = "artifact", "container", "input", "list", "result", "answer"
FUNCTION, OUTPUT = "function", "output"  # of custom functions and of child playbooks, by the names of blocks
_FILTERED = re.compile(r"filtered-data:[^:]+:condition_\d+:")
_OF_EVENT = re.compile(
    r"(?P<kind>(?:filtered-)?artifacts?:\*|container:|event:|playbook_input:|custom_list:)(?P<rest>.*)", re.DOTALL
)
_OF_BLOCK = re.compile(
    r"(?:(?P<block>[\w][\w .-]*):)?"
    r"(?P<kind>(?:filtered-)?action_result|playbook_input:|playbook_output:|artifact:\*|custom_function_result|custom_function:)(?P<rest>.*)",
    re.DOTALL,
)
_NAMES = {"container:": CONTAINER, "event:": CONTAINER, "playbook_input:": INPUT, "custom_list:": LIST}


def steps_of(text: str) -> list[str]:
    """
    >>> steps_of(".data.*.fields.0")
    ['data', '[]', 'fields', '[]']
    """
    return [ITEM if step == "*" or step.isdigit() else step for step in text.split(".") if step]


class Datapaths:
    """``actions`` are those of blocks by name, ``prompts`` the names of blocks that ask people."""

    def __init__(self, root: Place, actions: Mapping[str, Sequence[str]], prompts: Sequence[str]) -> None:
        self._root = root
        self._actions = actions
        self._prompts = prompts
        self.kept: dict[str, Seen] = {}

    def results(self, actions: Sequence[str]) -> tuple[Place, ...]:
        """Where results of these actions are."""
        return tuple(self._root.at((RESULT, action)) for action in actions)

    def read(self, text: str, given: Sequence[Place]) -> Seen:
        """What a text names, or None; ``given`` are the results at hand, for paths that name no block."""
        filtered = _FILTERED.match(text)
        rest = text[filtered.end() :] if filtered else text
        found = _OF_EVENT.fullmatch(rest)
        if found:
            return Value((self._of_event(found["kind"], found["rest"]),))
        found = _OF_BLOCK.fullmatch(rest)
        if not found or not rest[:1].isalnum():
            return None
        return self._of_block(found["block"] or "", found["kind"], found["rest"], given)

    def _of_event(self, kind: str, rest: str) -> Place:
        if kind.endswith(":*"):
            return self._root.at((ARTIFACT, *steps_of(rest)))
        steps = [rest] if kind == "custom_list:" else steps_of(rest)
        return self._root.at((_NAMES[kind], *steps))

    def _of_block(self, block: str, kind: str, rest: str, given: Sequence[Place]) -> Seen:
        if kind == "custom_function:":
            variable, *steps = steps_of(rest) or [""]
            seen = self.kept.get(f"{block}:{variable}")
            return seen if not steps else None
        if kind == "custom_function_result":
            return Value((self._root.at((FUNCTION, block, *steps_of(rest))),))
        if kind == "playbook_output:":
            name, *steps = steps_of(rest) or [""]
            return Value((self._root.at((OUTPUT, block, name, ITEM, *steps)),))
        if not kind.endswith("action_result"):
            return None
        steps = steps_of(rest)
        if block in self._prompts:
            return Value((self._root.at((ANSWER, block)),)) if steps[:1] == ["summary"] else None
        places = self.results(self._actions[block]) if block in self._actions else () if block else tuple(given)
        return Value(tuple(place.at(steps) for place in places)) if places else None
