"""Which interpreter an installed item runs with; apart from what builds environments, to be quick to import."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from repertory.content.surroundings import inherited

if TYPE_CHECKING:
    from repertory.home import Home


def python_of(home: Home, digest: str) -> Path:
    """The interpreter of an environment; the tool's own base interpreter without one."""
    return home.environment(digest) / "bin" / "python" if digest else base_python()


def base_python() -> Path:
    """The interpreter below whatever virtual environment this tool lives in."""
    return Path(getattr(sys, "_base_executable", "") or sys.executable)


def search_path() -> str:
    """The user's PATH, after the interpreters that pyenv keeps: what stands on the PATH for these only starts one of them."""
    said = inherited("HOME", "PATH", "PYENV_ROOT")
    root = Path(said["PYENV_ROOT"]) if "PYENV_ROOT" in said else Path(said["HOME"]) / ".pyenv" if "HOME" in said else None
    kept = sorted(root.glob("versions/*/bin"), key=_numbers, reverse=True) if root else []
    return os.pathsep.join([*map(str, kept), *filter(None, [said.get("PATH")])])


def _numbers(folder: Path) -> list[int]:
    return [int(part) for part in folder.parent.name.split(".") if part.isdecimal()]
