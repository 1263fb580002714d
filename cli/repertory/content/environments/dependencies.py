"""What ``requirements.lock`` brings along: packages, versions, and how many hashes permit each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from repertory.content.checks.issue import render_issues
from repertory.content.checks.requirements import (
    ELSEWHERE_HINT,
    HASH,
    LOCK_FILE,
    PINNED,
    is_plain,
    lock_issues,
    logical_lines,
    normal_name,
)
from repertory.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, kw_only=True)
class Dependency:
    """One pinned package. ``hashes`` counts the files that may be installed for it."""

    name: str
    version: str
    hashes: int = 0


def read_dependencies(text: str) -> list[Dependency]:
    """The packages of a ``requirements.lock``, by name; a package may occur with several versions."""
    found = []
    for _number, line in logical_lines(text):
        match = PINNED.match(line)
        if match:
            hashes = len(HASH.findall(line))
            found.append(Dependency(name=normal_name(match["name"]), version=match["version"], hashes=hashes))
    return sorted(found, key=lambda one: (one.name, one.version))


def plain_requirements(content: bytes, *, name: str) -> str:
    """What is handed to the installer: pins, markers and hashes, as we read them ourselves, and nothing else.

    ``name`` is how errors call the app. Whatever checked it before, or did not, a line that could lead to another server
    than those that the user set is refused.
    """
    text = content.decode("utf-8", errors="replace")
    issues = lock_issues(LOCK_FILE, text)
    if issues:
        raise UserError(f"{name}: its requirements are not installed:\n{render_issues(issues)}", ELSEWHERE_HINT)
    return "".join(f"{line}\n" for _number, line in logical_lines(text))


def refuse_options(requires: Sequence[str]) -> None:
    """What an author's code requires must be plain before it is resolved."""
    for requirement in requires:
        if not is_plain(requirement):
            raise UserError(f"{requirement!r} is not the plain requirement of a package", ELSEWHERE_HINT)
