"""``repertory info``: everything about one item, before or after it is installed."""

from __future__ import annotations

from typing import Annotated

import typer

from repertory.commands._complete import complete_item
from repertory.commands._itemview import item_json, tell_manifest
from repertory.commands._output import JSON, emit, say, single_command
from repertory.content.checks.issue import render_issues
from repertory.content.installed.lock import read_lock
from repertory.content.offered.catalog import find_item
from repertory.settings import load_settings

app = single_command()


@app.command("info")
def command(
    item: Annotated[str, typer.Argument(help="repository/name, or the name alone.", autocompletion=complete_item)],
    json: bool = JSON,
) -> None:
    """Show what an item is, wants and offers.

    Example:

      repertory info community/investigate_recon
    """
    home = load_settings().home
    found = find_item(home, item)
    installed = {one.name: one.version for one in read_lock(home).items}
    if json:
        emit(item_json(found, installed))
        return
    state = f"installed: {installed[found.full_name]}" if found.full_name in installed else "not installed"
    say(f"{found.full_name} {found.version}  ({found.kind}, {state})")
    if found.manifest:
        tell_manifest(found.manifest)
    if found.issues:
        say(f"\nfindings\n{render_issues(found.issues)}")
