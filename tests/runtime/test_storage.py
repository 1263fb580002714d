"""Databases and folders that cannot be used, and processes that share them."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from repertory.errors import UserError
from repertory.home import Home
from repertory.runtime.engines import liveness
from repertory.runtime.engines.foreground import recover_interrupted
from repertory.runtime.kept import events, runs
from repertory.runtime.storage.database import VERSION, open_database
from repertory.runtime.storage.trouble import StorageTrouble
from repertory.settings import Settings
from repertory_sdk.models import Artifact, Event
from runtime_lab import spawn, until

if TYPE_CHECKING:
    from runtime_lab import Lab


def test_a_database_from_a_newer_program_is_refused_and_left_alone(either_settings: Settings) -> None:
    database = open_database(either_settings)
    database.query("update meta set value = '99' where name = 'version'")
    database.close()
    with pytest.raises(UserError, match=f"the database has version 99, this program knows versions up to {VERSION}$") as refusal:
        open_database(either_settings)
    assert "upgrade" in refusal.value.hint


def test_a_file_that_is_no_database_is_named_and_left_alone(settings: Settings) -> None:
    settings.home.prepare()
    settings.home.database.write_bytes(b"this is not a database, and was never one" * 100)
    with pytest.raises(UserError, match="repertory.db: file is not a database"):
        open_database(settings)
    assert settings.home.database.read_bytes().startswith(b"this is not")


def test_a_damaged_database_is_named(settings: Settings) -> None:
    open_database(settings).close()
    content = bytearray(settings.home.database.read_bytes())
    content[1024:] = b"\xff" * (len(content) - 1024)
    settings.home.database.write_bytes(content)
    with pytest.raises(UserError, match=r"repertory.db: "):
        runs.list_runs(open_database(settings))


def test_a_home_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("in the way")
    with pytest.raises(UserError, match="cannot write in .*home") as refusal:
        open_database(Settings(home=Home(tmp_path / "home")))
    assert "REPERTORY_HOME" in refusal.value.hint


def test_a_place_for_lock_files_that_is_a_file_is_named(settings: Settings) -> None:
    settings.home.prepare()
    settings.home.workers.write_text("in the way")
    with pytest.raises(UserError, match="cannot write in .*workers"):
        liveness.register(settings, "w")


def test_a_server_that_does_not_answer_is_named(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    from repertory.runtime.storage import postgres

    monkeypatch.setattr(postgres, "CONNECT_S", 2.0)
    away = Settings(home=settings.home, database_url="postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(UserError, match="PostgreSQL: .*refused"):
        open_database(away)
    with pytest.raises(UserError, match="does not answer"):
        liveness.register(away, "w")


def test_many_processes_may_create_one_home_at_the_same_time(tmp_path: Path) -> None:
    code = """
import sys
from pathlib import Path
from repertory.home import Home
from repertory.runtime.storage.trouble import StorageTrouble
from repertory.settings import Settings
from repertory.runtime.storage.database import open_database
from repertory.runtime.kept import events
from repertory_sdk.models import Event
sys.stdin.readline()
database = open_database(Settings(home=Home(Path(sys.argv[1]))))
for number in range(30):
    with database.transaction() as transaction:
        events.add_event(transaction, Event("x", source="s", source_id=str(number)))
"""
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": f"{root / 'sdk'}{os.pathsep}{root / 'cli'}"}
    command = [sys.executable, "-c", code, str(tmp_path / "home")]
    processes = [
        subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(4)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    assert [process.communicate()[1] for process in processes] == [""] * 4
    database = open_database(Settings(home=Home(tmp_path / "home")))
    assert len(events.list_events(database, limit=1000)) == 30
    database.close()


def test_two_adders_of_the_same_events_store_each_once(either_lab: Lab) -> None:
    database, barrier = either_lab.database, threading.Barrier(4)
    new: list[bool] = []

    def add() -> None:
        barrier.wait()
        for number in range(20):
            event = Event("x", source="s", source_id=str(number), artifacts=[Artifact(source_id="a"), Artifact(source_id="a")])
            with database.transaction() as transaction:
                new.append(events.add_event(transaction, event).is_new)

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(new), sum(new)) == (80, 20)
    found = events.list_events(database, limit=1000)
    assert len(found) == 20
    assert len(events.get_event(database, found[0].id).artifacts) == 1


def test_two_processes_make_the_lock_files_of_dead_ones_disappear_once(settings: Settings) -> None:
    settings.home.prepare()
    dead = liveness.register(settings, "dead")
    first, second = liveness.register(settings, "first"), liveness.register(settings, "second")
    with first.claim_if_dead("dead") as is_dead:
        assert not is_dead
    os.close(dead._descriptor)  # type: ignore[attr-defined]  # what the kernel does when a process is killed
    with first.claim_if_dead("dead") as is_dead, second.claim_if_dead("dead") as is_dead_too:
        assert (is_dead, is_dead_too) == (True, False)
    assert sorted(first.peers()) == ["second"]
    with second.claim_if_dead("dead") as is_dead:
        assert not is_dead
    shutil.rmtree(settings.home.workers)
    with pytest.raises(UserError, match="lock file of this worker has been removed"):
        first.confirm()


def test_a_worker_on_postgres_is_dead_when_its_connection_is(either_settings: Settings) -> None:
    database = open_database(either_settings)
    first, second = liveness.register(either_settings, "first"), liveness.register(either_settings, "second")
    with first.claim_if_dead("second") as is_dead:
        assert not is_dead
    second.leave()
    assert first.peers() == []
    third = liveness.register(either_settings, "third")
    if either_settings.database_url:
        third._connection.close()  # type: ignore[attr-defined]
        with pytest.raises(UserError, match="the connection to PostgreSQL was lost"):
            third.confirm()
    else:
        os.close(third._descriptor)  # type: ignore[attr-defined]

    def third_is_dead() -> bool:
        with first.claim_if_dead("third") as dead:
            return dead

    until(third_is_dead, "the server has noticed that the connection is gone")
    assert first.peers() == []
    first.confirm()
    first.leave()
    database.close()


def test_a_full_disk_interrupts_the_run_and_loses_nothing(tmp_path: Path) -> None:
    """The process may not write files beyond a size: for SQLite that is a disk that is full."""
    code = """
import resource, signal, sys
from pathlib import Path
sys.path[:0] = sys.argv[2:]
from folder_library import FolderLibrary
from repertory.errors import UserError
from repertory.home import Home
from repertory.runtime.kept import runs
from repertory.runtime.storage.database import open_database
from repertory.runtime.engines.foreground import foreground
from repertory.runtime.storage.trouble import StorageTrouble
from repertory.settings import Settings
root = Path(sys.argv[1])
settings = Settings(home=Home(root / "home"))
database = open_database(settings)
settings.home.contents.mkdir()
library = FolderLibrary(settings.home.contents)
item = library.add_playbook("for number in range(3000):\\n    play.note(str(number), 'x' * 1000)")
from repertory_sdk.models import Event
from repertory.runtime.kept import events
with database.transaction() as transaction:
    number = events.add_event(transaction, Event("e")).id
event = events.get_event(database, number)
with database.transaction() as transaction:
    run = runs.create_run(transaction, runs.NewRun(event=event, playbook=item, held=True))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, resource.RLIM_INFINITY))
try:
    with foreground(settings, database, library) as runner:
        print(runner.run(run, watch=lambda _: True).message)
except UserError as error:
    print(f"error: {error.message} ({error.hint})")
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
print(run)
"""
    root = Path(__file__).parents[2]
    paths = [str(root / part) for part in ("sdk", "cli", "tests")]
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path), *paths], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    said, run_id = done.stdout.splitlines()
    assert said.startswith("error: ")
    assert "repertory.db" in said
    assert "Traceback" not in done.stderr
    settings = Settings(home=Home(tmp_path / "home"))
    database = open_database(settings)
    recover_interrupted(settings, database)
    run = runs.find_run(database, run_id)
    assert run.state == "queued"
    notes = events.notes_of(database, run=run_id)
    assert [note.title for note in notes] == [str(number) for number in range(len(notes))]
    assert 0 < len(notes) < 3000
    database.close()


def test_a_database_that_goes_away_during_a_run_interrupts_it(lab: Lab) -> None:
    lab.add_lab()
    run_id = lab.start(lab.add_playbook("play.act('ip reputation', ip='1').required()\nplay.log('x')\nplay.ask('Well?')"))
    executor = lab.executor()
    original = lab.database.query

    def fail(sql: str, *parameters: object) -> object:
        if "insert into action_run" in sql:
            raise StorageTrouble("the database: disk I/O error", "check the disk")
        return original(sql, *parameters)

    lab.database.query = fail  # type: ignore[method-assign,assignment]
    with pytest.raises(StorageTrouble):
        executor.attempt(run_id, 1)
    executor.close()
    lab.database.query = original  # type: ignore[method-assign]
    assert runs.find_run(lab.database, run_id).state == "queued"
    assert lab.attempt(run_id).state == "waiting"


def test_a_home_that_cannot_be_written_is_named() -> None:
    """In a process that is nobody in particular: root may write anywhere."""
    code = """
import os, sys
from pathlib import Path
from repertory_sdk.models import Event
from repertory.errors import UserError
from repertory.home import Home
from repertory.runtime.kept import events
from repertory.runtime.storage.database import open_database
from repertory.settings import Settings
home = Path(sys.argv[1])
open_database(Settings(home=Home(home))).close()
for path in (*home.iterdir(), home):
    path.chmod(0o555 if path.is_dir() else 0o444)
if os.geteuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
try:
    with open_database(Settings(home=Home(home))).transaction() as transaction:
        events.add_event(transaction, Event("x"))
except UserError as error:
    print(f"{error.message} ({error.hint})")
"""
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": f"{root / 'sdk'}{os.pathsep}{root / 'cli'}"}
    with tempfile.TemporaryDirectory() as folder:  # pytest's own are closed to others
        Path(folder).chmod(0o755)
        command = [sys.executable, "-c", code, f"{folder}/home"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
        (Path(folder) / "home").chmod(0o700)
    assert done.stderr == ""
    assert f"{folder}/home/repertory.db: " in done.stdout
    assert "permit writing there, or name another folder with REPERTORY_HOME" in done.stdout


def test_a_newer_database_keeps_a_worker_from_starting(lab: Lab) -> None:
    lab.database.query("update meta set value = '99' where name = 'version'")
    process = spawn(lab, "worker", stderr=subprocess.PIPE)
    assert process.communicate(timeout=60)[1].startswith("error: the database has version 99")
    assert process.returncode == 1


def test_writes_of_many_threads_are_committed_together_and_fail_alone(settings: Settings) -> None:
    """What one thread does wrong is no business of those whose statements share its commit."""
    database = open_database(settings)
    barrier = threading.Barrier(12)
    failed: list[str] = []

    def write(number: int) -> None:
        values = {3: "\ud800", 5: 2**70}
        barrier.wait()
        for turn in range(30):
            try:
                value = values.get(number, f"{number}/{turn}")
                rows = database.query("insert into list_row (list, cells) values ('l', ?) returning cells", value)
                assert [row["cells"] for row in rows] == [value]
            except (ValueError, OverflowError) as error:
                failed.append(type(error).__name__)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kept = {row["cells"] for row in database.query("select cells from list_row")}
    assert kept == {f"{number}/{turn}" for number in range(12) if number not in (3, 5) for turn in range(30)}
    assert sorted(set(failed)) == ["OverflowError", "UnicodeEncodeError"]
    assert len(failed) == 60
    database.close()
    again = open_database(settings)
    assert len(again.query("select cells from list_row")) == 300
    again.close()


def test_a_write_beside_an_own_transaction_does_not_commit_for_others(settings: Settings) -> None:
    database = open_database(settings)
    insert = "insert into list_row (list, cells) values ('l', ?)"
    waiting, results = threading.Event(), []

    def other() -> None:
        waiting.set()
        results.append(database.query(insert, "other"))

    thread = threading.Thread(target=other)
    with pytest.raises(ZeroDivisionError), database.transaction() as transaction:
        transaction.query(insert, "mine")
        thread.start()
        waiting.wait()
        until(lambda: database._wishes)  # type: ignore[attr-defined]  # it stands in the queue
        database.query(insert, "mine too")
        raise ZeroDivisionError
    thread.join()
    assert [row["cells"] for row in database.query("select cells from list_row")] == ["other"]
    database.close()


def test_sqlite_is_switched_to_wal_and_full_synchronisation(settings: Settings) -> None:
    database = open_database(settings)
    with database.transaction() as transaction:
        assert transaction.query("pragma synchronous")[0][0] == 2
    database.close()
    connection = sqlite3.connect(settings.home.database)
    assert connection.execute("pragma journal_mode").fetchone() == ("wal",)
    connection.close()
