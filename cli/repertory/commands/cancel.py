"""``repertory cancel``: stop a run."""

from __future__ import annotations

from typing import Annotated

import typer

from repertory.commands._complete import complete_run
from repertory.commands._output import JSON, emit, say, single_command
from repertory.commands._session import session
from repertory.runtime.engines.foreground import recover_interrupted
from repertory.runtime.kept import runs

app = single_command()


@app.command("cancel")
def command(
    run: Annotated[str, typer.Argument(help="The run, or the beginning of its id.", autocompletion=complete_run)],
    json: bool = JSON,
) -> None:
    """Stop a run.

    One that waits or is queued ends at once; one that is executed ends as soon as its action in flight is recorded.

    Example:

      repertory cancel 7f3a
    """
    with session() as opened:
        recover_interrupted(opened.settings, opened.database)
        stopped = runs.request_cancel(opened.database, run)
    if json:
        emit({"run": stopped.id, "status": stopped.state})
    else:
        say(f"run {stopped.id}: " + ("cancelled" if stopped.ended else "will stop when its action in flight is recorded"))
