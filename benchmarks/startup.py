"""Start-up: ``repertory --help`` and ``--version`` against ``pre-commit --help``, CPU time of whole processes.

    python -m benchmarks.startup [--json]      (pre-commit must be installed beside repertory)
"""

from __future__ import annotations

import resource
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

from benchmarks.lab import Figure, report

ROUNDS = 15


def cpu_of(command: list[str]) -> tuple[float, float]:
    """CPU seconds and peak memory in MB of one finished process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, after.ru_maxrss / 1024


def main() -> None:
    """Interleave the commands, so that a change of the machine's speed hits all."""
    beside = Path(sys.executable).parent
    peer = shutil.which("pre-commit", path=str(beside)) or shutil.which("pre-commit")
    if peer is None:
        raise SystemExit("pre-commit is not installed: pip install pre-commit")
    ours = [sys.executable, "-m", "repertory"]
    commands = {"help": [*ours, "--help"], "version": [*ours, "--version"], "peer": [peer, "--help"]}
    samples: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(ROUNDS):
        for name, command in commands.items():
            samples[name].append(cpu_of(command)[0])
    middle = {name: statistics.median(values) for name, values in samples.items()}
    times = ", ".join(f"{name} {value * 1000:.0f} ms" for name, value in middle.items())
    report(
        "start-up, CPU of a process as a ratio to pre-commit --help",
        [
            Figure(name="repertory --help", value=middle["help"] / middle["peer"], unit="×", bound=1.0, note=times),
            Figure(name="repertory --version", value=middle["version"] / middle["peer"], unit="×", bound=1 / 3),
        ],
    )


if __name__ == "__main__":
    main()
