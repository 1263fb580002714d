"""Code to manifest: what the author's tool writes into ``app.json`` and ``playbook.json``."""

from __future__ import annotations

import ast
import dataclasses
import inspect
from pathlib import Path
from types import ModuleType
from typing import Any, List, Mapping, Sequence, cast

from repertory_sdk import source
from repertory_sdk.app import Action, App, Asset, Output
from repertory_sdk.convert import hints_of, is_optional, is_secret, schema_of, to_json
from repertory_sdk.declared import MISSING, description_of
from repertory_sdk.declared import Parameter as Described
from repertory_sdk.errors import ConversionError, DefinitionError
from repertory_sdk.loader import actions_of, load_module, playbooks_of, plugins_of
from repertory_sdk.manifest import (
    ON_POLL,
    TEST_CONNECTIVITY,
    ActionManifest,
    AppManifest,
    DataPath,
    Manifest,
    Parameter,
    Permissions,
    PlaybookManifest,
    Setting,
)
from repertory_sdk.playbook import Playbook

APP_MAIN = "app.py"
PLAYBOOK_MAIN = "playbook.py"


def describe(folder: Path) -> Manifest:
    """Import the item in ``folder`` and describe it; raises DefinitionError where that is impossible."""
    if (folder / APP_MAIN).is_file():
        return describe_app(load_module(folder, APP_MAIN), APP_MAIN)
    if (folder / PLAYBOOK_MAIN).is_file():
        return describe_playbook(load_module(folder, PLAYBOOK_MAIN), folder / PLAYBOOK_MAIN)
    raise DefinitionError(f"{folder} has neither {APP_MAIN} nor {PLAYBOOK_MAIN}")


# --------------------------------------------------------------------- apps


def describe_app(module: ModuleType, main: str) -> AppManifest:
    """The manifest of the app that a module declares."""
    manager = plugins_of(module)
    info = manager.hook.repertory_app()
    if info is None:
        raise DefinitionError(f"{main} declares no app: app = App(\"name\", version=\"1.0.0\")")
    actions = [describe_action(action) for action in actions_of(manager).values()]
    return AppManifest(
        name=info.name,
        version=info.version,
        summary=info.summary,
        product=info.product,
        vendor=info.vendor,
        license=info.license,
        homepage=info.homepage,
        main=main,
        python=info.python,
        requires=tuple(info.requires),
        concurrency=info.concurrency,
        permissions=Permissions(
            tuple(info.hosts), tuple(info.lookups), tuple(info.files), tuple(info.programs), info.memory_mb
        ),
        settings=describe_asset(manager.hook.repertory_asset() or Asset),
        actions=actions + _standing_actions(module),
    )


def _standing_actions(module: ModuleType) -> List[ActionManifest]:
    """The two actions with a hook of their own."""
    apps = [value for value in vars(module).values() if isinstance(value, App)]
    found = []
    if hasattr(module, "repertory_test") or any(app.has_test for app in apps):
        found.append(ActionManifest(TEST_CONNECTIVITY, "test", "", "Test connectivity.", True, True))
    if hasattr(module, "repertory_poll") or any(app.has_poll for app in apps):
        found.append(ActionManifest(ON_POLL, "ingest", "", "Fetch new events.", True, True, timeout_s=300.0))
    return found


def describe_asset(cls: Any) -> Sequence[Setting]:
    """The settings of an asset class, in order."""
    if not dataclasses.is_dataclass(cls):
        return ()
    hints = hints_of(cast(Any, cls))
    return tuple(_setting(field, hints[field.name]) for field in dataclasses.fields(cls))


def _setting(field: Any, hint: Any) -> Setting:
    meta = description_of(field)
    required, default = _default_of(meta)
    return Setting(field.name, _fragment(meta, hint), meta.description, required, default, is_secret(hint))


def describe_action(action: Action) -> ActionManifest:
    """The manifest of one action, from its function's signature and docstring."""
    function = inspect.unwrap(action.function)
    try:
        parameters = _parameters(action)
        outputs = data_paths(hints_of(function).get("return"))
    except ConversionError as error:
        raise DefinitionError(f"action {action.name!r}: {error}") from error
    return ActionManifest(
        name=action.name,
        function=function.__name__,
        type=action.type,
        description=_first_line(function.__doc__),
        read_only=action.read_only,
        idempotent=action.idempotent,
        undo=action.undo,
        check=action.check,
        timeout_s=float(action.timeout_s),
        parameters=parameters,
        outputs=outputs,
    )


def _parameters(action: Action) -> Sequence[Parameter]:
    hints = hints_of(inspect.unwrap(action.function))
    return tuple(
        _parameter(parameter, _hint_of(hints, name))
        for name, parameter in action.signature.parameters.items()
        if action.roles[name] == "parameter"
    )


def _hint_of(hints: Mapping[str, Any], name: str) -> Any:
    if name not in hints:
        raise DefinitionError(f"{name!r} has no type annotation; write {name}: str, or the class of its asset")
    return hints[name]


def _parameter(parameter: inspect.Parameter, hint: Any) -> Parameter:
    meta = parameter.default
    if not isinstance(meta, Described):
        meta = Described("", MISSING if meta is inspect.Parameter.empty else meta)
    required, default = _default_of(meta)
    return Parameter(parameter.name, _fragment(meta, hint), meta.description, required, default, tuple(meta.contains))


def _default_of(meta: Described) -> "tuple[bool, Any]":
    return meta.required, None if meta.required else to_json(meta.default)


def _fragment(meta: Described, hint: Any) -> Mapping[str, Any]:
    fragment = schema_of(hint)
    limits = {"minimum": meta.minimum, "maximum": meta.maximum}
    fragment.update({name: limit for name, limit in limits.items() if limit is not None})
    if meta.choices:
        place = fragment["items"] if fragment.get("type") == "array" and "items" in fragment else fragment
        place["enum"] = list(meta.choices)
    return fragment


def data_paths(hint: Any, prefix: str = "") -> Sequence[DataPath]:
    """The documented places in the rows of a result record; nested records and lists of them are followed."""
    hint, _ = _row_type(hint)
    if not dataclasses.is_dataclass(hint):
        return ()
    hints = hints_of(cast(Any, hint))
    found: List[DataPath] = []
    for field in dataclasses.fields(hint):
        inner, listed = _row_type(hints[field.name])
        path = f"{prefix}{field.name}{'[]' if listed else ''}"
        nested = data_paths(inner, f"{path}.")
        meta = description_of(field)
        leaf = DataPath(path, schema_of(inner), meta.description, tuple(meta.contains), tuple(meta.examples))
        found += nested or [leaf]
    return tuple(found)


def _row_type(hint: Any) -> "tuple[Any, bool]":
    """What a row is: without Optional, Output[...] and one level of list; and whether there was a list."""
    listed = False
    while True:
        members = [member for member in getattr(hint, "__args__", ()) if member is not type(None)]
        origin = getattr(hint, "__origin__", None)
        if origin is Output or (is_optional(hint) and len(members) == 1):
            hint = members[0]
        elif origin in (list, tuple) and members and not listed:
            hint, listed = members[0], True
        else:
            return hint, listed


# ---------------------------------------------------------------- playbooks


def describe_playbook(module: ModuleType, path: Path) -> PlaybookManifest:
    """The manifest of the playbook that a module declares."""
    found = playbooks_of(plugins_of(module))
    if len(found) != 1:
        names = ", ".join(made.name for made in found) or "none"
        raise DefinitionError(f"{path.name} must register exactly one playbook; it has {names}")
    return playbook_manifest(found[0], ast.parse(path.read_bytes()), path.name)


def playbook_manifest(made: Playbook, tree: ast.Module, main: str) -> PlaybookManifest:
    """Declared facts plus the actions and playbooks that the source asks for by literal names."""
    hints = hints_of(made.function)
    document = made.function.__doc__ or ast.get_docstring(tree)
    return PlaybookManifest(
        name=made.name,
        version=made.version,
        summary=_first_line(document),
        license=made.license,
        homepage=made.homepage,
        main=main,
        function=made.function.__name__,
        labels=tuple(made.labels),
        inputs=tuple(_parameter(parameter, _hint_of(hints, parameter.name)) for parameter in made.inputs()),
        actions=tuple(sorted({*made.actions, *source.requested_actions(tree)})),
        playbooks=tuple(sorted({*made.playbooks, *source.requested_playbooks(tree)})),
    )


def _first_line(document: Any) -> str:
    return (document or "").strip().partition("\n")[0]
