"""What an interpreter needs to start: itself, the installation it belongs to, and the links between them."""

from __future__ import annotations

import os
from pathlib import Path

_CONFIGURATION = "pyvenv.cfg"
_SYSTEM = (Path("/usr"), Path("/"))
_MOST_LINKS = 40


def needed_for(python: Path) -> list[Path]:
    """Files and folders to show, for an interpreter of an environment or of an installation."""
    needed: list[Path] = []
    environment = python.parent.parent if (python.parent.parent / _CONFIGURATION).is_file() else None
    if environment is not None:
        needed.append(environment)
    for link in _links(python):
        prefix = link.parent.parent
        if prefix in _SYSTEM or prefix == Path("/usr/local"):
            needed.append(link)  # its libraries are shown to everybody
        elif prefix != environment:
            needed.append(prefix)
    return _without_inner(needed)


def _links(path: Path) -> list[Path]:
    """The path, and every path that it is a link to."""
    found = [path]
    for _ in range(_MOST_LINKS):
        if not path.is_symlink():
            break
        path = Path(os.path.normpath(path.parent / path.readlink()))
        found.append(path)
    real = Path(os.path.realpath(path))  # Path.resolve() fails where links lead in a circle
    return found if real in found else [*found, real]


def _without_inner(paths: list[Path]) -> list[Path]:
    return [path for path in dict.fromkeys(paths) if not any(path != other and path.is_relative_to(other) for other in paths)]
