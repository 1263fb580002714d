"""The Typer application: a table of commands, loaded when they are used, and the one handler of errors."""

from __future__ import annotations

import importlib
import io
import json
import os
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

import typer
from typer.core import TyperGroup

from repertory import VERSION
from repertory.commands._output import note
from repertory.errors import (
    EXIT_BUG,
    EXIT_DONE,
    EXIT_INTERRUPTED,
    EXIT_NOT_DONE,
    EXIT_USAGE,
    NotFound,
    UsageError,
    UserError,
)

if TYPE_CHECKING:
    from collections.abc import Sequence


class Entry(NamedTuple):
    """Where a command is, and its line in the overview (a test compares it with the command's own docstring)."""

    module: str
    help: str


COMMANDS = {
    "demo": Entry("demo", "See it work: from a Git repository to a finished run, in a throw-away home."),
    "repo": Entry("repo", "Follow repositories of content."),
    "sync": Entry("sync", "Fetch the followed repositories; nothing installed changes."),
    "search": Entry("search", "Find apps and playbooks in everything that is followed."),
    "list": Entry("items", "List what is installed."),
    "info": Entry("info", "Show what an item is, wants and offers."),
    "graph": Entry("graph", "Show which actions a playbook asks for and who offers them, or who asks for an app's."),
    "install": Entry("install", "Install items and what they need, exactly as synced, after one review of all that they may do."),
    "remove": Entry("remove", "Remove installed items."),
    "outdated": Entry("outdated", "List installed items of which another version was synced."),
    "diff": Entry("diff", "Show what an update of an item would change, permissions first."),
    "update": Entry("update", "Update installed items to what was synced last; asks where one wants more than before."),
    "pin": Entry("pin", "Keep an item as it is, whatever is synced."),
    "unpin": Entry("unpin", "Let updates change an item again."),
    "rollback": Entry("rollback", "Return to an earlier generation of everything that is installed, at once."),
    "verify": Entry("verify", "Compare everything installed with its hashes and signers, without a network."),
    "gc": Entry("gc", "Delete what no kept generation and no unfinished run needs."),
    "asset": Entry("asset", "Configure assets: which product, where, with which credentials."),
    "secrets": Entry("secrets", "See what protects the secrets of assets, move them, change their keys."),
    "event": Entry("event", "Add, list, show and close events."),
    "run": Entry("run", "Run a playbook on an event."),
    "explore": Entry("explore", "Simulate a playbook many times, and tell which actions it could take."),
    "simulate": Entry("simulate", "Simulate products on this machine, to try apps and playbooks on."),
    "act": Entry("act", "Run one action by hand."),
    "runs": Entry("runs", "List runs."),
    "show": Entry("show", "Show everything a run did."),
    "prompts": Entry("prompts", "List the questions that wait for an answer."),
    "answer": Entry("answer", "Answer a question, and go on with its run."),
    "cancel": Entry("cancel", "Stop a run."),
    "resume": Entry("resume", "Go on with an interrupted run."),
    "worker": Entry("worker", "Serve queued runs until stopped."),
    "fork": Entry("fork", "Copy an item into a repository of your own, to edit it there."),
    "merge": Entry("merge", "Merge what changed upstream since an item was forked, or last merged."),
    "bundle": Entry("bundle", "Carry what is installed to a network without a way out, as one file."),
    "validate": Entry("validate", "Check content without running it."),
    "manifest": Entry("manifest", "Write an item's manifest from its code."),
    "schema": Entry("schema", "Print the JSON Schema of a file format."),
    "doctor": Entry("doctor", "Check this installation, and say what to do."),
}

_BUG_HINT = "please report it with this file: "


class CommandTable(TyperGroup):
    """Imports a command's module only when that command is used."""

    def list_commands(self, ctx: Any) -> list[str]:
        """In the order of a user's way."""
        return list(COMMANDS)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """The overview needs no command's module."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in COMMANDS.items()])

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The real command."""
        entry = COMMANDS.get(cmd_name)
        return typer.main.get_command(importlib.import_module(f"repertory.commands.{entry.module}").app) if entry else None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """An unknown command names the nearest known one."""
        if args[0] not in COMMANDS and not args[0].startswith("-") and not ctx.resilient_parsing:
            raise NotFound("command", args[0], COMMANDS, "`repertory --help` lists them")
        return super().resolve_command(ctx, args)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"repertory {VERSION}")
        raise typer.Exit


app = typer.Typer(
    name="repertory",
    cls=CommandTable,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(epilog="Begin with `repertory demo`. `repertory COMMAND --help` shows examples.")
def repertory(
    version: bool = typer.Option(
        False, "--version", "-V", help="Print the version and exit.", is_eager=True, callback=_print_version
    ),
) -> None:
    """Security playbooks and apps from Git: reviewed, installed, and run durably on your own machine."""


def run(arguments: Sequence[str] | None = None) -> None:
    """Parse and execute; ends by raising SystemExit."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # in a poor locale, a sign is better than an error
    code = _execute(words)
    if code == EXIT_INTERRUPTED:
        note("\ninterrupted")
    raise SystemExit(code)


def _execute(words: Sequence[str]) -> int:
    """Whatever a command raises ends here; the exit code it stands for."""
    as_json = "--json" in words
    try:
        _check_text(words)
        code = typer.main.get_command(app).main(args=list(words), prog_name="repertory", standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else EXIT_DONE
    except UserError as error:
        return _tell(error, as_json=as_json)
    except (KeyboardInterrupt, typer.Abort):
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains when it flushes at its end
        return EXIT_NOT_DONE
    except _Misused as error:
        return _misused(error, as_json=as_json)
    except Exception as error:
        return _report(error, words)


def _check_text(words: Sequence[str]) -> None:
    """Bytes that are not UTF-8 come as halves of characters, which can neither be kept nor printed."""
    for word in words:
        if not word.isprintable() and any("\ud800" <= letter <= "\udfff" for letter in word):
            raise UsageError(f"{word!a} is not UTF-8 text", "use a terminal with UTF-8, and name files accordingly")


# The base of all that Typer has to say about a command line; where it comes from differs between its versions.
_Misused: Any = typer.BadParameter.__base__


def _misused(error: Any, *, as_json: bool) -> int:
    message = error.format_message()
    if not message or error.ctx is None or type(error).__name__ == "NoArgsIsHelpError":
        error.show()
        return EXIT_USAGE
    sentence = f"{message[0].lower()}{message[1:]}".rstrip(".")
    return _tell(UsageError(sentence, f"`{error.ctx.command_path} --help` shows how it is used"), as_json=as_json)


def _tell(error: UserError, *, as_json: bool) -> int:
    if as_json:
        sys.stdout.write(json.dumps({"error": {"message": error.message, "hint": error.hint}}) + "\n")
        sys.stdout.flush()
    note(f"repertory: {error.message}")  # which may quote what a stranger wrote
    if error.hint:
        note(f"  → {error.hint}")
    return error.exit_code


def _report(error: Exception, words: Sequence[str]) -> int:
    """Our bug: one sentence, and a file with the rest. Of the arguments, which may hold secrets, only the command."""
    import traceback

    from repertory.home import write_atomically
    from repertory.runtime.secrets.exposed import scrubbed
    from repertory.settings import load_settings

    text = scrubbed("".join(traceback.format_exception(error)))
    note(scrubbed(f"repertory: this is a bug: {type(error).__name__}: {error}"))
    try:
        path = load_settings().home.reports / f"{os.getpid()}.txt"
        write_atomically(path, f"repertory {' '.join(words[:1])}\n\n{text}".encode(errors="replace"))
        note(f"  → {_BUG_HINT}{path}")
    except (OSError, UserError):
        note(text.rstrip())
    return EXIT_BUG
