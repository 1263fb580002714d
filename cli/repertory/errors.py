"""The one tree of errors. Whatever a user can cause is a UserError; everything else is our bug."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

EXIT_DONE = 0
EXIT_NOT_DONE = 1
EXIT_USAGE = 2
EXIT_BUG = 3
EXIT_INTERRUPTED = 130


class UserError(Exception):
    """Something a user can understand and mend.

    ``message`` says what happened in one sentence, ``hint`` what to do next.
    """

    exit_code = EXIT_NOT_DONE

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(UserError):
    """The words of the command do not fit together."""

    exit_code = EXIT_USAGE


class NotFound(UserError):
    """A name that nothing answers to, with the nearest names that exist."""

    exit_code = EXIT_USAGE

    def __init__(self, kind: str, name: str, known: Iterable[str], hint: str = "") -> None:
        nearest = nearest_names(name, known)
        meant = f"did you mean {' or '.join(nearest)}?" if nearest else ""
        super().__init__(f"no {kind} is called {name!r}", meant or hint)


def counted(number: int, noun: str, plural: str = "") -> str:
    """A number of things in a sentence: ``1 item``, ``2 items``; ``plural`` where it is not the noun with an s."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def nearest_names(name: str, known: Iterable[str]) -> list[str]:
    """At most three known names that look like this one, also without their repository."""
    names = sorted(set(known))
    tails = {full.rpartition("/")[2]: full for full in names}
    close = get_close_matches(name, names, 3, 0.6)
    wanted = name.rpartition("/")[2]
    close += [tails[tail] for tail in get_close_matches(wanted, list(tails), 3, 0.7)]
    return list(dict.fromkeys(close))[:3]
