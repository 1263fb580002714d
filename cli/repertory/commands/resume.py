"""``repertory resume``: go on with an interrupted run."""

from __future__ import annotations

from typing import Annotated

import typer

from repertory.commands._complete import complete_run
from repertory.commands._following import follow
from repertory.commands._output import JSON, single_command
from repertory.commands._session import Unsandboxed, able_to_execute, session
from repertory.errors import UserError
from repertory.runtime.engines.foreground import recover_interrupted
from repertory.runtime.kept import runs

app = single_command()


@app.command("resume")
def command(
    run: Annotated[str, typer.Argument(help="The run, or the beginning of its id.", autocompletion=complete_run)],
    wait: Annotated[bool, typer.Option("--wait", help="Also wait for answers that others give.")] = False,
    allow_unsandboxed: Unsandboxed = False,
    json: bool = JSON,
) -> None:
    """Go on with an interrupted run.

    What it had done is answered from the record; nothing is done twice.

    Example:

      repertory resume 7f3a
    """
    with session() as opened:
        recover_interrupted(opened.settings, opened.database)
        found = runs.find_run(opened.database, run)
        if found.ended:
            raise UserError(f"run {found.id} has ended: {found.state}", f"`repertory show {found.id}` tells how")
        if found.state == "running":
            raise UserError(f"run {found.id} is being executed by {found.worker}", f"`repertory show {found.id}` follows it")
        ready = able_to_execute(opened, allow_unsandboxed=allow_unsandboxed)
        follow(ready, runs.requeue(opened.database, found.id, held=True), json=json, wait=wait)
