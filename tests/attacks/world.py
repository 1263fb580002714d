"""What there is to get on a machine: files of a user, a process, services; laid out anew for each run of the suite."""

from __future__ import annotations

import ctypes
import json
import os
import platform
import shutil
import socket
import socketserver
import subprocess
import sys
import threading
import uuid
import venv
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from folder_library import FolderLibrary
from repertory.home import Home
from repertory.runtime.processes.author import describe
from repertory.runtime.processes.sdk_copy import sdk_folder
from repertory.runtime.sandbox.confinement import Confinement, HostRule
from repertory.runtime.sandbox.seccomp import MACHINES
from repertory.runtime.sandbox.syscalls import NUMBERS

if TYPE_CHECKING:
    from repertory.items import Installed
    from repertory.runtime.sandbox.confinement import Level

INSIDE = Path(__file__).with_name("inside")
TOKEN = "host-token-" + uuid.uuid4().hex
MORE_NUMBERS = {"pidfd_open": 434, "pidfd_send_signal": 424}
DOMAIN = "rebound.example"
LEADS_TO = {"loopback": "127.0.0.1", "six": "::1", "private": "10.0.0.1", "metadata": "169.254.169.254"}
SHARED_MEMORY = 0x5EC2E7
IPC_CREATE, IPC_REMOVE = 0o1000, 0
VICTIM = """
import ctypes, sys, signal
secret = ctypes.create_string_buffer(b"secret in memory")
print(ctypes.addressof(secret), flush=True)
signal.pause()
"""


class _Echo(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        data = self.request.recv(100) if isinstance(self.request, socket.socket) else self.request[0]
        if isinstance(self.request, socket.socket):
            self.request.sendall(data)
        else:
            self.request[1].sendto(data, self.client_address)


class _Tcp(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Attackers hang up."""


class _Tcp6(_Tcp):
    address_family = socket.AF_INET6

    def server_bind(self) -> None:
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        super().server_bind()


class _Udp6(socketserver.UDPServer):
    address_family = socket.AF_INET6


@dataclass(kw_only=True)
class World:
    """``targets`` is what attackers are told; ``app`` and ``playbook`` are they."""

    home: Home
    level: Level
    app: Installed
    playbook: Installed
    confinement: Confinement
    targets: dict[str, Any]


def make_world(root: Path, level: Level, stack: ExitStack) -> World:
    """In an empty folder; everything that was started ends with the stack."""
    home = Home(root / "user" / "repertory")
    environments = _environments(home)
    library = FolderLibrary(home.contents)
    app, playbook, other = (_content(library, kind) for kind in ("app", "playbook", "playbook"))
    targets = {
        **_files(home, environments, other.folder), **_processes(stack), **_services(root, stack), **_kernel(),
        "level": level, "token": TOKEN, "mark": f"mark-{uuid.uuid4().hex}", "declared_domain": DOMAIN,
    }  # fmt: skip
    confinement = Confinement(
        hosts=(
            HostRule(host="127.0.0.1", port=targets["declared_port"], by_user=True),
            HostRule(host=f"*.{DOMAIN}", port=targets["rebound_port"]),
            HostRule(host="localhost", port=targets["rebound_port"]),
        ),
        memory_bytes=1024 * 2**20, scratch_bytes=16 * 2**20, tasks=100, open_files=256,
    )  # fmt: skip
    for name in ("memory_bytes", "scratch_bytes", "tasks", "open_files"):
        targets[name] = getattr(confinement, name)
    return World(
        home=home, level=level, app=replace(app, python=environments / "own" / "bin" / "python"), playbook=playbook, confinement=confinement, targets=targets
    )  # fmt: skip


def _environments(home: Home) -> Path:
    """That of the attacking app, with what a hostile package may bring, and that of another."""
    home.root.parent.mkdir(parents=True)
    home.prepare()
    home.contents.mkdir(exist_ok=True)
    for name in ("own", "other"):
        venv.create(home.environment(name), symlinks=True, with_pip=False)
    pth = f"import os; open({str(home.root.parent / 'run-by-the-interpreter')!r}, 'w').close()\n"
    (_packages(home.environment("own")) / "early.pth").write_text(f"import contextlib; exec({_tolerant(pth)!r})\n")
    return home.environment("own").parent


def _tolerant(code: str) -> str:
    return f"try:\n    {code}except OSError:\n    pass\n"


def _packages(environment: Path) -> Path:
    (found,) = environment.glob("lib/python*/site-packages")
    return found


def _content(library: FolderLibrary, kind: str) -> Installed:
    item = library.add_playbook("pass") if kind == "playbook" else None
    folder = item.folder if item is not None else library.root / "attacker"
    folder.mkdir(exist_ok=True)
    for path in INSIDE.glob("*.py"):
        if path.stem not in ({"app", "forgeries", "lies"} if item is not None else {"forgeries", "playbook", "siblings"}):
            shutil.copy(path, folder)
    return item or library._finish(folder, "app", describe(Home(library.root.parent), folder))


def _files(home: Home, environments: Path, other: Path) -> dict[str, Any]:
    user = home.root.parent
    key, cache = user / ".ssh" / "id", user / ".cache" / "uv" / "wheel.whl"
    foreign = _packages(environments / "other") / "secret.py"
    for path in (key, cache, foreign, home.secrets, home.root / "repertory.db"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{TOKEN}\n")
        path.chmod(0o600)
    inherited = os.open(key, os.O_RDONLY)
    os.set_inheritable(inherited, True)
    status = os.fstat(inherited)
    return {
        "user_home": str(user), "key_file": str(key), "cache_file": str(cache), "other_environment_file": str(foreign),
        "secrets": str(home.secrets), "database": str(home.root / "repertory.db"), "other_code": str(other / "playbook.py"),
        "site_packages": str(_packages(environments / "own")), "inherited": [status.st_dev, status.st_ino],
        "sdk_file": str(sdk_folder(home) / "repertory_sdk" / "app.py"),
    }  # fmt: skip


def _processes(stack: ExitStack) -> dict[str, Any]:
    command = [sys.executable, "-I", "-S", "-c", VICTIM]
    environment = {"TOKEN": TOKEN, **({"LD_LIBRARY_PATH": os.environ["LD_LIBRARY_PATH"]} if "LD_LIBRARY_PATH" in os.environ else {})}
    victim = stack.enter_context(
        subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, start_new_session=True)
    )
    stack.callback(victim.kill)
    assert victim.stdout is not None
    return {
        "victim": victim.pid, "victim_address": int(victim.stdout.readline()), "victim_descriptor": 0, "tool": os.getpid(),
        "shared_memory": _shared_memory(stack),
    }  # fmt: skip


def _shared_memory(stack: ExitStack) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    key = SHARED_MEMORY + os.getpid()
    number = libc.shmget(ctypes.c_int(key), 4096, IPC_CREATE | 0o600)
    assert number >= 0
    stack.callback(libc.shmctl, number, IPC_REMOVE, None)
    return key


def _services(root: Path, stack: ExitStack) -> dict[str, Any]:
    declared = _serve(stack, _Tcp, "127.0.0.1", 0)
    undeclared = _serve(stack, _Tcp, "0.0.0.0", 0)
    rebound = _serve(stack, _Tcp, "0.0.0.0", 0)
    _serve(stack, _Tcp, "127.0.0.2", declared)
    _serve(stack, socketserver.UDPServer, "127.0.0.1", undeclared)
    if socket.has_ipv6 and Path("/proc/net/if_inet6").exists():
        for port in (declared, rebound):
            _serve(stack, _Tcp6, "::1", port)
        _serve(stack, _Udp6, "::1", undeclared)
    names = {"abstract": f"attacked-{uuid.uuid4().hex}", "socket_path": f"{root}/s", "datagram_path": f"{root}/d"}
    for address, kind in (
        ("\0" + names["abstract"], socket.SOCK_STREAM), (names["socket_path"], socket.SOCK_STREAM),
        (names["datagram_path"], socket.SOCK_DGRAM),
    ):  # fmt: skip
        one = stack.enter_context(socket.socket(socket.AF_UNIX, kind))
        one.bind(address)
        if kind == socket.SOCK_STREAM:
            one.listen(64)
    with socket.socket() as free:
        free.bind(("0.0.0.0", 0))
        port = free.getsockname()[1]
    return {"declared_port": declared, "undeclared_port": undeclared, "rebound_port": rebound, "free_port": port, **names}


def _serve(stack: ExitStack, server: Any, host: str, port: int) -> int:
    made = stack.enter_context(server((host, port), _Echo))
    threading.Thread(target=made.serve_forever, args=(0.02,), daemon=True).start()
    stack.callback(made.shutdown)
    return int(made.server_address[1])


def _kernel() -> dict[str, Any]:
    column, _ = MACHINES[platform.machine()]
    numbers = {name: columns[column] for name, columns in NUMBERS.items()}
    return {"numbers": {**numbers, **MORE_NUMBERS}, "hostname": socket.gethostname()}


def fake_names() -> None:
    """Names that whoever attacks has given addresses to, for this process."""
    plain = socket.getaddrinfo

    def getaddrinfo(host: Any, port: Any, *rest: Any, **options: Any) -> Any:
        if isinstance(host, str) and host.endswith(f".{DOMAIN}"):
            return plain(LEADS_TO[host.partition(".")[0]], port, *rest, **options)
        return plain(host, port, *rest, **options)

    socket.getaddrinfo = getaddrinfo


def tell_targets(folder: Path, targets: dict[str, Any]) -> None:
    """For a playbook, which has no parameters."""
    (folder / "targets.json").write_text(json.dumps(targets))
