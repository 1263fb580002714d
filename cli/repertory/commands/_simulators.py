"""What `simulate` and `demo` share: whose simulators start unasked, and the assets that reach them."""

from __future__ import annotations

import filecmp
import json
import shlex
from typing import TYPE_CHECKING, Any

from repertory.content.offered.community import shipped_folders
from repertory.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from repertory.items import Installed


def require_shipped(item: Installed) -> None:
    """Raise UserError unless this app's files are the very ones that came with the tool."""
    ours = shipped_folders()[0] / item.short_name
    if not ours.is_dir() or any(_differing(ours, item.folder)):
        raise UserError(
            f"the simulator of {item.name} is a program of its authors that would not be isolated",
            "read its simulator.py, then add --allow-unsandboxed",
        )


def _differing(ours: Path, theirs: Path) -> Iterator[str]:
    files = [path.relative_to(theirs).as_posix() for path in theirs.rglob("*") if path.is_file()]
    _, different, missing = filecmp.cmpfiles(ours, theirs, files, shallow=False)
    yield from (*different, *missing)


def asset_words(item: Installed, name: str, settings: Mapping[str, Any]) -> str:
    """The words that configure an asset for a simulator."""
    texts = [f"{key}={value if isinstance(value, str) else json.dumps(value)}" for key, value in settings.items()]
    return shlex.join(["asset", "add", name, item.name, *texts])
