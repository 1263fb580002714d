"""The community content that is shipped with this tool, as a Git repository to follow."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from repertory.content.git.process import output
from repertory.content.git.tree import LEFTOVERS
from repertory.errors import UserError
from repertory.home import home_error

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDERS = ("community_apps", "community_playbooks")
_AUTHOR = ("-c", "user.name=Repertory", "-c", "user.email=demo@repertory.invalid")


def shipped_folders() -> list[Path]:
    """Where the shipped content is: inside the installed package, or beside it in a source tree."""
    package = Path(__file__).parents[2]
    for root in (package / "community", package.parents[1]):
        found = [root / name for name in FOLDERS]
        if all(folder.is_dir() for folder in found):
            return found
    raise UserError("this installation has no community content", "install Repertory again")


def make_repository(target: Path) -> None:
    """Copy the shipped content to a new folder and commit it there."""
    if target.exists():
        raise UserError(f"{target} exists already", "name a folder that does not exist")
    try:
        for folder in shipped_folders():
            shutil.copytree(folder, target / folder.name, ignore=shutil.ignore_patterns(*LEFTOVERS))
    except OSError as error:
        raise home_error(target.parent, error) from error
    for words in _commands(target):
        output(words, None if words[0] == "init" else target / ".git")


def _commands(target: Path) -> Iterator[list[str]]:
    yield ["init", "--quiet", "--template=", "--initial-branch=main", str(target)]
    yield [f"--work-tree={target}", "add", "--all"]
    yield [f"--work-tree={target}", *_AUTHOR, "commit", "--quiet", "--no-verify", "--message=Community content"]
