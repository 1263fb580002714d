"""The template of playbook processes, driven over a real socket as the tool drives it."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import pytest

from repertory_sdk import protocol

PATIENCE_S = 20.0

PLAYBOOKS = """
import os
import sys

from repertory_sdk import playbook


@playbook()
def triage(event, play, *, depth: int = 1):
    rows = play.act("ip reputation", ip=event.values("sourceAddress")).rows("ip", "verdict")
    play.update(severity="high")
    return {"rows": rows, "severity": play.event.severity, "depth": depth}


@playbook()
def print_and_return(event, play):
    print("to standard output")
    print("to standard error", file=sys.stderr)


@playbook("exit")
def leave(event, play):
    os._exit(7)


@playbook("sys exit")
def leave_politely(event, play):
    sys.exit(7)


@playbook("raise")
def stumble(event, play):
    raise LookupError("nobody home")


@playbook("list")
def returns_list(event, play):
    return [1]


@playbook("object")
def returns_object(event, play):
    return {"it": object()}


@playbook("cycle")
def returns_cycle(event, play):
    outputs = {}
    outputs["self"] = outputs
    return outputs


@playbook("huge")
def returns_much(event, play):
    return {"it": "x" * 20_000_000}


@playbook("too much")
def says_much(event, play):
    play.note("long", "x" * 40_000_000)


@playbook("refused")
def refused(event, play):
    play.run("another")


@playbook("linger")
def linger(event, play):
    if os.fork() == 0:
        os.closerange(3, 100)
        os.read(0, 1)  # never returns by itself
        os._exit(0)
    play.log("forked")
    if play.ask("go on?") == "raise":
        raise LookupError("nobody home")
"""


class Template:
    """The template process and our end of its socket."""

    def __init__(self, process: subprocess.Popen[bytes], control: socket.socket) -> None:
        self.process = process
        self.control = control

    def told(self) -> dict[str, Any]:
        return json.loads(self.control.recv(65536))

    def start(self, output: Path, **limits: int) -> Run:
        requests, writer = os.pipe()
        reader, replies = os.pipe()
        with output.open("wb") as file:
            theirs = [requests, replies, file.fileno(), file.fileno()]
            plan = {"limits": {name: [value, value + 5] for name, value in limits.items()}}
            message = json.dumps({"op": "start", "plan": plan}).encode()
            socket.send_fds(self.control, [message], theirs)
        os.close(requests)
        os.close(replies)
        started = self.told()
        assert started["op"] == "started"
        return Run(started["pid"], open(reader, "rb"), open(writer, "wb"), output)

    def kill(self, pid: int) -> None:
        self.control.send(json.dumps({"op": "kill", "pid": pid}).encode())


class Run:
    """One playbook process and the pipes to it."""

    def __init__(self, pid: int, reader: IO[bytes], writer: IO[bytes], output: Path) -> None:
        self.pid = pid
        self.reader = reader
        self.writer = writer
        self.output = output

    def hello(self, folder: Path, name: str, **inputs: Any) -> None:
        event = {"name": "scan", "id": 4, "artifacts": [{"cef": {"sourceAddress": "192.0.2.1"}, "id": 1}]}
        protocol.write(
            self.writer,
            {"folder": str(folder), "main": "playbook.py", "name": name, "event": event, "inputs": inputs, "run": "r1"},
        )

    def read(self) -> dict[str, Any]:
        """The next message that is not ``idle``."""
        while (message := protocol.read(self.reader)) is not None:
            if message["op"] != "idle":
                return message
        raise AssertionError("the process ended (or was killed, because it said nothing)")

    def reply(self, key: str, value: Any) -> None:
        protocol.write(self.writer, {"key": key, "value": value})

    def close(self) -> None:
        self.reader.close()
        self.writer.close()


@pytest.fixture(scope="module")
def start_template(worker_command: Callable[..., list[str]]) -> Iterator[Callable[[], Template]]:
    started: list[Template] = []

    def start() -> Template:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.settimeout(PATIENCE_S)
        command = worker_command("template", theirs.fileno())
        started.append(Template(subprocess.Popen(command, pass_fds=[theirs.fileno()], stdin=subprocess.PIPE), ours))
        theirs.close()
        return started[-1]

    yield start
    for template in started:
        template.control.close()
        try:
            template.process.wait(PATIENCE_S)
        finally:
            template.process.kill()
            template.process.communicate()


@pytest.fixture(scope="module")
def template(start_template: Callable[[], Template]) -> Template:
    return start_template()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("playbooks")
    (made / "playbook.py").write_text(textwrap.dedent(PLAYBOOKS), "utf-8")
    return made


@pytest.fixture
def start_run(template: Template, tmp_path: Path) -> Iterator[Callable[..., Run]]:
    """Start runs of the shared template; one that says nothing for too long is killed, so that no test hangs."""
    runs: list[tuple[Run, threading.Timer]] = []

    def start(**limits: int) -> Run:
        run = template.start(tmp_path / f"{len(runs)}.out", **limits)
        runs.append((run, threading.Timer(PATIENCE_S, template.kill, [run.pid])))
        runs[-1][1].start()
        return run

    yield start
    for run, watchdog in runs:
        watchdog.cancel()
        run.close()


def test_requests_replies_and_outputs(template: Template, start_run: Callable[..., Run], folder: Path) -> None:
    run = start_run()
    run.hello(folder, "triage", depth=3)
    asked = run.read()
    assert (asked["op"], asked["key"], asked["action"]) == ("act", "1", "ip reputation")
    assert asked["parameters"] == {"ip": ["192.0.2.1"]}
    row = {"status": "succeeded", "data": [{"verdict": "malicious"}], "parameters": {"ip": "192.0.2.1"}}
    run.reply("1", [row])
    update = run.read()
    assert (update["op"], update["what"]) == ("record", "update_event")
    assert update["arguments"] == {"event": 4, "changes": {"severity": "high"}}
    run.reply("2", None)
    outputs = {"rows": [["192.0.2.1", "malicious"]], "severity": "high", "depth": 3}
    assert run.read() == {"op": "done", "outputs": outputs}
    assert template.told() == {"op": "exited", "pid": run.pid, "status": 0}


@pytest.mark.parametrize(
    ("name", "inputs", "said"),
    [
        ("raise", {}, "LookupError: nobody home (playbook.py, line "),
        ("sys exit", {}, "called exit(7) (playbook.py, line "),
        ("list", {}, "a playbook returns its outputs as a dictionary, not list"),
        ("object", {}, "the outputs cannot be kept: "),
        ("cycle", {}, "the outputs cannot be kept: "),
        ("huge", {}, "the outputs have 20 MB; at most 16 MB are kept"),
        ("too much", {}, "record: at most 32 MB can be passed at once (playbook.py, line "),
        ("triage", {"depth": "deep"}, 'depth: must be an integer, not "deep"'),
        ("triage", {"width": 1}, "playbook 'triage' has no input 'width' (it has depth)"),
        ("unheard of", {}, "the playbook cannot be loaded: playbook.py registers no playbook called 'unheard of'"),
    ],
)
def test_failures_are_sentences(
    template: Template, start_run: Callable[..., Run], folder: Path, name: str, inputs: dict[str, Any], said: str
) -> None:
    run = start_run()
    run.hello(folder, name, **inputs)
    failed = run.read()
    assert failed["op"] == "failed"
    assert failed["message"].startswith(said)
    assert template.told() == {"op": "exited", "pid": run.pid, "status": 0}


def test_refusal_is_an_error_of_the_playbook(template: Template, start_run: Callable[..., Run], folder: Path) -> None:
    run = start_run()
    run.hello(folder, "refused")
    protocol.write(run.writer, {"key": run.read()["key"], "error": "it may not start 'another'"})
    assert run.read()["message"].startswith("it may not start 'another' (playbook.py, line ")
    assert template.told()["status"] == 0


def test_what_a_playbook_prints_is_kept_apart(template: Template, start_run: Callable[..., Run], folder: Path) -> None:
    run = start_run()
    run.hello(folder, "print_and_return")
    assert run.read() == {"op": "done", "outputs": {}}
    template.told()
    printed = run.output.read_text()
    assert "to standard output" in printed
    assert "to standard error" in printed


def test_exit_behind_our_back_is_told_with_its_status(
    template: Template, start_run: Callable[..., Run], folder: Path
) -> None:
    run = start_run()
    run.hello(folder, "exit")
    assert run.reader.read() == b""
    assert template.told() == {"op": "exited", "pid": run.pid, "status": 7}


def test_two_runs_at_once_do_not_see_each_other(
    template: Template, start_run: Callable[..., Run], folder: Path
) -> None:
    first, second = start_run(), start_run()
    first.hello(folder, "triage", depth=1)
    second.hello(folder, "triage", depth=2)
    for run, depth in ((second, 2), (first, 1)):
        run.reply(run.read()["key"], [])
        run.reply(run.read()["key"], None)
        assert run.read()["outputs"]["depth"] == depth
        assert template.told() == {"op": "exited", "pid": run.pid, "status": 0}


def test_end_of_the_pipe_ends_a_run(template: Template, start_run: Callable[..., Run], folder: Path) -> None:
    run = start_run()
    run.hello(folder, "triage")
    run.read()
    run.writer.close()
    assert template.told() == {"op": "exited", "pid": run.pid, "status": 3}


def test_limits_hold_for_the_run_only(template: Template, start_run: Callable[..., Run], folder: Path) -> None:
    run = start_run(RLIMIT_AS=400_000_000, RLIMIT_CORE=0)
    limits = Path(f"/proc/{run.pid}/limits")
    run.hello(folder, "triage")
    run.read()
    assert "400000000" in limits.read_text()
    assert "400000000" not in Path(f"/proc/{template.process.pid}/limits").read_text()
    template.kill(run.pid)
    assert template.told()["status"] == -signal.SIGKILL


def test_kill_ends_a_run_at_once_even_before_its_first_step(template: Template, start_run: Callable[..., Run]) -> None:
    for _ in range(10):  # whether the process has a group of its own by then is a matter of microseconds
        run = start_run()
        template.kill(run.pid)
        assert template.told() == {"op": "exited", "pid": run.pid, "status": -signal.SIGKILL}


def test_kill_of_an_unknown_process_does_nothing(
    template: Template, start_run: Callable[..., Run], folder: Path
) -> None:
    waits = [sys.executable, "-S", "-c", "import sys; sys.stdin.read()"]
    bystander = subprocess.Popen(waits, stdin=subprocess.PIPE, start_new_session=True)
    template.kill(bystander.pid)
    run = start_run()
    run.hello(folder, "print_and_return")
    assert run.read()["op"] == "done"
    template.told()
    bystander.communicate(b"")
    assert bystander.returncode == 0


@pytest.mark.parametrize("end", ["killed", "done", "failed"])
def test_what_a_playbook_started_ends_with_it(
    template: Template, start_run: Callable[..., Run], folder: Path, end: str
) -> None:
    run = start_run()
    run.hello(folder, "linger")
    run.reply(run.read()["key"], None)
    question = run.read()
    group = members(run.pid)
    assert len(group) == 2
    if end == "killed":
        template.kill(run.pid)
    else:
        answer = "raise" if end == "failed" else "go on"
        run.reply(question["key"], {"answer": answer, "by": "me", "timed_out": False})
        assert run.read()["op"] == end
    assert template.told()["op"] == "exited"
    wait_for_end(group)


def test_end_of_the_socket_ends_the_template_and_its_runs(
    start_template: Callable[[], Template], folder: Path, tmp_path: Path
) -> None:
    template = start_template()
    run = template.start(tmp_path / "out")
    run.hello(folder, "linger")
    run.reply(run.read()["key"], None)
    run.read()
    group = members(run.pid)
    assert len(group) == 2
    template.control.close()
    assert template.process.wait(PATIENCE_S) == 0
    wait_for_end(group)
    run.close()


def members(group: int) -> list[int]:
    """File descriptors (``pidfd_open``) of all processes in a group: they tell an end without being asked again."""
    found = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [os.pidfd_open(pid) for pid in found if _group_of(pid) == group]


def _group_of(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return 0


def wait_for_end(processes: list[int]) -> None:
    for descriptor in processes:
        ended, _, _ = select.select([descriptor], [], [], PATIENCE_S)
        os.close(descriptor)
        assert ended, "a process is still there"
