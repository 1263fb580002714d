"""Playbook processes: a template that has the SDK loaded, and one fork of it for each attempt of a run.

Starting an interpreter and importing the SDK costs far more than most playbooks; a fork of a process that has done so costs
a few milliseconds, and every run still gets a process of its own. The template never loads content.

The tool sends ``{"op": "start", "plan": {…}}`` (a plan for ``confining``) with four descriptors (requests in, replies out,
stdout, stderr); the template answers ``{"op": "started", "pid": …}`` and later ``{"op": "exited", "pid": …,
"status": …}``. ``{"op": "kill", "pid": …}`` ends a run's whole process group; only the template knows for certain that a process
id still means that run.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import select
import signal
import socket
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any, Dict, List, Mapping, Set

from repertory_sdk import classic, protocol
from repertory_sdk.channel import Channel
from repertory_sdk.confining import confine
from repertory_sdk.convert import from_json, to_json
from repertory_sdk.explanation import explain
from repertory_sdk.loader import load_playbook, plugins_of
from repertory_sdk.models import Event, Result
from repertory_sdk.playbook import Play
from repertory_sdk.tracing import Tracing

MESSAGE_BYTES = 65536


def serve_template(descriptor: int) -> None:
    """Fork on request until the tool is gone."""
    control = socket.socket(fileno=descriptor)
    os.set_inheritable(descriptor, False)
    wake_reader, wake_writer = os.pipe()
    os.set_blocking(wake_writer, False)
    os.set_blocking(wake_reader, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake_writer, warn_on_full_buffer=False)
    _warm_up()
    live: Set[int] = set()
    while True:
        readable, _, _ = select.select([control.fileno(), wake_reader], [], [])
        if wake_reader in readable:
            os.read(wake_reader, MESSAGE_BYTES)
            _report_exits(control, live)
        if control.fileno() in readable and not _obey(control, live, (wake_reader, wake_writer)):
            _end(live)


def _warm_up() -> None:
    """Do once what every fork would have to do, and keep the garbage collector off it."""
    from_json(Event, {"name": "", "artifacts": [{}]})
    from_json(Result, {"status": ""})
    plugins_of(ModuleType("empty"))
    gc.freeze()


def _report_exits(control: socket.socket, live: Set[int]) -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        _kill_group(pid)  # whatever the playbook started ends with it
        live.discard(pid)
        _tell(control, {"op": "exited", "pid": pid, "status": os.waitstatus_to_exitcode(status)})


def _end(live: Set[int]) -> None:
    """The tool is gone: nothing that its runs do from here on could be recorded."""
    for pid in live:
        _kill_group(pid)
    os._exit(0)


def _kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass


def _tell(control: socket.socket, message: Mapping[str, Any]) -> None:
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # the loop notices the end of the socket itself
        control.send(json.dumps(message).encode("ascii"))


def _obey(control: socket.socket, live: Set[int], own: "tuple[int, int]") -> bool:
    data, descriptors, _, _ = socket.recv_fds(control, MESSAGE_BYTES, 4)
    if not data:
        return False
    message = json.loads(data)
    if message["op"] == "kill":
        if message["pid"] in live:
            _kill_group(message["pid"])
            os.kill(message["pid"], signal.SIGKILL)  # before setsid it has no group of its own yet
        return True
    pid = os.fork()
    if pid == 0:
        for descriptor in (control.fileno(), *own):
            os.close(descriptor)
        _run_forked(list(descriptors), message["plan"])
    live.add(pid)
    for descriptor in descriptors:
        os.close(descriptor)
    _tell(control, {"op": "started", "pid": pid})
    return True


def _run_forked(descriptors: List[int], plan: Mapping[str, Any]) -> None:
    """In the forked child; never returns."""
    try:
        os.setsid()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        requests, replies, stdout, stderr = descriptors
        os.dup2(stdout, 1)
        os.dup2(stderr, 2)
        os.close(stdout)
        os.close(stderr)
        confine(plan)
        channel_reader, channel_writer = open(requests, "rb"), open(replies, "wb")  # noqa: SIM115
        for descriptor in (requests, replies):
            os.set_inheritable(descriptor, False)
        hello = protocol.read(channel_reader)
        if hello is not None:
            _run(Channel(channel_reader, channel_writer), hello)
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        os._exit(4)


def _run(channel: Channel, hello: Dict[str, Any]) -> None:
    last = _outcome(channel, hello)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    try:
        channel.close(last)
    except (TypeError, ValueError) as error:
        channel.close({"op": "failed", "message": f"the outputs cannot be kept: {error}"})


def _outcome(channel: Channel, hello: Dict[str, Any]) -> Dict[str, Any]:
    if not hello.get("traced"):
        return _played(channel, hello)
    tracing = Tracing(Path(hello["folder"]))
    tracing.start()
    last = _played(channel, hello)
    return {**last, "coverage": tracing.report()}


def _played(channel: Channel, hello: Dict[str, Any]) -> Dict[str, Any]:
    if hello.get("format") == classic.FORMAT:
        return dict(classic.playbook_side().outcome(channel, hello))
    folder = Path(hello["folder"])
    try:
        loaded = load_playbook(folder, hello["main"], hello["name"])
    except (Exception, SystemExit) as error:
        traceback.print_exc()
        return {"op": "failed", "message": f"the playbook cannot be loaded: {explain(error, folder)}"}
    channel.start()
    event = from_json(Event, hello["event"])
    try:
        returned = loaded.start(event, Play(channel, event, run=hello["run"]), hello["inputs"])
    except (Exception, SystemExit) as error:
        traceback.print_exc()
        return {"op": "failed", "message": explain(error, folder)}
    if returned is not None and not isinstance(returned, Mapping):
        kind = type(returned).__name__
        return {"op": "failed", "message": f"a playbook returns its outputs as a dictionary, not {kind}"}
    return _done(returned or {})


def _done(returned: Mapping[str, Any]) -> Dict[str, Any]:
    try:
        outputs = to_json(returned)
        size = len(protocol.encode(outputs))
    except (TypeError, ValueError, RecursionError) as error:
        return {"op": "failed", "message": f"the outputs cannot be kept: {error}"}
    if size > protocol.RESULT_LIMIT:
        said = f"the outputs have {size // 1_000_000} MB; at most {protocol.RESULT_LIMIT // 2**20} MB are kept"
        return {"op": "failed", "message": said}
    return {"op": "done", "outputs": outputs}
