"""``repertory doctor``: is everything here that is needed?"""

from __future__ import annotations

from typing import Annotated

import typer

from repertory.commands._itemsymptoms import examine_item
from repertory.commands._output import JSON, emit, say, single_command
from repertory.commands._session import HomeLibrary
from repertory.commands._symptoms import examine
from repertory.errors import EXIT_NOT_DONE
from repertory.settings import load_settings

app = single_command()


@app.command("doctor")
def command(
    everything: Annotated[bool, typer.Option("--all", help="Also show what is in order, item by item.")] = False,
    item: Annotated[str, typer.Option("--item", help="Look at this installed item, and at what it needs.")] = "",
    json: bool = JSON,
) -> None:
    """Check this installation, and say what to do.

    Exits with 1 if something does not work. With --item, the question is what an app or a playbook needs that is not
    there: packages, actions, assets, other playbooks.

    Examples:

      repertory doctor --json

      repertory doctor --item community/investigate_recon
    """
    if item:
        settings = load_settings()
        findings = examine_item(settings, HomeLibrary(settings.home), item)
    else:
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
