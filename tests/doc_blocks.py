"""Fenced blocks of Markdown pages, and a shell that executes those that show commands with their output.

A block says what it is in its first line: ``console`` holds commands after ``$`` with the output of each below it;
``LANGUAGE PATH`` holds a file to be written at that path. Run as a program, it executes the pages it is given and writes
the outputs into them anew.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from pathlib import Path

import repertory
import repertory_sdk

ROOT = Path(__file__).resolve().parents[1]
# The folder that readers of the pages work in.
SHOWN_FOLDER = "/home/you"
# The port that pages give to servers of their own.
SHOWN_PORT = "8765"
COMMAND_S = 60
# While a page is written: the last id of the output before.
LAST_ID = "000000000000"
_FENCE = re.compile(r"^```(?P<info>[^`\n]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
_HEX = re.compile(r"\b[0-9a-f]{12,64}\b")
_VARYING = (
    (re.compile(r"\b\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:\.\d+)?(?:\+00:00)?"), "TIME"),
    (re.compile(r"(?<![\w.])\d+(?:\.\d+)? (?:ms|s|min)\b"), "DURATION"),
    (re.compile(r"\bin \d+\.\d+s\b"), "in DURATION"),
    (re.compile(r"\"duration_s\": [\d.]+"), '"duration_s": SECONDS'),
    (re.compile(r"127\.0\.0\.1:\d{2,5}"), "127.0.0.1:PORT"),
    (re.compile(r"\b\d+ B (sent|received)"), r"SIZE \1"),
    (re.compile(r'"(peak_memory_bytes|sent|received|port)": \d+'), r'"\1": NUMBER'),
    (re.compile(r"\bport=\d{4,5}\b"), "port=PORT"),
    (re.compile(r'"worker": "[^"]*"'), '"worker": WORKER'),
    # What the index of packages has today, for an app that is locked while the page is followed.
    (re.compile(r"\bbrings\s+certifi\b.*?(?=\n\s+from\s)", re.DOTALL), "brings PACKAGES"),
    (_HEX, "HEX"),
    (re.compile(r"[ \t]+"), " "),
    (re.compile(r" $", re.MULTILINE), ""),
)


@dataclass(frozen=True)
class Block:
    """One fenced block; ``line`` is that of its first line of content."""

    language: str
    path: str
    body: str
    line: int


@dataclass(frozen=True)
class Step:
    """A command and the output that the page shows."""

    command: str
    output: str


def blocks_of(page: Path) -> list[Block]:
    """All fenced blocks of a page, in order."""
    return list(_blocks_in(page.read_text("utf-8")))


def _blocks_in(text: str) -> Iterator[Block]:
    for match in _FENCE.finditer(text):
        language, _, path = match["info"].strip().partition(" ")
        yield Block(language, path.strip(), match["body"], text.count("\n", 0, match.start()) + 2)


def steps_of(body: str) -> list[Step]:
    """Commands of a console block; a line that begins with ``$`` begins one."""
    found: list[list[str]] = []
    for line in body.splitlines():
        if line.startswith("$ "):
            found.append([line[2:]])
        elif found:
            found[-1].append(line)
    return [Step(lines[0], "\n".join(lines[1:]).rstrip()) for lines in found]


def normalised(output: str, *, in_any_order: bool = False) -> str:
    """What stays the same from one execution to the next."""
    for pattern, replacement in _VARYING:
        output = pattern.sub(replacement, output)
    lines = output.strip().splitlines()
    return "\n".join(sorted(lines) if in_any_order else lines)


def tool_environment(folder: Path) -> dict[str, str]:
    """The environment of a reader who has installed the tool and pytest, at home in ``folder``."""
    for name, module in (("repertory", "-m repertory "), ("python3", "")):
        command = folder / ".bin" / name
        command.parent.mkdir(exist_ok=True)
        command.write_text(f'#!/bin/sh\nexec "{sys.executable}" {module}"$@"\n', "utf-8")
        command.chmod(0o755)
    author = {"NAME": "You", "EMAIL": "you@example.org"}
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(("REPERTORY_", "PYTEST_", "COV_"))},
        **{f"GIT_{role}_{part}": value for role in ("AUTHOR", "COMMITTER") for part, value in author.items()},
        **_from_source(),
        "PATH": f"{folder / '.bin'}:{os.environ['PATH']}",
        "PYTHONDONTWRITEBYTECODE": "1",
        "REPERTORY_HOME": str(folder / ".home"),
        "USER": "you",
        "TZ": "UTC",
        "NO_COLOR": "1",
    }


def _from_source() -> dict[str, str]:
    """What an installed tool needs no variable for: where it is, and its plugin of pytest."""
    roots = [Path(module.__file__ or "").parents[1] for module in (repertory_sdk, repertory)]
    found = {} if "site-packages" in roots[0].parts else {"PYTHONPATH": ":".join(map(str, roots))}
    if not any(plugin.name == "repertory" for plugin in entry_points(group="pytest11")):
        found["PYTEST_PLUGINS"] = "repertory_sdk.testing.plugin"
    return found


@dataclass
class Shell:
    """One bash for a whole page: folders and variables stay from command to command."""

    folder: Path
    environment: Mapping[str, str]
    stands_for: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._process = subprocess.Popen(
            ["bash", "--norc", "--noprofile"], cwd=self.folder, env=dict(self.environment), text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip

    def __enter__(self) -> Shell:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        with suppress(OSError):
            # What was left running may have something to tidy up, and it does that before its folder goes away.
            self._process.stdin.write("kill $(jobs -p); wait\n")
            self._process.stdin.close()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._process.stdout.close()

    def run(self, command: str) -> str:
        """The output of a command of the page; its run ids stand for those of this execution."""
        command = self.meant(command)
        if command.startswith("repertory simulate up") and command.endswith("&"):
            return self.simulate(command)
        return self.shown(self.printed(command))

    def simulate(self, command: str) -> str:
        """Leave simulators running in the background; what they print until they are ready, as on a terminal."""
        log = self.folder / ".simulators.log"
        self.printed(f"{command[:-1]} > {log} 2>&1 &")
        deadline = time.monotonic() + COMMAND_S
        while time.monotonic() < deadline:
            said = log.read_text("utf-8") if log.exists() else ""
            if "Ctrl-C ends" in said:
                return self.shown(said)
            time.sleep(0.05)
        raise TimeoutError(f"`{command}` is not ready within {COMMAND_S} s:\n{said}")

    def shown(self, output: str) -> str:
        """Output as pages show it."""
        output = output.replace(str(self.folder), SHOWN_FOLDER)
        output = output.replace(f"127.0.0.1:{self.stands_for[SHOWN_PORT]}", f"127.0.0.1:{SHOWN_PORT}")
        return output.replace(f'"{socket.gethostname()[:40]}-', '"soc-1-').rstrip()

    def printed(self, command: str) -> str:
        """What the shell prints until the command ends, or is in the background."""
        assert self._process.stdin is not None and self._process.stdout is not None
        mark = "--- the command has ended ---"
        self._process.stdin.write(f"{command}\nprintf '\\n%s\\n' '{mark}'\n")
        self._process.stdin.flush()
        lines = []
        stuck = threading.Timer(COMMAND_S, os.killpg, [self._process.pid, signal.SIGKILL])
        stuck.start()
        for line in self._process.stdout:
            if line.rstrip("\n") == mark:
                break
            lines.append(line)
        else:
            raise TimeoutError(f"`{command}` did not end within {COMMAND_S} s, or ended the shell")
        stuck.cancel()
        return "".join(lines)

    def meant(self, command: str) -> str:
        """A command with the ids of this execution."""
        return re.sub(r"[0-9a-f]{12,64}|" + SHOWN_PORT, lambda found: self.stands_for.get(found[0], found[0]), command)

    def write(self, path: str, body: str) -> None:
        """Write a file of the page into the folder where the shell is now."""
        here = Path(self.run("pwd").replace(SHOWN_FOLDER, str(self.folder), 1))
        (here / path).parent.mkdir(parents=True, exist_ok=True)
        (here / path).write_text(body, "utf-8")

    def learn(self, shown: str, real: str) -> None:
        """Note which id of this execution stands for which id of the page, by their order in the output."""
        found = _HEX.findall(real)
        self.stands_for.update(zip(_HEX.findall(shown), found, strict=False))
        if found:
            self.stands_for[LAST_ID] = found[-1]


def in_any_order(command: str) -> bool:
    """What runs in parallel is told in the order in which it ended."""
    return command.startswith(("repertory run ", "repertory answer ", "repertory resume "))


@contextmanager
def reader(folder: Path) -> Iterator[Shell]:
    """Somebody who begins to read; the port that the pages name is a free one."""
    with Shell(folder, tool_environment(folder)) as shell, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        shell.stands_for[SHOWN_PORT] = str(probe.getsockname()[1])
        probe.close()
        yield shell


def executed(page: Path, shell: Shell) -> Iterator[tuple[Block, Step, str]]:
    """Follow a page: each of its commands with the real output."""
    for block in blocks_of(page):
        if block.path:
            shell.write(block.path, block.body)
        for step in steps_of(block.body) if block.language == "console" else ():
            real = shell.run(step.command)
            shell.learn(step.output, real)
            yield block, step, real


def differences(page: Path, shell: Shell) -> list[str]:
    """One entry for each command whose output is not what the page shows."""
    found = []
    for block, step, real in executed(page, shell):
        loose = in_any_order(step.command)
        shown, had = normalised(step.output, in_any_order=loose), normalised(real, in_any_order=loose)
        if shown != had:
            found.append(f"{page.name}:{block.line} $ {step.command}\n--- shown\n{shown}\n--- real\n{had}")
    return found


def rewritten(page: Path, shell: Shell) -> str:
    """The page with the outputs of this execution."""
    bodies: dict[int, str] = {}
    for block, step, real in executed(page, shell):
        command = shell.meant(step.command).replace(shell.stands_for[SHOWN_PORT], SHOWN_PORT)
        bodies[block.line] = bodies.get(block.line, "") + f"$ {command}\n" + (f"{real}\n" if real else "")
    text = page.read_text("utf-8")
    parts, end = [], 0
    for match in _FENCE.finditer(text):
        line = text.count("\n", 0, match.start()) + 2
        parts += [text[end : match.start("body")], bodies.get(line, match["body"])]
        end = match.end("body")
    return "".join([*parts, text[end:]])


def main(names: list[str]) -> None:
    """Bring the outputs of pages up to date; one reader follows them all, in this order."""
    with tempfile.TemporaryDirectory() as work, reader(Path(work).resolve()) as shell:
        for page in map(Path, names):
            page.write_text(rewritten(page, shell), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
