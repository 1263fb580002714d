"""What explains the commands: the overview, the help of each, completion."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from commands.user import User
from repertory.main import COMMANDS

# A demonstration is for people, and a worker has no result.
WITHOUT_JSON = {"demo", "worker"}


def every_command() -> Iterator[tuple[tuple[str, ...], Any]]:
    """The words of each command, and what Typer made of it."""
    for name, entry in COMMANDS.items():
        made = typer.main.get_command(importlib.import_module(f"repertory.commands.{entry.module}").app)
        inner: dict[str, Any] = getattr(made, "commands", {})
        if not inner or getattr(made, "invoke_without_command", False):
            yield (name,), made
        for part, command in inner.items():
            yield (name, part), command


EVERY = dict(every_command())


def test_the_overview_says_what_the_commands_say_of_themselves() -> None:
    for name, entry in COMMANDS.items():
        made = typer.main.get_command(importlib.import_module(f"repertory.commands.{entry.module}").app)
        first = re.split(r"(?<=[.])(?:\s|$)|:\s", made.help or "")[0].rstrip(".")
        assert entry.help.startswith(first), name


@pytest.mark.parametrize("group", sorted({words[0] for words in EVERY if len(words) > 1}))
def test_groups_say_whole_sentences(newcomer: User, group: str) -> None:
    lines = newcomer.done(group, "--help").out.partition("Commands:\n")[2].splitlines()
    assert lines
    assert [line for line in lines if not line.endswith((".", "?")) or line.endswith("...")] == []


def test_the_overview_lists_every_command(newcomer: User) -> None:
    told = newcomer.done("--help")
    listed = re.findall(r"^  ([a-z]+) ", told.out.partition("Commands:\n")[2], re.M)
    assert listed == list(COMMANDS)
    assert newcomer.done("-h") == told
    bare = newcomer()
    assert bare.code == 2
    assert "Commands:" in bare.out + bare.err
    assert not newcomer.home.exists()


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_a_command_explains_itself(newcomer: User, words: tuple[str, ...]) -> None:
    told = newcomer.done(*words, "--help")
    examples = re.findall(r"^\s+(repertory .*)$", told.out.partition("Example")[2], re.M)
    assert examples, told.out
    assert all(example.startswith(f"repertory {words[0]}") for example in examples)
    assert max(map(len, told.out.splitlines())) <= 80
    assert not newcomer.home.exists()


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_a_command_speaks_to_programs(words: tuple[str, ...]) -> None:
    options = [option for parameter in EVERY[words].params for option in parameter.opts]
    assert ("--json" in options) == (words[0] not in WITHOUT_JSON)


def test_the_version(newcomer: User) -> None:
    (quick, slow) = newcomer.process("--version"), newcomer("--version")
    assert re.fullmatch(r"repertory \d+\.\d+\.\d+\n", quick.out)
    assert quick == slow


# ---------------------------------------------------------------- completion


def complete(user: User, line: str) -> list[str]:
    """What a shell would offer at the end of a line."""
    words = line.split(" ")
    variables = {"_REPERTORY_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    user.environment.update(variables)
    told = user()
    for name in variables:
        del user.environment[name]
    assert (told.code, told.err) == (0, "")
    return told.out.split()


def test_completion_knows_the_commands(newcomer: User) -> None:
    assert complete(newcomer, "repertory r") == ["repo", "remove", "rollback", "run", "runs", "resume"]
    assert complete(newcomer, "repertory asset ") == ["add", "list", "show", "test", "remove"]
    assert "--event" in complete(newcomer, "repertory run --e")


NAMES = ["info ", "install ", "remove ", "run ", "act ", "sync ", "show ", "cancel ", "resume ", "asset show "]


@pytest.mark.parametrize("line", NAMES)
def test_completion_makes_no_home(newcomer: User, line: str) -> None:
    assert complete(newcomer, f"repertory {line}") == []
    assert not newcomer.home.exists()


def test_completion_knows_names(user: User) -> None:
    run = user("run", "decide", "--event", user.event(), "--json").json["run"]
    assert complete(user, "repertory info community/wh") == ["community/whois"]
    assert complete(user, "repertory run lab/t") == ["lab/triage"]
    assert complete(user, "repertory sync ") == ["community", "lab"]
    assert complete(user, "repertory asset test ") == ["lab-1"]
    assert complete(user, "repertory act lab fail --asset l") == ["lab-1"]
    assert complete(user, f"repertory show {run[:3]}") == [run]


def test_completion_is_quiet_in_a_damaged_home(user: User) -> None:
    user.config("broken =")
    assert complete(user, "repertory run ") == []
    (user.home / "config.toml").unlink()
    (user.home / "repertory.db").write_bytes(b"garbage" * 500)
    assert complete(user, "repertory asset show ") == []
