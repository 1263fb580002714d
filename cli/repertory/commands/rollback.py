"""``repertory rollback``: return to an earlier state of everything that is installed."""

from __future__ import annotations

from typing import Annotated

import typer

from repertory.commands._output import JSON, emit, moment, say, single_command
from repertory.content.installed.generations import roll_back
from repertory.settings import load_settings

app = single_command()


@app.command("rollback")
def command(
    to: Annotated[
        int | None, typer.Option("--to", help="The generation to return to; the one before without.")
    ] = None,
    json: bool = JSON,
) -> None:
    """Return to an earlier generation of everything that is installed, at once.

    Nothing is fetched or built. History goes on: the rollback is a generation of its own, and can be rolled back. Doing it
    twice goes back by two.

    Examples:

      repertory rollback

      repertory rollback --to 4
    """
    target, made = roll_back(load_settings().home, to)
    if json:
        emit({"restored": target.number, "generation": made.number})
    else:
        say(f"installed is what generation {target.number} was ({moment(target.created_at)}, {target.command});")
        say(f"this is generation {made.number}")
