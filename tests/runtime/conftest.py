"""A home with a database, and a lab to run playbooks in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from folder_library import FolderLibrary
from repertory.home import Home
from repertory.runtime.processes.playbook_process import Template
from repertory.runtime.processes.sdk_copy import sdk_folder
from repertory.runtime.sandbox.launch import Sandbox
from repertory.runtime.sandbox.probing import strongest
from repertory.runtime.storage.database import Database, open_database
from repertory.settings import Settings
from runtime_lab import Lab

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def shared_sdk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What children import is copied and compiled once for all tests."""
    home = Home(tmp_path_factory.mktemp("shared"))
    sdk_folder(home)
    return home.sdk


@pytest.fixture(scope="session")
def sandbox(shared_sdk: Path) -> Iterator[Sandbox]:
    """The strongest level of this machine."""
    made = Sandbox(strongest(Home(shared_sdk.parent), "landlock"))
    yield made
    made.close()


@pytest.fixture(scope="session")
def template(shared_sdk: Path, sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Template]:
    contents = tmp_path_factory.getbasetemp()
    made = Template(Home(shared_sdk.parent), sandbox, output_bytes=100_000, contents=contents)
    yield made
    made.close()


@pytest.fixture
def settings(tmp_path: Path, shared_sdk: Path) -> Settings:
    home = Home(tmp_path / "home")
    home.root.mkdir()
    home.sdk.symlink_to(shared_sdk)
    return Settings(home=home)


@pytest.fixture(params=["sqlite", "postgres"])
def either_settings(request: pytest.FixtureRequest, settings: Settings) -> Settings:
    """A home with SQLite, then one with PostgreSQL."""
    if request.param == "sqlite":
        return settings
    return Settings(home=settings.home, database_url=request.getfixturevalue("postgres").new_schema())


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    opened = open_database(settings)
    yield opened
    opened.close()


@pytest.fixture
def either_database(either_settings: Settings) -> Iterator[Database]:
    opened = open_database(either_settings)
    yield opened
    opened.close()


def _lab(settings: Settings, database: Database, folder: Path, template: Template) -> Lab:
    (folder / "lab").mkdir()
    settings.home.contents.mkdir()
    return Lab(settings, database, FolderLibrary(settings.home.contents), folder / "lab", template)


@pytest.fixture
def lab(settings: Settings, database: Database, tmp_path: Path, template: Template) -> Lab:
    return _lab(settings, database, tmp_path, template)


@pytest.fixture
def either_lab(either_settings: Settings, either_database: Database, tmp_path: Path, template: Template) -> Lab:
    return _lab(either_settings, either_database, tmp_path, template)
