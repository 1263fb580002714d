"""The classic API is on nobody's path but that of children; these tests look at it from outside."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import repertory
from commands.user import User

SITE = str(Path(repertory.__file__).parent / "site")
if SITE not in sys.path:
    sys.path.append(SITE)


@pytest.fixture
def newcomer(tmp_path: Path) -> User:
    """A user who has nothing yet."""
    (tmp_path / "work").mkdir()
    return User(home=tmp_path / "home", folder=tmp_path / "work")
