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
from repertory.runtime.sandbox.confinement import Confinement
from repertory.runtime.sandbox.playbooks import playbook_plan
from repertory.runtime.sandbox.process import Capture, Process

if TYPE_CHECKING:
    from repertory.home import Home
    from repertory.runtime.sandbox.launch import Sandbox

START_S = 30.0
_MESSAGE_BYTES = 65536
# Without PYTHONHASHSEED sets of strings would be walked in another order in every attempt.
_ENVIRONMENT = {"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUTF8": "1"}
_FLAGS = ("-s", "-S", "-P")
_TASKS, _OPEN_FILES = 4096, 4096  # of all forks together
_SIGNALLED = 128
KILLED = "the playbook's process was killed, again and again (does it need too much memory?)"


class CannotStart(Exception):
    """A child process did not come up."""


class ProcessKilled(Exception):
    """Somebody, or the system for want of memory, killed a playbook's process or the template that it comes from.

    That is nothing the playbook did; another attempt goes on from the record.
    """


@dataclass
class PlaybookProcess:
    """One fork: its pipe, its output, and how it ended once it has."""

    pid: int
    pipe: Pipe
    output: Capture
    ended: threading.Event
    parent: _TemplateProcess
    status: int | None = None

    def kill(self) -> None:
        """End it with everything it started; returns when it is gone."""
        self.pipe.close()
        if not self.ended.is_set():
            self.parent.kill(self.pid)
            self.ended.wait(START_S)
        self.output.finish()


class Template:
    """What is forked; its process is started on first use, and again should it die."""

    def __init__(self, home: Home, sandbox: Sandbox, *, output_bytes: int, contents: Path | None = None) -> None:
        """``contents``: the folder of all content, of which a playbook sees its own part only."""
        self._home = home
        self._sandbox = sandbox
        self._contents = contents or home.contents
        self._output_bytes = output_bytes
        self._lock = threading.Lock()
        self._process: _TemplateProcess | None = None

    def fork(self, folder: Path, *, cpu_s: int) -> PlaybookProcess:
        """A fresh playbook process that waits for its first message; raises CannotStart and ProcessKilled."""
        request_reader, request_writer = os.pipe()
        reply_reader, reply_writer = os.pipe()
        output_reader, output_writer = os.pipe()
        theirs = [request_reader, reply_writer, output_writer, output_writer]
        pipe = Pipe(reply_reader, request_writer)
        output = Capture(self._output_bytes)
        output.follow(os.fdopen(output_reader, "rb", buffering=0))
        plan = playbook_plan(
            self._sandbox.level, cpu_s=cpu_s, contents=self._contents, folder=folder, sdk=sdk_folder(self._home)
        )  # fmt: skip
        try:
            with self._lock:
                parent, pid = self._fork(json.dumps({"op": "start", "plan": plan}).encode(), theirs)
            made = PlaybookProcess(pid, pipe, output, threading.Event(), parent)
            parent.note_start(made)
        except BaseException:
            pipe.close()
            raise
        finally:
            for descriptor in {request_reader, reply_writer, output_writer}:
                os.close(descriptor)
        return made

    def _fork(self, message: bytes, descriptors: list[int]) -> tuple[_TemplateProcess, int]:
        """One that is found dead is replaced; where its successor ends too, there is a reason for it."""
        for last_try in (False, True):
            if self._process is None or not self._process.is_alive():
                self._end_process()
                self._process = _TemplateProcess(self._home, self._sandbox, self._contents)
            try:
                return self._process, self._process.fork(message, descriptors)
            except _NoAnswer as error:
                status = self._process.end()
                if last_try and error.is_over and status == -signal.SIGKILL:
                    raise ProcessKilled(KILLED) from error
                if last_try:
                    raise CannotStart(f"no playbook process can be started: {error}") from error
        raise AssertionError

    def _end_process(self) -> None:
        if self._process is not None:
            self._process.end()
        self._process = None

    def close(self) -> None:
        """End the template, and its forks with it."""
        with self._lock:
            self._end_process()


class _NoAnswer(Exception):
    """The template did not fork. ``is_over``: because it had ended."""

    def __init__(self, reason: str, *, is_over: bool) -> None:
        super().__init__(reason)
        self.is_over = is_over


class _TemplateProcess:
    """One life of the template. When it is over, so are those of all its forks: nobody could tell how they ended."""

    def __init__(self, home: Home, sandbox: Sandbox, contents: Path) -> None:
        self._sdk = sdk_folder(home)
        self._are_wrapped = sandbox.level == "namespaces"
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        python = Path(sys.executable).resolve()
        command = worker_command(python, self._sdk, "template", str(theirs.fileno()), flags=_FLAGS)
        confinement = Confinement(files=(self._sdk, contents), tasks=_TASKS, open_files=_OPEN_FILES)
        try:
            self._process: Process = sandbox.start_template(
                command, confinement, descriptors=[theirs.fileno()], environment=_ENVIRONMENT
            )
        except OSError as error:
            self._control.close()
            raise CannotStart(f"{sys.executable} cannot be started: {error.strerror}") from error
        finally:
            theirs.close()
        self._started: queue.Queue[int | None] = queue.Queue()  # None: no more will come
        self._noting = threading.Lock()  # never held while waiting for the template
        self._forks: dict[int, PlaybookProcess] = {}
        self._early: dict[int, int] = {}
        self._is_over = False
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def is_alive(self) -> bool:
        """Whether it can be asked to fork."""
        return self._process.running()

    def fork(self, message: bytes, descriptors: list[int]) -> int:
        """The process id of a new fork; raises _NoAnswer. One caller at a time."""
        try:
            socket.send_fds(self._control, [message], descriptors)
            pid = self._started.get(timeout=START_S)
        except OSError as error:
            raise _NoAnswer(str(error), is_over=True) from error
        except queue.Empty:
            raise _NoAnswer(f"no answer within {START_S:.0f} s", is_over=False) from None
        if pid is None:
            raise _NoAnswer("the process that is forked has ended", is_over=True)
        return pid

    def _listen(self) -> None:
        with suppress(OSError):
            while data := self._control.recv(_MESSAGE_BYTES):
                message: dict[str, Any] = json.loads(data)
                if message["op"] == "started":
                    self._started.put(message["pid"])
                else:
                    self._note_end(message["pid"], message["status"])
        self._bury()

    def note_start(self, made: PlaybookProcess) -> None:
        """From now on its end is noted."""
        with self._noting:
            self._forks[made.pid] = made
            status = self._early.pop(made.pid, -signal.SIGKILL if self._is_over else None)
        if status is not None:
            if self._is_over:
                self._kill_stray(made.pid)
            self._note_end(made.pid, status)

    def _note_end(self, pid: int, status: int) -> None:
        with self._noting:
            ended = self._forks.pop(pid, None)
            if ended is None:  # it ended before fork() could note that it had begun
                self._early[pid] = status
                return
        # A fork with namespaces of its own is waited for by another process, which says by its exit status how it ended.
        is_told = self._are_wrapped and status > _SIGNALLED
        ended.status = _SIGNALLED - status if is_told else status
        ended.ended.set()

    def kill(self, pid: int) -> None:
        """Only the template knows that the process id still means this fork; without it, all are killed anyway."""
        with suppress(OSError):
            self._control.send(json.dumps({"op": "kill", "pid": pid}).encode())

    def _bury(self) -> None:
        """They would go on without it, but how they end could not be told from a fault of the playbook."""
        self._process.kill()
        with self._noting:
            self._is_over = True
            orphans = list(self._forks)
        for pid in orphans:
            self._kill_stray(pid)
            self._note_end(pid, -signal.SIGKILL)
        self._started.put(None)

    def _kill_stray(self, pid: int) -> None:
        if self._are_wrapped:
            return  # it was in the template's namespace of processes, and that number means another one here
        with suppress(OSError):
            if str(self._sdk).encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.killpg(pid, signal.SIGKILL)

    def end(self) -> int:
        """End it with all its forks; its exit status."""
        status = self._process.kill()
        self._listener.join(START_S)
        self._control.close()
        return status
