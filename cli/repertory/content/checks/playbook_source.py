"""A playbook's decorator and requests against its manifest."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from repertory.content.checks.comparison import differences, disagreement, parameter_issues, unless_none
from repertory.content.checks.declarations import Declared, FunctionNode, Module, decorated_playbooks, parameters_of
from repertory_sdk.manifest import PlaybookManifest
from repertory_sdk.source import requested_actions, requested_playbooks

if TYPE_CHECKING:
    from repertory.content.checks.issue import Issue
    from repertory.content.items.found import FoundItem


def playbook_issues(item: FoundItem, main: Module, modules: Sequence[Module]) -> Iterator[Issue]:
    """Where the code of a playbook and its manifest say different things."""
    assert item.playbook is not None
    found = list(decorated_playbooks(main))
    if len(found) == 1:
        yield from _declared_playbook_issues(item.playbook, *found[0])
    elif len(found) > 1:
        names = ", ".join(declared.function for declared, _ in found)
        yield disagreement(main.path, found[1][0].line, f"more than one playbook: {names}", "one folder, one playbook")
    elif not main.implements("repertory_playbooks"):
        yield disagreement(main.path, 0, f"no function of {item.playbook.main} is under @playbook", "decorate one")
    for module in modules:
        yield from _undeclared(module, "action", requested_actions(module.tree), item.playbook.actions)
        yield from _undeclared(module, "playbook", requested_playbooks(module.tree), item.playbook.playbooks)


def _declared_playbook_issues(
    playbook: PlaybookManifest, declared: Declared, function: FunctionNode
) -> Iterator[Issue]:
    compared: dict[str, tuple[Any, Any]] = {
        "name": (unless_none(declared.given("name", None), function.name), playbook.name),
        "version": (declared.given("version", "1.0.0"), playbook.version),
        "labels": (declared.given("labels", ()), playbook.labels),
        "function": (function.name, playbook.function),
    }
    yield from differences(declared, "the playbook's", compared)
    yield from parameter_issues(declared, "the playbook", parameters_of(function, set(), skip=2), playbook.inputs)
    path, line = declared.path, declared.line
    yield from _missing(path, line, "action", declared.given("actions", ()), playbook.actions)
    yield from _missing(path, line, "playbook", declared.given("playbooks", ()), playbook.playbooks)


def _undeclared(module: Module, what: str, asked: Iterable[str], declared: Sequence[str]) -> Iterator[Issue]:
    known, lines = frozenset(declared), _lines_of_texts(module)
    for name in asked:
        if name not in known:
            yield disagreement(
                module.path, lines.get(name, 0), f"asks for the {what} {name!r}, which the manifest does not name"
            )


def _missing(path: str, line: int, what: str, asked: Any, declared: Sequence[str]) -> Iterator[Issue]:
    for name in asked if isinstance(asked, list | tuple) else ():
        if name not in declared:
            yield disagreement(path, line, f"the {what} {name!r} is missing in the manifest")


def _lines_of_texts(module: Module) -> dict[str, int]:
    """Where each text stands first."""
    lines: dict[str, int] = {}
    for node in module.each(ast.Constant):
        if isinstance(node.value, str):
            lines[node.value] = min(node.lineno, lines.get(node.value, node.lineno))
    return lines
