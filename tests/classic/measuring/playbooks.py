"""Playbooks of a checkout, followed, installed, run and explored: simulated, from end to end."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import tempfile
import time
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from repertory.commands._session import HomeLibrary
from repertory.content.changes.install import install
from repertory.content.items.inspection import inspect_folder
from repertory.content.offered.repositories import add_repository, sync
from repertory.errors import UserError
from repertory.runtime.engines.foreground import Foreground, foreground
from repertory.runtime.execution.attempt import COVERAGE
from repertory.runtime.kept import runs
from repertory.runtime.simulation.exploring import Subject, explore
from repertory.runtime.simulation.scenario import Scenario, Simulation
from repertory.runtime.simulation.subject import copy_event
from repertory.runtime.storage.database import Database, open_database
from repertory.settings import Settings, load_settings
from repertory_sdk.convert import from_json
from repertory_sdk.manifest import PlaybookManifest
from repertory_sdk.models import Event

from .blocks import Blocks
from .report import PlaybookReport

if TYPE_CHECKING:
    from repertory.content.items.found import FoundItem
    from repertory.items import Installed

EVENT = {
    "name": "An alert about a host", "severity": "high", "labels": ["events"],
    "artifacts": [
        {
            "name": "network",
            "cef": {
                "sourceAddress": "198.51.100.7", "destinationAddress": "203.0.113.9", "requestURL": "http://bad.example.test/x",
                "destinationDnsDomain": "bad.example.test", "destinationHostName": "host-7", "destinationUserName": "jane",
            },
            "contains": {"sourceAddress": ["ip"], "requestURL": ["url"], "destinationDnsDomain": ["domain"]},
        },
        {
            "name": "file and mail",
            "cef": {"fileHash": "44d88612fea8a8f36de82e1278abb02f" * 2, "fromEmail": "eve@example.test", "fileName": "x.exe"},
            "contains": {"fileHash": ["hash", "sha256"], "fromEmail": ["email"]},
        },
    ],
}  # fmt: skip
VALUES = {
    "ip": "198.51.100.7", "domain": "bad.example.test", "url": "http://bad.example.test/x", "email": "eve@example.test",
    "hash": "44d88612fea8a8f36de82e1278abb02f" * 2, "sha256": "44d88612fea8a8f36de82e1278abb02f" * 2, "host name": "host-7",
    "user name": "jane", "file name": "x.exe", "vault id": "0" * 40,
}  # fmt: skip
_ADDRESS = re.compile(r"0x[0-9a-f]+")


def measure_playbooks(checkout: Path, seeds: int, *, explored: int = 0, known: set[str] | None = None) -> PlaybookReport:
    """Follow, install and run everything; explore each with so many runs. ``known`` are digests of files to leave out, and grows."""
    report = PlaybookReport()
    with tempfile.TemporaryDirectory() as name:
        settings = followed(checkout, Path(name), report, set() if known is None else known)
        began = time.monotonic()
        library, database = HomeLibrary(settings.home), open_database(settings)
        _run_all(settings, library, database, report, seeds)
        report.seconds = round(time.monotonic() - began, 1)
        began = time.monotonic()
        for item in library.installed().playbooks.values() if explored else ():
            _explore(settings, library, database, item, report, explored)
        report.explored_seconds = round(time.monotonic() - began, 1)
        database.close()
    return report


def followed(checkout: Path, place: Path, report: PlaybookReport, known: set[str]) -> Settings:
    """A home in which the playbooks of a checkout are installed, as far as they are valid and none of the known."""
    repository = as_repository(checkout, place / "repository")
    items = []
    for item in inspect_folder(repository).items:
        if item.playbook and item.playbook.function:
            continue  # is measured apart
        digest = hashlib.sha256(_source_of(repository, item)).hexdigest()
        if digest not in known:
            known.add(digest)
            items.append(item)
    report.playbooks = len(items)
    report.refused = {item.name: str(issue) for item in items for issue in item.issues if issue.is_error}
    report.valid = len(items) - len(report.refused)
    (place / "home").mkdir()
    (place / "home/config.toml").write_text('install.allow = "anything"\n[isolation]\nminimum_level = "process"\n')
    settings = load_settings(place / "home")
    add_repository(settings.home, "corpus", repository.as_uri())
    sync(settings.home)
    install(settings.home, [f"corpus/{item.name}" for item in items if item.name not in report.refused])
    return settings


def _source_of(repository: Path, item: FoundItem) -> bytes:
    """The file of a playbook; a classic one is a file of the repository's own."""
    main = str((item.plain_manifest or {}).get("main", ""))
    path = repository / main
    return path.read_bytes() if main and path.is_file() else item.name.encode()


def as_repository(checkout: Path, target: Path) -> Path:
    """A copy of a checkout, in a Git repository of its own."""
    shutil.copytree(checkout, target, ignore=shutil.ignore_patterns(".git"))
    author = ["-c", "user.name=corpus", "-c", "user.email=corpus@example.test", "-c", "commit.gpgsign=false"]
    for words in (["init", "-q"], ["add", "-A"], [*author, "commit", "-q", "-m", "corpus"]):
        subprocess.run(["git", "-C", str(target), *words], check=True)
    return target


def blocks_of(item: Installed) -> Blocks:
    """Its functions."""
    assert isinstance(item.manifest, PlaybookManifest)
    return Blocks((item.folder / item.manifest.main).read_text("utf-8", "replace"))


def _run_all(settings: Settings, library: HomeLibrary, database: Database, report: PlaybookReport, seeds: int) -> None:
    causes: defaultdict[str, Counter[str]] = defaultdict(Counter)
    with foreground(settings, database, library) as here:
        for item in library.installed().playbooks.values():
            endings = [_run(here, database, item, seed) for seed in range(seeds)]
            well = sum(ending.state == "succeeded" for ending in endings)
            report.runs += seeds
            report.actions += sum(ending.actions for ending in endings)
            report.ended_well += well
            report.ended_well_on_every_seed += well == seeds
            for ending in endings:
                if ending.state != "succeeded":
                    cause = _ADDRESS.sub("0x", ending.message.partition(": ")[2] or ending.message)[:120]
                    causes[cause][item.short_name] += 1
            blocks = blocks_of(item)
            report.blocks += len(blocks)
            report.blocks_reached += len(blocks.reached(set[int]().union(*(ending.lines for ending in endings))))
    report.causes = {cause: dict(playbooks) for cause, playbooks in causes.items()}


@dataclass(frozen=True, kw_only=True)
class Ending:
    """Of one run. ``lines`` are those of the playbook's own file that it reached."""

    state: str
    message: str
    lines: frozenset[int] = frozenset()
    actions: int = 0


def _run(here: Foreground, database: Database, item: Installed, seed: int) -> Ending:
    manifest = item.manifest
    assert isinstance(manifest, PlaybookManifest)
    inputs = {one.name: [VALUES.get(kind, "value") for kind in one.contains[:1] or ("",)] for one in manifest.inputs}
    simulation = Simulation(seed=seed, scenario=Scenario(), traced=True)
    try:
        with database.transaction() as transaction:
            event = copy_event(transaction, from_json(Event, EVENT))
            run_id = runs.create_run(
                transaction, runs.NewRun(playbook=item, inputs=inputs, event=event, held=True, simulation=simulation)
            )  # fmt: skip
        ended = here.run(run_id, watch=lambda _run: True)
    except UserError as error:
        return Ending(state="refused", message=error.message)
    told = [json.loads(part.text) or {} for part in runs.output_of(database, run_id) if part.stream == COVERAGE]
    lines = frozenset(line for one in told for line in one.get(manifest.main, {}).get("reached", ()))
    (row,) = database.query("select count(*) as number from action_run where run = ?", run_id)
    return Ending(state=ended.state, message=ended.message, lines=lines, actions=int(row["number"]))


def _explore(
    settings: Settings, library: HomeLibrary, database: Database, item: Installed, report: PlaybookReport, times: int
) -> None:
    assert isinstance(item.manifest, PlaybookManifest)
    subject = Subject(playbook=item, event=None, inputs={}, scenario=Scenario(), seed=0)
    seen = explore(settings, database, library, subject, times=times)
    blocks = blocks_of(item)
    reached = blocks.reached(seen.reached.get(item.manifest.main, set()))
    report.explored_runs += seen.runs
    report.blocks_explored += len(reached)
    if missed := blocks.missed(reached):
        report.missed[item.short_name] = missed
