"""Attempts that break off in a worker, and what the tool itself imports."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from repertory.runtime.engines.worker import Running
from repertory.runtime.execution import executor as executor_module
from repertory.runtime.kept import runs
from repertory.runtime.storage import sqlite
from repertory.runtime.storage.database import open_database
from repertory.runtime.storage.trouble import StorageTrouble

if TYPE_CHECKING:
    from collections.abc import Iterator

    from repertory.runtime.storage.database import Database
    from runtime_lab import Lab


# Run by a playbook: what another program does that writes for long. The lock goes with the process.
LOCK = """
import sqlite3
locked = sqlite3.connect({path!r}, isolation_level=None)
locked.execute("begin immediate")
"""


@pytest.fixture
def impatient(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    """A lab whose database is not waited for when another program writes to it."""
    monkeypatch.setattr(sqlite, "BUSY_S", 0.2)
    lab.database = open_database(lab.settings)
    lab.unconfine()  # playbooks here reach for the database
    yield lab
    lab.database.close()


def locking(lab: Lab, after: str) -> str:
    """A playbook that locks the database the first time, and then does this."""
    mark = str(lab.folder / "locked")
    lines = [f"if not os.path.exists({mark!r}):", f"    open({mark!r}, 'w').close()"]
    lines += [f"    {line}" for line in LOCK.format(path=str(lab.settings.home.database)).strip().splitlines()]
    return "\n".join(["import os", *lines, after])


def is_free(lab: Lab, run_id: str) -> bool:
    """Another worker can take it at once."""
    run = runs.find_run(lab.database, run_id)
    outcomes = [attempt.outcome for attempt in runs.attempts_of(lab.database, run_id)]
    return (run.state, run.worker, outcomes[-1]) == ("queued", "", "interrupted") and not run.held


def test_a_run_is_given_back_when_the_database_cannot_be_written(impatient: Lab) -> None:
    lab = impatient
    lab.add_lab()
    run_id = lab.start(lab.add_playbook(locking(lab, "play.act('count up', name='a').required()")), held=True)
    told = list[str]()
    executor = lab.executor(notice=told.append)
    with pytest.raises(StorageTrouble) as trouble:
        executor.attempt(run_id, 1)
    said = str(trouble.value)
    assert "database is locked" in said
    assert told == [f"run {run_id} was interrupted: {said}"]
    assert is_free(lab, run_id)
    assert runs.queued_attempts(lab.database) == [(run_id, 2)]
    executor.attempt(run_id, 2)
    assert runs.find_run(lab.database, run_id).state == "succeeded"
    assert lab.happened() == ["count a 1"]
    executor.close()


@pytest.mark.parametrize("statement", ["select * from run", "select snapshot", "from run where id = ? and epoch", "set state = ?"])
def test_a_run_is_given_back_wherever_it_breaks_off(lab: Lab, statement: str) -> None:
    """From the first look at it, before its process is there, to its end."""
    run_id = lab.start(lab.add_playbook("play.log('x')"))
    executor, broken = lab.executor(), BreaksOnce(lab.database, statement)
    lab.database.query, lab.database.transaction = broken.query, broken.transaction  # type: ignore[method-assign,assignment]
    with pytest.raises(StorageTrouble):
        executor.attempt(run_id, 1)
    executor.close()
    assert is_free(lab, run_id)
    assert lab.attempt(run_id).state == "succeeded"


class BreaksOnce:
    """A database whose disk fails at one statement, the first time or the n-th."""

    def __init__(self, database: Database, statement: str, *, time: int = 1) -> None:
        self._query, self._transaction = database.query, database.transaction
        self._statement = statement
        self._left = time

    def _look(self, sql: str) -> None:
        self._left -= self._statement in sql
        if self._statement in sql and self._left == 0:
            raise StorageTrouble("the database: disk I/O error", "check the disk")

    def query(self, sql: str, *parameters: object) -> object:
        self._look(sql)
        return self._query(sql, *parameters)

    @contextmanager
    def transaction(self) -> Iterator[BreaksOnce]:
        with self._transaction() as transaction:
            inner = BreaksOnce.__new__(BreaksOnce)
            inner._query, inner._look = transaction.query, self._look  # type: ignore[method-assign]
            yield inner


@pytest.mark.parametrize("statement", ["epoch = epoch + 1, state", "from run where id = ? and epoch", "set state = ?"])
def test_a_child_whose_attempt_broke_off_goes_on_with_its_parent(lab: Lab, statement: str) -> None:
    lab.add_playbook("play.log('x')\nreturn {'said': 'done'}", name="inner")
    run_id = lab.start(lab.add_playbook("return play.run('inner')"))
    broken = BreaksOnce(lab.database, statement, time={"epoch = epoch + 1, state": 2}.get(statement, 1))
    executor, before = lab.executor(), (lab.database.query, lab.database.transaction)
    lab.database.query, lab.database.transaction = broken.query, broken.transaction  # type: ignore[method-assign,assignment]
    with pytest.raises(StorageTrouble):
        executor.attempt(run_id, 1)
    lab.database.query, lab.database.transaction = before  # type: ignore[method-assign]
    states = [run.state for run in (*runs.children_of(lab.database, run_id), runs.find_run(lab.database, run_id))]
    assert set(states) == {"queued"}
    assert lab.attempt(run_id, executor).outputs == {"said": "done"}
    assert len(runs.children_of(lab.database, run_id)) <= 1
    executor.close()


def test_a_child_that_cannot_end_while_the_database_is_locked_goes_on_with_its_parent(
    impatient: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executor_module, "GIVE_BACK_S", 0.01)
    lab = impatient
    ending, locked, free = (lab.folder / name for name in ("ending", "locked", "free"))
    wait = "def until(path):\n    while not os.path.exists(path):\n        time.sleep(0.005)\n"
    lab.add_playbook(
        f"import os, time\n{wait}open({str(ending)!r}, 'w').close()\nuntil({str(locked)!r})\nreturn {{'said': 'done'}}",
        name="inner",
    )
    path = str(lab.settings.home.database)
    item = lab.add_playbook(
        f"""
import os, sqlite3, time
{wait}
def lock():
    if not os.path.exists({str(locked)!r}):
        until({str(ending)!r})
        connection = sqlite3.connect({path!r}, isolation_level=None)
        connection.execute("begin immediate")
        open({str(locked)!r}, "w").close()
        until({str(free)!r})
        connection.close()
return play.parallel(lambda: play.run("inner"), lock)[0]
"""
    )
    run_id = lab.start(item)
    executor = lab.executor(stays=True, notice=lambda _: free.touch())
    with pytest.raises(StorageTrouble, match="database is locked"):
        executor.attempt(run_id, 1)
    (child,) = runs.children_of(lab.database, run_id)
    assert is_free(lab, child.id)
    assert is_free(lab, run_id)
    assert lab.attempt(run_id, executor).outputs == {"said": "done"}
    assert [one.id for one in runs.children_of(lab.database, run_id)] == [child.id]
    executor.close()


def test_a_child_is_cancelled_although_the_database_was_away(lab: Lab) -> None:
    """A parent that has come to a bad end has not ended before those that it started are told."""
    lab.add_playbook("play.ask('Well?')", name="asking")
    dies = "import os\ndef die():\n    play.sleep(0.1)\n    os._exit(7)\nplay.parallel(lambda: play.run('asking'), die)"
    run_id = lab.start(lab.add_playbook(dies))
    broken, executor = BreaksOnce(lab.database, "set cancel_requested = 1"), lab.executor()
    before = lab.database.transaction
    lab.database.transaction = broken.transaction  # type: ignore[method-assign,assignment]
    with pytest.raises(StorageTrouble):
        executor.attempt(run_id, 1)
    lab.database.transaction = before  # type: ignore[method-assign]
    assert lab.attempt(run_id, executor).state == "failed"
    assert [child.state for child in runs.children_of(lab.database, run_id)] == ["cancelled"]
    executor.close()


def test_a_process_that_stays_gives_back_as_soon_as_the_database_answers_again(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executor_module, "GIVE_BACK_S", 0.01)
    lab.add_lab()
    run_id = lab.start(lab.add_playbook("play.act('count up', name='a').required()"))
    said = list[str]()
    executor = lab.executor("me", stays=True, notice=said.append)
    original, away = lab.database.transaction, threading.Event()
    attempt, tried = Running(executor), threading.Event()

    def query(sql: str, *parameters: object) -> object:
        if "insert into action_run" in sql:
            away.set()
            raise StorageTrouble("the server is away")
        return query_before(sql, *parameters)

    def transaction() -> object:
        if away.is_set():
            tried.set()
            raise StorageTrouble("the server is away")
        return original()

    query_before = lab.database.query
    lab.database.query, lab.database.transaction = query, transaction  # type: ignore[method-assign,assignment]
    thread = threading.Thread(target=attempt.attempt, args=(run_id, 1))
    thread.start()
    assert tried.wait(20)
    assert said == [f"run {run_id} was interrupted: the server is away"]
    assert runs.find_run(lab.database, run_id).state == "running"
    lab.database.query, lab.database.transaction = query_before, original  # type: ignore[method-assign]
    attempt.wait(20)
    thread.join(20)
    executor.close()
    found = runs.find_run(lab.database, run_id)
    assert (found.state, found.attempt) == ("queued", 2)
    assert lab.attempt(run_id).state == "succeeded"
    assert lab.happened() == ["count a 1"]


def test_only_a_worker_brings_the_engine_with_it_and_nothing_warns() -> None:
    code = """
import importlib, pkgutil, sys
import repertory.runtime as runtime
for module in pkgutil.walk_packages(runtime.__path__, "repertory.runtime."):
    if module.name not in ("repertory.runtime.engines.worker", "repertory.runtime.engines.dbos_engine"):
        importlib.import_module(module.name)
assert "dbos" not in sys.modules
importlib.import_module("repertory.runtime.execution.executor")
"""
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": f"{root / 'sdk'}{os.pathsep}{root / 'cli'}"}
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
