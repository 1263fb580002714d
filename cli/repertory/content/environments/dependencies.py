"""What ``requirements.lock`` brings along: packages, versions, and how many hashes permit each."""

from __future__ import annotations

from dataclasses import dataclass

from repertory.content.checks.requirements import HASH, PINNED, logical_lines, normal_name


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
