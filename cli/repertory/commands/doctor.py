"""``repertory doctor``: is everything here that is needed?"""

from __future__ import annotations

from typing import Annotated

import typer

from repertory.commands._output import JSON, emit, say, single_command
from repertory.commands._symptoms import examine
from repertory.errors import EXIT_NOT_DONE

app = single_command()


@app.command("doctor")
def command(
    everything: Annotated[bool, typer.Option("--all", help="Also show what is in order, item by item.")] = False,
    json: bool = JSON,
) -> None:
    """Check this installation, and say what to do.

    Exits with 1 if something does not work.

    Example:

      repertory doctor --json
    """
    findings = examine()
    broken = [finding for finding in findings if not finding.fine]
    if json:
        emit({"healthy": not broken, "checks": [finding.__dict__ for finding in findings]})
    else:
        for finding in findings:
            if everything or not finding.fine or not finding.detail:
                say(f"{'ok  ' if finding.fine else 'NO  '}{finding.what}: {finding.found}")
            if finding.cure and not finding.fine:
                say(f"      → {finding.cure}")
    if broken:
        raise typer.Exit(EXIT_NOT_DONE)
