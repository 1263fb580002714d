"""Attempts that break off in a worker, and what the tool itself imports."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from repertory.runtime.engines import worker
from repertory.runtime.kept import runs
from repertory.runtime.storage.trouble import StorageTrouble
from runtime_lab import until

if TYPE_CHECKING:
    import pytest

    from runtime_lab import Lab


def test_an_attempt_that_broke_off_is_handed_on_when_the_database_answers_again(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "GIVE_BACK_S", 0.01)
    lab.add_lab()
    run_id = lab.start(lab.add_playbook("play.act('count up', name='a').required()"))
    executor, said, stopping = lab.executor("me"), list[str](), threading.Event()
    original, away = lab.database.query, threading.Event()

    def query(sql: str, *parameters: object) -> object:
        if away.is_set() and threading.current_thread() is not threading.main_thread():
            raise StorageTrouble("the server is away")
        if "insert into action_run" in sql:
            away.set()
            raise StorageTrouble("the server is away")
        return original(sql, *parameters)

    lab.database.query = query  # type: ignore[method-assign,assignment]
    running = worker.Running(executor, lab.database, "me", said.append, stopping)
    thread = threading.Thread(target=running.attempt, args=(run_id, 1))
    thread.start()
    until(lambda: said)
    assert said == [f"run {run_id} was interrupted: the server is away"]
    assert runs.find_run(lab.database, run_id).state == "running"
    lab.database.query = original  # type: ignore[method-assign]
    running.wait(20)
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
