"""A kit for simulators of machines reached by SSH: a server on loopback with a table of commands, state, files and faults.

    simulator = SshSimulator("Unbound", settings={"host": "{host}"}, state=lambda: {"zones": {}})

    @simulator.command("unbound-control")
    def control(command: Command) -> Any:
        return "ok\\n" if command.arguments else Said(1, stderr="unknown command\\n")

    if __name__ == "__main__":
        simulator.main()

An appliance that has a command line of its own instead is one function: ``@simulator.shell``, which talks on the channel.

Settings are completed by those of ``SshAsset``: port, user, password and the fingerprint of its key. ``cat`` and the files that
``Ssh.write`` replaces are known to it: they are in ``state["files"]``, a text by its path.
"""

from __future__ import annotations

import contextlib
import copy
import shlex
import socket
import threading
from contextlib import contextmanager
from typing import Any, Callable, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence

import paramiko

from repertory_sdk.ssh import FIND, WRITE, fingerprint
from repertory_sdk.testing.place import HOST, Place, tcp_faults, with_settings
from repertory_sdk.testing.simulator import announce, started_with, until_input_ends

USER, PASSWORD = "responder", "demo-password-of-ssh"
COMMAND_FAULTS = ("not permitted", "broken off in the middle", "no end", "command missing")
_LONGEST_S = 30.0


class Command(NamedTuple):
    """One command. ``arguments`` are without the program; ``sudo`` says whether it came by sudo."""

    program: str
    arguments: List[str]
    input: bytes
    sudo: bool
    state: Dict[str, Any]


class Said(NamedTuple):
    """What a program leaves; a text alone stands for success."""

    exit_code: int = 0
    stdout: str = ""
    stderr: str = ""


Handler = Callable[[Command], Any]
Talk = Callable[[paramiko.Channel], None]


class SshSimulator:
    """One simulated machine. In ``settings``, ``{host}`` stands for where it listens, also within lists.

    ``more`` are settings that are known once it runs: the port of something else on the machine. ``port`` is what the app
    calls the setting for the port of SSH.
    """

    def __init__(
        self, product: str, *, settings: Mapping[str, Any], state: Callable[[], Dict[str, Any]] = dict, port: str = "port"
    ) -> None:
        self.product = product
        self.talk: Optional[Talk] = None
        self._port = port
        self.key = paramiko.ECDSAKey.generate()
        self.commands: List[str] = []
        self.fault = ""
        self.more: Dict[str, Any] = {}
        self._doors: List[_Door] = []
        self.ended = threading.Event()
        self.lock = threading.RLock()
        self._initial = state
        self._given = settings
        self._handlers: Dict[str, Handler] = {"cat": _cat, "sh": written}
        self.reset()

    def command(self, *programs: str) -> Callable[[Handler], Handler]:
        """Answer these programs; what a handler returns is a text, or ``Said``."""

        def decorate(handler: Handler) -> Handler:
            self._handlers.update(dict.fromkeys(programs, handler))
            return handler

        return decorate

    def shell(self, function: Talk) -> Talk:
        """Let this answer whoever asks for an interactive shell; it looks at ``fault`` itself, but for ``no end``."""
        self.talk = function
        return function

    def door(self, name: str) -> Callable[[Callable[[Mapping[str, Any]], bool]], None]:
        """Have a port that takes connections as long as the function says so of the state: a service that can be stopped.

        Run as a program, the simulator says where it is as ``NAME_port``, beside its own port.
        """

        def decorate(is_open: Callable[[Mapping[str, Any]], bool]) -> None:
            self._doors.append(_Door(name, is_open))

        return decorate

    def reset(self) -> None:
        """As at the start."""
        with self.lock:
            self.state: Dict[str, Any] = {"files": {}, **copy.deepcopy(self._initial())}
            self.commands.clear()
            self.fault = ""

    def settings(self, port: int) -> Dict[str, Any]:
        """Those of an asset that reaches it on this port."""
        given = {name: [HOST if one == "{host}" else one for one in value] if isinstance(value, list) else value
                 for name, value in self._given.items()}  # fmt: skip
        given = {name: HOST if value == "{host}" else value for name, value in given.items()}
        return {self._port: port, "user": USER, "password": PASSWORD, "host_key": fingerprint(self.key), **given, **self.more}

    def answer(self, line: str, input: bytes) -> Said:
        """What the machine says to a line."""
        words = shlex.split(line)
        while words[:1] == ["env"] or (words and "=" in words[0]):
            words = words[1:]
        words = words[4:] if words[:3] == ["sh", "-c", FIND] else words
        sudo = words[:3] == ["sudo", "-n", "--"]
        program, *arguments = words[3:] if sudo else words
        self.commands.append(shlex.join([program, *arguments]))
        if self.fault == "not permitted":
            return Said(1, stderr=f"{program}: Operation not permitted (you must be root)\n")
        handler = self._handlers.get(program)
        if handler is None or self.fault == "command missing":
            return Said(127, stderr=f"env: '{program}': No such file or directory\n")
        with self.lock:
            said = handler(Command(program, arguments, input, sudo, self.state))
            for door in self._doors:
                door.tend(self.state)
        return said if isinstance(said, Said) else Said(0, said)

    # ------------------------------------------------------------- serving

    @contextmanager
    def running(self) -> Iterator[Place]:
        """Serve on a free port of loopback, in threads; where it is, and its faults."""
        self.reset()
        self.ended.clear()
        with self._serving(0) as port:
            settings = self.settings(port)
            faults = {name: self._broken(name, settings) for name in COMMAND_FAULTS}
            # All of these are on loopback, whatever the setting that names the host is called: the port tells them apart.
            faults.update(tcp_faults(settings, host=self._port, port=self._port))
            faults["wrong credentials"] = with_settings(settings, password="another")
            faults["host key changed"] = with_settings(settings, host_key="SHA256:" + "A" * 43)
            try:
                yield Place(settings, faults)
            finally:
                self.ended.set()

    def _broken(self, name: str, settings: Mapping[str, Any]) -> Callable[[], Any]:
        @contextmanager
        def broken() -> Iterator[Mapping[str, Any]]:
            self.fault = name
            self.ended.clear()
            try:
                yield settings
            finally:
                self.fault = ""
                self.ended.set()

        return broken

    @contextmanager
    def _serving(self, port: int) -> Iterator[int]:
        listening = socket.create_server((HOST, port))
        transports: List[paramiko.Transport] = []

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    wire, _ = listening.accept()
                    wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    transports.append(paramiko.Transport(wire))
                    transports[-1].add_server_key(self.key)
                    transports[-1].start_server(event=threading.Event(), server=_Connection(self))

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            listening.close()
            thread.join()
            for transport in transports:
                transport.close()

    def main(self, arguments: Optional[Sequence[str]] = None) -> None:
        """Serve until standard input ends; the first line of output says where, and the settings of an asset."""
        wanted, state = started_with(f"{self.product}, simulated on loopback.", arguments)
        self.state.update(state)
        for door in self._doors:
            door.tend(self.state)
        with self._serving(wanted) as port:
            doors: Dict[str, Any] = {f"{door.name}_port": door.port for door in self._doors}
            announce(self.settings(port), port, **doors)
            until_input_ends()


class _Door:
    """A port on loopback that is the same whenever it is open."""

    def __init__(self, name: str, is_open: Callable[[Mapping[str, Any]], bool]) -> None:
        self.name, self.port = name, 0
        self._is_open = is_open
        self._socket: Optional[socket.socket] = None

    def tend(self, state: Mapping[str, Any]) -> None:
        """Open or close it, as the state has become."""
        wanted = self._is_open(state)
        if wanted and self._socket is None:
            self._socket = socket.create_server((HOST, self.port), backlog=50)
            self.port = self._socket.getsockname()[1]
        elif not wanted and self._socket is not None:
            self._socket.close()
            self._socket = None


class _Connection(paramiko.ServerInterface):  # type: ignore[misc]
    """What paramiko asks of a server."""

    def __init__(self, simulator: SshSimulator) -> None:
        self._simulator = simulator

    def check_auth_password(self, username: str, password: str) -> int:
        known = (username, password) == (USER, PASSWORD)
        return int(paramiko.AUTH_SUCCESSFUL if known else paramiko.AUTH_FAILED)

    def get_allowed_auths(self, username: str) -> str:
        return "password"

    def check_channel_request(self, kind: str, chanid: int) -> int:
        forbidden = paramiko.OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED
        return int(paramiko.OPEN_SUCCEEDED if kind == "session" else forbidden)

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        threading.Thread(target=self._executed, args=(channel, command.decode("utf-8", "replace")), daemon=True).start()
        return True

    def check_channel_pty_request(self, channel: paramiko.Channel, *_: Any) -> bool:
        return self._simulator.talk is not None

    def check_channel_shell_request(self, channel: paramiko.Channel) -> bool:
        threading.Thread(target=self._talked, args=(channel,), daemon=True).start()
        return self._simulator.talk is not None

    def _talked(self, channel: paramiko.Channel) -> None:
        with contextlib.suppress(OSError, EOFError, paramiko.SSHException), contextlib.closing(channel):
            if self._simulator.fault == "no end":
                self._simulator.ended.wait(_LONGEST_S)
            elif self._simulator.talk is not None:
                self._simulator.talk(channel)

    def _executed(self, channel: paramiko.Channel, line: str) -> None:
        with contextlib.suppress(OSError, EOFError, paramiko.SSHException), contextlib.closing(channel):  # who hangs up, hangs up
            input = bytearray()
            while chunk := channel.recv(65536):
                input += chunk
            fault = self._simulator.fault
            if fault == "no end":
                self._simulator.ended.wait(_LONGEST_S)
                return
            said = self._simulator.answer(line, bytes(input))
            if fault == "broken off in the middle":
                channel.sendall(said.stdout.encode()[: len(said.stdout) // 2])
                channel.get_transport().close()
                return
            channel.sendall(said.stdout.encode())
            channel.sendall_stderr(said.stderr.encode())
            channel.send_exit_status(said.exit_code)


def _cat(command: Command) -> Any:
    path = command.arguments[-1]
    if path in command.state["files"]:
        return command.state["files"][path]
    return Said(1, stderr=f"cat: {path}: No such file or directory\n")


def written(command: Command) -> Any:
    """``sh`` as far as ``Ssh.write`` needs it; for machines that know more commands of it."""
    if command.arguments[:2] != ["-c", WRITE]:
        return Said(127, stderr="sh: this is no program of the simulated machine\n")
    command.state["files"][command.arguments[3]] = command.input.decode("utf-8", "replace")
    return ""
