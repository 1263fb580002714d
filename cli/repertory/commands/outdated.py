"""``repertory outdated``: what an update would change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from repertory.commands._complete import complete_installed
from repertory.commands._output import JSON, emit, single_command, table
from repertory.content.changes.permissions import sentence_of
from repertory.content.changes.updates import outdated
from repertory.settings import load_settings

if TYPE_CHECKING:
    from repertory.content.changes.updates import Outdated

app = single_command()


@app.command("outdated")
def command(
    names: Annotated[
        list[str] | None, typer.Argument(help="Installed items; all without.", autocompletion=complete_installed)
    ] = None,
    json: bool = JSON,
) -> None:
    """List installed items of which another version was synced.

    It compares with the last `repertory sync`, and needs no network.

    Example:

      repertory outdated --json
    """
    found = outdated(load_settings().home, names or [])
    if json:
        emit({"items": [_as_json(one) for one in found]})
        return
    table(
        ["item", "installed", "offered", "commit", "update"],
        [[one.item.name, one.item.version, one.version, one.commit[:12], _said(one)] for one in found],
        empty="everything is as it was synced last",
    )


def _said(one: Outdated) -> str:
    texts = ["pinned"] if one.item.pinned else []
    texts += [one.problem] if one.problem else []
    texts += [f"OLDER: it {one.goes_back}"] if one.goes_back else []
    if one.added:
        texts.append(f"WIDENS: it may also {sentence_of(one.added)}")
    elif one.asks and not one.goes_back:
        texts.append("ASKS: it comes from somebody else than before")
    return "; ".join(texts) or "may do nothing new"


def _as_json(one: Outdated) -> dict[str, Any]:
    return {
        "name": one.item.name, "kind": one.item.kind, "version": one.item.version, "commit": one.item.commit,
        "pinned": one.item.pinned, "new_version": one.version or None, "new_commit": one.commit or None,
        "added": list(one.added), "asks": one.asks, "goes_back": bool(one.goes_back), "problem": one.problem or None,
    }  # fmt: skip
