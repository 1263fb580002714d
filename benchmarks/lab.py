"""A home with one app and a few playbooks, made the way a user makes it; and a table of figures."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

APP = '''
from repertory_sdk import App, Asset, param

app = App("lab", version="1.0.0", summary="Does nothing, quickly.")

@app.asset
class Lab(Asset):
    pass

@app.action("touch")
def touch(lab: Lab, value: int = param("Any number")) -> int:
    """Return the number."""
    return value
'''
PLAYBOOKS = {
    "sequence": '''
        for number in range(count):
            play.act("touch", value=number).required()
        return {"count": count}
    ''',
    "question": '''
        play.act("touch", value=1).required()
        answer = play.ask("Go on?", options=["yes", "no"])
        play.act("touch", value=2).required()
        return {"count": count, "answer": answer}
    ''',
}


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One measured figure with what it is held against. ``value`` and ``bound`` are in ``unit``."""

    name: str
    value: float
    unit: str
    bound: float
    at_least: bool = False
    note: str = ""

    @property
    def met(self) -> bool:
        """Whether the promise holds."""
        return self.value >= self.bound if self.at_least else self.value <= self.bound


def report(title: str, figures: Sequence[Figure]) -> None:
    """A table for people, JSON with ``--json``."""
    if "--json" in sys.argv:
        print(json.dumps({"title": title, "figures": [{**asdict(figure), "met": figure.met} for figure in figures]}))
        return
    print(title)
    for figure in figures:
        sign = "≥" if figure.at_least else "≤"
        verdict = "met   " if figure.met else "MISSED"
        print(f"  {verdict} {figure.name}: {figure.value:.4g} {figure.unit} ({sign} {figure.bound:g})  {figure.note}".rstrip())


@dataclass(frozen=True, kw_only=True)
class Lab:
    """A prepared home."""

    home: Path
    database_url: str = ""

    @property
    def environment(self) -> dict[str, str]:
        """For child processes."""
        extra = {"REPERTORY_DATABASE_URL": self.database_url} if self.database_url else {}
        return {**os.environ, "REPERTORY_HOME": str(self.home), **extra}

    def cli(self, *words: str) -> str:
        """Run a command; its standard output."""
        command = [sys.executable, "-m", "repertory", *words]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{' '.join(words)}: {done.stderr}")
        return done.stdout

    def detached(self, playbook: str, *words: str) -> str:
        """Queue a run; its id."""
        plain: Any = json.loads(self.cli("run", playbook, "--detach", "--json", *words))
        return str(plain["run"])

    @contextmanager
    def worker(self) -> Iterator[subprocess.Popen[str]]:
        """A worker that is ready."""
        process = subprocess.Popen(
            [sys.executable, "-m", "repertory", "worker"], env=self.environment, stderr=subprocess.PIPE, text=True
        )
        assert process.stderr is not None
        process.stderr.readline()
        try:
            yield process
        finally:
            process.terminate()
            process.wait()
            process.stderr.close()


def make_lab(folder: Path, *, database_url: str = "") -> Lab:
    """Write the content, commit it, follow it, install it, configure an asset."""
    content, lab = folder / "content", Lab(home=folder / "home", database_url=database_url)
    write_item(content / "apps/lab", "app.py", APP)
    for name, body in PLAYBOOKS.items():
        header = "from repertory_sdk import Event, Play, playbook\n\n@playbook()\n"
        header += f"def {name}(event: Event, play: Play, *, count: int = 10):\n"
        write_item(content / "playbooks" / name, "playbook.py", header + textwrap.indent(textwrap.dedent(body), "    "))
    for item in sorted(content.glob("*/*")):
        lab.cli("manifest", str(item))
    author = ["-c", "user.name=bench", "-c", "user.email=bench@example.test"]
    for words in (["init", "-q"], ["add", "-A"], [*author, "commit", "-q", "-m", "content"]):
        subprocess.run(["git", "-C", str(content), *words], check=True)
    lab.cli("repo", "add", "bench", str(content), "--sync")
    (lab.home / "config.toml").write_text('install.allow = "anything"\n')
    lab.cli("install", "bench/lab", *(f"bench/{name}" for name in PLAYBOOKS), "--yes")
    lab.cli("asset", "add", "lab-1", "bench/lab")
    return lab


def write_item(folder: Path, main: str, source: str) -> None:
    """One source file."""
    folder.mkdir(parents=True)
    (folder / main).write_text(source)


def memory_mb(pid: int) -> float:
    """Resident memory of a process and everything below it, shared pages counted once each process shares them."""
    total = 0
    for one in [pid, *descendants(pid)]:
        try:
            lines = Path(f"/proc/{one}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


def descendants(pid: int) -> list[int]:
    """Process ids below a process."""
    found: list[int] = []
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, children.read_text().split()):
            found += [child, *descendants(child)]
    return found


def cpu_s(pid: int) -> float:
    """User and system time of one process so far, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
