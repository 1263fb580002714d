"""Playbooks of a checkout, followed, installed and run: simulated, from end to end."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from repertory.commands._session import HomeLibrary
from repertory.content.changes.install import install
from repertory.content.items.inspection import inspect_folder
from repertory.content.offered.repositories import add_repository, sync
from repertory.errors import UserError
from repertory.runtime.engines.foreground import foreground
from repertory.runtime.kept import runs
from repertory.runtime.simulation.scenario import Scenario, Simulation
from repertory.runtime.simulation.subject import copy_event
from repertory.runtime.storage.database import open_database
from repertory.settings import load_settings
from repertory_sdk.convert import from_json
from repertory_sdk.manifest import PlaybookManifest
from repertory_sdk.models import Event

from .report import PlaybookReport

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


def measure_playbooks(checkout: Path, seeds: int) -> PlaybookReport:
    """Follow, install and run everything."""
    report = PlaybookReport()
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        repository = as_repository(checkout, place / "repository")
        items = inspect_folder(repository).items
        report.playbooks = len(items)
        report.refused = {item.name: str(issue) for item in items for issue in item.issues if issue.is_error}
        report.valid = len(items) - len(report.refused)
        (place / "home").mkdir()
        (place / "home/config.toml").write_text('install.allow = "anything"\n[isolation]\nminimum_level = "process"\n')
        settings = load_settings(place / "home")
        add_repository(settings.home, "corpus", repository.as_uri())
        sync(settings.home)
        install(settings.home, [f"corpus/{item.name}" for item in items if item.name not in report.refused])
        began = time.monotonic()
        _run_all(settings, report, seeds)
        report.seconds = round(time.monotonic() - began, 1)
    return report


def as_repository(checkout: Path, target: Path) -> Path:
    shutil.copytree(checkout, target, ignore=shutil.ignore_patterns(".git"))
    author = ["-c", "user.name=corpus", "-c", "user.email=corpus@example.test", "-c", "commit.gpgsign=false"]
    for words in (["init", "-q"], ["add", "-A"], [*author, "commit", "-q", "-m", "corpus"]):
        subprocess.run(["git", "-C", str(target), *words], check=True)
    return target


def _run_all(settings: Any, report: PlaybookReport, seeds: int) -> None:
    library, database = HomeLibrary(settings.home), open_database(settings)
    causes: defaultdict[str, Counter[str]] = defaultdict(Counter)
    with foreground(settings, database, library) as here:
        for item in library.installed().playbooks.values():
            assert isinstance(item.manifest, PlaybookManifest)
            blocks = set(re.findall(r"^def (\w+)\(", (item.folder / item.manifest.main).read_text("utf-8", "replace"), re.MULTILINE))
            reached: set[str] = set()
            well = 0
            for seed in range(seeds):
                state, message, output, actions = _run(here, database, item, seed)
                reached |= blocks & set(re.findall(r"(\w+)\(\) called", output)) | {"on_start", "on_finish"} & blocks
                report.runs += 1
                report.actions += actions
                well += state == "succeeded"
                if state != "succeeded":
                    cause = _ADDRESS.sub("0x", message.partition(": ")[2] or message)[:120]
                    causes[cause][item.short_name] += 1
            report.ended_well += well
            report.ended_well_on_every_seed += well == seeds
            report.blocks += len(blocks)
            report.blocks_reached += len(reached)
    report.causes = {cause: dict(playbooks) for cause, playbooks in causes.items()}
    database.close()


def _run(here: Any, database: Any, item: Any, seed: int) -> tuple[str, str, str, int]:
    inputs = {one.name: [VALUES.get(kind, "value") for kind in one.contains[:1] or ("",)] for one in item.manifest.inputs}
    try:
        with database.transaction() as transaction:
            event = copy_event(transaction, from_json(Event, EVENT))
            new = runs.NewRun(
                playbook=item, inputs=inputs, event=event, held=True, simulation=Simulation(seed=seed, scenario=Scenario(), source="")
            )
            run_id = runs.create_run(transaction, new)
        ended = here.run(run_id, watch=lambda _run: True)
    except UserError as error:
        return "refused", error.message, "", 0
    outputs = "".join(str(row["text"]) for row in database.query("select body as text from output where run = ?", run_id))
    (row,) = database.query("select count(*) as number from action_run where run = ?", run_id)
    return ended.state, ended.message, outputs, int(row["number"])
