"""Making a catalogue of repositories: from a list of addresses, or from what a forge's API says of an organisation."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from repertory.content.git.sources import parse_url
from repertory.content.offered.members import MEMBER_NAME, MEMBERS_SCHEMA, Member
from repertory.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")
_MOST_SUMMARY = 200


@dataclass(frozen=True, kw_only=True)
class Collected:
    """Repositories for a catalogue, and what was left out, each with the reason."""

    members: Sequence[Member]
    left_out: Sequence[str]


def collect(text: str, source: str) -> Collected:
    """Read one address a line (``#`` begins a comment), or JSON of GitHub's, GitLab's or Gitea's API.

    ``source`` is how errors call the text. Raises UserError for the first line that is wrong.
    """
    entries = _from_json(text, source) if text.lstrip().startswith("[") else _from_lines(text, source)
    members: dict[str, Member] = {}
    left_out: list[str] = []
    for place, url, summary, reason in entries:
        if reason:
            left_out.append(f"{url}: {reason}")
            continue
        member = Member(name=_name(url, place), url=_checked(url, place), summary=summary)
        if _bare(members.get(member.name, member).url) != _bare(member.url):
            both = f"{members[member.name].url} and {member.url}"
            raise UserError(f"{place}: {both} would have the same name {member.name!r}", "leave one of them out")
        members[member.name] = member
    return Collected(members=[members[name] for name in sorted(members)], left_out=left_out)


def catalog_text(members: Sequence[Member]) -> str:
    """The text of ``repertory-catalog.json``; equal lists give equal bytes."""
    plain = [{key: value for key, value in one.__dict__.items() if value} for one in members]
    return json.dumps({"$schema": MEMBERS_SCHEMA, "repositories": plain}, indent=2, ensure_ascii=False) + "\n"


def _from_lines(text: str, source: str) -> Iterator[tuple[str, str, str, str]]:
    for number, line in enumerate(text.splitlines(), 1):
        url = line.partition("#")[0].strip()
        if url:
            yield f"{source}:{number}", url, "", ""


def _from_json(text: str, source: str) -> Iterator[tuple[str, str, str, str]]:
    try:
        listed = json.loads(text)
    except ValueError as error:
        raise UserError(f"{source}: {error}", "give it what the forge's API answered, as it is") from error
    for index, one in enumerate(listed):
        place = f"{source}: [{index}]"
        url = _first(one, "clone_url", "http_url_to_repo") if isinstance(one, Mapping) else ""
        if not url:
            raise UserError(f"{place} has no clone_url", "give it what the forge's API answered about repositories")
        reason = "archived" if one.get("archived") else "empty" if one.get("size") == 0 or one.get("empty_repo") else ""
        yield place, url, " ".join(str(one.get("description") or "").split())[:_MOST_SUMMARY], reason


def _first(one: Mapping[str, Any], *names: str) -> str:
    return next((one[name] for name in names if isinstance(one.get(name), str)), "")


def _name(url: str, place: str) -> str:
    last = url.rstrip("/").removesuffix(".git").replace(":", "/").rpartition("/")[2]
    name = _NOT_IN_NAMES.sub("-", last.lower()).strip("-")[:38].strip("-")
    if not MEMBER_NAME.fullmatch(name):
        raise UserError(f"{place}: {url!r} gives no name", "give addresses that end with the name of a repository")
    return name


def _bare(url: str) -> str:
    return url.rstrip("/").removesuffix(".git")


def _checked(url: str, place: str) -> str:
    try:
        return parse_url(url)
    except UserError as error:
        raise UserError(f"{place}: {error.message}", error.hint) from error
