"""``repertory bundle``: over the gap to a network without a way out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from repertory.commands._changing import DryRun, Reviewed, Wishes, Yes, change_installed
from repertory.commands._output import JSON, command_group, emit, note, say
from repertory.content.changes.planning import Request
from repertory.content.installed.bundle import create_bundle, take_bundle
from repertory.settings import load_settings

app = command_group("Carry what is installed to a network without a way out, as one file.")


@app.command("create")
def create(
    file: Annotated[Path, typer.Argument(help="Where to write it.")],
    json: bool = JSON,
) -> None:
    """Write everything that is installed into one file: repositories, wheels, signers.

    Wheels are those for this platform and Python.

    Example:

      repertory bundle create content.bundle
    """
    made = create_bundle(load_settings().home, file, None if json else _tell)
    if json:
        emit({"file": str(file), "sha256": made.sha256, "items": list(made.index.items)})
        return
    say(f"{file}: {len(made.index.items)} items, {file.stat().st_size:,} bytes")
    say(f"  sha256 {made.sha256}\n  → compare that on the other side; there: repertory bundle install {file.name}")


@app.command("install")
def install(
    file: Annotated[Path, typer.Argument(help="A file that `bundle create` wrote.")],
    yes: Yes = False,
    reviewed: Reviewed = "",
    dry_run: DryRun = False,
    json: bool = JSON,
) -> None:
    """Install what a bundle holds, without any network; reviewed like any installation.

    Examples:

      repertory bundle install content.bundle --dry-run

      repertory bundle install content.bundle
    """
    settings = load_settings()
    bundle = take_bundle(settings.home, file, None if json else _tell)
    if not json:
        note(f"{file}: sha256 {bundle.sha256}")
    request = Request(names=bundle.index.items, command=f"bundle install {file.name}")
    change_installed(settings, request, Wishes(yes=yes, reviewed=reviewed, dry_run=dry_run, json=json))


def _tell(name: str, step: str) -> None:
    note(f"{name}: {step}")
