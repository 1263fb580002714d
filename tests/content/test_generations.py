"""Every installed state is recorded, survives a crash at any point, and can be returned to."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from content.builders import Repository
from content.changing_app import publish
from repertory.content.changes.install import install, remove
from repertory.content.installed.contents import verify_hash
from repertory.content.installed.generations import current_generation, list_generations, roll_back
from repertory.content.installed.lock import (
    Lock,
    LockedItem,
    dump_lock,
    installed,
    parse_lock,
    read_lock,
    write_lock_text,
)
from repertory.content.installed.restore import restore
from repertory.content.offered.repositories import sync
from repertory.errors import NotFound, UserError
from repertory.home import Home


def versions(home: Home) -> dict[str, str]:
    return {item.name: item.version for item in read_lock(home).items}


def current(home: Home) -> int:
    found = current_generation(home)
    return found.number if found else 0


@pytest.fixture
def three_versions(synced_home: Home, community: Repository) -> Home:
    """A home where the app was installed, and updated twice: generations 1, 2, 3."""
    install(synced_home, ["blocklist"])
    for version in ("1.1.0", "1.2.0"):
        publish(community, version)
        sync(synced_home)
        install(synced_home, ["blocklist"])
    return synced_home


def test_every_change_is_a_generation(synced_home: Home) -> None:
    assert list_generations(synced_home) == []
    install(synced_home, ["recon"])
    install(synced_home, ["recon"])
    remove(synced_home, ["recon"])
    first, second = list_generations(synced_home)
    assert [first.number, first.before, first.command] == [1, 0, "install recon"]
    assert [second.number, second.before, second.command] == [2, 1, "remove community/recon"]
    assert first.who
    assert abs(time.time() - second.created_at) < 60
    assert second.lock == synced_home.lock.read_text()
    assert current(synced_home) == 2


def test_rolling_back_and_further_back(three_versions: Home) -> None:
    home = three_versions
    target, made = roll_back(home)
    assert (target.number, made.number, made.restores, made.command) == (2, 4, 2, "rollback to 2")
    assert versions(home) == {"community/blocklist": "1.1.0"}
    target, made = roll_back(home)
    assert (target.number, made.number) == (1, 5)
    assert versions(home) == {"community/blocklist": "1.0.0"}
    verify_hash(installed(home).apps["community/blocklist"])
    with pytest.raises(UserError, match="no state before"):
        roll_back(home)
    target, made = roll_back(home, 3)
    assert (made.number, versions(home)) == (6, {"community/blocklist": "1.2.0"})
    assert [one.number for one in list_generations(home)] == [1, 2, 3, 4, 5, 6]
    assert roll_back(home)[0].number == 2


def test_rolling_back_to_what_is_there_changes_nothing(three_versions: Home) -> None:
    with pytest.raises(UserError, match="generation 3 is what is installed"):
        roll_back(three_versions, 3)
    assert current(three_versions) == 3
    with pytest.raises(NotFound, match="no generation is called '9'") as raised:
        roll_back(three_versions, 9)
    assert "kept are 1, 2, 3" in raised.value.hint


def test_files_that_are_gone_are_missed_before(three_versions: Home) -> None:
    text = three_versions.lock.read_text()
    digest = parse_lock(list_generations(three_versions)[1].lock.encode()).items[0].hash
    three_versions.content(digest).rename(three_versions.content("elsewhere"))
    with pytest.raises(UserError, match="generation 2 is not complete on this machine any more: community/blocklist"):
        roll_back(three_versions)
    assert three_versions.lock.read_text() == text


DAMAGE = {
    "no JSON": lambda text: text[: len(text) // 2],
    "another lock": lambda text: text.replace("1.1.0", "9.1.0"),
    "another number": lambda text: text.replace('"number": 2', '"number": 1'),
    "a list": lambda text: "[]",
    "an unknown field": lambda text: text.replace('"who"', '"whom"'),
    "empty": lambda text: "",
    "deep": lambda text: "[" * 100_000,
    "binary": lambda text: "\x00\x01",
}


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_generation_is_told_and_left_out(three_versions: Home, name: str) -> None:
    path = three_versions.generations / "2.json"
    path.write_text(DAMAGE[name](path.read_text()))
    damaged = list_generations(three_versions)[1]
    assert (damaged.number, damaged.problem != "") == (2, True)
    with pytest.raises(UserError, match=r"2\.json: ") as raised:
        roll_back(three_versions)
    assert "list --generations" in raised.value.hint
    assert versions(three_versions) == {"community/blocklist": "1.2.0"}
    roll_back(three_versions, 1)
    assert versions(three_versions) == {"community/blocklist": "1.0.0"}


def test_other_files_among_them_do_not_matter(three_versions: Home) -> None:
    for name in ("007.json", "notes.json", "4.txt", ".5.json.abc"):
        (three_versions.generations / name).write_text("x")
    assert [one.number for one in list_generations(three_versions)] == [1, 2, 3]


def test_a_lock_that_a_person_put_there_is_not_lost(three_versions: Home) -> None:
    home = three_versions
    lock = Lock(items=[read_lock(home).items[0]])
    write_lock_text(home, dump_lock(Lock(items=[LockedItem(**{**lock.items[0].__dict__, "pinned": True})])))
    assert current(home) == 0
    remove(home, ["blocklist"])
    found, removed = list_generations(home)[-2:]
    assert [(one.number, one.command, one.before) for one in (found, removed)] == [
        (4, "found", 3),
        (5, "remove community/blocklist", 4),
    ]
    roll_back(home)
    assert read_lock(home).items[0].pinned


@pytest.mark.parametrize("text", ["{", "", "<<<<<<< HEAD", "\xff"])
def test_a_lock_that_cannot_be_read_is_mended_by_going_back(three_versions: Home, text: str) -> None:
    three_versions.lock.write_bytes(text.encode("latin-1"))
    target, made = roll_back(three_versions)
    assert (target.number, made.number, made.before) == (3, 4, 3)
    assert versions(three_versions) == {"community/blocklist": "1.2.0"}
    assert [one.problem for one in list_generations(three_versions)] == ["", "", "", ""]


def test_a_restored_lock_is_recorded(three_versions: Home) -> None:
    other = Home(three_versions.root.parent / "other")
    other.prepare()
    other.lock.write_bytes(three_versions.lock.read_bytes())
    restore(other)
    restore(other)
    assert [one.command for one in list_generations(other)] == ["install --locked"]
    assert current(other) == 1


def test_a_hundred_items_are_rolled_back_at_once(three_versions: Home) -> None:
    (item,) = read_lock(three_versions).items
    many = [LockedItem(**{**item.__dict__, "name": f"community/item_{number}"}) for number in range(100)]
    write_lock_text(three_versions, dump_lock(Lock(items=many)))
    remove(three_versions, ["community/item_7"])
    begun = time.perf_counter()
    roll_back(three_versions)
    took = time.perf_counter() - begun
    assert len(read_lock(three_versions).items) == 100
    assert took < 1.0  # the promise is 0.1 s, held by a benchmark: a loaded machine may take longer


# -------------------------------------------------------------------- crashes

CHANGES = """
import itertools, os, sys
from contextlib import suppress
from pathlib import Path
from repertory.content.installed.generations import roll_back
from repertory.content.changes.install import carry_out
from repertory.content.changes.planning import Request
from repertory.errors import UserError
from repertory.home import Home

home = Home(Path(sys.argv[1]))

def change(numbers):
    for number in numbers:
        if number % 2 == 0:
            carry_out(home, Request(update=True, command="update"))
        else:
            with suppress(UserError):  # another process was faster
                roll_back(home, 1)
"""
# A process that is ready at once, each time it is told a line, and that is killed by somebody else.
VICTIMS = CHANGES + """
for _line in sys.stdin:
    victim = os.fork()
    if not victim:
        change(itertools.count())
    print(victim, flush=True)
    os.waitpid(victim, 0)
    print("gone", flush=True)
"""
ENVIRONMENT = {"PYTHONPATH": os.pathsep.join(sys.path), "PATH": os.defpath}


@contextmanager
def python(code: str, *words: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", code, *words]
    with subprocess.Popen(command, env=ENVIRONMENT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process


def kill_one_after(victims: subprocess.Popen[str], seconds: float) -> None:
    assert victims.stdin is not None and victims.stdout is not None
    victims.stdin.write("next\n")
    victims.stdin.flush()
    victim = int(victims.stdout.readline())
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        pass
    os.kill(victim, signal.SIGKILL)
    assert victims.stdout.readline() == "gone\n"


def test_killed_at_any_point_the_lock_is_one_of_both_states(three_versions: Home) -> None:
    """A process updates and rolls back in turns, and the content of the update has to be written anew each time."""
    home, chance = three_versions, random.Random(7)
    first, _second, last = list_generations(home)
    digest = parse_lock(last.lock.encode()).items[0].hash
    seen = set()
    with python(VICTIMS, str(home.root)) as victims:
        for _ in range(20):
            home.lock.write_text(first.lock)
            shutil.rmtree(home.content(digest))
            home.listing(digest).unlink()
            kill_one_after(victims, chance.uniform(0.0, 0.2))
            seen.add(home.lock.read_text())
            assert seen <= {first.lock, last.lock}
            assert [one.problem for one in list_generations(home) if one.problem] == []
            assert current(home) != 0
            for item in installed(home).apps.values():
                verify_hash(item)
            for one in list_generations(home)[3:]:
                (home.generations / f"{one.number}.json").unlink()
            home.lock.write_text(last.lock)
            restore(home)
    assert current(home) == 3
    assert versions(home) == {"community/blocklist": "1.2.0"}


def test_a_generation_that_never_took_effect_is_not_gone_back_to(three_versions: Home) -> None:
    home = three_versions
    before = home.lock.read_text()
    remove(home, ["blocklist"])
    home.lock.write_text(before)  # as if the process had died between the two writes
    assert current(home) == 3
    install(home, ["recon"])
    assert list_generations(home)[-1].before == 3
    assert roll_back(home)[0].number == 3
    assert versions(home) == {"community/blocklist": "1.2.0"}


def test_two_at_once(three_versions: Home) -> None:
    code = CHANGES + "change(range(10))"
    with python(code, str(three_versions.root)) as one, python(code, str(three_versions.root)) as other:
        assert [process.wait(timeout=60) for process in (one, other)] == [0, 0]
    found = list_generations(three_versions)
    assert len(found) > 5
    assert [one.number for one in found] == list(range(1, len(found) + 1))
    assert all(not one.problem for one in found)
    assert found[-1].lock == three_versions.lock.read_text()
    assert all(one.before == one.number - 1 for one in found)


def test_a_generation_holds_the_whole_lock(three_versions: Home) -> None:
    plain = json.loads((three_versions.generations / "3.json").read_text())
    assert parse_lock(plain["lock"].encode()) == read_lock(three_versions)
    assert plain["lock"] == dump_lock(read_lock(three_versions))
    assert (three_versions.generations / "3.json").stat().st_mode & 0o077 == 0


def test_generations_that_cannot_be_read_are_told(home: Home, tmp_path: Path) -> None:
    home.prepare()
    home.generations.write_text("a file")
    with pytest.raises(UserError, match="cannot"):
        list_generations(home)
