"""``repertory fork``: make a community item one's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from repertory.commands._complete import complete_item
from repertory.commands._output import JSON, emit, say, single_command
from repertory.content.installed.copies import remember_copy
from repertory.content.installed.forks import fork
from repertory.content.offered.repositories import list_repositories
from repertory.errors import UserError
from repertory.settings import load_settings

if TYPE_CHECKING:
    from repertory.home import Home

app = single_command()


@app.command("fork")
def command(
    item: Annotated[str, typer.Argument(help="repository/name, or the name alone.", autocompletion=complete_item)],
    to: Annotated[str, typer.Option("--to", help="A repository of your own: its folder, or its name if it is followed.")],
    json: bool = JSON,
) -> None:
    """Copy an item into a repository of your own, to edit it there.

    What it was copied from is noted beside it, so that `repertory merge` can bring upstream's later changes in.

    Examples:

      repertory fork community/investigate_recon --to ~/src/our-playbooks

      repertory fork investigate_recon --to ours
    """
    home = load_settings().home
    made = fork(home, item, _folder(home, to))
    remember_copy(home, made.folder)
    if json:
        emit({"item": made.upstream.name, "folder": str(made.folder), "commit": made.upstream.commit, "files": made.files})
        return
    say(f"{made.upstream.name} {made.upstream.version} is copied to {made.folder}")
    say("  → edit it, commit it there, then `repertory sync` and `repertory install` your own")


def _folder(home: Home, to: str) -> Path:
    for one in list_repositories(home):
        if one.name == to:
            if not one.source.is_local:
                raise UserError(f"{to} is not on this machine: {one.url}", "clone it, and name the folder of the clone")
            return one.source.folder
    return Path(to).expanduser()
