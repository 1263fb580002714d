"""How Git is started: an empty environment, every dangerous setting fixed, limits, nothing looked for.

Git obeys configuration, hooks, attributes and helpers from many places, and several of those run programs. GitPython
starts the process; its repository layer is not used, because it passes options through.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING

from repertory.content.surroundings import CERTIFICATES, PROXIES, inherited
from repertory.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from subprocess import Popen

    from git.cmd import Git

FIXED_SETTINGS = {
    "core.askPass": "/bin/false",
    "core.attributesFile": os.devnull,
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull,
    "core.protectHFS": "true",
    "core.protectNTFS": "true",
    "core.symlinks": "false",
    "credential.helper": "",
    "fetch.fsckObjects": "true",
    "fetch.recurseSubmodules": "false",
    "gc.auto": "0",
    "http.followRedirects": "false",
    "http.lowSpeedLimit": "1000",
    "http.lowSpeedTime": "30",
    "maintenance.auto": "false",
    "protocol.allow": "never",
    "safe.bareRepository": "explicit",
    "submodule.recurse": "false",
    "transfer.bundleURI": "false",
    "transfer.fsckObjects": "true",
}
STOP_POLL_S = 0.2
# The user's own network: certificates, proxies, and for ssh the agent that holds the keys.
PASSED_ON = (*CERTIFICATES, *PROXIES, "GIT_SSL_CAINFO", "GIT_SSL_CAPATH", "SSH_AUTH_SOCK")
# Where Git's own helpers and those of keyrings look; only for a helper that the user configured.
HELPER_NEEDS = ("HOME", "PATH", "USER", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR",
                "DBUS_SESSION_BUS_ADDRESS")  # fmt: skip


class GitFailed(UserError):
    """Git could not do it; what Git said is part of the message."""


class Unreachable(GitFailed):
    """Nobody answered: the network or the server is away."""


@dataclass(frozen=True, kw_only=True)
class ProcessLimits:
    """Bounds of one Git process; the defaults suit a fetch. ``file_bytes`` bounds every file that it writes.

    Setting ``stop`` ends the process early.
    """

    seconds: float = 180.0
    cpu_seconds: int = 120
    file_bytes: int = 400_000_000
    stop: Event = field(default_factory=Event)


def output(words: Sequence[str], bare: Path | None = None) -> bytes:
    """What a local command prints; raises GitFailed if it fails."""
    status, out, complaint = run(words, bare)
    if status:
        raise GitFailed(f"git {words[0]} failed: {first_line(complaint)}")
    return out


def run(
    words: Sequence[str], bare: Path | None, limits: ProcessLimits | None = None, *, scheme: str = "", helper: str = ""
) -> tuple[int, bytes, str]:
    """Exit status, output and complaint of a command that ends by itself or at its limits.

    ``scheme`` is the one protocol it may speak, ``helper`` the credential helper that the user configured.
    """
    limits = limits or ProcessLimits()
    with running(words, bare, limits, scheme=scheme, helper=helper) as (process, expired):
        out, complaint = process.communicate()
    if limits.stop.is_set():
        raise GitFailed(f"git {words[0]} was stopped")
    if expired.is_set():
        raise Unreachable(f"git {words[0]} took longer than {limits.seconds:g} s", "check the network and try again")
    return process.returncode, out, complaint.decode(errors="replace")


@contextmanager
def running(
    words: Sequence[str], bare: Path | None, limits: ProcessLimits | None = None, *, scheme: str = "", helper: str = ""
) -> Iterator[tuple[Popen[bytes], Event]]:
    """A Git process that ends with the block or at its limits, and whether its time is up."""
    limits = limits or ProcessLimits()
    command = [*_clean_environment(scheme, helper), *_limiter(limits), _program("git")]
    command += [f"--git-dir={bare}"] * (bare is not None) + list(words)
    # From "/", so that no repository is found by looking around. A group of its own, so that helpers end with it. The
    # wrapper ends the process when it is collected, so it has to live as long as the block.
    wrapper = _git_class()("/").execute(command, istream=-1, as_process=True, start_new_session=True)
    process = wrapper.proc
    assert process is not None
    done, expired = Event(), Event()
    watchdog = Thread(target=_watch, args=(process, limits, done, expired), daemon=True)
    watchdog.start()
    try:
        yield process, expired
    finally:
        done.set()
        watchdog.join()
        _end(process)


def _watch(process: Popen[bytes], limits: ProcessLimits, done: Event, expired: Event) -> None:
    """End the process when its time is up or when somebody says stop."""
    deadline = time.monotonic() + limits.seconds
    while not done.wait(min(STOP_POLL_S, max(deadline - time.monotonic(), 0.0))):
        if time.monotonic() >= deadline or limits.stop.is_set():
            expired.set()
            _kill(process)
            return


def _kill(process: Popen[bytes]) -> None:
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _git_class() -> type[Git]:
    """GitPython takes 90 ms to import and refuses to be imported without Git, so it waits for its first use."""
    from git.cmd import Git

    return Git


def _end(process: Popen[bytes]) -> None:
    _kill(process)
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            with suppress(BrokenPipeError):
                stream.close()
    process.wait()


def _clean_environment(scheme: str, helper: str = "") -> list[str]:
    """Words that start a program with these variables and no others; GitPython alone would add to our own."""
    variables = {
        "PATH": os.defpath,
        "HOME": os.devnull,
        "LC_ALL": "C.UTF-8",
        "GIT_ALLOW_PROTOCOL": scheme or "none",
        "GIT_ASKPASS": "/bin/false",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_SSH_COMMAND": "ssh -oBatchMode=yes -oStrictHostKeyChecking=yes -oPermitLocalCommand=no",
        "GIT_TERMINAL_PROMPT": "0",
    }
    settings = list(FIXED_SETTINGS.items())
    if scheme:
        settings.append((f"protocol.{scheme}.allow", "always"))
        variables |= _network()
    if scheme == "https" and helper:
        settings.append(("credential.helper", helper))  # after the empty one, which forgets all others
        variables |= inherited(*HELPER_NEEDS)
    variables["GIT_CONFIG_COUNT"] = str(len(settings))
    for index, (key, value) in enumerate(settings):
        variables |= {f"GIT_CONFIG_KEY_{index}": key, f"GIT_CONFIG_VALUE_{index}": value}
    return [_program("env"), "-i", *(f"{name}={value}" for name, value in variables.items())]


def _network() -> dict[str, str]:
    """Git that was built with GnuTLS does not look at SSL_CERT_FILE, which everything else does."""
    found = inherited(*PASSED_ON)
    if "SSL_CERT_FILE" in found:
        found.setdefault("GIT_SSL_CAINFO", found["SSL_CERT_FILE"])
    return found


def _limiter(limits: ProcessLimits) -> list[str]:
    """Words that bound CPU time and the size of written files where the system offers it."""
    prlimit = shutil.which("prlimit")
    return [prlimit, f"--cpu={limits.cpu_seconds}", f"--fsize={limits.file_bytes}", "--"] if prlimit else []


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise UserError(f"the program {name} is not installed", f"install it (package {name})")
    return found


def first_line(text: str) -> str:
    """The most telling line of a complaint."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if line.startswith(("fatal:", "error:", "ERROR:"))]
    return (telling or lines or ["nothing"])[0]


def git_version() -> tuple[int, int, int] | None:
    """The version of the Git program; None where there is none."""
    if shutil.which("git") is None:
        return None
    found = re.search(r"(\d+)\.(\d+)\.?(\d*)", output(["version"]).decode(errors="replace"))
    return (int(found[1]), int(found[2]), int(found[3] or 0)) if found else None
