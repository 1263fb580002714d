"""Playbook processes: forks of one template that has the SDK loaded."""

from __future__ import annotations

import json
import os
import queue
import signal
import socket
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repertory.runtime.processes.pipe import Pipe
from repertory.runtime.processes.sdk_copy import sdk_folder, worker_command
from repertory.runtime.sandbox.launch import Capture, Process, launch

if TYPE_CHECKING:
    from repertory.home import Home

START_S = 30.0
# Between the signal that says why and the one that cannot be caught, in seconds of processor time.
GRACE_S = 5
_MESSAGE_BYTES = 65536
# Without PYTHONHASHSEED sets of strings would be walked in another order in every attempt.
_ENVIRONMENT = {"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUTF8": "1"}
_FLAGS = ("-s", "-S", "-P")


class CannotStart(Exception):
    """A child process did not come up."""


@dataclass
class PlaybookProcess:
    """One fork: its pipe, its output, and how it ended once it has."""

    pid: int
    pipe: Pipe
    output: Capture
    ended: threading.Event
    template: Template
    status: int | None = None

    def kill(self) -> None:
        """End it with everything it started; returns when it is gone."""
        self.pipe.close()
        if not self.ended.is_set():
            self.template.kill(self.pid)
            self.ended.wait(START_S)
        self.output.finish()


class Template:
    """The process that is forked; started on first use, and again should it die."""

    def __init__(self, home: Home, *, output_bytes: int) -> None:
        self._home = home
        self._output_bytes = output_bytes
        self._lock = threading.Lock()
        self._process: Process | None = None
        self._control: socket.socket | None = None
        self._started: queue.Queue[int] = queue.Queue()
        self._noting = threading.Lock()  # never held while waiting for the template
        self._forks: dict[int, PlaybookProcess] = {}
        self._early: dict[int, int | None] = {}

    def fork(self, *, cpu_s: int) -> PlaybookProcess:
        """A fresh playbook process that waits for its first message."""
        request_reader, request_writer = os.pipe()
        reply_reader, reply_writer = os.pipe()
        output_reader, output_writer = os.pipe()
        theirs = [request_reader, reply_writer, output_writer, output_writer]
        pipe = Pipe(reply_reader, request_writer)
        output = Capture(self._output_bytes)
        output.follow(os.fdopen(output_reader, "rb", buffering=0))
        limits = {"RLIMIT_CPU": [cpu_s, cpu_s + GRACE_S], "RLIMIT_CORE": [0, 0]}
        try:
            with self._lock:
                pid = self._fork(json.dumps({"op": "start", "limits": limits}).encode(), theirs)
            made = PlaybookProcess(pid, pipe, output, threading.Event(), self)
            self._note_start(made)
        except BaseException:
            pipe.close()
            raise
        finally:
            for descriptor in {request_reader, reply_writer, output_writer}:
                os.close(descriptor)
        return made

    def _fork(self, message: bytes, descriptors: list[int]) -> int:
        for last_try in (False, True):
            control = self._connected()
            try:
                socket.send_fds(control, [message], descriptors)
                return self._started.get(timeout=START_S)
            except (OSError, queue.Empty) as error:
                self._stop()
                if last_try:
                    raise CannotStart(f"no playbook process can be started: {error or 'no answer'}") from error
        raise AssertionError

    def _connected(self) -> socket.socket:
        if self._control is not None and self._process is not None and self._process.running():
            return self._control
        self._stop()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        command = worker_command(
            Path(sys.executable), sdk_folder(self._home), "template", str(theirs.fileno()), flags=_FLAGS
        )
        self._process = launch(command, descriptors=[theirs.fileno()], environment=_ENVIRONMENT)
        theirs.close()
        self._control = ours
        self._started = queue.Queue()
        threading.Thread(target=self._listen, args=(ours, self._started), daemon=True).start()
        return ours

    def _listen(self, control: socket.socket, started: queue.Queue[int]) -> None:
        with suppress(OSError):
            while data := control.recv(_MESSAGE_BYTES):
                message: dict[str, Any] = json.loads(data)
                if message["op"] == "started":
                    started.put(message["pid"])
                else:
                    self._note_end(message["pid"], message["status"])

    def _note_start(self, made: PlaybookProcess) -> None:
        with self._noting:
            self._forks[made.pid] = made
            if made.pid not in self._early:
                return
            status = self._early.pop(made.pid)
        self._note_end(made.pid, status)

    def _note_end(self, pid: int, status: int | None) -> None:
        with self._noting:
            ended = self._forks.pop(pid, None)
            if ended is None:  # it ended before fork() could note that it had begun
                self._early[pid] = status
                return
        ended.status = status
        ended.ended.set()

    def kill(self, pid: int) -> None:
        """Only the template knows that the process id still means this fork."""
        with suppress(OSError):
            if self._control is not None:
                self._control.send(json.dumps({"op": "kill", "pid": pid}).encode())
                return
        self._kill_stray(pid)
        self._note_end(pid, None)

    def _kill_stray(self, pid: int) -> None:
        """The template is gone, and this process should follow by itself; a hostile one would not."""
        with suppress(OSError):
            if str(sdk_folder(self._home)).encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.killpg(pid, signal.SIGKILL)

    def _stop(self) -> None:
        if self._control is not None:
            self._control.close()
        if self._process is not None:
            self._process.kill()
        self._control = self._process = None
        with self._noting:
            orphans, self._forks, self._early = self._forks, {}, {}
        for orphan in orphans.values():
            self._kill_stray(orphan.pid)
            orphan.ended.set()

    def close(self) -> None:
        """End the template; forks end with their pipes."""
        with self._lock:
            self._stop()
