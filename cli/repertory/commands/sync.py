"""``repertory sync``: bring what is known of the followed repositories up to date."""

from __future__ import annotations

from typing import Annotated

import typer

from repertory.commands._complete import complete_repository
from repertory.commands._output import JSON, single_command
from repertory.commands._syncing import sync_and_tell
from repertory.settings import load_settings

app = single_command()


@app.command("sync")
def command(
    names: Annotated[
        list[str] | None, typer.Argument(help="Only these repositories.", autocompletion=complete_repository)
    ] = None,
    json: bool = JSON,
) -> None:
    """Fetch the followed repositories; nothing installed changes.

    Examples:

      repertory sync

      repertory sync community --json
    """
    sync_and_tell(load_settings(), names or [], json=json)
