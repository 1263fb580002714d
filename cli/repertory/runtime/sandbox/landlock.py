"""The command line that confines a program by Landlock and seccomp, where there are no namespaces to be had."""

from __future__ import annotations

import base64
import marshal
import platform
import resource
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import repertory_sdk.confining
from repertory.runtime.sandbox.interpreters import needed_for
from repertory.runtime.sandbox.namespaces import SHARED, own_tasks
from repertory.runtime.sandbox.seccomp import build_filter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from repertory.runtime.sandbox.confinement import Confinement
    from repertory.runtime.sandbox.seccomp import Network

# Compiled once and not for each start; without ``repertory_sdk/__init__.py``, which would load the whole SDK.
_ENTRY = "import sys; sys.path.append(sys.argv[1]); import confining; confining.main(sys.argv[2:])"
_FOLDER = Path(repertory_sdk.confining.__file__).parent
_STARTED = ("/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/local/lib", "/lib", "/lib32", "/lib64")
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full")
_READ = (*SHARED, "/dev/urandom", "/dev/random", "/etc/nsswitch.conf", "/etc/hosts", "/etc/resolv.conf")


def command_of(program: Sequence[str], confinement: Confinement, scratch: Path) -> list[str]:
    """The whole line. ``scratch``: the one folder that can be written in."""
    python = str(Path(sys.executable).resolve())
    plan = plan_of(confinement, program=Path(program[0]), scratch=scratch, network="dialled")
    plan["limits"] |= _at_most("RLIMIT_NPROC", own_tasks() + confinement.tasks)
    return [python, "-I", "-S", "-c", _ENTRY, str(_FOLDER), base64.b64encode(marshal.dumps(plan)).decode("ascii"), *program]


def plan_of(confinement: Confinement, *, program: Path | None, scratch: Path | None, network: Network) -> dict[str, Any]:
    """What ``repertory_sdk.confining`` is told. Without a program none can be started; this interpreter goes on as it is."""
    interpreter = needed_for(program or Path(sys.executable).resolve())
    startable = [*_STARTED, *map(str, [*interpreter, *confinement.programs])]
    return {
        "limits": limits_of(confinement),
        "landlock": {
            "read": [*_READ, *map(str, confinement.files), *(startable if program is None else [])],
            "start": startable if program is not None else [],
            "write": [*_DEVICES, *([str(scratch)] if scratch is not None else [])],
        },
        "filter": filter_text(network=network, programs=program is not None),
    }


def limits_of(confinement: Confinement) -> dict[str, list[int]]:
    """Limits of resources, soft and hard, never above what this process itself has."""
    wanted = {
        "RLIMIT_AS": confinement.memory_bytes, "RLIMIT_NOFILE": confinement.open_files, "RLIMIT_CORE": 0,
        "RLIMIT_FSIZE": confinement.scratch_bytes,
    }  # fmt: skip
    limits: dict[str, list[int]] = {}
    for name, value in wanted.items():
        limits |= _at_most(name, value)
    return limits


def _at_most(name: str, value: int) -> dict[str, list[int]]:
    hard = resource.getrlimit(getattr(resource, name))[1]
    most = value if hard == resource.RLIM_INFINITY else min(value, hard)
    return {name: [most, most]}


def filter_text(*, network: Network, programs: bool) -> str:
    """The seccomp program for this machine, in base64."""
    return base64.b64encode(build_filter(platform.machine(), network=network, programs=programs)).decode("ascii")
