"""Changing what is installed: install with a cached environment, verify and roll back a hundred items.

    python -m benchmarks.changes [--json]

Each figure is a whole process, as a person starts it; the note says how long an interpreter takes here that does nothing, and for a
rollback how long it takes without the start of the tool.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.lab import Figure, Lab, report
from benchmarks.sync import make_repository
from repertory.content.installed.generations import roll_back
from repertory.content.offered.community import make_repository as make_community
from repertory.home import Home

ITEMS = 100
ROUNDS = 7


def main() -> None:
    """Install a hundred playbooks, and an app with requirements."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lab = Lab(home=folder / "home")
        make_community(folder / "community")
        lab.cli("repo", "add", "bench", str(make_repository(folder / "bench", items=ITEMS, files=2 * ITEMS)), "--sync")
        lab.cli("repo", "add", "community", str(folder / "community"), "--sync")
        (lab.home / "config.toml").write_text('install.allow = "anything"\n')
        lab.cli("install", *(f"bench/recon_{number}" for number in range(ITEMS)), "--yes")
        figures = [install(lab), verify(lab), *rollback(lab)]
    report(f"changes of {ITEMS} installed items", figures)


def install(lab: Lab) -> Figure:
    """An app whose environment was built before."""
    lab.cli("install", "community/dns", "--yes")
    times = []
    for _ in range(ROUNDS):
        lab.cli("remove", "community/dns")
        times.append(timed(lambda: lab.cli("install", "community/dns", "--yes")))
    return figure("install, with the environment there", times, 1.0)


def verify(lab: Lab) -> Figure:
    """Every file of every item."""
    return figure(f"verify of {ITEMS} items", [timed(lambda: lab.cli("verify")) for _ in range(ROUNDS)], 1.0)


def rollback(lab: Lab) -> list[Figure]:
    """To and fro: as a command, and the change alone."""
    whole = [timed(lambda: lab.cli("rollback")) for _ in range(ROUNDS)]
    home = Home(lab.home)
    alone = [timed(lambda: roll_back(home)) for _ in range(ROUNDS)]
    return [figure("rollback, the change alone", alone, 0.1), figure("rollback, a whole process", whole, 1.0)]


def figure(name: str, times: list[float], bound: float) -> Figure:
    """The median, and beside it what a process costs here anyway."""
    floor = statistics.median(timed(lambda: subprocess.run([sys.executable, "-c", "pass"], check=True)) for _ in range(ROUNDS))
    return Figure(name=name, value=statistics.median(times), unit="s", bound=bound, note=f"python -c pass: {floor * 1000:.0f} ms")


def timed(work: Callable[[], object]) -> float:
    """Seconds."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
