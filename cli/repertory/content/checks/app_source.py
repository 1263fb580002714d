"""An app's decorators against its manifest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from repertory.content.checks.comparison import differences, disagreement, parameter_issues, unless_none
from repertory.content.checks.declarations import (
    UNKNOWN,
    Declared,
    DeclaredParameter,
    Module,
    adds_by_hand,
    app_variables,
    asset_classes,
    decorated,
    parameters_of,
)
from repertory_sdk.manifest import ON_POLL, TEST_CONNECTIVITY, ActionManifest, AppManifest

if TYPE_CHECKING:
    from repertory.content.checks.issue import Issue
    from repertory.content.items.found import FoundItem

HARMLESS_TYPES = ("investigate", "test", "ingest")
SPECIAL_ACTIONS = {TEST_CONNECTIVITY: "test", ON_POLL: "poll"}


def app_issues(item: FoundItem, main: Module, modules: Sequence[Module]) -> Iterator[Issue]:
    """Where the code of an app and its manifest say different things; ``modules`` are all its files but tests."""
    assert item.app is not None
    variables = {name for module in modules for name in app_variables(module)}
    if not variables:
        if not main.implements("repertory_app"):
            yield disagreement(
                main.path, 0, f"{item.app.main} declares no app", 'write app = App("name", version="1.0.0")'
            )
        return
    for module in modules:
        for declared in app_variables(module).values():
            yield from _head_issues(item.app, declared)
    yield from _action_set_issues(item, modules, variables)


def _head_issues(app: AppManifest, declared: Declared) -> Iterator[Issue]:
    compared: dict[str, tuple[Any, Any]] = {
        "name": (declared.given("name"), app.name),
        "version": (declared.given("version"), app.version),
        "requires": (declared.given("requires", ()), app.requires),
        "hosts": (declared.given("hosts", ()), app.permissions.hosts),
        "lookups": (declared.given("lookups", ()), app.permissions.lookups),
        "files": (declared.given("files", ()), app.permissions.files),
        "programs": (declared.given("programs", ()), app.permissions.programs),
        "memory_mb": (declared.given("memory_mb"), app.permissions.memory_mb),
        "product": (declared.given("product"), app.product),
        "vendor": (declared.given("vendor"), app.vendor),
        "python": (declared.given("python"), app.python),
        "concurrency": (declared.given("concurrency"), app.concurrency),
    }
    yield from differences(declared, "the app's", compared)


def _action_set_issues(item: FoundItem, modules: Sequence[Module], variables: set[str]) -> Iterator[Issue]:
    assert item.app is not None
    special = asset_classes(modules) | {"Job"}
    actions = {action.name: action for action in reversed(item.app.actions)}
    shown: set[str] = set()
    for module in modules:
        for declared, function in decorated(module, variables, "action"):
            name = declared.given("name", function.name.replace("_", " "))
            if name is UNKNOWN:
                return
            shown.add(name)
            yield from _action_issues(actions.get(name), name, declared, parameters_of(function, special))
    yield from _special_issues(item, modules, variables, shown)
    generated = any(module.implements("repertory_actions") or adds_by_hand(module, variables) for module in modules)
    if not generated:
        for action in item.app.actions:
            if action.name not in shown and action.name not in SPECIAL_ACTIONS:
                yield disagreement(item.path, 0, f"action {action.name!r} is in no decorator of the code")


def _action_issues(
    action: ActionManifest | None, name: str, declared: Declared, parameters: Sequence[DeclaredParameter]
) -> Iterator[Issue]:
    if action is None:
        yield disagreement(declared.path, declared.line, f"action {name!r} is missing in the manifest")
        return
    yield from differences(declared, f"{name!r}:", _action_facts(declared, action))
    yield from parameter_issues(declared, f"action {name!r}", parameters, action.parameters)


def _action_facts(declared: Declared, action: ActionManifest) -> dict[str, tuple[Any, Any]]:
    kind = declared.given("type", "investigate")
    harmless = UNKNOWN if kind is UNKNOWN else kind in HARMLESS_TYPES
    read_only = unless_none(declared.given("read_only", None), harmless)
    return {
        "type": (kind, action.type),
        "read_only": (read_only, action.read_only),
        "idempotent": (unless_none(declared.given("idempotent", None), read_only), action.idempotent),
        "check": (declared.given("check", None), action.check),
        "undo": (declared.given("undo", None), action.undo),
        "timeout_s": (declared.given("timeout_s", 60), action.timeout_s),
        "function": (declared.function, action.function),
    }


def _special_issues(
    item: FoundItem, modules: Sequence[Module], variables: set[str], shown: set[str]
) -> Iterator[Issue]:
    """The two actions with decorators and hooks of their own."""
    assert item.app is not None
    for name, method in SPECIAL_ACTIONS.items():
        found = [declared for module in modules for declared, _ in decorated(module, variables, method)]
        hooked = any(module.implements(f"repertory_{method}") for module in modules)
        if found and item.app.action(name) is None:
            yield disagreement(found[0].path, found[0].line, f"action {name!r} is missing in the manifest")
        if not found and not hooked and name not in shown and item.app.action(name) is not None:
            yield disagreement(
                item.path, 0, f"action {name!r} is in the manifest, but no function is under @app.{method}"
            )
