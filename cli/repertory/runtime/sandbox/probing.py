"""Which levels this machine offers: found by running each of them once, and remembered until the next start of the machine."""

from __future__ import annotations

import json
import platform
import shutil
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from repertory.errors import UserError
from repertory.home import write_atomically
from repertory.runtime.sandbox.confinement import LEVELS, Confinement
from repertory.runtime.sandbox.launch import NotConfined, Sandbox
from repertory.runtime.sandbox.namespaces import Missing, find

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from repertory.home import Home
    from repertory.runtime.sandbox.confinement import Level

TRIAL_S = 10.0
_TRIED = tuple(reversed(LEVELS[1:]))
# What namespaces are made with, and the package that it is in.
_PACKAGES = MappingProxyType({"bwrap": "bubblewrap", "unshare": "util-linux", "prlimit": "util-linux"})
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_APPARMOR = Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")
_USERNS = Path("/proc/sys/user/max_user_namespaces")
_CLONE = Path("/proc/sys/kernel/unprivileged_userns_clone")
# Ends well only if a file that its user can read is out of reach.
_PROGRAM = """
import sys
try:
    open(sys.argv[1])
except OSError:
    sys.exit(0)
sys.exit("a file outside could be read")
"""


@dataclass(frozen=True, kw_only=True)
class Offer:
    """Whether a level works here; else why not, and what to do."""

    level: Level
    works: bool
    reason: str = ""
    cure: str = ""


def offers(home: Home) -> Sequence[Offer]:
    """Every level but the weakest, the strongest first."""
    key = _key()
    found = _remembered(home, key)
    if found:
        return found
    found = [try_level(level) for level in _TRIED]
    with suppress(OSError):
        plain = {"key": key, "offers": [one.__dict__ for one in found]}
        write_atomically(home.levels, json.dumps(plain).encode(), durable=False)
    return found


def _remembered(home: Home, key: Mapping[str, str]) -> Sequence[Offer]:
    """What was found under the same circumstances; nothing where the file does not say it of every level."""
    with suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
        known = json.loads(home.levels.read_text(encoding="utf-8"))
        if known["key"] == key:
            found = [Offer(**one) for one in known["offers"]]
            if tuple(one.level for one in found) == _TRIED and all(one.works in (True, False) for one in found):
                return found
    return []


def strongest(home: Home, minimum: Level) -> Level:
    """The strongest level that works; raises UserError where that is weaker than what is asked for."""
    found = offers(home)
    level: Level = next((one.level for one in found if one.works), "process")
    if LEVELS.index(level) < LEVELS.index(minimum):
        lacking = next(one for one in reversed(found) if LEVELS.index(one.level) >= LEVELS.index(minimum))
        raise UserError(
            f"this machine cannot isolate content at level {minimum}: {lacking.reason}",
            f"{lacking.cure}; or --allow-unsandboxed, to let it do whatever you could do",
        )
    return level


def try_level(level: Level) -> Offer:
    """Run a program at this level."""
    if sys.platform != "linux":
        return Offer(level=level, works=False, reason=f"{platform.system()} has nothing like it", cure="use Linux")
    sandbox = Sandbox(level)
    python = str(Path(sys.executable).resolve())
    try:
        if level == "namespaces":  # also what a trial does not need: templates are started in another way
            for program in _PACKAGES:
                find(program)
        with tempfile.NamedTemporaryFile() as outside:
            confined = sandbox.start([python, "-I", "-S", "-c", _PROGRAM, outside.name], Confinement())
            status = confined.process.wait(TRIAL_S)
        confined.process.kill()
        confined.process.output.finish()
        said = confined.process.output.take().strip().splitlines()
    except Missing as missing:
        cure = f"install the package {_PACKAGES[str(missing)]}"
        return Offer(level=level, works=False, reason=f"{missing} is not installed", cure=cure)
    except (OSError, NotConfined, KeyError) as error:
        return _broken(level, str(error))
    finally:
        sandbox.close()
    if status == 0:
        return Offer(level=level, works=True)
    return _broken(level, said[-1] if said else f"a trial ended with {status}")


def _broken(level: Level, reason: str) -> Offer:
    if level == "landlock":
        return Offer(level=level, works=False, reason=reason, cure="use a kernel of version 5.13 or newer with Landlock enabled")
    cure = "permit user namespaces (in a container: a seccomp profile that does)"
    if _reads(_USERNS) == "0":  # whoever else forbids them
        cure = "sysctl user.max_user_namespaces=10000"
    elif _reads(_APPARMOR) == "1":
        cure = "give bwrap an AppArmor profile that permits userns (Ubuntu: apt install apparmor-profiles)"
    elif _reads(_CLONE) == "0":
        cure = "sysctl kernel.unprivileged_userns_clone=1"
    return Offer(level=level, works=False, reason=reason, cure=cure)


def _reads(path: Path) -> str:
    with suppress(OSError):
        return path.read_text(encoding="ascii").strip()
    return ""


def _key() -> Mapping[str, str]:
    """What a trial depends on."""
    programs = {name: shutil.which(name) or "" for name in _PACKAGES}
    return {"boot": _reads(_BOOT), "python": sys.executable, "machine": platform.machine(), **programs}
