"""Processes are killed at random, hundreds of times; no effect may happen twice, and none may go unrecorded.

Victims are the processes that execute runs, the playbooks' processes and the apps' processes. REPERTORY_CRASH_KILLS says how
many are killed in all (200), REPERTORY_CRASH_SEED repeats an order of kills, as far as the machine permits.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from far_files import PRELUDE
from folder_library import FolderLibrary
from repertory.home import Home
from repertory.runtime.kept import runs
from repertory.runtime.records import Call, Prompt, Run
from repertory.runtime.storage.database import open_database
from repertory.settings import Settings
from runtime_lab import Lab, processes_of, spawn, told_of, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from repertory.items import Installed

pytestmark = pytest.mark.acceptance

WAYS = [(database, way) for database in ("sqlite", "postgres") for way in ("workers", "foreground")]
KILLS = int(os.environ.get("REPERTORY_CRASH_KILLS", "200"))
SHARE = -(-KILLS // len(WAYS))
SEED = int(os.environ.get("REPERTORY_CRASH_SEED", "0")) or random.SystemRandom().randrange(1, 2**32)
OPEN_RUNS = 6
TRUST_S = 0.5  # a prompt as old as that is about processes that are gone

APP = """
import os, random, time
from repertory_sdk import *
@@PRELUDE@@
app = App("crash", version="1.0.0", product="Crash", vendor="Tests", concurrency=3, hosts=["${asset.log}"])

@app.asset
class Target(Asset):
    log: str = setting("File that notes every effect")

def note(target, line):
    append(target.log, line + "\\n")
    time.sleep(random.uniform(0, 0.04))

@app.action("change", type="generic")
def change(target: Target, job: Job, name: str) -> dict:
    note(target, f"change {job.key}")
    return {"value": f"<{name}>"}

@app.action("look")
def look(target: Target, job: Job, name: str) -> dict:
    note(target, f"look {job.key}")
    return {"value": f"<{name}>"}
"""
GOT = "def got(results):\n    return [[one.parameters['name'], one.status, [row['value'] for row in one.data]] for one in results]\n"
SEQUENTIAL = """
found = []
for number in range(5):
    found += got(play.act("change", name=f"s{number}"))
    found += got(play.act("look", name=f"l{number}"))
    play.log(f"{number} of 5")
return {"found": found}
"""
PARALLEL = """
def branch(letter):
    found = got(play.act("change", name=[f"{letter}0", f"{letter}1", f"{letter}2"]))
    names = play.list("shared")
    names.add(play.run_id, letter)
    found += got(play.act("look", name=f"{letter}3"))
    return found + got(play.act("change", name=f"{letter}4"))
return {"found": sum(play.parallel(lambda: branch("a"), lambda: branch("b"), lambda: branch("c")), [])}
"""

CLASSIC = """
import phantom.rules as phantom

FOUND = []

def on_start(container):
    for letter in "abc":
        parameters = [{"name": letter + "0"}, {"name": letter + "1"}]
        phantom.act("change", parameters=parameters, name=letter, callback=after)

def after(action=None, success=None, container=None, results=None, handle=None, **kwargs):
    for run in results:
        for one in run["action_results"]:
            FOUND.append([one["parameter"]["name"], one["status"], [row["value"] for row in one["data"]]])
    letter, step = action["name"][0], len(action["name"])
    if step < 3:
        parameters = [{"name": letter + str(step + 1)}]
        phantom.act("look" if step == 1 else "change", parameters=parameters, name=action["name"] + "x", callback=after)

def on_finish(container, summary):
    phantom.save_playbook_output_data(output={"found": FOUND})
"""
CALLS = {"test/sequential": 10, "test/parallel": 15, "test/classic": 12}


@dataclass
class Chaos:
    """Runs, the processes that execute them, and a count of those that were killed."""

    lab: Lab
    random: random.Random
    playbooks: list[Installed] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    processes: dict[str, subprocess.Popen[str]] = field(default_factory=dict)
    kills: Counter[str] = field(default_factory=Counter)

    # ------------------------------------------------------------- processes

    def keep_executing(self, names: list[str]) -> None:
        """Start what has ended, as a service manager or a person would."""
        for name in names:
            process = self.processes.get(name)
            if process is None or process.poll() is not None:
                what = "worker" if name.startswith("worker") else name
                log = open(self.lab.folder / f"{name}.log", "a")  # noqa: SIM115 (it is the child's)
                self.processes[name] = spawn(self.lab, what, stdout=log, stderr=log, start_new_session=True)
                log.close()

    def kill_one(self) -> None:
        """A process of a random kind, and there a random one."""
        kind = self.random.choice(["executor"] * 3 + ["app"] * 4 + ["playbook"])
        pids = self._victims()[kind]
        if pids:
            try:
                os.kill(self.random.choice(pids), signal.SIGKILL)
            except ProcessLookupError:
                return
            self.kills[kind] += 1

    def _victims(self) -> dict[str, list[int]]:
        parents = {process.pid for process in self.processes.values() if process.poll() is None}
        table = list(_process_table())
        own, walls = str(self.lab.settings.home.sdk).encode(), {pid for pid, _, command in table if _is_wall(command)}
        templates = {
            pid for pid, parent, command in table
            if own in command and b"\0template\0" in command and pid not in walls and parent in parents | walls
        }  # fmt: skip
        apps = {pid: parent for pid, parent, command in table if parent in parents and b"\0app\0" in command}
        return {
            "executor": sorted(set(apps.values())),  # one that has got to work
            "playbook": sorted(pid for pid, parent, _ in table if parent in templates),
            "app": sorted(apps),
        }

    def end_all(self) -> None:
        for process in self.processes.values():
            process.kill()
            process.wait()

    # ------------------------------------------------------------------ runs

    def open_runs(self) -> list[Run]:
        return [run for run in (runs.find_run(self.lab.database, run_id) for run_id in self.ids) if not run.ended]

    def add_runs(self, *, held: bool) -> None:
        for _ in range(OPEN_RUNS - len(self.open_runs())):
            item = self.playbooks[len(self.ids) % len(self.playbooks)]
            self.ids.append(self.lab.start(item, held=held))

    def happened(self) -> Counter[str]:
        return Counter(self.lab.happened())

    def answer_prompts(self) -> None:
        """Truthfully."""
        for prompt in runs.open_prompts(self.lab.database):
            if time.time() - prompt.created_at < TRUST_S:
                continue
            call = self.call_of(prompt)
            assert (prompt.kind, call.state, call.action) == ("in_doubt", "in_doubt", "change")
            happened = self.happened()[f"change {prompt.run}/{call.key}"]
            runs.answer_prompt(self.lab.database, prompt, "it happened" if happened else "it did not happen", by="ann")

    def call_of(self, prompt: Prompt) -> Call:
        (call,) = [call for call in self.lab.calls(prompt.run) if call.key == prompt.key.partition("?")[0]]
        return call


def _is_wall(command: bytes) -> bool:
    """Whether it is bwrap, whose command line ends with that of what is behind it."""
    return command.partition(b"\0")[0].endswith(b"bwrap")


def _process_table() -> Iterator[tuple[int, int, bytes]]:
    for path in Path("/proc").glob("[0-9]*"):
        try:
            fields = (path / "stat").read_text().rpartition(")")[2].split()
            if fields[0] != "Z":
                yield int(path.name), int(fields[1]), (path / "cmdline").read_bytes()
        except OSError:
            continue


def _left_of(sdk: str) -> list[int]:
    """What is left over of content. bwrap's own child, if bwrap is killed before it lets it begin, waits for ever and for nothing."""
    left = processes_of(sdk)
    for pid in [pid for pid in left if _never_began(pid)]:
        os.kill(pid, signal.SIGKILL)
        left.remove(pid)
    return left


def _never_began(pid: int) -> bool:
    try:
        call, *arguments = Path(f"/proc/{pid}/syscall").read_text().split()
        waits = call == "0" and str(Path(f"/proc/{pid}/fd/{int(arguments[0], 16)}").readlink()) == "anon_inode:[eventfd]"
        return waits and _is_wall(Path(f"/proc/{pid}/cmdline").read_bytes())
    except (OSError, ValueError, IndexError):
        return False


@pytest.fixture
def chaos(request: pytest.FixtureRequest, tmp_path: Path, database_kind: str) -> Iterator[Chaos]:
    url = request.getfixturevalue("postgres").new_database() if database_kind == "postgres" else ""
    settings = Settings(home=Home(tmp_path / "home"), database_url=url)
    database = open_database(settings)
    settings.home.contents.mkdir(parents=True)
    (tmp_path / "lab").mkdir()
    lab = Lab(settings, database, FolderLibrary(settings.home.contents), tmp_path / "lab")
    lab.add_app(APP.replace("@@PRELUDE@@", PRELUDE), asset="target-1", log=lab.far_effects)
    made = Chaos(lab, random.Random(SEED))
    made.playbooks = [
        lab.add_playbook(body, header=GOT, name=name, actions=["change", "look"])
        for name, body in (("sequential", SEQUENTIAL), ("parallel", PARALLEL))
    ]
    made.playbooks.append(lab.library.add_classic_playbook(CLASSIC, name="classic", actions=["change", "look"]))
    yield made
    made.end_all()
    database.close()
    try:
        # The kernel takes its time over network namespaces of which many end at once.
        until(lambda: not _left_of(str(settings.home.sdk)), "a child process is left over", patience_s=120)
    except AssertionError as error:
        raise AssertionError(f"{error}\n{told_of(str(settings.home.sdk))}") from None


@pytest.mark.parametrize(("database_kind", "way"), WAYS)
def test_killed_processes_neither_repeat_nor_lose_an_effect(chaos: Chaos, database_kind: str, way: str) -> None:
    print(f"REPERTORY_CRASH_SEED={SEED} REPERTORY_CRASH_KILLS={KILLS}")

    def keep_executing() -> None:
        names = ["worker-1", "worker-2"] if way == "workers" else [
            run.id for run in chaos.open_runs()[:3] if run.state != "waiting"
        ]  # fmt: skip
        chaos.keep_executing(names)

    while chaos.kills.total() < SHARE:
        chaos.add_runs(held=way == "foreground")
        keep_executing()
        chaos.answer_prompts()
        time.sleep(chaos.random.uniform(0.0, 0.1))  # the one random moment this test is about
        chaos.kill_one()
    until_all_wait_or_ended(chaos, keep_executing)
    every_doubt_is_asked_about(chaos)
    deadline = time.monotonic() + 60
    while chaos.open_runs() and time.monotonic() < deadline:
        chaos.answer_prompts()
        keep_executing()
        time.sleep(0.02)
    assert chaos.open_runs() == []
    chaos.end_all()
    doubts = sum(len(runs.prompts_of(chaos.lab.database, run_id)) for run_id in chaos.ids)
    print(f"{len(chaos.ids)} runs, killed: {dict(chaos.kills)}, in doubt: {doubts}")
    assert chaos.kills.total() >= SHARE
    assert SHARE * len(WAYS) >= KILLS
    what_happened_is_what_is_recorded(chaos)
    replies_are_consistent(chaos)


def until_all_wait_or_ended(chaos: Chaos, keep_executing: object) -> None:
    def settled() -> bool:
        assert callable(keep_executing)
        keep_executing()
        return all(run.state == "waiting" for run in chaos.open_runs())

    until(settled, "every run has ended or waits for an answer")


def every_doubt_is_asked_about(chaos: Chaos) -> None:
    asked = {(prompt.run, chaos.call_of(prompt).key) for prompt in runs.open_prompts(chaos.lab.database)}
    doubtful = {
        (run_id, call.key) for run_id in chaos.ids for call in chaos.lab.calls(run_id)
        if call.state == "in_doubt" and call.action == "change"
    }  # fmt: skip
    assert asked == doubtful


def what_happened_is_what_is_recorded(chaos: Chaos) -> None:
    happened = chaos.happened()
    repeated = {line: count for line, count in happened.items() if line.startswith("change") and count > 1}
    assert repeated == {}
    calls = {f"{call.action} {run}/{call.key}": call for run in chaos.ids for call in chaos.lab.calls(run)}
    assert set(happened) <= set(calls)
    for line, call in calls.items():
        if call.action == "change" and call.state != "in_doubt":
            expected = 1 if call.state == "succeeded" else 0
            assert happened[line] == expected, f"{line} is {call.state}: {call.message}"
        elif call.state == "succeeded":
            assert happened[line] >= 1
        assert call.state in ("succeeded", "failed", "in_doubt", "cancelled")


def replies_are_consistent(chaos: Chaos) -> None:
    states: Counter[str] = Counter()
    for run in (runs.find_run(chaos.lab.database, run_id) for run_id in chaos.ids):
        states[run.state] += 1
        if run.state == "failed":
            assert run.message.startswith(("the playbook's process ", "no playbook process can be started")), run.message
            continue
        assert run.state == "succeeded"
        calls = {call.parameters["name"]: call for call in chaos.lab.calls(run)}
        assert len(run.outputs["found"]) == len(calls) == CALLS[run.playbook]
        for name, status, values in run.outputs["found"]:
            succeeded = calls[name].state == "succeeded"
            assert status == (("success" if succeeded else "failed") if run.playbook == "test/classic" else calls[name].state)
            answered_by_human = "says: it happened" in calls[name].message
            assert values == ([f"<{name}>"] if succeeded and not answered_by_human else [])
        if run.playbook == "test/parallel":
            rows = [cells for cells in _shared_rows(chaos) if run.id in cells]
            assert len(rows) == 3
        logged = [line.text for line in runs.log_of(chaos.lab.database, run.id)]
        assert logged == ([f"{number} of 5" for number in range(5)] if run.playbook == "test/sequential" else [])
    print(dict(states))
    assert states["succeeded"] > 0


def _shared_rows(chaos: Chaos) -> list[str]:
    return [row["cells"] for row in chaos.lab.database.query("select cells from list_row where list = 'shared'")]
