"""The only module that prints: tables and text for people, JSON for programs."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console
    from rich.progress import Progress

# In a pipe there is no terminal to fit into.
PIPE_COLUMNS = 160
# Below that, words are broken to pieces: the terminal may wrap the line itself.
_LEAST_FOLDED = 20
JSON = typer.Option(False, "--json", help="Print one JSON object for programs.")
# Control characters but for tab and line feed, those that reverse the direction of text, and hidden ends of lines.
_COMMANDING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


@dataclass(frozen=True, kw_only=True)
class Branch:
    """One line of a tree and what hangs on it; ``style`` is a word of rich."""

    text: str
    style: str = ""
    twigs: Sequence[Branch] = ()


def command_group(help_text: str) -> typer.Typer:
    """A Typer application as every command of ours is one: plain help, no completion options of its own."""
    return typer.Typer(
        help=help_text, add_completion=False, no_args_is_help=True, rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )  # fmt: skip


def single_command() -> typer.Typer:
    """The same for a module with one command."""
    return typer.Typer(
        add_completion=False, rich_markup_mode=None, context_settings={"help_option_names": ["-h", "--help"]}
    )


def emit(plain: Any) -> None:
    """One JSON value on standard output; what could command a terminal can only be within texts, and is written as JSON may."""
    text = json.dumps(plain, indent=2, ensure_ascii=False)
    sys.stdout.write(_COMMANDING.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n")
    sys.stdout.flush()


def printable(text: str) -> str:
    """Text that cannot command a terminal: what products answer is shown to people, escape sequences and all."""
    return text if text.isprintable() else _COMMANDING.sub(lambda found: ascii(found[0])[1:-1], text)


def one_line(text: str) -> str:
    """Text that cannot pretend to be several lines of ours."""
    return printable(" ".join(text.split()))


def say(text: str = "") -> None:
    """A line for a person, on standard output."""
    sys.stdout.write(f"{printable(text)}\n")
    sys.stdout.flush()


def note(text: str) -> None:
    """A line beside the result: progress, warnings; on standard error."""
    sys.stderr.write(f"{printable(text)}\n")
    sys.stderr.flush()


def is_terminal() -> bool:
    """Whether a person looks at the output as it comes."""
    return sys.stdout.isatty()


def can_ask() -> bool:
    """Whether a person can answer questions here."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def console() -> Console:
    """Colours and widths; plain text in a pipe. NO_COLOR is respected."""
    from rich.console import Console

    width = None if is_terminal() else PIPE_COLUMNS
    return Console(highlight=False, markup=False, width=width)


def can_show_progress() -> bool:
    """Whether a person looks at standard error."""
    return sys.stderr.isatty()


def progress_bar(text: str) -> Progress:
    """A bar on standard error that is gone when its work is done; ``text`` is in the words of rich."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    bar, label = BarColumn(bar_width=30), TextColumn(text, markup=False)
    return Progress(bar, label, console=Console(stderr=True, markup=False), transient=True)


def tree(trunk: Branch) -> None:
    """Nested lines, with guides."""
    from rich.text import Text
    from rich.tree import Tree

    def grow(branch: Branch, place: Tree) -> Tree:
        for twig in branch.twigs:
            grow(twig, place.add(Text(printable(twig.text), twig.style), guide_style="dim"))
        return place

    console().print(grow(trunk, Tree(Text(printable(trunk.text), trunk.style), guide_style="dim")))


def line_width() -> int:
    """How many characters fit into a line."""
    return console().width


def wide(text: str) -> int:
    """How many columns a terminal takes for it."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def pad(text: str, width: int) -> str:
    """At least so many columns."""
    return text + " " * (width - wide(text))


def cut(text: str, width: int) -> str:
    """At most so many columns."""
    if wide(text) <= width:
        return text
    from rich.cells import set_cell_size

    return f"{set_cell_size(text, max(width - 1, 0)).rstrip()}…"


def fold(text: str, width: int) -> list[str]:
    """Lines of at most so many columns, broken between words where that is possible; at least one."""
    from rich.text import Text

    lines = Text(text).wrap(console(), width)
    return [line.plain.rstrip() for line in lines] or [""]


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, empty: str) -> None:
    """Aligned columns; ``empty`` is said where there is no row."""
    shown = [[_cell(value) for value in row] for row in rows]
    if not shown:
        say(empty)
        return
    widths = [max(wide(row[index]) for row in [list(columns), *shown]) for index in range(len(columns))]
    room = line_width() - sum(widths[:-1]) - 2 * (len(widths) - 1) if is_terminal() else 0
    for row in [[name.upper() for name in columns], *shown]:
        begun = "".join(f"{pad(cell, width)}  " for cell, width in zip(row[:-1], widths, strict=False))
        first, *others = fold(row[-1], room) if room >= _LEAST_FOLDED else [row[-1]]
        say(f"{begun}{first}".rstrip())
        for line in others:
            say(" " * wide(begun) + line)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, (list, tuple)):
        return one_line(", ".join(map(str, value)))
    return one_line(str(value))


def moment(seconds: float | None) -> str:
    """A point in time, in the local zone; empty for none."""
    if not seconds:
        return ""
    return datetime.fromtimestamp(seconds, tz=UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def timestamp(seconds: float | None) -> str | None:
    """The same for programs: RFC 3339, UTC."""
    return None if not seconds else datetime.fromtimestamp(seconds, tz=UTC).isoformat(timespec="milliseconds")


def duration(seconds: float | None) -> str:
    """How long something took, for people."""
    if seconds is None:
        return ""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def ask_line(question: str, *, secret: bool = False, default: str | None = None) -> str:
    """Read one line from the person at the terminal."""
    return str(typer.prompt(printable(question), default, hide_input=secret, show_default=not secret, err=True))
