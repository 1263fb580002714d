"""Worker processes on a queue: shared, drained, replaced."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg
import pytest

from folder_library import FolderLibrary
from repertory.home import Home
from repertory.runtime.engines.foreground import recover_interrupted
from repertory.runtime.kept import runs
from repertory.runtime.storage.database import open_database
from repertory.settings import Settings
from runtime_lab import Lab, processes_of, spawn, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.acceptance


@pytest.fixture(params=["sqlite", "postgres"])
def lab(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Lab]:
    url = request.getfixturevalue("postgres").new_database() if request.param == "postgres" else ""
    settings = Settings(home=Home(tmp_path / "home"), database_url=url)
    database = open_database(settings)
    settings.home.contents.mkdir(parents=True)
    (tmp_path / "lab").mkdir()
    yield Lab(settings, database, FolderLibrary(settings.home.contents), tmp_path / "lab")
    database.close()


@contextmanager
def worker(lab: Lab) -> Iterator[subprocess.Popen[str]]:
    """A worker that is ready; killed at the end if it still runs."""
    log = lab.folder / f"worker-{time.monotonic_ns()}.log"
    with open(log, "w") as output:
        process = spawn(lab, "worker", stdout=output, stderr=output)
    try:
        until(lambda: "is ready" in log.read_text() or process.poll() is not None, "the worker is ready")
        assert process.poll() is None, log.read_text()
        yield process
    finally:
        process.kill()
        process.wait()
        print(log.read_text())


def drained(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGTERM)
    assert process.wait(40) == 0


def ended(lab: Lab, *ids: str) -> bool:
    return all(runs.find_run(lab.database, run).ended for run in ids)


HOLD = """
@app.action("hold", type="generic", timeout_s=30)
def hold(lab: Lab, name: str) -> Verdict:
    touch(lab.log + ".held")
    wait_for(lab.log + ".go")
    note(lab, f"held {name}")
    return Verdict(verdict="held")
"""


def test_a_run_that_was_queued_before_is_served_when_a_worker_starts(lab: Lab) -> None:
    lab.add_lab()
    run = lab.start(lab.add_playbook("play.act('count up', name='a').required()\nreturn {'said': play.ask('Well?')}"))
    held = lab.start(lab.add_playbook("pass", name="held"), held=True)
    with worker(lab) as process:
        until(lambda: runs.find_run(lab.database, run).state == "waiting", "the run waits for an answer")
        asked = time.monotonic()
        lab.answer("yes")
        until(lambda: ended(lab, run))
        assert time.monotonic() - asked < 5
        assert runs.find_run(lab.database, run).outputs == {"said": "yes"}
        later = lab.start(lab.add_playbook("play.sleep(3)", name="later"))
        until(lambda: ended(lab, later))
        assert [attempt.outcome for attempt in runs.attempts_of(lab.database, later)] == ["waiting", "succeeded"]
        assert runs.find_run(lab.database, held).state == "queued"
        drained(process)
    assert not processes_of(str(lab.settings.home.sdk))
    if lab.settings.database_url:
        with psycopg.connect(lab.settings.database_url) as connection:
            assert connection.execute("select count(*) from dbos.workflow_status").fetchone() is not None
            assert connection.execute("select * from worker").fetchall() == []
    else:
        assert lab.settings.home.engine_database.exists()
        assert list(lab.settings.home.workers.iterdir()) == []


def test_two_workers_share_the_queue(lab: Lab) -> None:
    lab.add_lab()
    gate = lab.folder / "gate"
    item = lab.add_playbook(f"play.act('wait for file', path={str(gate)!r}, timeout=30).required()\nplay.act('count up', name=play.run_id)")
    with worker(lab), worker(lab):
        ids = [lab.start(item) for _ in range(8)]
        workers = until(lambda: (found := {runs.find_run(lab.database, run).worker for run in ids} - {""}) and len(found) == 2 and found)
        assert len(workers) == 2  # four at a time in each
        gate.touch()
        until(lambda: ended(lab, *ids))
    assert {runs.find_run(lab.database, run).state for run in ids} == {"succeeded"}
    assert len(lab.happened()) == len(set(lab.happened())) == 8


def test_a_stopping_worker_records_what_is_in_flight_and_another_goes_on(lab: Lab) -> None:
    lab.add_lab(HOLD)
    run = lab.start(lab.add_playbook("play.act('hold', name='a').required()\nplay.act('count up', name='b').required()"))
    with worker(lab) as process:
        until((lab.folder / "effects.log.held").exists)
        process.send_signal(signal.SIGTERM)
        (lab.folder / "effects.log.go").touch()
        assert process.wait(40) == 0
    assert runs.find_run(lab.database, run).state == "queued"
    assert lab.calls(run)[0].state == "succeeded"
    with worker(lab) as process:
        until(lambda: ended(lab, run))
        drained(process)
    assert lab.happened() == ["held a", "count b 1"]


def test_a_worker_finds_the_runs_of_its_dead_predecessor(lab: Lab) -> None:
    lab.add_lab(HOLD)
    run = lab.start(lab.add_playbook("play.act('hold', name='a').required()\nplay.act('count up', name='b').required()"))
    with worker(lab) as process:
        until((lab.folder / "effects.log.held").exists)
        process.kill()
    (lab.folder / "effects.log.go").touch()
    with worker(lab) as process:
        prompt = until(lambda: runs.open_prompts(lab.database))[0]
        assert prompt.kind == "in_doubt"
        happened = lab.happened() == ["held a"]  # the app may have done it before it noticed the end of its tool
        runs.answer_prompt(lab.database, prompt, "it happened" if happened else "run it again", by="ann")
        until(lambda: ended(lab, run))
        drained(process)
    assert runs.find_run(lab.database, run).state == "succeeded"
    assert lab.happened() == ["held a", "count b 1"]


def test_a_worker_cancels_what_it_executes(lab: Lab) -> None:
    lab.add_lab(HOLD)
    run = lab.start(lab.add_playbook("play.act('hold', name='a').required()\nplay.act('count up', name='b').required()"))
    with worker(lab):
        until((lab.folder / "effects.log.held").exists)
        runs.request_cancel(lab.database, run)
        (lab.folder / "effects.log.go").touch()
        until(lambda: ended(lab, run))
    assert runs.find_run(lab.database, run).state == "cancelled"
    assert lab.happened() == ["held a"]


# ------------------------------------------------------------- the queue


def queue_query(lab: Lab, sql: str, *parameters: object) -> list[tuple[object, ...]]:
    """Ask the engine's own tables, behind its back."""
    if lab.settings.database_url:
        with psycopg.connect(lab.settings.database_url) as server:
            cursor = server.execute(sql.replace("TABLE", "dbos.workflow_status").replace("?", "%s").encode(), parameters)
            return cursor.fetchall() if cursor.description else []
    with sqlite3.connect(lab.settings.home.engine_database, timeout=30) as file:
        rows = file.execute(sql.replace("TABLE", "workflow_status"), parameters).fetchall()
    file.close()
    return rows


def test_what_a_dead_worker_had_begun_does_not_stay_in_the_queue(lab: Lab) -> None:
    """Here a command finds out first that the worker is dead, and knows nothing of the queue."""
    lab.add_lab(HOLD)
    run = lab.start(lab.add_playbook("play.act('hold', name='a').required()"))
    with worker(lab) as process:
        until((lab.folder / "effects.log.held").exists)
        process.kill()
        process.wait()
    assert recover_interrupted(lab.settings, lab.database) == [run]
    pending = "select workflow_uuid from TABLE where status = 'PENDING'"
    assert queue_query(lab, pending) == [(f"{run}:1",)]
    runs.request_cancel(lab.database, run)
    (lab.folder / "effects.log.go").touch()
    with worker(lab) as process:
        until(lambda: queue_query(lab, pending) == [], "somebody has taken it over")
        until(lambda: queue_query(lab, "select status from TABLE where workflow_uuid = ?", f"{run}:1") == [("SUCCESS",)])
        drained(process)
    assert runs.find_run(lab.database, run).state == "cancelled"


def test_the_queue_forgets_what_it_has_delivered_and_keeps_the_record(lab: Lab) -> None:
    lab.add_lab()
    item = lab.add_playbook("play.act('count up', name=play.run_id).required()")
    old, young = [lab.start(item) for _ in range(3)], lab.start(item)
    with worker(lab) as process:
        until(lambda: ended(lab, *old, young))
        until(lambda: len(queue_query(lab, "select 1 from TABLE where status = 'SUCCESS'")) == 4)
        drained(process)
    two_days = 2 * 86400 * 1000
    for run in old:
        queue_query(lab, "update TABLE set completed_at = completed_at - ? where workflow_uuid = ?", two_days, f"{run}:1")
    with worker(lab) as process:
        until(lambda: queue_query(lab, "select workflow_uuid from TABLE") == [(f"{young}:1",)], "the old ones are gone")
        later = lab.start(item)
        until(lambda: ended(lab, later))
        drained(process)
    assert {runs.find_run(lab.database, run).state for run in (*old, young, later)} == {"succeeded"}
    assert len(lab.happened()) == 5
