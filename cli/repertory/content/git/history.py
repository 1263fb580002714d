"""Which of two fetched commits came first, as far as the commits themselves tell: no history is fetched."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from repertory.content.git.process import run
from repertory.content.git.sources import COMMIT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

COMMITTED = re.compile(rb"^committer .*> (\d{1,12}) [+-]\d{4}$", re.MULTILINE)
PARENT = re.compile(rb"^parent ([0-9a-f]{40,64})$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class _Made:
    """``time`` is in seconds since the epoch."""

    time: int
    parents: Sequence[str]


def comes_before(bare: Path, commit: str, installed: str) -> bool:
    """Whether a commit is older than the installed one: its parent, or committed earlier, as every ancestor was.

    False where one of them is not here any more. A commit says itself when it was made, but whoever shows an old one
    again cannot change what it says.
    """
    if commit == installed:
        return False
    first, second = _made(bare, commit), _made(bare, installed)
    return bool(first and second and (commit in second.parents or first.time < second.time))


@functools.lru_cache(maxsize=4096)
def _made(bare: Path, commit: str) -> _Made | None:
    if not COMMIT.fullmatch(commit) or not (bare / "HEAD").exists():
        return None
    status, raw, _complaint = run(["cat-file", "commit", commit], bare)
    headers = raw.partition(b"\n\n")[0]
    committed = COMMITTED.search(headers)
    if status or not committed:
        return None
    return _Made(time=int(committed[1]), parents=[parent.decode() for parent in PARENT.findall(headers)])
