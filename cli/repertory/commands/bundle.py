"""``repertory bundle``: over the gap to a network without a way out."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from repertory.commands._changing import DryRun, Reviewed, Wishes, Yes, may_change, tell_done
from repertory.commands._output import JSON, command_group, emit, note, say
from repertory.content.installed.bundle import create_bundle
from repertory.content.installed.staging import move_in, staged_bundle
from repertory.errors import UsageError, counted
from repertory.settings import load_settings

app = command_group("Carry what is installed to a network without a way out, as one file.")


@app.command("create")
def create(
    file: Annotated[Path, typer.Argument(help="Where to write it.")],
    json: bool = JSON,
) -> None:
    """Write everything that is installed into a file.

    It holds the commits of the repositories, with their signatures, and wheels for this platform and Python.

    Example:

      repertory bundle create content.bundle
    """
    made = create_bundle(load_settings().home, file, None if json else _tell)
    if json:
        emit({"file": str(file), "sha256": made.sha256, "items": list(made.index.items)})
        return
    say(f"{file}: {counted(len(made.index.items), 'item')}, {counted(file.stat().st_size, 'byte')}")
    say(f"  sha256 {made.sha256}\n  → compare that on the other side; there: repertory bundle install {file.name}")


@app.command("install")
def install(
    file: Annotated[Path, typer.Argument(help="A file that `bundle create` wrote.")],
    sha256: Annotated[
        str, typer.Option("--sha256", help="Agree to exactly this file; `bundle create` prints its sha256.")
    ] = "",
    yes: Yes = False,
    reviewed: Reviewed = "",
    dry_run: DryRun = False,
    json: bool = JSON,
) -> None:
    """Review and install what a bundle holds.

    No network is needed. The file is unpacked beside what is installed, and reviewed like any installation. Until somebody
    has agreed, nothing changes: no repository is followed, nothing is on offer. Nobody becomes a trusted signer by a bundle;
    signatures are checked by the keys that are known here.

    Examples:

      repertory bundle install content.bundle --dry-run

      repertory bundle install content.bundle

      repertory bundle install content.bundle --sha256 5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03
    """
    if sha256 and not re.fullmatch(r"[0-9a-fA-F]{64}", sha256):
        raise UsageError(f"--sha256: {sha256!r} is not a sha256", "it has 64 hexadecimal digits; `bundle create` prints it")
    settings = load_settings()
    tell = None if json else _tell
    with staged_bundle(settings.home, file, sha256=sha256, progress=tell) as staged:
        if not json:
            note(f"{file}: sha256 {staged.bundle.sha256}")
        agreed = reviewed or (staged.review.digest if sha256 else "")
        wishes = Wishes(yes=yes, reviewed=agreed, dry_run=dry_run, json=json, always=True)
        if may_change(settings, staged.review, wishes):
            tell_done(staged.review, move_in(staged, tell), wishes)


def _tell(name: str, step: str) -> None:
    note(f"{name}: {step}")
