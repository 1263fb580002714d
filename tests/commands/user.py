"""A person at a computer: a home, a folder, and commands that are typed."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from repertory.main import run

SOURCES = os.pathsep.join(str(Path(__file__).parents[2] / name) for name in ("sdk", "cli"))
PATIENCE_S = 30.0


class Told(NamedTuple):
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as exactly one JSON value."""
        return json.loads(self.out)


class _Stream(io.TextIOWrapper):
    """Text that is kept; no terminal."""

    def __init__(self) -> None:
        self._kept = io.BytesIO()
        super().__init__(self._kept, encoding="utf-8", write_through=True)

    def text(self) -> str:
        return self._kept.getvalue().decode()


@dataclass
class User:
    """Types commands, in this process or in one of its own."""

    home: Path
    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    def __call__(self, *words: str, input: str = "") -> Told:
        """A command in this process; fast."""
        out, err = _Stream(), _Stream()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            patch.chdir(self.folder)
            patch.setenv("REPERTORY_HOME", str(self.home))
            for name, value in self.environment.items():
                patch.setenv(name, value)
            patch.setattr(sys, "stdin", io.StringIO(input))
            with pytest.raises(SystemExit) as ended:
                run(words)
        code = ended.value.code
        assert isinstance(code, int)
        return Told(code, out.text(), err.text())

    def done(self, *words: str, input: str = "") -> Told:
        """A command that succeeds."""
        told = self(*words, input=input)
        assert told.code == 0, told
        return told

    def asked(self, *words: str) -> Any:
        """What a successful command says to programs."""
        return self.done(*words, "--json").json

    def install(self, *words: str) -> Told:
        """Install what was looked at before."""
        return self.done("install", *words, "--reviewed", self.asked("install", *words, "--dry-run")["review"])

    def refused(self, *words: str, code: int = 1) -> str:
        """What is said about a mistake: a sentence, and what to do. Nothing of the home has changed."""
        before = self.state()
        told = self(*words)
        assert told.code == code, told
        assert "Traceback" not in told.err + told.out
        assert re.fullmatch(r"repertory: .+(\n.+)*\n  → .+\n", told.err), told.err
        assert self.state() == before
        return told.err

    # ------------------------------------------------- processes of their own

    def variables(self, **more: str) -> dict[str, str]:
        """The environment of a process of its own."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        here = {"PYTHONPATH": SOURCES, "REPERTORY_HOME": str(self.home), "PYTHONDONTWRITEBYTECODE": "1"}
        return {**kept, **here, **self.environment, **more}

    def command(self, *words: str | bytes) -> list[str | bytes]:
        """What starts a command."""
        return [sys.executable, "-m", "repertory", *words]

    def process(self, *words: str | bytes, **options: Any) -> Told:
        """A command in a process of its own, to its end."""
        variables = self.variables(**options.pop("env", {}))
        prefix = options.pop("prefix", [])
        done = subprocess.run(
            [*prefix, *self.command(*words)], cwd=self.folder, env=variables, stdin=subprocess.DEVNULL,
            capture_output=True, timeout=PATIENCE_S, **options,
        )  # fmt: skip
        return Told(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))

    # --------------------------------------------------------- what there is

    def state(self) -> dict[str, str]:
        """What commands may change: rows of the database and files of the home, not what is only looked after."""
        import hashlib
        import sqlite3

        found = {"database": ""}
        for name in ("repertory.lock", "repositories.json", "secrets.json", "secrets.store", "config.toml"):
            path = self.home / name
            if path.is_file() and os.access(path, os.R_OK):
                found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
        database = self.home / "repertory.db"
        if database.is_file():
            try:
                connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
                found["database"] = "\n".join(line for line in connection.iterdump() if "INSERT" in line and "meta" not in line)
                connection.close()
            except sqlite3.Error:
                found["database"] = hashlib.sha256(database.read_bytes()).hexdigest()
        return found

    @property
    def effects(self) -> list[str]:
        """What the lab really did."""
        path = self.folder / "effects.log"
        return path.read_text().splitlines() if path.exists() else []

    def config(self, text: str) -> None:
        """Write the settings."""
        (self.home / "config.toml").write_text(text)

    def event(self, **cef: str) -> str:
        """A file with an event."""
        plain = {"name": "ET SCAN Potential SSH Scan", "labels": ["test"], "artifacts": [{"name": "alert", "cef": cef}]}
        path = self.folder / f"event-{len(list(self.folder.glob('event-*')))}.json"
        path.write_text(json.dumps(plain))
        return path.name


def copy_home(original: Path, home: Path) -> None:
    """Nothing writes into environments that exist: one copy serves all."""
    shutil.copytree(original, home, symlinks=True, ignore=shutil.ignore_patterns("environments"))
    (home / "environments").symlink_to(original / "environments")
