"""What is never touched, and names that are none."""

from __future__ import annotations

import fnmatch
import re
from typing import Sequence

import linux_services as services
import linux_tables as tables

from repertory_sdk import ActionFailed
from repertory_sdk.ssh import Ssh

SERVICE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@:+-]{0,99}")
USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@-]{0,63}")


def is_one_of(name: str, patterns: Sequence[str]) -> bool:
    """Whether one of the patterns means it."""
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def refuse_odd(product: str, text: str, form: "re.Pattern[str]", kind: str) -> None:
    """ActionFailed where a text cannot be a name."""
    if not form.fullmatch(text):
        raise ActionFailed(f"{product}: {text[:80]!r} is no name of a {kind}; give it as the machine lists it")


def end(protected: Sequence[str], machine: Ssh, everything: Sequence[tables.Running], pid: int) -> None:
    """End a process, unless that would end the machine, or our way to it."""
    by_number = {each.pid: each for each in everything}
    found = by_number.get(pid)
    if found is None:
        return
    if pid == 1 or 2 in (pid, found.parent) or is_one_of(found.name, protected):
        raise ActionFailed(
            f"{machine.product}: {found.name} (process {pid}) on {machine.host} is protected and goes on; take it off the setting"
            " protected_processes, if you mean it"
        )
    if not services.ended(machine, pid, found.started):
        told = f"process {pid} on {machine.host} does not end, not even by force"
        raise ActionFailed(f"{machine.product}: {told}; look at what it waits for")
