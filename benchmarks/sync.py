"""Syncing: a first sync against a bare ``git fetch``, and one without news of many repositories against ``git ls-remote``.

    python -m benchmarks.sync [--json]

The one without news is also held against ``pre-commit autoupdate``, if that is installed: it too asks each repository in its
configuration what is new.

Both are measured from the moment the tool is loaded, since Git needs no loading; the note says what a whole process
takes. Ratios are medians of rounds in which both sides alternate.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.lab import Figure, report
from repertory.content.offered.following import add_repository
from repertory.content.offered.follows import Follows, Repository
from repertory.content.offered.repositories import PARALLEL, sync
from repertory.home import Home
from repertory_sdk.convert import to_json

ROUNDS = 7
FILES = 500
REPOSITORIES = 300
PLAYBOOK = {
    "$schema": "urn:repertory:schema:playbook:1", "name": "recon", "version": "1.0.0", "function": "recon",
    "license": "Apache-2.0", "actions": ["ip reputation"],
}  # fmt: skip
CODE = """\
from repertory_sdk import Event, Play, playbook


@playbook()
def recon(event: Event, play: Play) -> None:
    play.act("ip reputation", ip=event.values("sourceAddress"))
"""


def main() -> None:
    """Make repositories, then race."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        figures = [first_sync(folder / "few", items=1, bound=1.3)]
        figures.append(first_sync(folder / "tenth", items=FILES // 10, bound=2.5))  # each is also read and checked
        figures += no_news(folder / "many")
    report("sync, as a ratio to Git alone", figures)


def first_sync(folder: Path, *, items: int, bound: float) -> Figure:
    """A repository with 500 files, of which some are items."""
    origin = make_repository(folder / "origin", items=items, files=FILES)
    counter = iter(range(10_000))

    def ours() -> None:
        home = Home(folder / f"home{next(counter)}")
        add_repository(home, "bench", str(origin))
        started = time.perf_counter()
        assert not sync(home).failed
        clock["ours"] = time.perf_counter() - started

    def theirs() -> None:
        bare = folder / f"bare{next(counter)}"
        git("init", "--quiet", "--bare", str(bare))
        started = time.perf_counter()
        git("-C", str(bare), "fetch", "--quiet", "--depth=1", origin.as_uri(), "HEAD")
        clock["theirs"] = time.perf_counter() - started

    clock: dict[str, float] = {}
    return race(f"first sync of {FILES} files with {items} items", ours, theirs, bound, clock)


def no_news(folder: Path) -> list[Figure]:
    """Three hundred local repositories that are known already."""
    origins = [make_repository(folder / "origins" / "r0", items=1, files=4)]
    for number in range(1, REPOSITORIES):
        origins.append(Path(shutil.copytree(origins[0], folder / "origins" / f"r{number}")))
    home = Home(folder / "home")
    home.prepare()
    follows = [Repository(name=origin.name, url=origin.as_uri()) for origin in origins]
    home.follows.write_text(json.dumps(to_json(Follows(repositories=follows))))
    assert not sync(home).failed

    def ours() -> None:
        started = time.perf_counter()
        assert not any(one.has_news for one in sync(home).repositories)
        clock["ours"] = time.perf_counter() - started

    def theirs() -> None:
        started = time.perf_counter()
        with ThreadPoolExecutor(PARALLEL) as pool:
            list(pool.map(lambda origin: git("ls-remote", "--quiet", origin.as_uri(), "HEAD"), origins))
        clock["theirs"] = time.perf_counter() - started

    clock: dict[str, float] = {}
    name = f"sync of {REPOSITORIES} repositories without news"
    figures = [race(name, ours, theirs, 1.5, clock)]
    program = shutil.which("pre-commit") or shutil.which("pre-commit", path=str(Path(sys.executable).parent))
    if program:
        peer = autoupdate(folder, origins, program, clock)
        figures.append(race(f"{name}, to pre-commit autoupdate", ours, peer, 0.4, clock, peer="pre-commit"))
    return figures


def autoupdate(folder: Path, origins: list[Path], program: str, clock: dict[str, float]) -> Callable[[], None]:
    """The comparable command of a peer: as many jobs, and nothing new in any repository."""
    project = folder / "project"
    project.mkdir()
    git("-C", str(project), "init", "--quiet")
    hooks = "- id: nothing\n  name: nothing\n  language: system\n  entry: 'true'\n"
    lines = ["repos:"]
    for origin in origins:
        (origin / ".pre-commit-hooks.yaml").write_text(hooks)
        git("-C", str(origin), "add", "--all")
        git("-C", str(origin), "-c", "user.name=b", "-c", "user.email=b@example.test", "commit", "--quiet", "-m", "hooks")
        git("-C", str(origin), "tag", "v1")
        lines += [f"- repo: {origin.as_uri()}", "  rev: v1", "  hooks:", "  - id: nothing"]
    (project / ".pre-commit-config.yaml").write_text("\n".join(lines) + "\n")
    assert not sync(Home(folder / "home")).failed

    def theirs() -> None:
        environment = {**os.environ, "PRE_COMMIT_HOME": str(folder / "pre-commit")}
        started = time.perf_counter()
        subprocess.run(
            [program, "autoupdate", "--jobs", str(PARALLEL)], cwd=project, env=environment, check=True, stdout=subprocess.DEVNULL
        )
        clock["theirs"] = time.perf_counter() - started

    return theirs


def race(
    name: str, ours: Callable[[], None], theirs: Callable[[], None], bound: float, clock: dict[str, float], *, peer: str = "Git"
) -> Figure:
    """Alternate; the median of the ratios of neighbours."""
    ratios, times = [], []
    for _ in range(ROUNDS):
        theirs()
        ours()
        ratios.append(clock["ours"] / clock["theirs"])
        times.append((clock["ours"], clock["theirs"]))
    note = ", ".join(
        f"{who} {statistics.median(column) * 1000:.0f} ms"
        for who, column in zip(("ours", peer), zip(*times, strict=True), strict=True)
    )
    return Figure(name=name, value=statistics.median(ratios), unit="×", bound=bound, note=note)


def make_repository(folder: Path, *, items: int, files: int) -> Path:
    """Items, and texts beside them."""
    for number in range(items):
        place = folder / "playbooks" / f"recon_{number}"
        place.mkdir(parents=True)
        name = f"recon_{number}"
        (place / "playbook.json").write_text(json.dumps({**PLAYBOOK, "name": name, "function": name}))
        (place / "playbook.py").write_text(CODE.replace("recon(", f"{name}("))
    (folder / "docs").mkdir(parents=True)
    for number in range(files - 2 * items):
        (folder / "docs" / f"page_{number}.md").write_text(f"# Page {number}\n\n" + "Words about it.\n" * 40)
    git("-C", str(folder), "init", "--quiet", "--initial-branch=main")
    git("-C", str(folder), "add", "--all")
    git("-C", str(folder), "-c", "user.name=b", "-c", "user.email=b@example.test", "commit", "--quiet", "-m", "content")
    return folder


def git(*words: str) -> None:
    """A plain Git, as somebody would call it."""
    subprocess.run(["git", *words], check=True, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
