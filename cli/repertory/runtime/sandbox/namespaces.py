"""The command line that confines a program by namespaces, for an ordinary user (bwrap(1), unshare(1), prlimit(1)).

Each part becomes the next, so that there is one process to end::

    unshare      a new user and network namespace
    network.py   listeners in it, handed to us, and limits of resources (where there is no network: prlimit)
    bwrap        mounts, processes, no capabilities, seccomp
    program
"""

from __future__ import annotations

import os
import platform
import re
import resource
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from repertory.runtime.sandbox import inside
from repertory.runtime.sandbox.interpreters import needed_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from repertory.runtime.sandbox.confinement import Confinement

# Compiled once and not for each start.
_ENTRY = "import sys; sys.path.append(sys.argv[1]); import network; network.main(sys.argv[2:])"
_FOLDER = Path(inside.__file__).parent
USER = "1000"
TEMPORARY = "/tmp"
# bwrap runs in it too, and a program can read that of bwrap.
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": TEMPORARY, "TMPDIR": TEMPORARY}
FILES = {
    "/etc/resolv.conf": "nameserver 127.0.0.1\n",
    "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
    "/etc/hosts": "127.0.0.1 localhost\n::1 localhost\n",
    "/etc/passwd": f"app:x:{USER}:{USER}::{TEMPORARY}:/bin/false\n",
    "/etc/group": f"app:x:{USER}:\n",
}
# Libraries and data, no programs: those are named one by one.
SHARED = ("/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/libx32", "/usr/local/lib", "/usr/share/zoneinfo",
           "/usr/share/ca-certificates", "/usr/local/share/ca-certificates", "/usr/share/locale", "/etc/ssl/certs",
           "/etc/ssl/openssl.cnf", "/etc/pki/tls/certs", "/etc/pki/ca-trust", "/etc/ca-certificates", "/etc/ld.so.cache",
           "/etc/localtime", "/etc/services", "/etc/protocols")  # fmt: skip
_LINKS = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")


class Missing(Exception):
    """A program that this level needs is not installed; the message names it."""


def command_of(
    program: Sequence[str], confinement: Confinement, *, control: int | None, seccomp: int | None, files: Mapping[str, int]
) -> list[str]:
    """The whole line. ``control``: where the listening sockets go; ``seccomp``, ``files``: descriptors to read from.

    Without ``control`` there is no network at all, without ``seccomp`` no filter.
    """
    walls = [*bwrap(program, confinement, seccomp=seccomp, files=files, network=control is not None), *program]
    if control is not None:
        return [*_namespace(confinement, control), *walls]
    limits = _limits(confinement, tasks=own_tasks() + confinement.tasks)
    return [find("prlimit"), *(f"--{name}={value}" for name, value in limits.items()), "--", *walls]


def ports_of(confinement: Confinement) -> dict[str, list[int]]:
    """Where listeners are needed; names are always answered."""
    tcp = {rule.port for rule in confinement.hosts if not rule.udp} | ({53} if confinement.lookups else set())
    udp = {rule.port for rule in confinement.hosts if rule.udp} | {53}
    return {"tcp": sorted(tcp), "udp": sorted(udp)}


def _limits(confinement: Confinement, *, tasks: int) -> dict[str, int]:
    wanted = {"nofile": confinement.open_files, "nproc": tasks, "as": confinement.memory_bytes, "core": 0}
    return {name: _at_most(getattr(resource, f"RLIMIT_{name.upper()}"), value) for name, value in wanted.items()}


def _at_most(kind: int, value: int) -> int:
    """Nobody can give more than he has himself."""
    hard = resource.getrlimit(kind)[1]
    return value if hard == resource.RLIM_INFINITY else min(value, hard)


def _namespace(confinement: Confinement, control: int) -> list[str]:
    python = str(Path(sys.executable).resolve())
    ports = ",".join(f"{kind}={port}" for kind, ports in ports_of(confinement).items() for port in ports)
    tasks = confinement.tasks + (0 if _counts_tasks_apart() else own_tasks())
    limits = ",".join(f"{name}={value}" for name, value in _limits(confinement, tasks=tasks).items())
    script = [python, "-I", "-S", "-c", _ENTRY, str(_FOLDER), str(control), ports, limits]
    return [find("unshare"), "--user", "--map-root-user", "--net", "--", *script]


def bwrap(
    program: Sequence[str], confinement: Confinement, *, seccomp: int | None, files: Mapping[str, int], network: bool
) -> list[str]:
    """File system, processes, identity. Without ``network`` an empty network namespace of its own."""
    shown = [*needed_for(Path(program[0])), *confinement.programs, *confinement.files]
    return [
        find("bwrap"),
        *("--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"),
        *(() if network else ("--unshare-net",)),
        *("--die-with-parent", "--new-session", "--cap-drop", "ALL", "--uid", USER, "--gid", USER),
        *(("--seccomp", str(seccomp)) if seccomp is not None else ()),
        *_system(confinement),
        *_made(files),
        *_linked(confinement.links, shown),
        *_readable(shown),
        *("--remount-ro", "/", "--chdir", TEMPORARY, "--"),
    ]


def _system(confinement: Confinement) -> list[str]:
    mounts = [part for path in SHARED for part in ("--ro-bind-try", path, path)]
    for name in _LINKS:
        if Path("/", name).is_symlink():
            mounts += ["--symlink", str(Path("/", name).readlink()), f"/{name}"]
        elif Path("/", name).is_dir() and "lib" in name:
            mounts += ["--ro-bind", f"/{name}", f"/{name}"]
    mounts += ["--proc", "/proc", "--dev", "/dev"]
    # --size is for the next --tmpfs only.
    for folder in ("/dev/shm", TEMPORARY):
        mounts += ["--size", str(confinement.scratch_bytes), "--tmpfs", folder]
    return [*mounts, "--remount-ro", "/dev"]


def _made(files: Mapping[str, int]) -> list[str]:
    return [part for path, one in files.items() for part in ("--perms", "0444", "--ro-bind-data", str(one), path)]


def _linked(links: Iterable[tuple[str, str]], shown: Sequence[Path]) -> list[str]:
    """Without those below which something real has to be shown."""
    mounts: list[str] = []
    for link, target in links:
        if not any(Path(link) in (path, *path.parents) for path in shown):
            mounts += ["--symlink", target, link]
    return mounts


def _readable(paths: Iterable[Path]) -> list[str]:
    """Those that are there, at their own places; what a link leads to is shown where the link is."""
    mounts: list[str] = []
    for path in dict.fromkeys(paths):
        if path.exists():
            mounts += ["--ro-bind", str(path.resolve()), str(path)]
    return mounts


def _counts_tasks_apart() -> bool:
    """Since Linux 5.14 a limit that is set in a user namespace counts what runs in that one only."""
    version = re.match(r"(\d+)\.(\d+)", platform.release())
    return version is not None and (int(version[1]), int(version[2])) >= (5, 14)


def own_tasks() -> int:
    """Else the limit counts every thread of the account, not only those of the confined process."""
    own, count = os.getuid(), 0
    for process in os.scandir("/proc"):
        if process.name.isdigit():
            try:
                if process.stat().st_uid == own:
                    count += sum(1 for _ in os.scandir(f"/proc/{process.name}/task"))
            except OSError:
                continue
    return count


def find(name: str) -> str:
    """Where a program is; raises Missing."""
    path = shutil.which(name)
    if path is None:
        raise Missing(name)
    return path
