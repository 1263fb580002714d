"""Start a child process: plainly, or confined at a level."""

from __future__ import annotations

import os
import platform
import shutil
import socket
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

from repertory.runtime.egress.broker import Broker
from repertory.runtime.egress.gate import Gate, Inside
from repertory.runtime.egress.policy import Policy
from repertory.runtime.sandbox import landlock, namespaces
from repertory.runtime.sandbox.process import Capture, Process, held_sockets
from repertory.runtime.sandbox.seccomp import build_filter

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from repertory.runtime.egress.desk import Desk
    from repertory.runtime.egress.gate import Kind
    from repertory.runtime.sandbox.confinement import Confinement, Contact, Level

_PASSED_ON = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR")
# Tells the SDK inside at which descriptor connections are asked for.
DESK = "REPERTORY_DESK"
_START_S = 20.0
_MOST_SOCKETS = 253  # the kernel passes no more in one message (SCM_MAX_FD)


class NotConfined(Exception):
    """The walls could not be put up, and so nothing was started; the message is what the system said."""


class Confined:
    """A confined child and its way out."""

    def __init__(self, process: Process, way: Gate | Desk | None) -> None:
        self.process = process
        self._way = way

    def contacts(self) -> list[Contact]:
        """Whom it has reached, or tried to, since the last time."""
        return self._way.contacts() if self._way is not None else []


def launch(
    command: Sequence[str],
    *,
    descriptors: Sequence[int] = (),
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    output_bytes: int = 65536,
    hold_input: bool = False,
) -> Process:
    """Start a program of the user's own choice with nothing inherited but these descriptors and a few harmless variables.

    ``hold_input`` gives it a standard input that ends when this process does; else it has none.
    """
    clean = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    popen = _start(command, descriptors, {**clean, **(environment or {})}, folder=folder, hold_input=hold_input)
    return Process(popen, _captured(popen, output_bytes))


def _start(
    command: Sequence[str],
    descriptors: Sequence[int],
    environment: Mapping[str, str],
    *,
    folder: Path | None = None,
    hold_input: bool = False,
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE if hold_input else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        pass_fds=tuple(descriptors),
        cwd=folder,
        env=dict(environment),
        start_new_session=True,
    )


def _captured(popen: subprocess.Popen[bytes], output_bytes: int) -> Capture:
    output = Capture(output_bytes)
    assert popen.stdout is not None
    output.follow(popen.stdout)
    return output


class Sandbox:
    """Starts confined children at one level. Thread-safe; shared by everything in this process."""

    def __init__(self, level: Level) -> None:
        self.level = level
        self._broker = Broker()
        # The kernel ends children of bwrap's kind with the thread that started them (PR_SET_PDEATHSIG in prctl(2)), and whoever
        # wants a warm process is gone before it is.
        self._starter = ThreadPoolExecutor(1, thread_name_prefix="starter")

    def start(
        self,
        command: Sequence[str],
        confinement: Confinement,
        *,
        descriptors: Sequence[int] = (),
        environment: Mapping[str, str] | None = None,
        output_bytes: int = 65536,
    ) -> Confined:
        """Start a program that reaches only what is named; raises NotConfined and OSError."""
        if self.level == "process":
            return Confined(launch(command, descriptors=descriptors, environment=environment, output_bytes=output_bytes), None)
        start = self._in_namespaces if self.level == "namespaces" else self._by_landlock
        return start(
            command, confinement, descriptors=descriptors, environment=environment or {}, output_bytes=output_bytes
        )  # fmt: skip

    def start_template(
        self, command: Sequence[str], confinement: Confinement, *, descriptors: Sequence[int], environment: Mapping[str, str]
    ) -> Process:
        """Start our own program that forks, and whose forks confine themselves further before they run content."""
        if self.level != "namespaces":
            return launch(command, descriptors=descriptors, environment=environment)
        with ExitStack() as stack:
            files = _etc(stack)
            line = namespaces.command_of(command, confinement, control=None, seccomp=None, files=files)
            popen = self._start(line, [*descriptors, *files.values()], {**namespaces.ENVIRONMENT, **environment})
        return Process(popen, _captured(popen, 65536), wrapped=True)

    def _start(self, line: Sequence[str], descriptors: Sequence[int], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
        return self._starter.submit(_start, line, descriptors, environment).result()

    def _by_landlock(
        self, command: Sequence[str], confinement: Confinement, *, descriptors: Sequence[int],
        environment: Mapping[str, str], output_bytes: int,
    ) -> Confined:  # fmt: skip
        scratch = Path(tempfile.mkdtemp(prefix="repertory-"))
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            places = {"HOME": str(scratch), "TMPDIR": str(scratch)}
            asking = {DESK: str(theirs.fileno())}
            line = landlock.command_of(command, confinement, scratch)
            variables = {**namespaces.ENVIRONMENT, **places, **asking, **environment}
            try:
                popen = _start(line, [*descriptors, theirs.fileno()], variables, folder=scratch)
            except OSError:
                ours.close()
                shutil.rmtree(scratch, ignore_errors=True)
                raise
        desk = self._broker.open_desk(_policy(confinement), ours, partial(held_sockets, popen.pid))

        def end() -> None:
            self._broker.end(desk)
            shutil.rmtree(scratch, ignore_errors=True)

        return Confined(Process(popen, _captured(popen, output_bytes), on_end=end), desk)

    def _in_namespaces(
        self, command: Sequence[str], confinement: Confinement, *, descriptors: Sequence[int],
        environment: Mapping[str, str], output_bytes: int,
    ) -> Confined:  # fmt: skip
        with ExitStack() as stack:
            code = build_filter(platform.machine(), network="inet", programs=True)
            seccomp = stack.enter_context(_memory_file(code))
            files = _etc(stack)
            ours, theirs = map(stack.enter_context, socket.socketpair())
            line = namespaces.command_of(command, confinement, control=theirs.fileno(), seccomp=seccomp, files=files)
            passed = [*descriptors, seccomp, *files.values(), theirs.fileno()]
            popen = self._start(line, passed, {**namespaces.ENVIRONMENT, **environment})
            output = _captured(popen, output_bytes)
            theirs.close()
            gate = self._gate(ours, confinement, popen, output)
        return Confined(Process(popen, output, wrapped=True, on_end=lambda: self._broker.end(gate)), gate)

    def _gate(self, control: socket.socket, confinement: Confinement, popen: subprocess.Popen[bytes], output: Capture) -> Gate:
        try:
            listening = _receive(control)
            return self._broker.open(_policy(confinement), listening)
        except (OSError, ValueError) as error:
            status = Process(popen, output).kill()
            output.finish()
            said = output.take().strip().splitlines()
            raise NotConfined(said[-1] if said else f"{error} (exit status {status})") from error

    def close(self) -> None:
        """Nobody needs the gates any more, nor what is behind them."""
        self._broker.close()
        self._starter.shutdown()


def _policy(confinement: Confinement) -> Policy:
    return Policy(hosts=confinement.hosts, within=confinement.within, lookups=confinement.lookups)


def _receive(control: socket.socket) -> list[Inside]:
    control.settimeout(_START_S)
    # Without the flag the next child would inherit them.
    described, descriptors, _, _ = socket.recv_fds(control, 65536, _MOST_SOCKETS, socket.MSG_CMSG_CLOEXEC)
    kinds = [one.split("=") for one in described.decode("ascii").split(",")]
    if not descriptors or len(kinds) != len(descriptors):
        raise ValueError("no sockets came out of the namespace")
    return [
        Inside(socket=socket.socket(fileno=descriptor), kind=cast("Kind", kind), number=int(number))
        for (kind, number), descriptor in zip(kinds, descriptors, strict=True)
    ]


def _etc(stack: ExitStack) -> dict[str, int]:
    return {path: stack.enter_context(_memory_file(text.encode())) for path, text in namespaces.FILES.items()}


@contextmanager
def _memory_file(content: bytes) -> Iterator[int]:
    """A file without a path; rewound, because the child shares our place in it."""
    descriptor = os.memfd_create("repertory")
    try:
        os.write(descriptor, content)
        os.lseek(descriptor, 0, os.SEEK_SET)
        yield descriptor
    finally:
        os.close(descriptor)
