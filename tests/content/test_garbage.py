"""What nobody needs is deleted, and nothing else."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from content.builders import Repository
from content.changing_app import publish
from repertory.content.changes.install import install
from repertory.content.installed.contents import verify_hash
from repertory.content.installed.garbage import ABANDONED_S, Garbage, InUse, collect
from repertory.content.installed.generations import list_generations, roll_back
from repertory.content.installed.lock import installed, parse_lock, read_lock
from repertory.content.installed.pinned import pinned_item
from repertory.content.offered.repositories import sync
from repertory.errors import UserError
from repertory.home import Home


@pytest.fixture
def old_home(synced_home: Home, community: Repository) -> Home:
    """The app in four versions, one generation each."""
    install(synced_home, ["blocklist"])
    for version in ("1.1.0", "1.2.0", "1.3.0"):
        publish(community, version)
        sync(synced_home)
        install(synced_home, ["blocklist"])
    return synced_home


def hashes(home: Home) -> list[str]:
    """The app's content, the oldest version first."""
    return [parse_lock(one.lock.encode()).items[0].hash for one in list_generations(home)]


def kept(home: Home) -> set[str]:
    return {path.name for path in home.content("x").parent.iterdir() if path.is_dir()}


def gc(home: Home, keep: int, *, needed: list[str] | None = None, dry_run: bool = False) -> Garbage:
    return collect(home, keep=keep, in_use=lambda: InUse(hashes=frozenset(needed or [])), dry_run=dry_run)


def test_old_generations_and_their_content_go(old_home: Home) -> None:
    all_of_them = hashes(old_home)
    found = gc(old_home, 2)
    assert found.generations == [1, 2]
    assert found.size > 0
    assert kept(old_home) == set(all_of_them[2:])
    assert [one.number for one in list_generations(old_home)] == [3, 4]
    assert not [path for path in old_home.content("x").parent.glob("*.files") if path.stem in all_of_them[:2]]
    assert gc(old_home, 2) == Garbage(size=0, generations=[], contents=[], environments=[], sdks=[], temporary=[])
    assert roll_back(old_home)[0].number == 3
    verify_hash(installed(old_home).apps["community/blocklist"])


def test_a_dry_run_deletes_nothing(old_home: Home) -> None:
    before = {path: path.lstat().st_ino for path in old_home.root.rglob("*")}
    dry = gc(old_home, 1, dry_run=True)
    assert {path: path.lstat().st_ino for path in old_home.root.rglob("*")} == before
    assert gc(old_home, 1) == dry


def test_what_unfinished_runs_began_with_stays(old_home: Home) -> None:
    oldest = hashes(old_home)[0]
    gc(old_home, 1, needed=[oldest])
    assert oldest in kept(old_home)
    item = pinned_item(old_home, "community/blocklist", oldest)
    verify_hash(item)
    assert item.version == "1.0.0"
    gc(old_home, 1)
    assert kept(old_home) == {item.hash for item in read_lock(old_home).items}


def test_the_environment_of_an_unfinished_run_stays(old_home: Home) -> None:
    oldest = hashes(old_home)[0]
    environment = old_home.environment("e" * 64)
    (environment / "bin").mkdir(parents=True)
    first = old_home.generations / "1.json"
    plain = first.read_text().replace('\\"environment\\": \\"\\"', f'\\"environment\\": \\"{"e" * 64}\\"')
    lock = json.loads(plain)["lock"]
    digest = hashlib.sha256(lock.encode()).hexdigest()
    first.write_text(plain.replace(list_generations(old_home)[0].sha256, digest))
    assert list_generations(old_home)[0].problem == ""
    gc(old_home, 1, needed=[oldest])
    assert environment.is_dir()
    assert gc(old_home, 1).environments == [environment]
    assert not environment.exists()


def test_the_current_generation_stays_however_old(old_home: Home) -> None:
    roll_back(old_home, 1)
    newest = old_home.generations / "5.json"
    newest.unlink()  # then the lock is what generation 1 says
    gc(old_home, 1)
    assert [one.number for one in list_generations(old_home)] == [1, 4]
    verify_hash(installed(old_home).apps["community/blocklist"])


def test_a_lock_that_was_never_recorded_keeps_its_content(old_home: Home) -> None:
    old_home.lock.write_text(list_generations(old_home)[0].lock.replace('"pinned": false', '"pinned": true'))
    gc(old_home, 1)
    assert kept(old_home) == {item.hash for item in read_lock(old_home).items} | {hashes(old_home)[-1]}
    verify_hash(installed(old_home).apps["community/blocklist"])


def test_a_broken_lock_deletes_nothing(old_home: Home) -> None:
    before = kept(old_home)
    old_home.lock.write_text("{")
    with pytest.raises(UserError, match=r"repertory\.lock:1"):
        gc(old_home, 1)
    assert kept(old_home) == before
    assert len(list_generations(old_home)) == 4


def test_a_rollback_to_what_was_collected_is_refused(old_home: Home) -> None:
    gc(old_home, 1)
    before = old_home.lock.read_bytes()
    with pytest.raises(UserError, match="generation 3, the one before, is not kept any more") as raised:
        roll_back(old_home)
    assert raised.value.hint == "kept are 4: repertory list --generations"
    with pytest.raises(UserError, match="no generation is called '1'"):
        roll_back(old_home, 1)
    assert old_home.lock.read_bytes() == before


def remains(home: Home) -> list[Path]:
    """What killed commands leave behind."""
    folders = [home.content(".new-abc"), home.environment(".new-def"), home.repository("x").parent / ".history-ghi"]
    for folder in [*folders, home.sdk / ".sdk-jkl"]:
        (folder / "inner").mkdir(parents=True)
        (folder / "inner" / "file").write_text("x")
    file = home.generations / ".9.json.abcdefgh"
    file.write_text("half")
    return [*folders, home.sdk / ".sdk-jkl", file]


def test_what_interrupted_commands_left_goes_when_it_is_old(old_home: Home) -> None:
    made = remains(old_home)
    assert gc(old_home, 10).temporary == []
    for path in made:
        old = path.lstat().st_mtime - ABANDONED_S - 1
        os.utime(path, (old, old))
    assert set(gc(old_home, 10).temporary) == set(made)
    assert [path for path in made if path.exists()] == []


def test_copies_of_the_sdk(old_home: Home) -> None:
    for name in ("aaaa", "bbbb"):
        (old_home.sdk / name).mkdir(parents=True)
    assert gc(old_home, 10).sdks == []
    found = collect(old_home, keep=10, in_use=lambda: InUse(sdks=frozenset({"aaaa"})))
    assert [path.name for path in found.sdks] == ["bbbb"]
    assert [path.name for path in old_home.sdk.iterdir()] == ["aaaa"]


def test_a_new_home_has_no_garbage(home: Home) -> None:
    assert gc(home, 1).paths == []
