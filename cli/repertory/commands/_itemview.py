"""Items as people and programs see them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from repertory.commands._output import say
from repertory.content.changes.permissions import describe_permissions
from repertory.errors import counted
from repertory_sdk.classic import is_custom_function
from repertory_sdk.convert import to_json
from repertory_sdk.manifest import AppManifest, PlaybookManifest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from repertory.content.offered.catalog import CatalogItem

_MOST_PATHS = 30  # of an action; programs get all of them


def item_row(item: CatalogItem, installed: Mapping[str, str]) -> list[str]:
    """A line of a list."""
    summary = item.manifest.summary if item.manifest else f"broken: {counted(len(item.errors), 'error')}"
    return [item.full_name, item.kind, item.version, installed.get(item.full_name, ""), summary]


def item_json(item: CatalogItem, installed: Mapping[str, str]) -> dict[str, Any]:
    """The same for programs."""
    return {
        "name": item.full_name,
        "kind": item.kind,
        "version": item.version,
        "installed": installed.get(item.full_name),
        "commit": item.commit,
        "path": item.folder,
        "summary": item.manifest.summary if item.manifest else "",
        "manifest": to_json(item.manifest) if item.manifest else None,
        "permissions": describe_permissions(item.manifest) if item.manifest else [],
        "issues": [to_json(issue) for issue in item.issues],
    }


def tell_manifest(manifest: AppManifest | PlaybookManifest) -> None:
    """What an item is and takes, for people."""
    if manifest.summary:
        say(f"  {manifest.summary}")
    if isinstance(manifest, AppManifest):
        _tell_app(manifest)
    else:
        _tell_playbook(manifest)
    say("\nwhat it wants")
    for sentence in describe_permissions(manifest):
        say(f"  {sentence}")


def _tell_app(app: AppManifest) -> None:
    say("\nsettings of its assets")
    for setting in app.settings:
        marks = ["secret"] if setting.secret else []
        marks += ["required"] if setting.required else [f"default {setting.default!r}"]
        say(f"  {setting.name}  {_type(setting.schema)}  ({', '.join(marks)})  {setting.description}")
    say("\nactions")
    for action in app.actions:
        taken = ", ".join(f"{parameter.name}{'' if parameter.required else '?'}" for parameter in action.parameters)
        say(f"  {action.name}({taken})  {action.type}  {action.description}")
        if action.outputs:
            shown = ", ".join(path.path for path in action.outputs[:_MOST_PATHS])
            left = len(action.outputs) - _MOST_PATHS
            say(f"    → {shown}{f', and {left} more' if left > 0 else ''}")


def _tell_playbook(playbook: PlaybookManifest) -> None:
    if is_custom_function(playbook):
        say("\na custom function")
    if playbook.labels:
        say(f"\nfor events labelled {', '.join(playbook.labels)}")
    if playbook.inputs:
        say("\ninputs")
    for parameter in playbook.inputs:
        mark = "required" if parameter.required else f"default {parameter.default!r}"
        say(f"  {parameter.name}  {_type(parameter.schema)}  ({mark})  {parameter.description}")
    if playbook.outputs:
        say("\noutputs")
    for path in playbook.outputs:
        say(f"  {path.path}  {path.description}".rstrip())


def _type(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    kind = str(schema.get("type", "any"))
    return f"list of {_type(schema['items'])}" if kind == "array" and "items" in schema else kind
