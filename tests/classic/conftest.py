"""The classic API is on nobody's path but that of children; these tests look at it from outside."""

from __future__ import annotations

import sys
from pathlib import Path

import repertory

SITE = str(Path(repertory.__file__).parent / "site")
if SITE not in sys.path:
    sys.path.append(SITE)
