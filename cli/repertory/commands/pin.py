"""``repertory pin``: keep an item as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from repertory.commands._changing import DryRun, Reviewed, Wishes, Yes, change_installed
from repertory.commands._complete import complete_installed
from repertory.commands._output import JSON, emit, say, single_command
from repertory.content.changes.planning import Request
from repertory.content.changes.updates import set_pinned
from repertory.errors import UsageError
from repertory.settings import load_settings

if TYPE_CHECKING:
    from repertory.settings import Settings

app = single_command()


@app.command("pin")
def command(
    names: Annotated[list[str], typer.Argument(help="Installed items.", autocompletion=complete_installed)],
    commit: Annotated[
        str, typer.Option("--commit", help="Fetch the one named item at this commit first; reviewed like an update.")
    ] = "",
    yes: Yes = False,
    reviewed: Reviewed = "",
    dry_run: DryRun = False,
    json: bool = JSON,
) -> None:
    """Keep an item as it is, whatever is synced.

    `repertory update` leaves it alone and says so.

    Examples:

      repertory pin community/whois

      repertory pin community/whois --commit 5f5128abea23b5f5128abea23b5f5128abea23b5
    """
    settings = load_settings()
    if commit:
        _pin_at(settings, names, commit, Wishes(yes=yes, reviewed=reviewed, dry_run=dry_run, json=json))
        return
    if yes or reviewed or dry_run:
        raise UsageError("there is nothing to review without --commit", "an item is pinned as it is installed")
    pinned = set_pinned(settings.home, names, pinned=True)
    if json:
        emit({"pinned": [{"name": one.name, "version": one.version, "commit": one.commit} for one in pinned]})
        return
    for one in pinned:
        say(f"{one.name} stays at {one.version} ({one.commit[:12]})")


def _pin_at(settings: Settings, names: list[str], commit: str, wishes: Wishes) -> None:
    if len(names) != 1:
        raise UsageError("--commit is for one item", "pin them one by one")
    words, helper = f"pin {names[0]} --commit {commit}", settings.git.credential_helper
    change_installed(settings, Request(names=names, at=commit, pin=True, helper=helper, command=words), wishes)
