"""What the ``uv.lock`` beside an app pins, with hashes: what the project itself needs, and nothing for its developers."""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

LOCK = "uv.lock"
_HASH = re.compile(r"sha256:[0-9a-f]{64}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.!+_-]*")
_MARKER = re.compile(r"[A-Za-z0-9_.()'\"<>=!~ *+-]*")
_OURSELVES = ("virtual", "editable")
_MOST_WAYS = 20_000

Plain = dict[str, Any]
_Way = tuple[str, str, str]  # name, version, extra


class NotLocked(ValueError):
    """A lock that cannot be kept to: something comes from elsewhere than an index, or only as source."""


def locked_lines(folder: Path) -> list[str]:
    """Lines for an installer that is to look for nothing else; empty without a lock that can be kept to."""
    try:
        plain = tomllib.loads((folder / LOCK).read_text("utf-8"))
        return list(_Lock(plain).lines())
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return []


class _Lock:
    def __init__(self, plain: Mapping[str, Any]) -> None:
        self._packages: defaultdict[str, list[Plain]] = defaultdict(list)
        for package in plain["package"]:
            self._packages[package["name"]].append(package)
        self._root = _only(one for one in plain["package"] if set(one["source"]) & {*_OURSELVES})

    def lines(self) -> Iterator[str]:
        """Packages that are only a dependency of others and come only as source are left out: most are never imported."""
        direct = {one["name"] for one in self._root.get("dependencies", ())}
        for (name, version), markers in sorted(self._reached().items()):
            package = self._package(name, version)
            hashes = [one["hash"] for one in package.get("wheels", ()) if _HASH.fullmatch(one["hash"])]
            if not hashes and name in direct:
                raise NotLocked(name)
            if hashes:
                yield _line(name, version, markers, hashes)

    def _reached(self) -> dict[tuple[str, str], set[str]]:
        """Packages and under which markers: one for each way that leads to them."""
        found: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        waiting = list(self._next(self._root.get("dependencies", ()), ""))
        seen = set(waiting)
        while waiting:
            (name, version, extra), marker = waiting.pop()
            package = self._package(name, version)
            found[name, version].add(marker)
            more = package.get("optional-dependencies", {}).get(extra, ()) if extra else package.get("dependencies", ())
            for step in self._next(more, marker):
                if step not in seen and (step[0], "") not in seen:
                    seen.add(step)
                    waiting.append(step)
            if len(seen) > _MOST_WAYS:
                raise NotLocked("too much of it")
        return found

    def _next(self, dependencies: Sequence[Plain], marker: str) -> Iterator[tuple[_Way, str]]:
        for one in dependencies:
            own = one.get("marker", "")
            both = f"{marker} and ({own})" if own and marker and own not in marker else marker or (own and f"({own})")
            package = self._package(one["name"], one.get("version", ""))
            for extra in ("", *one.get("extra", ())):
                yield (one["name"], package["version"], extra), both

    def _package(self, name: str, version: str) -> Plain:
        found = _only(one for one in self._packages[name] if not version or one["version"] == version)
        if "registry" not in found["source"]:
            raise NotLocked(name)
        return found


def _only(found: Iterator[Plain]) -> Plain:
    """The first, which is there in any lock that uv wrote."""
    for one in found:
        return one
    raise NotLocked("a package that is named and not there")


def _line(name: str, version: str, markers: set[str], hashes: Sequence[str]) -> str:
    parts = sorted(markers)
    marker = "" if "" in parts else " or ".join(f"({part})" for part in parts)
    if "--" in marker or not (_NAME.fullmatch(name) and _VERSION.fullmatch(version) and _MARKER.fullmatch(marker)):
        raise NotLocked(name)
    pin = f"{name}=={version}" + (f" ; {marker}" if marker else "")
    return " ".join([pin, *(f"--hash={one}" for one in hashes)])
