"""Which interpreter an installed item runs with; apart from what builds environments, to be quick to import."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from repertory.home import Home


def python_of(home: Home, digest: str) -> Path:
    """The interpreter of an environment; the tool's own base interpreter without one."""
    return home.environment(digest) / "bin" / "python" if digest else base_python()


def base_python() -> Path:
    """The interpreter below whatever virtual environment this tool lives in."""
    return Path(getattr(sys, "_base_executable", "") or sys.executable)
