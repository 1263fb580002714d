"""What a person's own repository holds at its last commit: read only, so that nothing uncommitted is ever lost."""

from __future__ import annotations

from pathlib import Path
from typing import IO, TYPE_CHECKING

from repertory.content.git.process import running

if TYPE_CHECKING:
    from collections.abc import Iterable


def committed_files(folder: Path, paths: Iterable[str]) -> dict[str, bytes]:
    """The committed bytes of these files, by path from the folder; those that no commit holds are left out."""
    found: dict[str, bytes] = {}
    folder = folder.resolve()
    top = next((one for one in (folder, *folder.parents) if (one / ".git").exists()), None)
    if top is None:
        return found
    start = "".join(f"{part}/" for part in folder.relative_to(top).parts)
    with running(["cat-file", "--batch"], _git_folder(top / ".git")) as (process, _expired):
        assert process.stdin is not None and process.stdout is not None
        for path in paths:
            try:
                process.stdin.write(f"HEAD:{start}{path}\n".encode())
                process.stdin.flush()
            except BrokenPipeError:
                break  # it is no repository after all
            content = _blob(process.stdout)
            if content is not None:
                found[path] = content
    return found


def _git_folder(place: Path) -> Path:
    """Additional work trees have a file that says where their folder is."""
    if place.is_file():
        text = place.read_text("utf-8", errors="replace").strip()
        return place.parent / text.removeprefix("gitdir: ")
    return place


def _blob(stream: IO[bytes]) -> bytes | None:
    """Read ``ID KIND SIZE``, the content and a line feed; or ``NAME missing``."""
    words = stream.readline().decode("utf-8", errors="replace").split()
    if len(words) != 3 or words[1] not in ("blob", "tree") or not words[2].isdecimal():
        return None
    content = stream.read(int(words[2]) + 1)[:-1]
    return content if words[1] == "blob" else None
