"""A power cut leaves the old state or the new one: what a lock names is on the disk before the lock is."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from content.test_verify import full_home  # noqa: F401 (a fixture)
from repertory.content.changes.install import install, remove
from repertory.content.installed.generations import list_generations, roll_back
from repertory.content.installed.lock import read_lock
from repertory.content.installed.restore import restore
from repertory.home import Home

Known = dict[tuple[int, int], Any]


class Disk:
    """Remembers what was on the disk for certain: of files their bytes, of folders their names, as they were synced."""

    def __init__(self, lock: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.certain: Known = {}
        self.when_locked: list[Known] = []
        fsync, replace = os.fsync, os.replace

        def noting_fsync(descriptor: int) -> None:
            fsync(descriptor)
            status = os.fstat(descriptor)
            folder = Path(f"/proc/self/fd/{descriptor}").is_dir()
            held = set(os.listdir(descriptor)) if folder else Path(f"/proc/self/fd/{descriptor}").read_bytes()
            self.certain[status.st_dev, status.st_ino] = held

        def noting_replace(source: Any, target: Any) -> None:
            if Path(target) == lock:
                self.when_locked.append(dict(self.certain))
            replace(source, target)

        monkeypatch.setattr(os, "fsync", noting_fsync)
        monkeypatch.setattr(os, "replace", noting_replace)


def lost(known: Known, path: Path) -> Iterator[Path]:
    """What of a file or folder a power cut could take."""
    status = path.lstat()
    certain = known.get((status.st_dev, status.st_ino))
    if path.is_symlink():
        return  # its folder holds it
    if not path.is_dir():
        if certain != path.read_bytes():
            yield path
        return
    for child in path.iterdir():
        if certain is None or child.name not in certain:
            yield child
        yield from lost(known, child)


def entry_lost(known: Known, path: Path) -> bool:
    """Whether a power cut could take the name of something."""
    status = path.parent.stat()
    return path.name not in known.get((status.st_dev, status.st_ino), ())


def start_over(home: Home) -> None:
    for path in (home.content("x").parent, home.environment("x").parent, home.generations):
        shutil.rmtree(path)
    home.lock.unlink()


@pytest.mark.parametrize("way", ["install", "install --locked"])
def test_everything_is_on_the_disk_before_the_lock(full_home: Home, monkeypatch: pytest.MonkeyPatch, way: str) -> None:  # noqa: F811
    text = full_home.lock.read_text()
    start_over(full_home)
    disk = Disk(full_home.lock, monkeypatch)
    if way == "install":
        install(full_home, ["recon"])
    else:
        # Another machine's environment has another name, so that the lock is written again.
        item = read_lock_text(full_home, text)
        full_home.lock.write_text(text.replace(item, "0" * 64))
        restore(full_home)
    (known,) = disk.when_locked
    items = read_lock(full_home).items
    named = [full_home.content(item.hash) for item in items]
    named += [full_home.environment(item.environment) for item in items if item.environment]
    named.append(full_home.generations / f"{list_generations(full_home)[-1].number}.json")
    assert len(named) == 4
    for path in named:
        assert [*lost(known, path)] == []
        assert not entry_lost(known, path)
        assert not entry_lost(known, path.parent)
    assert full_home.lock.name in disk.certain[full_home.root.stat().st_dev, full_home.root.stat().st_ino]


def read_lock_text(home: Home, text: str) -> str:
    home.lock.write_text(text)
    return next(item.environment for item in read_lock(home).items if item.environment)


def test_a_rollback_is_on_the_disk(full_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    remove(full_home, ["recon"])
    disk = Disk(full_home.lock, monkeypatch)
    _target, made = roll_back(full_home)
    (known,) = disk.when_locked
    path = full_home.generations / f"{made.number}.json"
    assert [*lost(known, path)] == [] and not entry_lost(known, path)
    status = full_home.lock.stat()
    assert disk.certain[status.st_dev, status.st_ino] == full_home.lock.read_bytes()
