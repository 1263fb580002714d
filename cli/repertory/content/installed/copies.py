"""Where copies of items were made, so that the bytes they began with are kept for their later merges."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from repertory.content.installed.forks import read_upstream
from repertory.errors import UserError
from repertory.home import home_error, write_atomically

if TYPE_CHECKING:
    from repertory.home import Home


def remember_copy(home: Home, folder: Path) -> None:
    """Note a copy's folder; what it needs stands in the copy itself, and changes with each merge."""
    place = str(folder.resolve())
    try:
        write_atomically(home.copy_note(hashlib.sha256(place.encode(errors="replace")).hexdigest()), place.encode())
    except OSError as error:
        raise home_error(home.root, error) from error


def bases_of_copies(home: Home) -> set[str]:
    """Content hashes that merges of copies will begin with. A copy that is gone, or none any more, needs nothing."""
    found = set()
    notes = home.copy_note("x").parent
    for note in notes.iterdir() if notes.is_dir() else ():
        try:
            found.add(read_upstream(Path(note.read_text())).hash)
        except (OSError, UnicodeDecodeError, UserError):
            continue
    return found
