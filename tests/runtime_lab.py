"""A home, an app that notes what it does, and everything needed to run playbooks against it."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from far_files import PRELUDE, far
from repertory.runtime.execution.executor import Executor
from repertory.runtime.kept import assets, events, runs
from repertory.runtime.sandbox.launch import Sandbox
from repertory.runtime.secrets.store import SecretStore
from repertory_sdk.models import Artifact, Event

if TYPE_CHECKING:
    from collections.abc import Callable

    from folder_library import FolderLibrary
    from repertory.items import Installed
    from repertory.runtime.processes.playbook_process import Template
    from repertory.runtime.records import Call, Prompt, Run
    from repertory.runtime.storage.database import Database
    from repertory.settings import Settings

PATIENCE_S = 20.0

APP = """
from __future__ import annotations
import os, signal, sys, time
from typing import Optional
from repertory_sdk import *

@@PRELUDE@@

app = App("lab", version="1.0.0", product="Lab", vendor="Tests", concurrency=2, hosts=["${asset.log}"])

@app.asset
class Lab(Asset):
    log: str = setting("File that notes every effect", default="")
    token: Optional[Secret] = setting("Token", default=None)

def note(lab, what):
    append(lab.log, what + "\\n")

@app.result
class Verdict:
    verdict: str

@app.action("ip reputation")
def ip_reputation(lab: Lab, ip: str = param("Address", contains="ip")) -> Verdict:
    note(lab, f"reputation {ip}")
    return Verdict(verdict="malicious" if ip.endswith("6") else "benign")

@app.action("block ip", type="contain", check="is blocked", undo="unblock ip")
def block_ip(lab: Lab, ip: str) -> Verdict:
    note(lab, f"block {ip}")
    return Verdict(verdict="blocked")

@app.action("unblock ip", type="contain", idempotent=True)
def unblock_ip(lab: Lab, ip: str) -> Verdict:
    note(lab, f"unblock {ip}")
    return Verdict(verdict="unblocked")

@app.action("is blocked")
def is_blocked(lab: Lab, ip: str) -> bool:
    return f"block {ip}\\n" in read(lab.log).replace("unblock", "")

@app.action("count up", type="generic")
def count_up(lab: Lab, name: str, by: int = 1) -> Verdict:
    note(lab, f"count {name} {by}")
    return Verdict(verdict=str(by))

@app.action("wait for file")
def wait_for_file(lab: Lab, path: str, mark: str = "") -> Verdict:
    if mark:
        touch(beside(lab.log, mark))
    wait_for(beside(lab.log, path))
    return Verdict(verdict="there")
@@MORE@@
"""


@dataclass
class Lab:
    """Everything one test needs to run playbooks."""

    settings: Settings
    database: Database
    library: FolderLibrary
    folder: Path
    template: Template | None = None  # shared by tests, which saves them the start of one; else each executor has its own
    sandbox: Sandbox | None = None  # the strongest that there is

    @property
    def effects(self) -> Path:
        """Where the app notes what it does."""
        return self.folder / "effects.log"

    @property
    def far_effects(self) -> str:
        """The same, as the app names it."""
        return far(self.effects)

    def happened(self) -> list[str]:
        """What the app really did."""
        return self.effects.read_text().splitlines() if self.effects.exists() else []

    def configure(self, **changes: Any) -> None:
        """Other settings from here on: ``limits``, ``policy``, ``assets``."""
        self.settings = replace(self.settings, **changes)

    def unconfine(self) -> None:
        """From here on content can do what tests can: for playbooks that tell by files how far they are."""
        self.sandbox, self.template = Sandbox("process"), None

    def limit(self, **changes: Any) -> None:
        """Other limits from here on."""
        self.configure(limits=replace(self.settings.limits, **changes))

    # --------------------------------------------------------------- content

    def add_app(self, source: str, *, asset: str = "", **values: str) -> Installed:
        item = self.library.add_app(source)
        if asset:
            self.add_asset(item, asset, **values)
        return item

    def add_lab(self, more: str = "", *, asset: str = "lab-1") -> Installed:
        """The app used by most tests, with an asset."""
        source = APP.replace("@@PRELUDE@@", PRELUDE).replace("@@MORE@@", textwrap.dedent(more))
        return self.add_app(source, asset=asset, log=self.far_effects)

    def add_asset(self, item: Installed, name: str, **values: Any) -> None:
        config = assets.AssetConfig(name=name, app=item.name, settings=values, created_at=0.0)
        assets.add_asset(self.database, SecretStore(self.settings), item.manifest, config, replace=True)  # type: ignore[arg-type]

    def add_playbook(self, body: str, **options: Any) -> Installed:
        return self.library.add_playbook(body, **options)

    def event(self, **cef: Any) -> Event:
        event = Event("scan", artifacts=[Artifact(name="alert", cef=cef)], labels=["test"])
        with self.database.transaction() as transaction:
            number = events.add_event(transaction, event).id
        return events.get_event(self.database, number)

    # ------------------------------------------------------------------ runs

    def start(self, item: Installed, event: Event | None = None, **options: Any) -> str:
        new = runs.NewRun(event=event or self.event(), playbook=item, **options)
        with self.database.transaction() as transaction:
            return runs.create_run(transaction, new)

    def start_act(self, action: str, *, app: str | None = None, assets: Any = None, **parameters: Any) -> str:
        act = {"action": action, "app": app, "assets": assets, "parameters": parameters}
        with self.database.transaction() as transaction:
            return runs.create_run(transaction, runs.NewRun(event=None, act=act))

    def executor(self, name: str = "", **options: Any) -> Executor:
        worker = name or uuid.uuid4().hex
        return Executor(self.settings, self.database, self.library, worker=worker, template=self.template, sandbox=self.sandbox, **options)

    def run(self, body: str, *, event: Event | None = None, answers: dict[str, str] | None = None, **options: Any) -> Run:
        """Run a playbook made of these lines to its end (or until it waits)."""
        return self.attempt(self.start(self.add_playbook(body, **options), event, answers=answers or {}))

    def attempt(self, run_id: str, executor: Executor | None = None) -> Run:
        """The next attempt of a run, in an executor of its own, as after a restart."""
        used = executor or self.executor()
        try:
            runs.wake_due_runs(self.database)
            used.attempt(run_id, runs.find_run(self.database, run_id).attempt)
        finally:
            if executor is None:
                used.close()
        return runs.find_run(self.database, run_id)

    def calls(self, run: Run | str) -> list[Call]:
        run_id = run if isinstance(run, str) else run.id
        return [step.call for step in runs.steps_of(self.database, run_id)]

    def open_prompt(self, run: Run | None = None) -> Prompt:
        """The one question that is open."""
        (prompt,) = [one for one in runs.open_prompts(self.database) if run is None or one.run == run.id]
        return prompt

    def answer(self, answer: str, *, by: str = "ann") -> None:
        runs.answer_prompt(self.database, self.open_prompt(), answer, by=by)


def until(condition: Callable[[], Any], what: str = "", *, patience_s: float = PATIENCE_S) -> Any:
    """The condition's first true value."""
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.005)
    raise AssertionError(f"has not come true within {patience_s:.0f} s: {what or condition}")


def told_of(text: str) -> str:
    """Those processes with their state, for a message."""
    lines = []
    for pid in processes_of(text):
        try:
            place = Path(f"/proc/{pid}")
            state = (place / "stat").read_text().rpartition(")")[2].split()[:2]
            waiting = (place / "wchan").read_text()
            words = (place / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        lines.append(f"{pid} {state} {waiting} {words[:60]} … {words[-200:]}")
    return "\n".join(lines)


def processes_of(text: str) -> list[int]:
    """Live processes whose command line holds this text."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            state = (path / "stat").read_text().rpartition(")")[2].split()[0]
            if state != "Z" and text.encode() in (path / "cmdline").read_bytes() and int(path.name) != os.getpid():
                found.append(int(path.name))
        except OSError:
            continue
    return found


def content_processes(lab: Lab) -> list[int]:
    """Apps, playbooks and the template of this lab, without the walls around them: bwrap names what it runs, too."""
    found = []
    for pid in processes_of(str(lab.settings.home.sdk)):
        with suppress(OSError):
            if Path(f"/proc/{pid}/comm").read_text() != "bwrap\n":
                found.append(pid)
    return found


def spawn(lab: Lab, what: str, **options: Any) -> subprocess.Popen[str]:
    """A process of its own that serves the queue (``worker``) or executes one run."""
    tests = Path(__file__).parent
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(tests), *(str(tests.parent / part) for part in ("sdk", "cli"))]),
        "REPERTORY_DATABASE_URL": lab.settings.database_url,
    }
    command = [sys.executable, str(tests / "runtime_process.py"), str(lab.settings.home.root), str(lab.library.root), what]
    return subprocess.Popen(command, env=environment, text=True, stdin=subprocess.DEVNULL, **options)
