"""``repertory merge``: bring upstream's changes into a copy of one's own."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from repertory.commands._output import JSON, emit, say, single_command
from repertory.content.installed.copies import remember_copy
from repertory.content.installed.merging import MARK, apply_merge, changed_texts, plan_merge
from repertory.errors import EXIT_NOT_DONE
from repertory.settings import load_settings

if TYPE_CHECKING:
    from repertory.content.installed.merging import Merge, MergedFile

app = single_command()


@app.command("merge")
def command(
    folder: Annotated[Path, typer.Argument(help="The folder that `repertory fork` made.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")] = False,
    json: bool = JSON,
) -> None:
    """Merge what changed upstream since an item was forked, or last merged.

    Your own changes stay, and have to be committed where the file is merged with upstream's. Where both sides changed the same
    lines, the file gets conflict markers. What cannot be mixed is put beside yours as NAME.upstream. With such conflicts the
    command ends with status 1.

    Examples:

      repertory merge ~/src/our-playbooks/investigate_recon --dry-run

      repertory merge ~/src/our-playbooks/investigate_recon
    """
    settings = load_settings()
    merge = plan_merge(settings.home, folder, helper=settings.git.credential_helper)
    texts = changed_texts(merge) if dry_run else {}
    if not dry_run:
        apply_merge(merge)
        remember_copy(settings.home, folder)
    if json:
        emit(_as_json(merge, dry_run=dry_run))
    else:
        _tell(merge, dry_run=dry_run)
        for path, (before, after) in texts.items():
            say("".join(difflib.unified_diff(before.splitlines(True), after.splitlines(True), f"yours/{path}", f"merged/{path}")))
    if merge.conflicts:
        raise typer.Exit(EXIT_NOT_DONE)


def _tell(merge: Merge, *, dry_run: bool) -> None:
    before, after = merge.before, merge.after
    if not merge.files:
        say(f"nothing to merge: {after.name} {after.version} has no changes that are not here")
        return
    say(f"{after.name}: {before.version} ({before.commit[:12]}) → {after.version} ({after.commit[:12]})")
    for file in merge.files:
        say(f"  {file.change:8}  {file.path}{_remark(file)}")
    if merge.uncommitted:
        say("  → commit your own changes of these files first: " + ", ".join(merge.uncommitted))
    if any(file.marked for file in merge.files):
        say("  → " + ("there would be conflicts" if dry_run else f"look for {MARK.decode()} in these files, decide, and commit"))
    if not merge.conflicts and not merge.uncommitted and not dry_run:
        say("  → look at it with git diff, try it, and commit")
    beside = [file.beside_path for file in merge.files if file.beside_path]
    if beside and not dry_run:
        say(f"  → compare with {', '.join(beside)}, decide, remove {'it' if len(beside) == 1 else 'them'}, and commit")


def _remark(file: MergedFile) -> str:
    if file.beside_path:
        return f"  ({'yours is kept' if file.ours is not None else 'you removed it'}; upstream's is {file.beside_path})"
    return "  (yours is kept; upstream removed it)" if file.change == "conflict" and not file.marked else ""


def _as_json(merge: Merge, *, dry_run: bool) -> dict[str, object]:
    return {
        "item": merge.after.name, "folder": str(merge.folder), "applied": not dry_run,
        "from": {"version": merge.before.version, "commit": merge.before.commit},
        "to": {"version": merge.after.version, "commit": merge.after.commit},
        "files": [{"path": file.path, "change": file.change, "beside": file.beside_path or None} for file in merge.files],
        "conflicts": merge.conflicts, "uncommitted": merge.uncommitted,
    }  # fmt: skip
