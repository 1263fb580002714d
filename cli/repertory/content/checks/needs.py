"""What playbooks ask for, against what the apps and playbooks around them offer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from repertory.content.checks.rules import finding
from repertory.content.checks.tracing import Read, Request, reads_of, requests_of
from repertory_sdk.manifest import ActionManifest, Parameter, PlaybookManifest

if TYPE_CHECKING:
    from repertory.content.checks.declarations import Module
    from repertory.content.checks.issue import Issue
    from repertory.content.items.found import FoundItem

_OF_RESULT = frozenset({"app", "asset", "status", "message", "action"})
_MESSAGES = "send message"  # what play.notify sends where somebody offers it


class Offer(NamedTuple):
    """One action of one app."""

    app: str
    action: ActionManifest


@dataclass(frozen=True)
class Offers:
    """Everything that is known to be on offer: the items of a tree, of followed repositories, what is installed."""

    items: Sequence[FoundItem]

    def actions(self, name: str, app: str = "") -> list[Offer]:
        """Who offers an action; ``app`` is a short or full name."""
        return [offer for offer in self._actions.get(name, ()) if not app or offer.app == app.rpartition("/")[2]]

    @cached_property
    def _actions(self) -> Mapping[str, Sequence[Offer]]:
        found: dict[str, list[Offer]] = {}
        for item in self.items:
            for action in item.app.actions if item.app else ():
                found.setdefault(action.name, []).append(Offer(item.name, action))
        return found

    def playbooks(self, name: str) -> list[PlaybookManifest]:
        """Playbooks of a short or full name."""
        short = name.rpartition("/")[2]
        return [item.playbook for item in self.items if item.playbook and item.name == short]

    @property
    def has_apps(self) -> bool:
        """Whether anything can be said about actions at all."""
        return any(item.kind == "app" for item in self.items)


def need_issues(item: FoundItem, modules: Iterable[Module], offers: Offers) -> Iterator[Issue]:
    """Requests of a playbook that nobody can fulfil."""
    if item.playbook is None:
        return
    modules = list(modules)
    yield from _unoffered(item, item.playbook, modules, offers)
    for module in modules:
        for request in requests_of(module, "act"):
            offered = offers.actions(request.name, request.app)
            whose = f"action {request.name!r}"
            yield from _parameters(
                module.path, whose, request, [offer.action.parameters for offer in offered], "need-parameter"
            )
        for request in requests_of(module, "run"):
            inputs = [playbook.inputs for playbook in offers.playbooks(request.name)]
            yield from _parameters(module.path, f"playbook {request.name!r}", request, inputs, "need-child")
        for read in reads_of(module.tree):
            yield from _paths(module.path, read, offers)


def _unoffered(
    item: FoundItem, playbook: PlaybookManifest, modules: Sequence[Module], offers: Offers
) -> Iterator[Issue]:
    asked: dict[str, list[tuple[str, Request]]] = {}
    for module in modules:
        for request in requests_of(module, "act"):
            asked.setdefault(request.name, []).append((module.path, request))
    for name in playbook.actions if offers.has_apps else ():
        sites = asked.get(name, [])
        is_optional = all(request.optional for _, request in sites) if sites else name == _MESSAGES
        if not is_optional and not offers.actions(name):
            path, line = (sites[0][0], sites[0][1].line) if sites else (item.path, 0)
            message = f"no app here or in a followed repository offers the action {name!r}"
            hint = "follow the repository that has one, or make it optional=True"
            yield finding("need-offered", path, message, hint, line=line)
    for name in playbook.named_playbooks:
        if not offers.playbooks(name):
            message = f"no playbook {name!r} is here or in a followed repository"
            yield finding("need-offered", item.path, message, "follow the repository that has it")


def _parameters(
    path: str, whose: str, request: Request, offered: Sequence[Sequence[Parameter]], rule: str
) -> Iterator[Issue]:
    """Only where everybody who offers it agrees."""
    if not offered:
        return
    known = {parameter.name for parameters in offered for parameter in parameters}
    for name in request.parameters:
        if name not in known:
            message = f"{whose} has no parameter {name!r}"
            yield finding(rule, path, message, f"it has {', '.join(sorted(known)) or 'none'}", line=request.line)
    lacking = [
        {parameter.name for parameter in parameters if parameter.required} - set(request.parameters)
        for parameters in offered
    ]
    if not request.open and all(lacking):
        names = set.intersection(*lacking) or lacking[0]
        yield finding(rule, path, f"{whose} needs {', '.join(sorted(names))}", "give it", line=request.line)


def _paths(path: str, read: Read, offers: Offers) -> Iterator[Issue]:
    offered = [offers.actions(request.name, request.app) for request in read.requests]
    actions = [offer.action for each in offered for offer in each]
    if not all(offered) or not all(action.outputs for action in actions):
        return  # somebody does not say what the data looks like
    given = {name for request in read.requests for name in request.parameters}
    given |= {parameter.name for action in actions for parameter in action.parameters}
    for wanted in read.paths:
        if (
            wanted not in given
            and wanted not in _OF_RESULT
            and not any(_documents(action, wanted) for action in actions)
        ):
            names = ", ".join(sorted({repr(request.name) for request in read.requests}))
            message = f"{wanted!r} is not in the data of {names}"
            yield finding("need-path", path, message, f"there are {_some(actions)}", line=read.line)


def _documents(action: ActionManifest, wanted: str) -> bool:
    """Whether a path is documented, leads to documented ones, or lies below one whose inside is not described."""
    for output in action.outputs:
        if output.path == wanted or output.path.startswith((f"{wanted}.", f"{wanted}[]")):
            return True
        if wanted.startswith((f"{output.path}.", f"{output.path}[]")):
            kind = output.schema.get("type")
            if kind in (None, "object") or (kind == "array" and not output.schema.get("items", {}).get("type")):
                return True
            if kind == "array" and wanted == f"{output.path}[]":
                return True
    return False


def _some(actions: Sequence[ActionManifest]) -> str:
    paths = list(dict.fromkeys(output.path for action in actions for output in action.outputs))
    return ", ".join(paths[:8]) + (" …" if len(paths) > 8 else "")
