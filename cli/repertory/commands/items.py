"""``repertory list``: what is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from repertory.commands._output import JSON, emit, moment, note, single_command, table, timestamp
from repertory.content.installed.generations import current_generation, list_generations, lock_of
from repertory.content.installed.lock import installed, read_lock
from repertory.errors import UsageError, UserError
from repertory.settings import load_settings
from repertory_sdk.convert import to_json
from repertory_sdk.manifest import AppManifest

if TYPE_CHECKING:
    from repertory.content.installed.generations import Generation
    from repertory.content.installed.lock import LockedItem
    from repertory.home import Home
    from repertory.items import InstalledSet

app = single_command()


@app.command("list")
def command(
    actions: Annotated[bool, typer.Option("--actions", help="List the actions of installed apps instead.")] = False,
    generations: Annotated[
        bool, typer.Option("--generations", help="List the states that `repertory rollback` can return to instead.")
    ] = False,
    json: bool = JSON,
) -> None:
    """List what is installed.

    Examples:

      repertory list

      repertory list --actions

      repertory list --generations
    """
    home = load_settings().home
    if actions and generations:
        raise UsageError("--actions and --generations list different things", "give one of them")
    if generations:
        _generations(home, json=json)
        return
    if actions:
        _actions(installed(home), json=json)
        return
    items = read_lock(home).items
    if json:
        emit({"items": [to_json(item) for item in items]})
    else:
        table(
            ["item", "kind", "version", "commit", "content"],
            [[item.name, item.kind, _version(item), item.commit[:12], item.hash[:12]] for item in items],
            empty="nothing is installed yet: `repertory search` finds, `repertory install` installs",
        )


def _actions(found: InstalledSet, *, json: bool) -> None:
    rows = [
        (action.name, action.type, item.name, action.description)
        for item in found.apps.values()
        if isinstance(item.manifest, AppManifest)
        for action in item.manifest.actions
    ]
    if json:
        emit({"actions": [dict(zip(("action", "type", "app", "description"), row, strict=True)) for row in rows]})
    else:
        table(["action", "type", "app", "description"], sorted(rows), empty="no app is installed yet")
        if rows:
            note(f"{len(rows)} actions of {len({app for _, _, app, _ in rows})} apps")


def _version(item: LockedItem) -> str:
    return f"{item.version} (pinned)" if item.pinned else item.version


def _generations(home: Home, *, json: bool) -> None:
    known = list_generations(home)
    current = current_generation(home)
    rows = [
        {
            "number": one.number, "current": one == current, "created_at": timestamp(one.created_at), "command": one.command,
            "who": one.who, **_items_then(home, one),
        }
        for one in known
    ]  # fmt: skip
    if json:
        emit({"generations": rows})
        return
    table(
        ["generation", "when", "who", "items", "command"],
        [
            [f"{one.number} (current)" if one == current else one.number, moment(one.created_at), one.who, row["items"],
             row["problem"] or one.command]
            for one, row in zip(known, rows, strict=True)
        ],
        empty="nothing was installed yet",
    )  # fmt: skip


def _items_then(home: Home, generation: Generation) -> dict[str, Any]:
    """How many, or why that cannot be said."""
    try:
        return {"items": len(lock_of(home, generation).items), "problem": None}
    except UserError as error:
        return {"items": 0, "problem": generation.problem or error.message}
