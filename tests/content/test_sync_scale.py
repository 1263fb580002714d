"""Many repositories at once."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from content.builders import PLAYBOOK, Repository
from repertory.content.git.process import ProcessLimits
from repertory.content.offered.catalog import catalog_items
from repertory.content.offered.follows import Follows
from repertory.content.offered.follows import Repository as Followed
from repertory.content.offered.index import item_names
from repertory.content.offered.repositories import RepositorySync, sync
from repertory.errors import UserError
from repertory.home import Home
from repertory_sdk.convert import to_json

MANY = 60


@pytest.fixture(scope="module")
def origins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty repositories with one playbook each."""
    folder = tmp_path_factory.mktemp("origins")
    first = Repository(folder / "r0").write(
        {"recon/playbook.json": json.dumps({**PLAYBOOK, "license": "Apache-2.0"}), "recon/playbook.py": "x = 1\n"}
    )
    first.commit()
    for number in range(1, MANY):
        shutil.copytree(first.path, folder / f"r{number}")
    return folder


@pytest.fixture
def many(home: Home, origins: Path) -> Home:
    """A home that follows them all."""
    follow(home, {f"r{number}": str(origins / f"r{number}") for number in range(MANY)})
    return home


def follow(home: Home, urls: dict[str, str]) -> None:
    """As if each of them had been added."""
    home.prepare()
    known = [Followed(name=name, url=Path(url).as_uri() if url.startswith("/") else url) for name, url in urls.items()]
    home.follows.write_text(json.dumps(to_json(Follows(repositories=known))))


def test_all_of_them(many: Home, origins: Path, tmp_path: Path) -> None:
    heard: list[RepositorySync] = []
    expected: list[int] = []
    report = sync(many, progress=heard.append, expect=expected.append)
    assert not report.failed
    assert expected == [MANY]
    assert sorted(one.name for one in heard) == [one.name for one in report.repositories]
    assert len(item_names(many)) == MANY

    again = sync(many)
    assert not any(one.has_news for one in again.repositories)
    assert sum(one.items for one in again.repositories) == MANY

    # A sync without news leaves every file as it is.
    before = {path: path.stat().st_mtime_ns for path in many.root.rglob("*") if path.is_file()}
    sync(many)
    assert {path: path.stat().st_mtime_ns for path in many.root.rglob("*") if path.is_file()} == before


def test_failures_are_named_and_the_rest_goes_on(many: Home, origins: Path, tmp_path: Path) -> None:
    urls = {f"r{number}": str(origins / f"r{number}") for number in range(20)}
    urls |= {f"r{number}": str(tmp_path / "missing" / str(number)) for number in range(5, 10)}
    (tmp_path / "broken").mkdir()
    urls["r11"] = str(tmp_path / "broken")
    follow(many, urls)
    report = sync(many)
    assert [one.name for one in report.failed] == ["r11", "r5", "r6", "r7", "r8", "r9"]
    assert all(one.error and one.error.hint for one in report.failed)
    assert not report.offline
    assert len(catalog_items(many)) == 14


def test_an_interrupted_sync_is_taken_up_again(many: Home) -> None:
    done: list[str] = []

    def interrupt(one: RepositorySync) -> None:
        done.append(one.name)
        if len(done) == 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sync(many, progress=interrupt, parallel=2)
    assert {item.repository for item in catalog_items(many)} == set(done)
    assert item_names(many) == [f"{name}/recon" for name in sorted(done)]
    report = sync(many)
    assert not report.failed
    assert sorted(one.name for one in report.repositories if not one.has_news) == sorted(done)


def test_a_stopped_sync_waits_for_nobody(home: Home, origins: Path) -> None:
    follow(home, {"r0": str(origins / "r0")})
    limits = ProcessLimits()
    limits.stop.set()
    (one,) = sync(home, limits=limits).repositories
    assert isinstance(one.error, UserError)
