"""Users: one with an empty home, one who follows repositories, one with everything installed and configured."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from commands.lab_content import PLAYBOOKS, write_lab
from commands.user import User, copy_home
from content.builders import Repository
from far_files import far
from repertory.content.offered.community import make_repository


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of whoever runs the tests."""
    for name in [name for name in os.environ if name.startswith(("REPERTORY_", "GIT_"))]:
        monkeypatch.delenv(name)
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def origins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two real repositories: the shipped content, and the lab."""
    folder = tmp_path_factory.mktemp("origins")
    make_repository(folder / "community")
    lab = Repository(folder / "lab")
    write_lab(lab.path, folder / "scratch")
    lab.commit()
    return folder


def new_user(folder: Path) -> User:
    (folder / "work").mkdir()
    return User(home=folder / "home", folder=folder / "work")


@pytest.fixture
def newcomer(tmp_path: Path) -> User:
    """Has nothing yet."""
    return new_user(tmp_path)


@pytest.fixture(scope="session")
def prepared(origins: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made once: a home with both repositories synced and their items installed."""
    user = new_user(tmp_path_factory.mktemp("prepared"))
    for name in ("community", "lab"):
        user.done("repo", "add", name, str(origins / name))
    user.done("sync")
    user.install("lab/lab", "lab/vault", "lab/with_inputs", *(f"lab/{name}" for name in PLAYBOOKS))
    user.install("community/blocklist", "community/whois", "community/investigate_recon")
    return user.home


@pytest.fixture
def follower(tmp_path: Path, prepared: Path) -> User:
    """Has everything installed and nothing configured."""
    user = new_user(tmp_path)
    copy_home(prepared, user.home)
    return user


@pytest.fixture
def user(follower: User) -> User:
    """Has an asset of the lab, too."""
    follower.done("asset", "add", "lab-1", "lab/lab", f"folder={far(follower.folder)}")
    return follower
