"""One journaled action against the floor: a bare select and insert on an SQLite file with the same settings.

    python -m benchmarks.journaled_action [--json] [--prefect /path/to/python]

With ``--prefect`` (an interpreter that has Prefect 3), a Prefect task that does nothing is measured in the same run.
"""

from __future__ import annotations

import json
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.lab import Figure, Lab, make_lab, report

ACTIONS = 1000
PREFECT = """
import time
from prefect import flow, task

@task
def touch(value):
    return value

@flow
def sequence(count):
    started = time.perf_counter()
    for number in range(count):
        touch(number)
    print("PER_TASK", (time.perf_counter() - started) / count)

sequence(10)
sequence(100)
"""


def floor_s(folder: Path) -> float:
    """Seconds of one select and one insert, each committed, in WAL mode with full synchronisation."""
    connection = sqlite3.connect(folder / "floor.db", isolation_level=None)
    connection.execute("pragma journal_mode = wal")
    connection.execute("pragma synchronous = full")
    connection.execute("create table row (key text primary key, value text)")
    started = time.perf_counter()
    for number in range(ACTIONS):
        connection.execute("select value from row where key = ?", (str(number),)).fetchall()
        connection.execute("insert into row values (?, ?)", (str(number), "{}" * 100))
    return (time.perf_counter() - started) / ACTIONS


def run_s(lab: Lab, count: int) -> tuple[float, list[float]]:
    """Seconds of a run by its own record, and when each action ended, from the run's start."""
    record = json.loads(lab.cli("run", "bench/sequence", "--input", f"count={count}", "--json"))
    moments = [time_of(action["results"][0]["ended_at"]) for action in record["actions"]]
    begun = time_of(record["actions"][0]["results"][0]["started_at"])
    return moments[-1] - begun, [moment - begun for moment in moments]


def time_of(text: str) -> float:
    """Seconds of an RFC 3339 time."""
    from datetime import datetime

    return datetime.fromisoformat(text).timestamp()


def prefect_s(python: str) -> float:
    """Seconds of one Prefect task in a flow, with its own server as Prefect starts it."""
    done = subprocess.run([python, "-c", PREFECT], capture_output=True, text=True, check=True)
    return [float(line.split()[1]) for line in done.stdout.splitlines() if line.startswith("PER_TASK")][-1]


def main() -> None:
    """Floor, ours, floor again; the medians of three rounds."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lab = make_lab(folder)
        floors, ours, halves = [], [], []
        for round_ in range(3):
            (folder / f"floor{round_}").mkdir()
            floors.append(floor_s(folder / f"floor{round_}"))
            total, moments = run_s(lab, ACTIONS)
            ours.append(total / ACTIONS)
            halves.append((moments[-1] - moments[ACTIONS // 2]) / moments[ACTIONS // 2 - 1])
        floor, own = statistics.median(floors), statistics.median(ours)
        figures = [
            Figure(
                name="journaled action / bare select + insert", value=own / floor, unit="×", bound=10,
                note=f"{own * 1000:.2f} ms / {floor * 1000:.3f} ms",
            ),
            Figure(
                name=f"second half of {ACTIONS} actions / first half", value=statistics.median(halves), unit="×", bound=1.2
            ),
        ]  # fmt: skip
        if "--prefect" in sys.argv:
            peer = prefect_s(sys.argv[sys.argv.index("--prefect") + 1])
            figures.append(
                Figure(
                    name="Prefect task / journaled action", value=peer / own, unit="×", bound=20, at_least=True,
                    note=f"{peer * 1000:.1f} ms / {own * 1000:.2f} ms",
                )
            )  # fmt: skip
        report("one journaled action (app process, pipe, intent, outcome)", figures)


if __name__ == "__main__":
    main()
