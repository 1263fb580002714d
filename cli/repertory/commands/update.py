"""``repertory update``: bring installed items to what was synced last."""

from __future__ import annotations

from typing import Annotated

import typer

from repertory.commands._changing import DryRun, Reviewed, Wishes, Yes, change_installed
from repertory.commands._complete import complete_installed
from repertory.commands._output import JSON, single_command
from repertory.content.changes.planning import Request
from repertory.settings import load_settings

app = single_command()


@app.command("update")
def command(
    names: Annotated[
        list[str] | None, typer.Argument(help="Installed items; all without.", autocompletion=complete_installed)
    ] = None,
    yes: Yes = False,
    reviewed: Reviewed = "",
    dry_run: DryRun = False,
    json: bool = JSON,
) -> None:
    """Update installed items to what was synced last; asks where one wants more than before.

    An item that may do nothing new goes through. New or changed actions that change things, hosts, files, programs and
    packages are shown and asked about, as `repertory install` does, and so is a way back to an older version or commit.
    Pinned items stay. One that cannot be updated is left as it is and told with its cure; then the command exits with 1.

    Examples:

      repertory update

      repertory update community/whois --dry-run
    """
    request = Request(names=names or [], update=True, command=" ".join(["update", *(names or [])]))
    change_installed(load_settings(), request, Wishes(yes=yes, reviewed=reviewed, dry_run=dry_run, json=json))
