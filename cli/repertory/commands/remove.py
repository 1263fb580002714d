"""``repertory remove``: take items out of what is installed."""

from __future__ import annotations

from typing import Annotated

import typer

from repertory.commands._complete import complete_installed
from repertory.commands._output import JSON, emit, say, single_command
from repertory.content.changes.install import remove
from repertory.settings import load_settings

app = single_command()


@app.command("remove")
def command(
    names: Annotated[list[str], typer.Argument(help="Installed items.", autocompletion=complete_installed)],
    json: bool = JSON,
) -> None:
    """Remove installed items.

    Their files stay on disk for runs that began with them.

    Example:

      repertory remove community/whois
    """
    gone = remove(load_settings().home, names)
    if json:
        emit({"removed": [{"name": one.name, "version": one.version, "needed_by": list(one.needed_by)} for one in gone]})
        return
    for one in gone:
        needed = f"; still asked for by {', '.join(one.needed_by)}" if one.needed_by else ""
        say(f"{one.name} {one.version} is removed{needed}")
