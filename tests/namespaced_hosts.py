"""A firewall and a server behind it, on this machine: network namespaces with processes, an /etc and keys of their own.

What they write is in memory and gone with them. The only way from here to the server is through the firewall, and what is meant
for either never leaves this machine: their networks are unreachable but for the wires that are laid here.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runtime_lab import until
from ssh_server import program

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# The first process of a host. It is a shell so that orphans have somebody who waits for them.
START = """
set -e
mount -t tmpfs none "$1"
mkdir "$1/upper" "$1/work"
mount -t overlay overlay -o "lowerdir=/etc,upperdir=$1/upper,workdir=$1/work" /etc
mount -t tmpfs none /run
mount -t tmpfs none /var/log
mkdir /run/sshd
cp -r "$2/." /etc/
mount -t tmpfs none /root
"""
SSHD = "Port 22\nHostKey /etc/ssh/host\nAuthorizedKeysFile /etc/ssh/authorized\nStrictModes no\nUsePAM no\nPermitRootLogin prohibit-password\n"
NETWORKS = [f"198.{second}.{third}" for second in (18, 19) for third in range(256)]
"""Networks for trying things (RFC 2544), without their last byte."""


@dataclass(frozen=True, kw_only=True)
class Host:
    """Where it is reached, its first process as this machine counts, and what reaches it by SSH."""

    address: str
    pid: int
    private_key: str
    host_key: str

    @property
    def settings(self) -> dict[str, Any]:
        """Those that every app with SSH takes."""
        return {"user": "root", "private_key": self.private_key, "known_hosts": f"{self.address} {self.host_key}"}

    def run(self, *command: str) -> str:
        """What a command prints there."""
        within = [program("nsenter"), f"--target={self.pid}", "--mount", "--net", "--pid", "--"]
        return subprocess.run([*within, *command], check=True, stdin=subprocess.DEVNULL, capture_output=True, text=True).stdout


@dataclass(frozen=True, kw_only=True)
class Hosts:
    """The firewall, and the server behind it."""

    firewall: Host
    server: Host


def refuse_without_rights() -> None:
    """Skip the test where such hosts cannot be made."""
    if os.geteuid() != 0:
        pytest.skip("making hosts takes root")
    for name in ("ip", "nft", "nsenter", "sshd", "unshare"):
        program(name)
    if subprocess.run([program("ip"), "netns", "list"], capture_output=True).returncode:
        pytest.skip("this machine makes no network namespaces")


@contextmanager
def firewall_and_server(folder: Path, *, files: Mapping[str, str], serves: str) -> Iterator[Hosts]:
    """Both of them. ``files`` are those of the server below /etc, ``serves`` is what it starts besides its sshd."""
    refuse_without_rights()
    with ExitStack() as stack:
        network = stack.enter_context(_network())
        firewall, server = (f"{role}-{network.replace('.', '-')}" for role in ("fw", "srv"))
        for name in (firewall, server):
            stack.enter_context(_namespace(name))
        stack.enter_context(_wires(network, firewall, server))
        yield Hosts(
            firewall=stack.enter_context(_host(folder / "fw", firewall, f"{network}.2", files={}, serves="")),
            server=stack.enter_context(_host(folder / "srv", server, f"{network}.130", files=files, serves=serves)),
        )


@contextmanager
def _network() -> Iterator[str]:
    """One that nobody else on this machine uses: the route that keeps it here can be added once."""
    for network in NETWORKS:
        route = ["unreachable", f"{network}.0/24", "metric", "4000"]
        if subprocess.run([program("ip"), "route", "add", *route], capture_output=True).returncode == 0:
            break
    else:
        pytest.fail("no network is free; see ip route")
    try:
        yield network
    finally:
        _ip(f"route del {' '.join(route)}")


@contextmanager
def _namespace(name: str) -> Iterator[None]:
    _ip(f"netns add {name}")
    try:
        yield
    finally:
        _ip(f"netns del {name}")


@contextmanager
def _wires(network: str, firewall: str, server: str) -> Iterator[None]:
    """Two of them: from here to the firewall, from there to the server."""
    outside = f"to-{network.replace('.', '-')}"
    _ip(f"link add {outside} type veth peer name outside netns {firewall}")
    try:
        _lay(network, firewall, server, outside)
        yield
    finally:
        _ip(f"link del {outside}")  # it goes with its namespace too, but only some time after that


def _lay(network: str, firewall: str, server: str, outside: str) -> None:
    _ip(f"-n {firewall} link add inside type veth peer name eth0 netns {server}")
    _ip(f"addr add {network}.1/25 dev {outside}")
    _ip(f"-n {firewall} addr add {network}.2/25 dev outside")
    _ip(f"-n {firewall} addr add {network}.129/25 dev inside")
    _ip(f"-n {server} addr add {network}.130/25 dev eth0")
    for place, link in (("", outside), (f"-n {firewall}", "outside"), (f"-n {firewall}", "inside"), (f"-n {server}", "eth0")):
        _ip(f"{place} link set {link} up")
    for name in (firewall, server):
        _ip(f"-n {name} link set lo up")
    _ip(f"route add {network}.128/25 via {network}.2")
    _ip(f"-n {server} route add default via {network}.129")
    _ip(f"netns exec {firewall} sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'")


def _ip(words: str) -> None:
    subprocess.run([program("ip"), *shlex.split(words)], check=True, stdin=subprocess.DEVNULL)


@contextmanager
def _host(folder: Path, namespace: str, address: str, *, files: Mapping[str, str], serves: str) -> Iterator[Host]:
    etc = _etc(folder, files)
    own = folder / "own"
    own.mkdir()
    script = f"{START}\n{program('sshd')} -D -e -f /etc/ssh/sshd_config &\n{serves}\nwait\n"
    walls = [program("unshare"), "--mount", "--pid", "--fork", "--mount-proc", "--kill-child"]
    command = [program("ip"), "netns", "exec", namespace, *walls, "sh", "-c", script, "sh", str(own), str(etc)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        pid = int(until(Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text).split()[0])
        host_key = " ".join((etc / "ssh" / "host.pub").read_text().split()[:2])
        host = Host(address=address, pid=pid, private_key=(folder / "key").read_text(), host_key=host_key)
        until(lambda: process.poll() is not None or "listening on" in (folder / "log").read_text())
        assert process.poll() is None, (folder / "log").read_text()
        yield host
    finally:
        process.kill()  # its first process follows, and everything else that runs there
        process.wait()


def _etc(folder: Path, files: Mapping[str, str]) -> Path:
    """What is laid over /etc: keys, an sshd that takes one of them, and files that are given."""
    etc = folder / "etc"
    (etc / "ssh").mkdir(parents=True)
    for path in (etc / "ssh" / "host", folder / "key"):
        words = ["-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", str(path)]
        subprocess.run([program("ssh-keygen"), *words], check=True, stdin=subprocess.DEVNULL)
    shutil.copy(folder / "key.pub", etc / "ssh" / "authorized")
    for name, text in {"ssh/sshd_config": SSHD, **files}.items():
        (etc / name).write_text(text)
    return etc
