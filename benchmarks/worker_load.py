"""One worker under load: runs a second, parked prompts, how soon an answer has an effect, how fast a replay is.

    python -m benchmarks.worker_load [--json] [--prompts 1000]
"""

from __future__ import annotations

import sqlite3
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.lab import Figure, Lab, cpu_s, make_lab, memory_mb, report
from repertory.commands._session import HomeLibrary
from repertory.runtime.kept import runs
from repertory.runtime.storage.database import open_database
from repertory.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable

RUNS, ACTIONS = 100, 10
LIMIT_S = 120.0


def queue(lab: Lab, playbook: str, how_many: int, **inputs: Any) -> list[str]:
    """Queue many runs at once, in this process."""
    settings = load_settings(lab.home)
    database = open_database(settings)
    item = HomeLibrary(settings.home).installed().playbooks[f"bench/{playbook}"]
    with database.transaction() as transaction:
        made = [runs.create_run(transaction, runs.NewRun(event=None, playbook=item, inputs=inputs)) for _ in range(how_many)]
    database.close()
    return made


def ask(lab: Lab, sql: str, *values: object) -> list[tuple[Any, ...]]:
    """Look into the database from outside."""
    connection = sqlite3.connect(lab.home / "repertory.db", timeout=30)
    try:
        return connection.execute(sql, values).fetchall()
    finally:
        connection.close()


def wait_for(condition: Callable[[], bool], what: str, pause: float = 0.02) -> None:
    """Until it holds."""
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit(f"timed out: {what}")
        time.sleep(pause)


def throughput(lab: Lab) -> Figure:
    """Runs a second, from the start of the first to the end of the last."""
    queue(lab, "sequence", 5, count=ACTIONS)  # warm up
    wait_for(lambda: ask(lab, "select count(*) from run where state = 'succeeded'")[0][0] == 5, "warm-up")
    made = queue(lab, "sequence", RUNS, count=ACTIONS)
    ended = """select count(*), min(created_at), max(ended_at) from run
        where state = 'succeeded' and created_at >= (select created_at from run where id = ?)"""
    wait_for(lambda: ask(lab, ended, made[0])[0][0] == RUNS, "all runs", 0.1)
    _, first, last = ask(lab, ended, made[0])[0]
    name = f"{RUNS} runs × {ACTIONS} actions, one worker"
    return Figure(name=name, value=RUNS / (last - first), unit="runs/s", bound=40, at_least=True)


def parked(lab: Lab, pid: int, count: int) -> list[Figure]:
    """Memory and CPU of a worker with that many parked prompts."""
    queue(lab, "question", count)
    wait_for(lambda: ask(lab, "select count(*) from run where state = 'waiting'")[0][0] == count, "all parked", 0.2)
    time.sleep(2.0)
    before, started = cpu_s(pid), time.monotonic()
    time.sleep(10.0)
    share = (cpu_s(pid) - before) / (time.monotonic() - started)
    return [
        Figure(name=f"{count} parked prompts, memory of the worker and its children", value=memory_mb(pid), unit="MB", bound=150),
        Figure(name=f"{count} parked prompts, share of a core", value=share * 100, unit="%", bound=5),
    ]


def answers(lab: Lab) -> Figure:
    """Seconds from an answer to the intent of the next action."""
    settings = load_settings(lab.home)
    database = open_database(settings)
    delays = []
    for prompt in runs.open_prompts(database)[:20]:
        given = time.time()
        runs.answer_prompt(database, prompt, "yes", by="bench")
        next_action = "select started_at from action_run where run = ? and act_key = '3'"
        wait_for(lambda: bool(ask(lab, next_action, prompt.run)), "the next action", 0.01)  # noqa: B023
        delays.append(ask(lab, next_action, prompt.run)[0][0] - given)
    database.close()
    worst = sorted(delays)[-2]
    note = f"median {statistics.median(delays):.3f} s"
    return Figure(name="answer to next action (19th of 20)", value=worst, unit="s", bound=0.3, note=note)


def replay(lab: Lab) -> Figure:
    """Seconds to go through 500 recorded actions again after an interruption."""
    [run] = queue(lab, "sequence", 1, count=500)
    wait_for(lambda: ask(lab, "select state from run where id = ?", run)[0][0] == "succeeded", "the run")
    connection = sqlite3.connect(lab.home / "repertory.db", timeout=30)
    with connection:  # as if its worker had died between the last outcome and the end of the run
        connection.execute("update run set state = 'queued', attempt = attempt + 1, ended_at = null where id = ?", (run,))
    connection.close()
    wait_for(lambda: ask(lab, "select state from run where id = ?", run)[0][0] == "succeeded", "the replay")
    rows = ask(lab, "select ended_at - started_at from attempt where run = ? order by epoch desc limit 1", run)
    return Figure(name="replay of 500 recorded actions", value=rows[0][0], unit="s", bound=1.0)


def main() -> None:
    """All of it with one worker process on SQLite."""
    count = int(sys.argv[sys.argv.index("--prompts") + 1]) if "--prompts" in sys.argv else 1000
    with tempfile.TemporaryDirectory() as name:
        lab = make_lab(Path(name))
        with lab.worker() as process:
            figures = [throughput(lab), replay(lab), *parked(lab, process.pid, count), answers(lab)]
    report("one worker on SQLite", figures)


if __name__ == "__main__":
    main()
