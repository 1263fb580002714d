"""Small files that connectors write beside their code: tokens, lists, what a handler of requests leaves for an action.

They belong to the asset's state, for the folder is gone with the process. Larger ones, and what is no text, stay with it.
"""

from __future__ import annotations

import os
from typing import Dict, Iterator, Tuple

Seen = Dict[str, Tuple[int, int]]
_MOST_FILES = 64
_MOST_BYTES = 256 * 1024
_MOST_TOGETHER = 1024 * 1024  # whoever asks a handler chooses names of its files


def seen(folder: str) -> Seen:
    """What is in a folder: time and size by relative path."""
    return {os.path.relpath(path, folder): (found.st_mtime_ns, found.st_size) for path, found in _files(folder)}


def _files(folder: str) -> "Iterator[Tuple[str, os.stat_result]]":
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False) and entry.name != "__pycache__":
                yield from _files(entry.path)
            elif entry.is_file(follow_symlinks=False) and not entry.name.endswith(".pyc"):
                yield entry.path, entry.stat(follow_symlinks=False)


def taken(folder: str, shipped: Seen) -> Dict[str, str]:
    """Texts of files that are new or were changed since the app was copied, by relative path."""
    texts: Dict[str, str] = {}
    left = _MOST_TOGETHER
    for name, mark in sorted(seen(folder).items()):
        if shipped.get(name) != mark and mark[1] <= min(_MOST_BYTES, left) and len(texts) < _MOST_FILES:
            try:
                with open(os.path.join(folder, name), encoding="utf-8", newline="") as file:
                    texts[name] = file.read()
                    left -= mark[1]
            except (OSError, ValueError):
                continue
    return texts


def put(folder: str, shipped: Seen, texts: Dict[str, str]) -> None:
    """What the asset remembers, and nothing of what another action has left."""
    for name in taken(folder, shipped):
        if name not in texts and name not in shipped:
            os.unlink(os.path.join(folder, name))
    for name, text in texts.items():
        path = os.path.normpath(os.path.join(folder, name))
        if path.startswith(folder + os.sep) and not os.path.islink(path):
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8", newline="") as file:
                file.write(text)
