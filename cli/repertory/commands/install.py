"""``repertory install``: from what is on offer to what is installed."""

from __future__ import annotations

from typing import Annotated

import typer

from repertory.commands._changing import DryRun, Reviewed, Wishes, Yes, change_installed
from repertory.commands._complete import complete_item
from repertory.commands._output import JSON, emit, note, say, single_command
from repertory.content.changes.planning import Request
from repertory.content.installed.restore import restore
from repertory.errors import UsageError
from repertory.settings import Settings, load_settings

app = single_command()


@app.command("install")
def command(
    names: Annotated[
        list[str] | None, typer.Argument(help="Items; what they need comes along.", autocompletion=complete_item)
    ] = None,
    apps: Annotated[
        list[str] | None,
        typer.Option("--with", help="Serve the actions with this app, where several offer one.", autocompletion=complete_item),
    ] = None,
    yes: Yes = False,
    reviewed: Reviewed = "",
    dry_run: DryRun = False,
    locked: Annotated[
        bool, typer.Option("--locked", help="Bring exactly what repertory.lock names to this machine.")
    ] = False,
    json: bool = JSON,
) -> None:
    """Install items and what they need, exactly as synced, after one review of all that they may do.

    A playbook brings the playbooks it starts, and for each action it asks for the app that offers it, if there is just one.
    In a terminal you are asked once. Elsewhere, --yes agrees to what install.allow in config.toml permits (by default items
    that only read), and --reviewed to anything that was reviewed before.

    Examples:

      repertory install community/investigate_recon --with community/blocklist

      repertory install community/whois --dry-run

      repertory install --locked
    """
    settings = load_settings()
    if locked == bool(names):
        raise UsageError("name items, or give --locked", "`repertory search` lists what is on offer")
    if locked:
        _restore(settings, json=json)
        return
    words = " ".join(["install", *(names or []), *(f"--with {name}" for name in apps or [])])
    request = Request(names=names or [], apps=apps or [], command=words)
    change_installed(settings, request, Wishes(yes=yes, reviewed=reviewed, dry_run=dry_run, json=json))


def _restore(settings: Settings, *, json: bool) -> None:
    brought = restore(
        settings.home, None if json else lambda name, step: note(f"{name}: {step}"), helper=settings.git.credential_helper
    )
    emit({"restored": brought}) if json else say(f"brought {', '.join(brought) or 'nothing: all of it was here'}")
