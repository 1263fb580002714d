"""Accounts of a machine: their state, and what they have running."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Tuple

import linux_services as services
from linux_results import EndedSessions, UserChange

from repertory_sdk import ActionFailed
from repertory_sdk.ssh import Ssh


def account(machine: Ssh, user: str) -> Tuple[bool, bool]:
    """Whether its password is locked, and whether the account can be used: it has not expired."""
    done = machine.run(["passwd", "-S", user], sudo=True, accept=None)
    fields = done.stdout.split()
    if "does not exist" in done.stderr or "nknown user" in done.stderr:
        raise ActionFailed(f"{machine.product}: {machine.host} has no account {user}; see list users")
    if done.exit_code or len(fields) < 2:
        raise machine.failure("passwd", done)
    shadow = machine.run(["getent", "shadow", user], sudo=True).stdout.strip().split(":")
    expires = shadow[7] if len(shadow) > 7 else ""
    today = (datetime.now(timezone.utc) - datetime(1970, 1, 1, tzinfo=timezone.utc)).days
    return fields[1] in ("L", "LK"), not (expires.isdigit() and int(expires) <= today)


def change_of(machine: Ssh, user: str, before: bool, *, wanted: bool, changed: bool) -> UserChange:
    """The result, read back; ActionFailed where the account is not as it is wanted."""
    _, enabled = account(machine, user)
    if enabled != wanted:
        state = "enabled" if enabled else "disabled"
        raise ActionFailed(f"{machine.product}: {user} on {machine.host} is {state} after all; look there")
    return UserChange(host=machine.host, user=user, enabled=enabled, previously_enabled=before, changed=changed)


def end_sessions(machine: Ssh, user: str) -> EndedSessions:
    """End everything that an account has running."""
    before = [each for each in services.running(machine) if each.user == user]
    machine.run(["loginctl", "terminate-user", user], sudo=True, accept=None)  # not every machine has it
    if before:
        machine.run(["pkill", "-KILL", "-u", user], sudo=True, accept=(0, 1))
    left = [each for each in services.running(machine) if each.user == user] if before else []
    return EndedSessions(host=machine.host, user=user, ended=len(before) - len(left), left=len(left))
