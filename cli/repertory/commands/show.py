"""``repertory show``: the record of a run."""

from __future__ import annotations

from typing import Annotated

import typer

from repertory.commands._complete import complete_run
from repertory.commands._output import JSON, emit, single_command
from repertory.commands._runtree import print_record
from repertory.commands._runview import as_json, read_record
from repertory.commands._session import session
from repertory.runtime.engines.foreground import recover_interrupted
from repertory.runtime.kept import runs

app = single_command()


@app.command("show")
def command(
    run: Annotated[str, typer.Argument(help="The run, or the beginning of its id.", autocompletion=complete_run)],
    json: bool = JSON,
) -> None:
    """Show everything a run did: attempts, actions, results, prompts, notes, output.

    Examples:

      repertory show 7f3a

      repertory show 7f3a --json
    """
    with session() as opened:
        recover_interrupted(opened.settings, opened.database)
        record = read_record(opened.database, runs.find_run(opened.database, run))
    emit(as_json(record)) if json else print_record(record)
