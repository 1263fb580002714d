"""What a playbook reads, by what gives it."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from repertory.runtime.simulation.reading.classic_code import read_code
from repertory.runtime.simulation.reading.places import Place
from repertory_sdk.classic import FORMAT
from repertory_sdk.manifest import PlaybookManifest

if TYPE_CHECKING:
    from pathlib import Path

    from repertory.items import Installed

_MOST_KEPT = 256


def reads_of(item: Installed) -> Place:
    """Everything that an installed playbook looks at; nothing is known of those that are not in the classic format."""
    manifest = item.manifest
    if not isinstance(manifest, PlaybookManifest) or manifest.format != FORMAT:
        return Place()
    return _read(item.folder / manifest.main, item.hash)


@lru_cache(maxsize=_MOST_KEPT)
def _read(path: Path, _digest: str) -> Place:
    return read_code(path.read_bytes().decode("utf-8", "replace"))

