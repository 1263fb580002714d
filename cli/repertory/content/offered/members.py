"""A catalogue of repositories: one followed repository that lists others, each of which is then followed as well.

The file is a stranger's. It may name what a person could have typed, but for this machine's own folders, and what it
lists may not list more.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

from repertory.content.git.sources import SCP_LIKE, parse_ref, parse_url
from repertory.content.items.json_lines import JsonFile, JsonProblem, parse_json, place_of
from repertory.errors import UserError
from repertory.home import write_atomically
from repertory_sdk.convert import from_json, to_json
from repertory_sdk.errors import ConversionError

if TYPE_CHECKING:
    from repertory.content.git.sources import Source
    from repertory.home import Home

MEMBERS_FILE = "repertory-catalog.json"
MEMBERS_SCHEMA = "urn:repertory:schema:catalog-of-repositories:1"
MOST_MEMBERS = 10_000
MOST_BYTES = 4_000_000
REPOSITORY_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")
MEMBER_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,37}")
CURE = "tell whoever keeps it; what it listed before is still followed"


@dataclass(frozen=True, kw_only=True)
class Member:
    """One listed repository. ``name`` is that in the list; it is followed as ``catalogue-name``."""

    name: str
    url: str
    ref: str = ""
    summary: str = ""


@dataclass(frozen=True, kw_only=True)
class _List:
    repositories: Sequence[Member] = field(default=())


def parse_members(content: bytes, catalog: str, source: Source) -> list[Member]:
    """The listed repositories with normal URLs; raises UserError about the first thing that is wrong.

    ``catalog`` is the name that the listing repository is followed under, ``source`` where it is.
    """
    if len(content) > MOST_BYTES:
        raise UserError(f"{MEMBERS_FILE} is larger than {MOST_BYTES:,} bytes", CURE)
    parsed = _parse(content)
    try:
        plain = {key: value for key, value in parsed.value.items() if key != "$schema"}
        listed: _List = from_json(_List, plain)
    except ConversionError as error:
        _refuse(parsed, place_of(error.path), str(error))
    if len(listed.repositories) > MOST_MEMBERS:
        _refuse(
            parsed, ["repositories"], f"lists {len(listed.repositories):,} repositories; {MOST_MEMBERS:,} are the most"
        )
    return _checked(listed.repositories, parsed, catalog, source)


def _parse(content: bytes) -> JsonFile:
    try:
        parsed = parse_json(content.decode("utf-8"))
    except UnicodeDecodeError:
        raise UserError(f"{MEMBERS_FILE} is not UTF-8", CURE) from None
    except JsonProblem as problem:
        raise UserError(f"{MEMBERS_FILE}:{problem.line}: {problem.message}", CURE) from None
    if not isinstance(parsed.value, dict) or parsed.value.get("$schema") != MEMBERS_SCHEMA:
        raise UserError(f"{MEMBERS_FILE}:1: its $schema is not {MEMBERS_SCHEMA}", CURE)
    return parsed


def _refuse(parsed: JsonFile, place: Sequence[str | int], problem: str) -> NoReturn:
    raise UserError(f"{MEMBERS_FILE}:{parsed.line_of(place)}: {problem}", CURE)


def _checked(listed: Sequence[Member], parsed: JsonFile, catalog: str, source: Source) -> list[Member]:
    seen: set[str] = set()
    checked = []
    for index, member in enumerate(listed):
        place: list[str | int] = ["repositories", index]
        if not MEMBER_NAME.fullmatch(member.name) or not REPOSITORY_NAME.fullmatch(f"{catalog}-{member.name}"):
            _refuse(parsed, [*place, "name"], f"{member.name!r} is no name for a repository of {catalog!r}")
        if member.name in seen:
            _refuse(parsed, [*place, "name"], f"{member.name!r} occurs twice")
        seen.add(member.name)
        try:
            url, ref = _checked_url(member.url, source), parse_ref(member.ref)
        except UserError as error:
            _refuse(parsed, [*place, "url"], error.message)
        if (url, ref) == (source.url, source.ref) or (url == source.url and not source.is_local):
            _refuse(parsed, [*place, "url"], "it lists itself")
        checked.append(Member(name=member.name, url=url, ref=ref, summary=member.summary))
    return checked


def _checked_url(text: str, source: Source) -> str:
    """A normal URL; folders of this machine only where the catalogue itself is one."""
    if text.startswith(("https://", "ssh://")) or SCP_LIKE.fullmatch(text):
        return parse_url(text)
    if source.is_local and text.startswith(("file:///", "/")):
        return parse_url(text)
    wanted = "https, ssh or an absolute path" if source.is_local else "https or ssh"
    raise UserError(f"{text[:200]!r} is not the URL of a repository by {wanted}")


# -------------------------------------------------------------------- keeping


def read_members(home: Home, catalog: str) -> list[Member]:
    """What a followed repository listed at its last sync."""
    with suppress(OSError, ValueError, ConversionError):
        listed: _List = from_json(_List, json.loads(home.members(catalog).read_bytes()))
        return list(listed.repositories)
    return []


def write_members(home: Home, catalog: str, members: Sequence[Member]) -> None:
    """Keep it; a repository that lists nothing has no file."""
    if not members:
        home.members(catalog).unlink(missing_ok=True)
        return
    plain: dict[str, Any] = to_json(_List(repositories=tuple(members)))
    write_atomically(home.members(catalog), json.dumps(plain, ensure_ascii=False).encode())
