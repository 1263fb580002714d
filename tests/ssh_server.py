"""A real OpenSSH server on loopback, with a key, an account and an /etc of its own; each connection gets its own sshd.

Connections are accepted here and handed over as standard input, so that sessions may be anywhere: in a network namespace, say,
to which no way leads. As root they are root's; else they are those of an account that this machine does not have.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

KEPT = (
    "alternatives", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime", "login.defs", "nsswitch.conf", "os-release", "pam.d",
    "protocols", "security", "services",
)  # fmt: skip


@dataclass(frozen=True)
class SshServer:
    """Where it is. ``settings`` are those that every app with SSH takes; ``etc`` is what its sessions see as /etc."""

    port: int
    user: str
    etc: Path
    private_key: str
    known_hosts: list[str]

    @property
    def settings(self) -> dict[str, Any]:
        key = {"private_key": self.private_key, "known_hosts": self.known_hosts}
        return {"user": self.user, "port": self.port, **key}


def program(name: str) -> str:
    """Where a program is; the test is skipped if it is not installed."""
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/local/sbin:/usr/sbin:/sbin")
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


@contextmanager
def ssh_server(folder: Path, *, inside: Sequence[str] = (), authorized: str = "") -> Iterator[SshServer]:
    """A server; ``inside`` is a command that starts another one elsewhere, ``authorized`` options of its key."""
    user = "root" if os.geteuid() == 0 else "tester"
    for key in ("host", "user"):
        command = [program("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", str(folder / key)]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    etc = _etc(folder, user)
    (folder / "authorized").write_text(f"{authorized} {(folder / 'user.pub').read_text()}".strip() + "\n")
    (folder / "sshd_config").write_text(
        f"HostKey {folder}/host\nAuthorizedKeysFile {folder}/authorized\nStrictModes no\nUsePAM no\nPidFile none\n"
        "PermitRootLogin prohibit-password\n"
    )
    whole = [*inside, *_walls(etc), program("sshd"), "-i", "-e", "-f", str(folder / "sshd_config")]
    host_key = " ".join((folder / "host.pub").read_text().split()[:2])
    with _accepting(whole, folder / "sshd.log") as port:
        yield SshServer(port, user, etc, (folder / "user").read_text(), [f"[127.0.0.1]:{port} {host_key}"])


def _etc(folder: Path, user: str) -> Path:
    etc = folder / "etc"
    etc.mkdir()
    for name in KEPT:
        source = Path("/etc") / name
        if source.is_dir():
            shutil.copytree(source, etc / name, symlinks=True)
        elif source.exists():
            shutil.copy(source, etc / name)
    number = 0 if user == "root" else 1000
    (etc / "passwd").write_text(
        f"{user}:x:{number}:{number}::{folder}:/bin/sh\nsshd:x:990:990::/run/sshd:/usr/sbin/nologin\nalice:x:2001:2001:Alice:/:/bin/sh\n"
        + _daemons("passwd")
    )
    (etc / "shadow").write_text(f"{user}:*:19000:0:99999:7:::\nalice:$6$x$y:19000:0:99999:7:::\n")
    (etc / "shadow").chmod(0o600)
    (etc / "group").write_text(f"{user}:x:{number}:\nsshd:x:990:\nalice:x:2001:\n" + _daemons("group"))
    return etc


def _daemons(database: str) -> str:
    """Accounts of this machine's servers, which drop their rights to them."""
    lines = Path("/etc", database).read_text().splitlines(keepends=True)
    return "".join(line for line in lines if 0 < int(line.split(":")[2]) < 1000 and line.split(":")[0] != "sshd")


def _walls(etc: Path) -> list[str]:
    walls = [program("bwrap"), "--dev-bind", "/", "/", "--bind", str(etc), "/etc", "--die-with-parent"]
    if os.geteuid() == 0:
        return [*walls, "--tmpfs", "/run", "--dir", "/run/sshd"]
    return [*walls, "--unshare-user", "--uid", "1000", "--gid", "1000"]


@contextmanager
def _accepting(command: Sequence[str], log: Path) -> Iterator[int]:
    listening = socket.create_server(("127.0.0.1", 0))
    sessions: list[subprocess.Popen[bytes]] = []

    def accept() -> None:
        with contextlib.suppress(OSError), log.open("wb") as file:
            while True:
                wire, _ = listening.accept()
                with wire:
                    environment = {"PATH": os.environ["PATH"]}
                    sessions.append(subprocess.Popen(command, stdin=wire, stdout=wire, stderr=file, env=environment))

    thread = threading.Thread(target=accept)
    thread.start()
    try:
        yield int(listening.getsockname()[1])
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join()
        for session in sessions:
            session.terminate()
            session.wait()
