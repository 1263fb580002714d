"""Run every attack at one level, as whoever runs this: ``python driver.py LEVEL FOLDER``; prints what came of them as JSON."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import trying

from attacks.catalog import RECORDED
from attacks.world import World, fake_names, make_world, tell_targets
from repertory.home import Home
from repertory.runtime.egress.policy import Policy, Refused
from repertory.runtime.processes.app_workers import AppWorker, AppWorkers, Asides, Lost, WorkerKind
from repertory.runtime.processes.playbook_process import PlaybookProcess, Template
from repertory.runtime.sandbox.confinement import HostRule
from repertory.runtime.sandbox.launch import Sandbox
from repertory.runtime.sandbox.playbooks import MEMORY_BYTES
from repertory.runtime.sandbox.probing import try_level
from repertory.runtime.storage.database import open_database
from repertory.settings import Settings

OUTPUT_BYTES = 65536
PATIENCE_S = 20.0
SHORT_S = 0.5
ENDS_S = 3.0
IMPATIENT = ("ignore its time", "compute without end")
KEEPING = ("keep a secret in memory for the next asset", "leave a secret in a file for the next asset")
BEFORE = "be run by the interpreter before the walls stand"
TURNING = "have a declared name lead elsewhere the second time"
LEFT = {
    "leave a file for others in shared memory": "/dev/shm/{mark}",
    "leave a file for others in the temporary folder": "/tmp/{mark}",
    "write into the home of the user": "{user_home}/.left",
}
# Without walls these would really leave the machine.
OUTSIDE = (
    "reach an undeclared name", "reach the metadata of the cloud", "reach a private network", "reach an undeclared public address",
    "reach an undeclared public ipv6 address", "have a declared name lead to this machine",
    "have a declared name lead to this machine by ipv6", "have a declared name lead to a private network",
    "have a declared name lead to the metadata", "tell a secret in a name", "tell a secret in a question for txt",
)  # fmt: skip
Outcome = dict[str, Any]


def main(level: Any, folder: Path) -> Outcome:
    """``{"app": {attack: outcome}, "playbook": {…}}``, or ``{"missing": reason}``."""
    if level != "process":
        offer = try_level(level)
        if not offer.works:
            return {"missing": f"{offer.reason}; {offer.cure}"}
    fake_names()
    with ExitStack() as stack:
        world = make_world(folder, level, stack)
        sandbox = Sandbox(level)
        stack.callback(sandbox.close)
        apps, playbooks = Apps(world, sandbox).attack(), Playbooks(world, sandbox).attack()
        return {"app": apps, "playbook": playbooks | forge(folder / "forging", sandbox)}


def _plain(verdict: str, detail: str = "") -> Outcome:
    return {"verdict": verdict, "detail": detail, "errno": 0}


class Apps:
    """Attacks by the code of an app."""

    def __init__(self, world: World, sandbox: Sandbox) -> None:
        self.world = world
        self.pool = AppWorkers(world.home, sandbox, start_s=PATIENCE_S, idle_s=PATIENCE_S, output_bytes=OUTPUT_BYTES)
        self.targets = {**world.targets, "own_code": str(world.app.folder / "files.py")}
        self.targets["handled"] = self.targets["own_code"]

    def attack(self) -> Outcome:
        import bombs, files, kernel, lies, network, processes  # noqa: E401, F401, I001

        try:
            found = {name: self._try(name) for name in trying.ATTEMPTS if self.world.level != "process" or name not in OUTSIDE}
            found |= self._keep() | {BEFORE: self._early(), TURNING: _turn(self.world)}
        finally:
            self.pool.close()
        return found

    def _kind(self, asset: str) -> WorkerKind:
        return WorkerKind(
            app=self.world.app, asset=asset, settings={"token": f"token of {asset}"}, concurrency=1,
            confinement=self.world.confinement,
        )  # fmt: skip

    def _act(self, worker: AppWorker, action: str, timeout_s: float = PATIENCE_S, **parameters: Any) -> Any:
        asides = Asides(progress=lambda _: None, attach=lambda _: None, read=lambda _: "")
        request = {"id": "1", "key": "run/1", "action": action, "parameters": parameters, "state": {}, "checkpoint": {}}
        message = worker.act(request, timeout_s, asides)
        return (message.get("data") or [message])[0]

    def _try(self, name: str) -> Outcome:
        print("app:", name, round(time.monotonic(), 1), file=sys.stderr, flush=True)  # where a test has no patience left, this says what took so long
        worker = self.pool.borrow(self._kind("one"), threading.Event())
        worker.take_output(), worker.contacts()
        usable = name != "be reached from outside"
        try:
            outcome = self._act(
                worker, "attempt", SHORT_S if name in IMPATIENT else PATIENCE_S, name=name, targets=self.targets
            )  # fmt: skip
        except Lost as lost:
            outcome, usable = _plain("stopped", str(lost)), False
        outcome = {**_plain("broken", repr(outcome)), **outcome, "denied": self._denied(name, worker)}
        outcome = self._looked_at(name, outcome, worker)
        self.pool.give_back(worker, usable=usable and worker.alive())
        if name.startswith("outlive"):
            outcome["verdict"] = "open" if _still_there(self.targets["mark"]) else "stopped"
        return outcome

    def _denied(self, name: str, worker: AppWorker) -> list[str]:
        """Hosts that are in the record; what the kernel refuses by itself is noted a moment later."""
        hosts: list[str] = []
        deadline = time.monotonic() + ENDS_S
        while True:
            hosts += [one.host for one in worker.contacts() if one.verdict == "denied"]
            is_there = name not in RECORDED or RECORDED[name] in hosts
            if is_there or self.world.level == "process" or time.monotonic() > deadline:
                return hosts
            time.sleep(0.005)

    def _looked_at(self, name: str, outcome: Outcome, worker: AppWorker) -> Outcome:
        """What only somebody outside can see."""
        if name in LEFT:
            outcome["verdict"] = _was_left(name, self.targets)
        elif name == "be reached from outside" and outcome["verdict"] == "open":
            with socket.socket() as connection:
                outcome["verdict"] = "stopped" if connection.connect_ex(("127.0.0.1", self.targets["free_port"])) else "open"
        elif name == "print without end":
            outcome["verdict"] = "open" if len(worker.take_output()) > 2 * OUTPUT_BYTES else "stopped"
        elif name.startswith("outlive"):
            worker.close()
        return outcome

    def _keep(self) -> Outcome:
        mark = f"{self.targets['mark']}-kept"
        for asset, action in (("one", "keep"), ("two", "recall")):
            worker = self.pool.borrow(self._kind(asset), threading.Event())
            found = self._act(worker, action, mark=mark)
            self.pool.give_back(worker, usable=True)
        for folder in ("/tmp", "/dev/shm"):
            Path(folder, mark).unlink(missing_ok=True)
        in_memory, in_file = ("token of one" in found[name] for name in ("memory", "files"))
        return dict(zip(KEEPING, (_plain("open" if one else "stopped", str(found)) for one in (in_memory, in_file)), strict=True))

    def _early(self) -> Outcome:
        path = Path(self.world.targets["user_home"], "run-by-the-interpreter")
        return _plain("open" if path.exists() else "stopped")


def _was_left(name: str, targets: dict[str, Any]) -> str:
    """Whether the file is really there, and not only where the attacker saw it."""
    path = Path(LEFT[name].format_map(targets))
    found = path.exists()
    path.unlink(missing_ok=True)
    return "open" if found else "stopped"


def _still_there(mark: str) -> bool:
    from runtime_lab import processes_of

    deadline = time.monotonic() + ENDS_S
    while (left := processes_of(mark)) and time.monotonic() < deadline:
        time.sleep(0.01)
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    return bool(left)


def _turn(world: World) -> Outcome:
    """Harmless when it is asked for the first time, this machine when it is asked for again."""
    import asyncio

    answers = iter(["192.88.99.1", "127.0.0.1"])
    plain = socket.getaddrinfo
    socket.getaddrinfo = lambda host, port, *rest, **options: plain(next(answers), port, *rest, **options)
    policy = Policy(hosts=[HostRule(host="turning.example", port=443)])
    try:
        first = asyncio.run(policy.addresses("turning.example", 443))
        second = asyncio.run(policy.addresses("turning.example", 443))
    except Refused as refused:
        return _plain("stopped", f"first {first}, then: {refused}")
    finally:
        socket.getaddrinfo = plain
    return _plain("open", str(second))


class Playbooks:
    """Attacks by the code of a playbook."""

    def __init__(self, world: World, sandbox: Sandbox) -> None:
        self.world = world
        self.template = Template(world.home, sandbox, output_bytes=OUTPUT_BYTES)
        self.targets = {**world.targets, "own_code": str(world.playbook.folder / "files.py"), "memory_bytes": MEMORY_BYTES}
        self.targets["handled"] = self.targets["own_code"]

    def attack(self) -> Outcome:
        import siblings

        lies = {name for name, function in trying.ATTEMPTS.items() if function.__module__ == "lies"}
        waiting = siblings.wait_for_another_playbook.__name__.replace("_", " ")
        left_out = {*lies, waiting, "print without end", *(OUTSIDE if self.world.level == "process" else ())}
        tell_targets(self.world.playbook.folder, self.targets)
        sibling = self._start(waiting)
        try:
            tell_targets(self.world.playbook.folder, {**self.targets, "sibling": sibling.pid})
            found = {name: self._try(name) for name in trying.ATTEMPTS if name not in left_out}
            if sibling.ended.wait(0.2):
                found["kill another playbook"]["verdict"] = "open"
            sibling.kill()
        finally:
            self.template.close()
        return found

    def _start(self, name: str) -> PlaybookProcess:
        process = self.template.fork(self.world.playbook.folder, cpu_s=1)
        event = {"name": name, "artifacts": []}
        hello = {"op": "hello", "folder": str(self.world.playbook.folder), "main": "playbook.py", "name": "play", "event": event}
        process.pipe.write({**hello, "run": "run", "inputs": {}})
        return process

    def _try(self, name: str) -> Outcome:
        print("playbook:", name, round(time.monotonic(), 1), file=sys.stderr, flush=True)
        process = self._start(name)
        try:
            message = process.pipe.read(SHORT_S if name == "ignore its time" else PATIENCE_S)
        except TimeoutError:
            message = None
        process.kill()
        if message is None:
            outcome = _plain("stopped", f"ended: {process.status}")
        elif message["op"] == "done":
            outcome = {**message["outputs"]}
        else:
            outcome = _plain("broken", str(message))
        if name.startswith("outlive"):
            outcome["verdict"] = "open" if _still_there(self.targets["mark"]) else "stopped"
        elif name in LEFT:
            outcome["verdict"] = _was_left(name, self.targets)
        return outcome


def forge(folder: Path, sandbox: Sandbox) -> Outcome:
    """Lies of playbooks, told to all that carries a real run, with an app that could do what they want."""
    import forgeries

    from folder_library import FolderLibrary
    from runtime_lab import Lab

    settings = Settings(home=Home(folder / "home"))
    settings.home.contents.mkdir(parents=True)
    database = open_database(settings)
    lab = Lab(settings, database, FolderLibrary(settings.home.contents), folder, sandbox=sandbox)
    executor = lab.executor()
    try:
        lab.add_lab()
        return {name: _forged(lab, executor, name, Path(forgeries.__file__).read_text()) for name in forgeries.LIES}
    finally:
        executor.close()
        database.close()


def _forged(lab: Any, executor: Any, name: str, source: str) -> Outcome:
    """Open if anything was done, or is believed to have been done, but what distracts from it."""
    lab.effects.unlink(missing_ok=True)
    _, _, rest = source.partition("from __future__ import annotations\n")
    playbook = lab.add_playbook(f"LIES[{name!r}](play)", header=rest, actions=["ip reputation", "block ip"])
    run = lab.attempt(lab.start(playbook), executor)
    done = [effect for effect in lab.happened() if not effect.endswith(" 192.0.2.1")]
    believed = [call.key for call in lab.calls(run) if call.action == "block ip" and call.state == "succeeded"]
    return _plain("open" if done or believed else "stopped", f"{run.state}: {run.message}")


if __name__ == "__main__":
    os.environ["ATTACKED"] = "yes"
    print(json.dumps(main(sys.argv[1], Path(sys.argv[2]))))
