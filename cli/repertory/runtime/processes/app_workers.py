"""App processes, kept warm: one asset's credentials and one action at a time in each."""

from __future__ import annotations

import errno
import json
import os
import threading
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from repertory.runtime.processes.pipe import Closed, Pipe
from repertory.runtime.processes.playbook_process import CannotStart
from repertory.runtime.processes.sdk_copy import FLAGS, sdk_folder, worker_command
from repertory.runtime.records import digest_of
from repertory.runtime.sandbox.launch import NotConfined
from repertory.runtime.sandbox.namespaces import TEMPORARY, Missing
from repertory_sdk import classic
from repertory_sdk.manifest import AppManifest
from repertory_sdk.protocol import BadMessage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from repertory.home import Home
    from repertory.items import Installed
    from repertory.runtime.sandbox.confinement import Confinement, Contact
    from repertory.runtime.sandbox.launch import Sandbox
    from repertory_sdk.protocol import Message

# Before a second process is started for an asset, this long a wait for the first one: most actions are quicker.
PATIENCE_S = 0.1
_LOOK_S = 0.2
Purpose = Literal["actions", "views", "requests"]
# Where connectors write by name of the platform's own places, and where those are here.
_CLASSIC_HOME = f"{TEMPORARY}/phantom"
CLASSIC_LINKS = (("/opt/phantom", _CLASSIC_HOME), ("/vault", f"{_CLASSIC_HOME}/vault"))


class GivenUp(Exception):
    """The run stops; an action that has not been sent to a worker yet is not sent any more."""


class Lost(Exception):
    """The process ended or was ended during an action: nobody knows what it had done."""


@dataclass(frozen=True, kw_only=True)
class WorkerKind:
    """What a worker is good for: this code with this configuration, for actions or something else that classic apps can do."""

    app: Installed
    asset: str
    settings: Mapping[str, Any]
    concurrency: int
    confinement: Confinement
    purpose: Purpose = "actions"

    @property
    def key(self) -> str:
        """Equal for equal kinds."""
        return digest_of(self.app.hash, self.asset, self.settings, repr(self.confinement), self.purpose)


@dataclass(frozen=True, kw_only=True)
class Asides:
    """What to do with the messages of an action that is still running."""

    progress: Callable[[str], None]
    attach: Callable[[Message], None]
    read: Callable[[str], str]
    lists: Callable[[], Mapping[str, Any]] = dict


class AppWorker:
    """One child process with one asset."""

    def __init__(self, kind: WorkerKind, home: Home, sandbox: Sandbox, *, output_bytes: int) -> None:
        manifest = kind.app.manifest
        assert isinstance(manifest, AppManifest)
        if not kind.app.python.exists():
            raise CannotStart(f"{kind.app.python} cannot be started: {os.strerror(errno.ENOENT)}")
        request_reader, request_writer = os.pipe()
        reply_reader, reply_writer = os.pipe()
        command = worker_command(
            kind.app.python, sdk_folder(home), "app", str(request_reader), str(reply_writer), flags=_flags(kind.app.python)
        )
        files = (*kind.confinement.files, kind.app.folder, sdk_folder(home))
        links = CLASSIC_LINKS if manifest.format == classic.FORMAT else ()
        confinement = replace(kind.confinement, files=files, links=links)
        try:
            self._confined = sandbox.start(
                command, confinement, descriptors=[request_reader, reply_writer], output_bytes=output_bytes
            )
        except (OSError, NotConfined, Missing) as error:
            os.close(request_writer)
            os.close(reply_reader)
            raise CannotStart(f"{kind.app.python} cannot be started at level {sandbox.level}: {error}") from error
        finally:
            os.close(request_reader)
            os.close(reply_writer)
        self._process = self._confined.process
        self._pipe = Pipe(reply_reader, request_writer)
        self._hello: dict[str, Any] = {
            "op": "hello", "folder": str(kind.app.folder), "main": manifest.main,
            "asset": {"name": kind.asset, "settings": dict(kind.settings)}, "format": manifest.format,
            "purpose": kind.purpose,
        }  # fmt: skip
        if manifest.origin:
            self._hello["classic"] = json.loads((kind.app.folder / manifest.origin).read_bytes())
            # Native apps know their own defaults; these are told.
            defaults = {one.name: one.default for one in manifest.settings if one.default is not None}
            self._hello["asset"]["settings"] = {**defaults, **kind.settings}
        self.kind = kind
        self.idle_since = time.monotonic()
        self.served = 0

    def greet(self, timeout_s: float, giving_up: threading.Event) -> None:
        """Let it load the app; raises CannotStart with the app's own reason, and GivenUp."""
        try:
            self._pipe.write(self._hello)
            reply = self._first_message(time.monotonic() + timeout_s, giving_up)
        except TimeoutError:
            raise self._failed(f"the app was not loaded within {timeout_s:.0f} s") from None
        except (Closed, BadMessage) as error:
            raise self._failed(f"the app's process broke down while it was loaded: {error}") from error
        if reply is None:
            raise self._failed(f"the app's process ended while it was loaded ({self._ending()})")
        if reply["op"] != "ready":
            raise self._failed(str(reply.get("message", reply)))

    def _first_message(self, deadline: float, giving_up: threading.Event) -> Message | None:
        while not giving_up.is_set():
            left = deadline - time.monotonic()
            try:
                return self._pipe.read(max(0.0, min(left, _LOOK_S)))
            except TimeoutError:
                if left <= _LOOK_S:
                    raise
        self.close()
        raise GivenUp

    def _failed(self, reason: str) -> CannotStart:
        self.close()
        return CannotStart(reason)

    def act(self, request: Mapping[str, Any], timeout_s: float, asides: Asides) -> Message:
        """Send a request and wait for its result; raises Lost when the process or the time runs out."""
        deadline = time.monotonic() + timeout_s
        self.served += 1
        try:
            self._pipe.write({"op": "act", "timeout_s": timeout_s, **request})
            while True:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise TimeoutError
                message = self._pipe.read(left)
                if message is None:
                    raise Lost(f"the app's process ended during the action ({self._ending()})")
                if message["op"] == "result" and message.get("id") == request["id"]:
                    return message
                self._aside(message, asides)
        except TimeoutError:
            raise Lost(f"no answer within {timeout_s:g} s") from None
        except (Closed, BadMessage) as error:
            raise Lost(f"the app's process broke down during the action: {error}") from error

    def _aside(self, message: Message, asides: Asides) -> None:
        if message["op"] == "progress":
            asides.progress(str(message.get("message", "")))
        elif message["op"] == "attach":
            asides.attach(message)
        elif message["op"] == "read":
            self._pipe.write({"op": "content", "content": asides.read(str(message.get("sha256", "")))})
        elif message["op"] == "lists":
            self._pipe.write({"op": "content", "lists": asides.lists()})
        else:
            raise BadMessage(f"an unknown message {message['op']!r}")

    def _ending(self) -> str:
        status = self._process.wait(1.0)
        return "still running" if status is None else f"signal {-status}" if status < 0 else f"exit status {status}"

    def take_output(self) -> str:
        """What it printed since the last time."""
        return self._process.output.take()

    def contacts(self) -> list[Contact]:
        """Whom it has reached, or tried to, since the last time."""
        return self._confined.contacts()

    def peak_memory(self) -> int:
        """The most memory that it had so far, in bytes."""
        return self._process.peak_memory()

    def alive(self) -> bool:
        """Whether it can be used again."""
        return self._process.running()

    def kill(self) -> None:
        """End its process while somebody waits for it, who closes the rest."""
        self._process.kill()

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._pipe.close()
        self._process.output.finish()


def _flags(python: Path) -> tuple[str, ...]:
    """An interpreter that is no environment of the app's own must not lend it what happens to be installed there."""
    return FLAGS if (python.parent.parent / "pyvenv.cfg").exists() else (*FLAGS, "-S")


@dataclass
class _Crew:
    """All workers of one kind."""

    idle: list[AppWorker] = field(default_factory=list)
    busy: int = 0  # those that are being started count


class AppWorkers:
    """The pool. Thread-safe."""

    def __init__(
        self, home: Home, sandbox: Sandbox, *, start_s: float, idle_s: float, output_bytes: int, actions: int = 1000
    ) -> None:
        """``actions``: after so many, a worker is replaced, with whatever it has piled up."""
        self._home = home
        self._sandbox = sandbox
        self._start_s = start_s
        self._idle_s = idle_s
        self._output_bytes = output_bytes
        self._actions = actions
        self._changed = threading.Condition()
        self._crews: dict[str, _Crew] = {}
        self._lent: set[AppWorker] = set()
        self._closing = threading.Event()
        self._is_retiring = False

    def borrow(self, kind: WorkerKind, giving_up: threading.Event) -> AppWorker:
        """An idle worker, or a new one, or the next that becomes idle; raises CannotStart and GivenUp."""
        patience = time.monotonic() + PATIENCE_S
        with self._changed:
            crew = self._crews.setdefault(kind.key, _Crew())
            while True:
                while crew.idle:
                    worker = crew.idle.pop()
                    if worker.alive():
                        crew.busy += 1
                        self._lent.add(worker)
                        return worker
                    worker.close()
                if self._closing.is_set() or giving_up.is_set():
                    raise GivenUp
                if crew.busy == 0 or (crew.busy < kind.concurrency and time.monotonic() >= patience):
                    crew.busy += 1
                    break
                left = patience - time.monotonic() if crew.busy < kind.concurrency else _LOOK_S
                self._changed.wait(max(0.0, min(left, _LOOK_S)))
        return self._start(kind, giving_up)

    def _start(self, kind: WorkerKind, giving_up: threading.Event) -> AppWorker:
        try:
            worker = AppWorker(kind, self._home, self._sandbox, output_bytes=self._output_bytes)
            worker.greet(self._start_s, giving_up)
        except BaseException:
            with self._changed:
                self._crews[kind.key].busy -= 1
                self._changed.notify_all()
            raise
        with self._changed:
            if not self._closing.is_set():
                self._lent.add(worker)
                return worker
        self.give_back(worker, usable=False)
        raise GivenUp

    def give_back(self, worker: AppWorker, *, usable: bool) -> None:
        """After an action; an unusable worker is ended."""
        with self._changed:
            crew = self._crews[worker.kind.key]
            crew.busy -= 1
            self._lent.discard(worker)
            keep = usable and worker.served < self._actions and not self._closing.is_set()
            if keep:
                worker.idle_since = time.monotonic()
                crew.idle.append(worker)
                if not self._is_retiring:
                    self._is_retiring = True
                    threading.Thread(target=self._retire, name="idle apps", daemon=True).start()
            self._changed.notify_all()
        if not keep:
            worker.close()

    def _retire(self) -> None:
        """End workers that have had nothing to do for long, as long as there are any; sleeps until the next one is due."""
        pause = self._idle_s
        while not self._closing.wait(pause):
            with self._changed:
                retired = self._take_retired(time.monotonic() - self._idle_s)
                left = [worker.idle_since for crew in self._crews.values() for worker in crew.idle]
                self._is_retiring = bool(left)
            for worker in retired:
                worker.close()
            if not left:
                return
            pause = max(0.0, min(left) + self._idle_s - time.monotonic())

    def _take_retired(self, before: float) -> list[AppWorker]:
        retired = [worker for crew in self._crews.values() for worker in crew.idle if worker.idle_since <= before]
        for worker in retired:
            self._crews[worker.kind.key].idle.remove(worker)
        return retired

    def close(self) -> None:
        """End every worker; whoever waits for one finds it lost."""
        with self._changed:
            self._closing.set()
            idle = [worker for crew in self._crews.values() for worker in crew.idle]
            for crew in self._crews.values():
                crew.idle.clear()
            for worker in self._lent:
                worker.kill()
            self._changed.notify_all()
        for worker in idle:
            worker.close()
