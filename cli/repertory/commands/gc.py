"""``repertory gc``: delete what nobody needs any more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from repertory.commands._output import JSON, emit, say, single_command
from repertory.content.installed.garbage import InUse, collect
from repertory.errors import counted
from repertory.runtime.kept.retention import needed_contents
from repertory.runtime.processes.sdk_copy import sdk_folder
from repertory.runtime.storage.database import open_database
from repertory.settings import load_settings

if TYPE_CHECKING:
    from repertory.settings import Settings

app = single_command()


@app.command("gc")
def command(
    keep: Annotated[int, typer.Option("--keep", min=1, help="How many generations to keep.")] = 10,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be deleted, and delete nothing.")] = False,
    json: bool = JSON,
) -> None:
    """Delete what no kept generation and no unfinished run needs.

    That is content, environments, copies of the SDK, and what interrupted commands left behind. What a fork began with stays
    for `repertory merge`. `repertory rollback` cannot return to deleted generations.

    Examples:

      repertory gc --dry-run

      repertory gc --keep 3
    """
    settings = load_settings()
    found = collect(settings.home, keep=keep, in_use=lambda: _in_use(settings), dry_run=dry_run)
    if json:
        plain = {
            name: [path.name for path in getattr(found, name)] for name in ("contents", "environments", "sdks", "temporary")
        }
        emit({"dry_run": dry_run, "generations": list(found.generations), **plain, "bytes": found.size})
        return
    items = [path for path in found.contents if path.suffix != ".files"]
    counts = [
        (len(found.generations), "generation", ""), (len(items), "item of content", "items of content"),
        (len(found.environments), "environment", ""), (len(found.sdks), "SDK copy", "SDK copies"),
        (len(found.temporary), "left-over", ""),
    ]  # fmt: skip
    what = ", ".join(counted(number, noun, plural) for number, noun, plural in counts if number)
    say(f"{'would delete' if dry_run else 'deleted'}: {what or 'nothing'} ({found.size / 1e6:.1f} MB)")


def _in_use(settings: Settings) -> InUse:
    """Workers of an older version may live as long as there is a lock file of one; their copy of the SDK stays."""
    busy = settings.home.workers.is_dir() and any(settings.home.workers.iterdir())
    sdks = None if busy else frozenset({sdk_folder(settings.home).name})
    if not settings.database_url and not settings.home.database.exists():
        return InUse(sdks=sdks)
    database = open_database(settings)
    try:
        return InUse(hashes=frozenset(needed_contents(database)), sdks=sdks)
    finally:
        database.close()
