"""Searching 500 items: the CPU time of a whole ``repertory search`` against ``pre-commit --help``.

python -m benchmarks.search [--json]      (pre-commit must be installed beside repertory)
"""

from __future__ import annotations

import json
import os
import random
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.lab import Figure, report
from benchmarks.startup import cpu_of
from repertory.content.offered.index import update_index
from repertory.content.offered.search import Query, search
from repertory.home import Home

ROUNDS = 15
ITEMS = 500
VERBS = ("block", "isolate", "disable", "lookup", "query", "detonate", "quarantine", "unblock", "list", "get")
THINGS = ("ip", "host", "user", "file", "domain", "url", "hash", "email", "process", "certificate")
ASKED = (("block", "ip"), ("--type", "contain", "--input", "host"), ("firewall",))


def main() -> None:
    """Interleave the commands, so that a change of the machine's speed hits all."""
    beside = Path(sys.executable).parent
    peer = shutil.which("pre-commit", path=str(beside)) or shutil.which("pre-commit")
    if peer is None:
        raise SystemExit("pre-commit is not installed: pip install pre-commit")
    with tempfile.TemporaryDirectory() as name:
        home = make_home(Path(name))
        os.environ["REPERTORY_HOME"] = str(home.root)
        commands = {" ".join(words): [sys.executable, "-m", "repertory", "search", "--limit", "0", *words] for words in ASKED}
        samples: dict[str, list[float]] = {name: [] for name in ("peer", *commands)}
        for _ in range(ROUNDS):
            samples["peer"].append(cpu_of([peer, "--help"])[0])
            for words, command in commands.items():
                samples[words].append(cpu_of(command)[0])
        inside = query_ms(home)
        rebuilt = rebuild_ms(home)
    middle = {name: statistics.median(values) for name, values in samples.items()}
    times = ", ".join(f"{name} {value * 1000:.0f} ms" for name, value in middle.items())
    slowest = max(value for name, value in middle.items() if name != "peer")
    report(
        f"search among {ITEMS} items",
        [
            Figure(
                name="repertory search / pre-commit --help, CPU",
                value=slowest / middle["peer"],
                unit="×",
                bound=1.7,
                note=times,
            ),
            Figure(name="the question alone", value=inside, unit="ms", bound=10),
            Figure(name="making the index anew", value=rebuilt, unit="ms", bound=1000),
        ],
    )


def make_home(folder: Path) -> Home:
    """A home that has synced apps and playbooks, ten repositories of fifty each."""
    chance = random.Random(1)
    home = Home(folder / "home")
    home.prepare()
    for number in range(10):
        catalog = {
            "$schema": "urn:repertory:schema:catalog:1", "repository": f"r{number}", "url": "https://example.org", "ref": "",
            "commit": "0" * 40, "synced_at": 0.0, "issues": [],
            "items": [an_item(chance, number * 50 + one) for one in range(50)],
        }  # fmt: skip
        path = home.catalog(f"r{number}")
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(catalog))
    update_index(home)
    return home


def an_item(chance: random.Random, number: int) -> dict[str, object]:
    """Every third one is a playbook."""
    names = [f"{chance.choice(VERBS)} {chance.choice(THINGS)}" for _ in range(8)]
    kind = "playbook" if number % 3 == 0 else "app"
    manifest: dict[str, object] = {
        "name": f"item_{number}",
        "version": "1.0.0",
        "summary": f"Number {number} for a firewall",
    }
    if kind == "playbook":
        manifest |= {"actions": names[:3]}
    else:
        actions = [
            {"name": name, "type": "contain" if name.startswith(VERBS[:3]) else "investigate", "description": f"Do {name} now",
             "parameters": [{"name": name.split()[1], "schema": {"type": "string"}, "contains": [name.split()[1]]}]}
            for name in names
        ]  # fmt: skip
        manifest |= {"product": f"Product {number}", "vendor": f"Vendor {number % 40}", "actions": actions}
    return {
        "kind": kind, "name": f"item_{number}", "format": "native", "folder": f"items/{number}", "digest": "0" * 64,
        "path": f"items/{number}/{kind}.json", "issues": [], "plain_manifest": manifest,
    }  # fmt: skip


def query_ms(home: Home) -> float:
    """The median of a question in a running process."""
    times = []
    for _ in range(20):
        started = time.perf_counter()
        assert search(home, Query(words=("block", "ip"), type="contain")).hits
        times.append(time.perf_counter() - started)
    return statistics.median(times) * 1000


def rebuild_ms(home: Home) -> float:
    """All of the index from all catalogues."""
    home.index.unlink()
    started = time.perf_counter()
    update_index(home)
    return (time.perf_counter() - started) * 1000


if __name__ == "__main__":
    main()
