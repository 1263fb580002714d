"""A user with odd settings, a home, and repositories for it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from content.builders import Plumbing, Repository, item_files
from repertory.content.offered.repositories import add_repository, sync
from repertory.home import Home


@pytest.fixture(autouse=True)
def user_with_odd_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user whose Git configuration would break or subvert every fetch that obeyed it."""
    folder = tmp_path / "user"
    folder.mkdir()
    settings = '[url "file:///nonexistent"]\n\tinsteadOf = file:///\n[protocol]\n\tallow = always\n'
    (folder / ".gitconfig").write_text(settings)
    for name in [name for name in os.environ if name.startswith(("GIT_", "UV_", "PIP_", "XDG_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(folder / ".gitconfig"))
    monkeypatch.setenv("GIT_DIR", "/nonexistent")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """An empty home."""
    return Home(tmp_path / "home")


@pytest.fixture
def new_repository(tmp_path: Path) -> Callable[[str], Repository]:
    """Makes empty repositories."""
    return lambda name: Repository(tmp_path / "origins" / name)


@pytest.fixture
def plumbing(tmp_path: Path) -> Plumbing:
    """A bare repository that takes any tree."""
    return Plumbing(tmp_path / "plumbing.git")


@pytest.fixture(scope="session")
def finished_community(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made once: a repository with one app and one playbook. Tests take copies."""
    repository = Repository(tmp_path_factory.mktemp("finished") / "community").write(item_files())
    repository.commit()
    return repository.path


@pytest.fixture
def community(tmp_path: Path, finished_community: Path) -> Repository:
    """A repository with one app and one playbook."""
    return Repository.copy(finished_community, tmp_path / "origins" / "community")


@pytest.fixture(scope="session")
def finished_home(tmp_path_factory: pytest.TempPathFactory, finished_community: Path) -> Home:
    """Made once: a home that has synced the finished repository."""
    home = Home(tmp_path_factory.mktemp("finished") / "home")
    add_repository(home, "community", str(finished_community))
    assert not sync(home).failed
    return home


@pytest.fixture
def synced_home(home: Home, community: Repository, finished_community: Path, finished_home: Home) -> Home:
    """A home that follows ``community`` and knows what it offers."""
    shutil.copytree(finished_home.root, home.root)
    for path in (home.follows, home.catalog("community")):
        path.write_text(path.read_text().replace(finished_community.as_uri(), community.path.as_uri()))
    return home
