"""Other playbooks, which come from the same template."""

from __future__ import annotations

import os
import signal
from typing import Any

from trying import Stopped, attempt


@attempt
def kill_another_playbook(t: Any) -> str:
    os.kill(t.sibling, signal.SIGKILL)  # the test looks whether it has ended
    return "sent"


@attempt
def signal_the_template(t: Any) -> str:
    if t.level == "namespaces":
        raise Stopped("all it sees are itself and the process that waits for it")
    os.kill(os.getppid(), signal.SIGCONT)
    return "sent"


@attempt
def read_the_memory_of_the_template(t: Any) -> str:
    if t.level == "namespaces" and not os.path.exists("/proc/self"):
        raise Stopped("it sees no processes")
    with open(f"/proc/{os.getppid()}/mem", "rb") as file:
        return str(file)


@attempt
def wait_for_another_playbook(t: Any) -> None:
    """The one that is attacked."""
    signal.pause()
