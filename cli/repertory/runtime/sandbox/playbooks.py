"""The walls around one playbook process: no network, no home, no other content, no program to start."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from repertory.runtime.sandbox.confinement import Confinement
from repertory.runtime.sandbox.landlock import filter_text, limits_of, plan_of

if TYPE_CHECKING:
    from pathlib import Path

    from repertory.runtime.sandbox.confinement import Level

MEMORY_BYTES = 2 * 2**30
# Between the signal that says why and the one that cannot be caught, in seconds of processor time.
GRACE_S = 5


def playbook_plan(level: Level, *, cpu_s: int, contents: Path, folder: Path, sdk: Path) -> dict[str, Any]:
    """What a fork of the template does to itself. ``contents``: where all content is; ``folder``: that of this playbook."""
    confinement = Confinement(memory_bytes=MEMORY_BYTES, files=(folder, sdk))
    limits = {**limits_of(confinement), "RLIMIT_CPU": [cpu_s, cpu_s + GRACE_S]}
    if level == "process":
        return {"limits": {name: limits[name] for name in ("RLIMIT_CPU", "RLIMIT_CORE")}}
    if level == "landlock":
        return {**plan_of(confinement, program=None, scratch=None, network="none"), "limits": limits}
    return {
        "limits": limits,
        "alone": {"hide": [str(contents)], "show": [str(folder), str(sdk)]},
        "filter": filter_text(network="none", programs=False),
    }
