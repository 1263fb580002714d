"""Machines as they are: full disks, missing programs, odd locales, pipes that close, others at work."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from commands.user import User
from far_files import far
from runtime_lab import until

ROOT = os.getuid() == 0
ESCAPE = "\x1b"


def sentence(err: str) -> None:
    """One sentence and what to do about it."""
    assert re.fullmatch(r"repertory: .+\n  → .+\n", err), err


# ---------------------------------------------------------------- the home


def test_a_home_that_is_a_file(newcomer: User) -> None:
    newcomer.home.write_text("mine")
    for words in (["runs"], ["search"], ["repo", "add", "x", str(newcomer.folder)], ["list"]):
        told = newcomer(*words)
        assert told.code in (0, 1)
        if told.code:
            sentence(told.err)
        assert newcomer.home.read_text() == "mine"


def test_a_home_below_a_file(newcomer: User) -> None:
    (newcomer.folder / "file").write_text("")
    newcomer.home = newcomer.folder / "file" / "home"
    told = newcomer("runs")
    assert told.code == 1
    sentence(told.err)
    assert "REPERTORY_HOME" in told.err


@pytest.fixture
def anyone() -> list[str]:
    """What makes a command one of a user without rights."""
    if not ROOT:
        return []
    if not shutil.which("setpriv"):
        pytest.skip("needs setpriv to give rights away")
    prefix = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    if subprocess.run([*prefix, sys.executable, "-c", "import repertory, typer"], capture_output=True, check=False).returncode:
        pytest.skip("nobody else may read this Python environment")
    return prefix


@pytest.mark.acceptance
@pytest.mark.may_skip("where the environment is in somebody's own folder, nobody else can use it")
def test_a_home_that_cannot_be_written(user: User, anyone: list[str], tmp_path: Path) -> None:
    for path in [*tmp_path.parents, tmp_path]:
        if path.name.startswith(("pytest-", "test_a_home")):
            path.chmod(0o755)
    for path in [user.home, *user.home.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        for words in (["sync"], ["install", "lab/lab"], ["asset", "remove", "lab-1"]):
            told = user.process(*words, prefix=anyone, env={"HOME": "/nonexistent"})
            assert told.code == 1, (words, told)
            assert "Traceback" not in told.err
            assert "→" in told.err, told.err
    finally:
        for path in [user.home, *user.home.rglob("*")]:
            if not path.is_symlink():
                path.chmod(0o755)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 256 kB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    if not ROOT or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("needs the right to mount")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.acceptance
def test_a_full_disk(newcomer: User, small_disk: Path, origins: Path) -> None:
    newcomer.home = small_disk / "home"
    newcomer.done("repo", "add", "lab", str(origins / "lab"))
    newcomer.done("runs")
    (small_disk / "ballast").write_bytes(b"")
    with (small_disk / "ballast").open("ab", buffering=0) as ballast:
        try:
            while True:
                ballast.write(b"x" * 512)
        except OSError:
            pass
    for words in (["event", "add", newcomer.event()], ["sync"], ["repo", "add", "x", str(origins / "community")]):
        told = newcomer.process(*words)
        assert told.code == 1, (words, told)
        assert "Traceback" not in told.err
        assert "repertory: " in told.err or words == ["sync"]
    (small_disk / "ballast").unlink()
    assert newcomer.asked("repo", "list")["repositories"][0]["name"] == "lab"
    assert newcomer.asked("event", "list")["events"] == []


@pytest.mark.acceptance
def test_commands_that_meet_on_an_empty_home(newcomer: User) -> None:
    variables = newcomer.variables()
    started = [
        subprocess.Popen(
            newcomer.command("runs", "--json"), env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for _ in range(4)
    ]
    for process in started:
        out, err = process.communicate(timeout=60)
        assert (process.returncode, json.loads(out), err) == (0, {"runs": []}, b"")


# ----------------------------------------------------------------- programs


@pytest.mark.acceptance
def test_without_git(newcomer: User, origins: Path) -> None:
    newcomer.done("repo", "add", "lab", str(origins / "lab"))
    for name in ("env", "prlimit"):
        (newcomer.folder / name).symlink_to(shutil.which(name) or "/nonexistent")
    nothing = {"PATH": str(newcomer.folder)}
    told = newcomer.process("sync", env=nothing)
    assert told.code == 1
    assert "git is not installed" in told.err and "Traceback" not in told.err
    assert "NO  git: not installed" in newcomer.process("doctor", env=nothing).out


def test_what_is_installed_needs_no_programs(user: User) -> None:
    """Neither Git nor uv."""
    run = user.process("act", "lab", "check ip", "ip=192.0.2.6", "--json", env={"PATH": str(user.folder)})
    assert (run.code, run.json["status"]) == (0, "succeeded")


# ------------------------------------------------------------------ the text


def test_a_poor_locale(user: User) -> None:
    locale = {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    told = user.process("act", "lab", "check ip", "ip=192.0.2.6", env=locale)
    assert (told.code, told.err) == (0, "")
    assert "malicious" in told.out
    assert r"verdict" in user.process("info", "lab", env=locale).out
    refused = user.process("run", "triagee", env=locale)
    assert refused.code == 2
    assert "did you mean lab/triage" in refused.err and "Traceback" not in refused.err


def test_arguments_that_are_no_text(user: User) -> None:
    before = user.state()
    for words in ([b"search", b"\xff"], [b"act", b"lab", b"check ip", b"ip=\xff"], [b"event", b"add", b"\xff.json"]):
        told = user.process(*words)
        assert told.code == 2, told
        sentence(told.err)
    assert user.state() == before


def test_a_pipe_gets_plain_text(user: User) -> None:
    user.done("run", "triage", "--event", user.event(sourceAddress="192.0.2.6"))
    for words in (["show", user.asked("runs")["runs"][0]["run"]], ["search"]):
        told = user.process(*words, env={"TERM": "xterm-256color"})
        assert (told.code, ESCAPE in told.out + told.err) == (0, False)


@pytest.mark.parametrize("words", [["search", "--json"], ["--help"], ["list"]], ids=" ".join)
def test_a_reader_that_goes_away(user: User, words: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    told = subprocess.run(
        user.command(*words), env=user.variables(), stdout=writer, stderr=subprocess.PIPE, timeout=60, text=True
    )
    os.close(writer)
    assert (told.returncode, told.stderr) == (1, "")


def test_what_a_server_answers_commands_no_terminal(user: User) -> None:
    told = user("run", "worst", "--event", user.event())
    record = user.done("show", user.asked("runs")["runs"][0]["run"])
    by_hand = user.done("act", "lab", "speak")
    event = user.done("event", "show", "1")
    for text in (told.out, record.out, by_hand.out, event.out):
        assert not set(text) & {ESCAPE, "\x07", "\u202e"}
    assert r"\x1b]0;owned\x07\x1b[2Jred \u202eder" in record.out


# ------------------------------------------------------------------- failures


def test_our_own_mistake_is_reported(user: User) -> None:
    """A table that cannot be: the program expects what it made itself."""
    import sqlite3

    connection = sqlite3.connect(user.home / "repertory.db")
    with connection:
        connection.execute("alter table asset rename column app to apps")
    connection.close()
    told = user("asset", "add", "lab-2", "lab", f"folder={far(user.folder)}", "token=hunter2")
    assert told.code == 3
    first, second = told.err.splitlines()
    assert first.startswith("repertory: this is a bug: ")
    report = Path(second.rpartition(" ")[2])
    assert report.parent == user.home / "reports"
    text = report.read_text()
    assert text.startswith("repertory asset\n")
    assert "Traceback" in text
    assert "hunter2" not in text.partition("Traceback")[0] + told.err


@pytest.mark.acceptance
def test_a_home_that_goes_away_while_a_run_goes_on(user: User) -> None:
    process = subprocess.Popen(
        user.command("run", "long_way", "--event", user.event()), cwd=user.folder, env=user.variables(),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    until(lambda: user.effects, "the action has begun")
    user.home.rename(user.home.with_name("elsewhere"))
    (user.folder / "go").touch()
    out, err = process.communicate(timeout=60)
    assert process.returncode != 0 or "succeeded" in out
    assert "Traceback" not in err
    user.home.with_name("elsewhere").rename(user.home)
    assert user.effects.count("count first") == 1


# ------------------------------------------------------------------ a worker


@pytest.mark.acceptance
def test_two_workers_share_the_work(user: User) -> None:
    runs = [user.asked("run", "triage", "--event", user.event(sourceAddress=f"192.0.2.{n}"), "--detach")["run"] for n in range(4)]
    workers = [
        subprocess.Popen(user.command("worker"), env=user.variables(), stderr=subprocess.PIPE, text=True) for _ in range(2)
    ]
    try:
        until(lambda: all(user.asked("show", run)["status"] == "succeeded" for run in runs), "all runs succeed")
        asked = user.asked("run", "decide", "--event", "1", "--detach")["run"]
        until(lambda: user.asked("prompts")["prompts"], "a question")
        assert user.done("answer", "1", "escalate").out == f"prompt 1 of run {asked}: escalate\n"
        until(lambda: user.asked("show", asked)["status"] == "succeeded", "the worker goes on")
    finally:
        for worker in workers:
            worker.send_signal(signal.SIGTERM)
        said = [worker.communicate(timeout=60)[1] for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0]
    for text in said:
        assert re.match(r"worker \S+ is ready\n", text)
        assert "has stopped" in text.splitlines()[-1]
    assert sorted(user.effects) == sorted(["check 192.0.2.0", *(f"check 192.0.2.{n}" for n in range(4))])


