"""The classic API is on nobody's path but that of children; these tests look at it from outside."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import repertory
from commands.user import User
from repertory.content.environments.classic import VIEWS
from repertory.content.environments.environments import _run_uv

SITE = str(Path(repertory.__file__).parent / "site")
if SITE not in sys.path:
    sys.path.append(SITE)


@pytest.fixture
def newcomer(tmp_path: Path) -> User:
    """A user who has nothing yet."""
    (tmp_path / "work").mkdir()
    return User(home=tmp_path / "home", folder=tmp_path / "work")


@pytest.fixture(scope="session")
def django(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the real one, as it is in the environments of apps that have views."""
    folder = tmp_path_factory.mktemp("django")
    done = _run_uv(["pip", "install", "--target", str(folder), "--python", sys.executable, VIEWS], folder)
    if done.returncode:
        pytest.skip("no package index offers Django")
    return folder
