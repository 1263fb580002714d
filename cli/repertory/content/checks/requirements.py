"""Requirements of apps: complete, pinned, hashed, and from the user's own package index only."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from repertory.content.checks.issue import Issue
from repertory.content.items.hookspecs import hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from repertory.content.git.tree import Tree
    from repertory.content.items.found import FoundItem

LOCK_FILE = "requirements.lock"
LOCK_HINT = "write it with `repertory manifest`"
NAME = r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)"
EXTRAS = r"(\[[A-Za-z0-9._, -]*\])?"
PINNED = re.compile(rf"{NAME}{EXTRAS}\s*==\s*(?P<version>[A-Za-z0-9.!+_-]+)(?=[\s;]|$)")
REQUIREMENT = re.compile(rf" *{NAME} *{EXTRAS} *(?P<rest>.*)")
# Versions and environment markers (https://packaging.python.org/specifications/dependency-specifiers), and no options.
PLAIN_REST = re.compile(r"(?!-)(?:[A-Za-z0-9_.,'\"<>=!~()+*; \t]|(?<=\S)-)*")
MARKER = re.compile(r"\s*(;\s*[A-Za-z][A-Za-z0-9_.,'\"<>=!~()+* \t]*)?")
ELSEWHERE = re.compile(r"^-|\s--?(?!hash=)[a-zA-Z]|://|@|^[./~]|^[A-Za-z]:[\\/]|\$\{")
ELSEWHERE_HINT = "packages come from the user's own index: name==version and hashes, no options, URLs or paths"
COMMENT = re.compile(r"(?:^|(?<=\s))#")
HASH = re.compile(r"--hash=(sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128})(?=\s|$)")


@hookimpl
def repertory_check_item(tree: Tree, item: FoundItem) -> Sequence[Issue]:
    """Requirements must be plain names, and locked if there are any."""
    if item.app is None or item.format != "native":
        return []
    issues = list(_requirement_issues(item, item.app.requires))
    path = item.below(LOCK_FILE)
    if path in tree.files:
        text = tree.read(path).decode("utf-8", errors="replace")
        issues += lock_issues(path, text, item.app.requires)
    elif item.app.requires:
        message = f"the app requires packages but has no {LOCK_FILE}"
        issues.append(Issue(path=item.path, rule="requirements-lock", message=message, hint=LOCK_HINT))
    return issues


def _requirement_issues(item: FoundItem, requires: Sequence[str]) -> Iterator[Issue]:
    for requirement in requires:
        if not is_plain(requirement):
            message = f"{requirement!r} is not the plain requirement of a package"
            hint = "packages come from the user's own index: no URLs, paths or options"
            yield Issue(path=item.path, rule="requirement", message=message, hint=hint)


def is_plain(requirement: str) -> bool:
    """Whether it is the name of a package and versions of it, and nothing that says where to take it from."""
    match = REQUIREMENT.fullmatch(requirement)
    return match is not None and PLAIN_REST.fullmatch(match["rest"]) is not None


def lock_issues(path: str, text: str, requires: Sequence[str] = ()) -> list[Issue]:
    """Every line must pin one package and name its hashes; every required package must be there."""
    issues: list[Issue] = []
    pinned: set[str] = set()
    for number, line in logical_lines(text):
        match = PINNED.match(line)
        if ELSEWHERE.search(HASH.sub(" ", line)):
            said = f"{line[:60]!r} could take packages from elsewhere; options and URLs are not permitted"
            issues.append(_line_issue(path, number, said, ELSEWHERE_HINT))
            continue
        if match is None:
            issues.append(_line_issue(path, number, f"{line[:60]!r} does not pin a package", "write name==version"))
            continue
        pinned.add(normal_name(match["name"]))
        rest = HASH.sub(" ", line[match.end() :])
        if rest == line[match.end() :]:
            issues.append(_line_issue(path, number, f"{match['name']} has no hash", LOCK_HINT))
        if not MARKER.fullmatch(rest):
            issues.append(_line_issue(path, number, f"{rest.strip()[:60]!r} does not belong there", ELSEWHERE_HINT))
    for requirement in requires:
        known = REQUIREMENT.fullmatch(requirement)
        if known and ";" not in requirement and normal_name(known["name"]) not in pinned:
            issues.append(_line_issue(path, 0, f"{known['name']} is required but not pinned", LOCK_HINT))
    return issues


def logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines without comments and with their continuations, as pip reads them, and where each begins."""
    pending, start = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        start = start if pending else number
        comment = COMMENT.search(line)
        pending += line[: comment.start()].rstrip() if comment else line
        if pending.endswith("\\"):
            pending = f"{pending[:-1]} "
            continue
        if pending.strip():
            yield start, pending.strip()
        pending = ""
    if pending.strip():
        yield start, pending.strip()


def normal_name(name: str) -> str:
    """How package indexes compare names (https://packaging.python.org/specifications/name-normalization/)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _line_issue(path: str, line: int, message: str, hint: str) -> Issue:
    return Issue(path=path, line=line, rule="requirements-lock", message=message, hint=hint)
