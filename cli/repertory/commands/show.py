"""``repertory show``: the record of a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from repertory.commands._complete import complete_run
from repertory.commands._output import JSON, emit, note, single_command
from repertory.commands._page import page_of
from repertory.commands._runtree import print_record
from repertory.commands._runview import as_json, read_record
from repertory.commands._session import session
from repertory.errors import UserError
from repertory.runtime.engines.foreground import recover_interrupted
from repertory.runtime.kept import runs
from repertory.runtime.views.drawing import artist

if TYPE_CHECKING:
    from repertory.commands._runview import RunRecord
    from repertory.commands._session import Session

app = single_command()


@app.command("show")
def command(
    run: Annotated[str, typer.Argument(help="The run, or the beginning of its id.", autocompletion=complete_run)],
    json: bool = JSON,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write it as a page, with what apps draw of their results.")
    ] = None,
) -> None:
    """Show everything a run did: attempts, actions, results, prompts, notes, output.

    Examples:

      repertory show 7f3a

      repertory show 7f3a --json

      repertory show 7f3a --html run.html
    """
    with session() as opened:
        recover_interrupted(opened.settings, opened.database)
        record = read_record(opened.database, runs.find_run(opened.database, run))
        if html is not None:
            _write_page(opened, record, html)
    if json:
        emit(as_json(record))
    elif html is None:
        print_record(record)
    else:
        note(f"the page of run {record.run.id} is in {html}")


def _write_page(opened: Session, record: RunRecord, file: Path) -> None:
    with artist(opened.settings) as drawing:
        page = page_of(record, opened.library, drawing)
    try:
        file.write_text(page, "utf-8", errors="replace")
    except OSError as error:
        raise UserError(f"{file} cannot be written: {error.strerror}", "name a file in a folder of yours") from error
