"""``repertory unpin``: let updates change an item again."""

from __future__ import annotations

from typing import Annotated

import typer

from repertory.commands._complete import complete_installed
from repertory.commands._output import JSON, emit, say, single_command
from repertory.content.changes.updates import set_pinned
from repertory.settings import load_settings

app = single_command()


@app.command("unpin")
def command(
    names: Annotated[list[str], typer.Argument(help="Installed items.", autocompletion=complete_installed)],
    json: bool = JSON,
) -> None:
    """Let updates change an item again.

    Example:

      repertory unpin community/whois
    """
    loose = set_pinned(load_settings().home, names, pinned=False)
    if json:
        emit({"unpinned": [{"name": one.name, "version": one.version, "commit": one.commit} for one in loose]})
        return
    for one in loose:
        say(f"{one.name} is updated again")
