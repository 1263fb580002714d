"""The characters of a source file: what an editor shows must be what Python reads."""

from __future__ import annotations

import io
import re
import tokenize
import unicodedata
from collections.abc import Iterator
from typing import TYPE_CHECKING

from repertory.content.checks.rules import finding

if TYPE_CHECKING:
    from repertory.content.checks.issue import Issue

# https://trojansource.codes: the characters that reorder what is shown.
_REORDERING = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
# A joiner between two characters of an emoji or of a script that needs it is no trick; these have no such use.
_INVISIBLE = re.compile("[\u00ad\u180e\u200b\u2060-\u2064\ufeff\u3164\uffa0\U000e0000-\U000e007f]")
_COOKIE = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
_PLAIN = ("utf-8", "utf8", "utf-8-sig", "ascii", "us-ascii", "latin-1", "iso-8859-1")
_MERGE = re.compile(r"^(<{7} |>{7} |\|{7} )", re.MULTILINE)


def source_characters(path: str, content: bytes) -> Iterator[Issue]:
    """What is wrong with the characters of a Python file."""
    yield from _encoding(path, content)
    yield from _endings(path, content)
    if not content.isascii():
        text = content.decode("utf-8", errors="replace").removeprefix("\ufeff")
        yield from _invisible(path, text)
        yield from _confusing(path, text)


def _encoding(path: str, content: bytes) -> Iterator[Issue]:
    for number, line in enumerate(content.split(b"\n", 2)[:2], 1):
        match = _COOKIE.match(line)
        name = match[1].decode("ascii", errors="replace").lower().replace("_", "-") if match else ""
        if name and name not in _PLAIN:
            message = f"is declared as {name}, which can hide code from whoever reads it as UTF-8"
            yield finding("encoding", path, message, "write it as UTF-8 and remove the declaration", line=number)
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        line_number = content.count(b"\n", 0, error.start) + 1
        yield finding("encoding", path, "is not UTF-8", "write it as UTF-8", line=line_number)


def _endings(path: str, content: bytes) -> Iterator[Issue]:
    if b"\r" not in content:
        return
    bare = re.search(rb"\r(?!\n)", content)
    if bare:
        line = content.count(b"\n", 0, bare.start()) + 1
        message = "a carriage return ends a line for Python, but not in most editors"
        yield finding("line-endings", path, message, "end lines with a line feed", line=line)
    elif content.count(b"\r\n") != content.count(b"\n"):
        message = "some lines end with CRLF and some with LF"
        yield finding("line-endings", path, message, "use one of them; Git does it with .gitattributes", mild=True)


def _invisible(path: str, text: str) -> Iterator[Issue]:
    for pattern, what, mild in ((_REORDERING, "reorders what is shown", False), (_INVISIBLE, "cannot be seen", True)):
        match = pattern.search(text)
        if match:
            name = unicodedata.name(match[0], f"U+{ord(match[0]):04X}")
            line = text.count("\n", 0, match.start()) + 1
            hint = f"write it as an escape: \\u{ord(match[0]):04x}"
            yield finding("invisible-character", path, f"{name} {what}", hint, line=line, mild=mild)


def _confusing(path: str, text: str) -> Iterator[Issue]:
    """Names that Python takes for plain ones, although they are written with other letters."""
    try:
        tokens = [
            token for token in tokenize.generate_tokens(io.StringIO(text).readline) if token.type == tokenize.NAME
        ]
    except (tokenize.TokenError, SyntaxError, ValueError):
        return
    for token in tokens:
        if token.string.isascii():
            continue
        plain = unicodedata.normalize("NFKC", token.string)
        scripts = {unicodedata.name(char, "?").partition(" ")[0] for char in token.string if char.isalpha()}
        if plain.isascii() or len(scripts & {"LATIN", "CYRILLIC", "GREEK"}) > 1:
            meaning = f"means {plain}" if plain.isascii() else "looks like another name"
            message = f"{token.string!a} {meaning}"
            yield finding("confusing-name", path, message, "write names with plain letters", line=token.start[0])


def merge_markers(path: str, text: str, *, mild: bool) -> Iterator[Issue]:
    """What Git leaves behind where a merge was not finished: both ends of it."""
    if "<<<<<<< " not in text:
        return
    found = list(_MERGE.finditer(text))
    if len({match[0][0] for match in found} & {"<", ">"}) > 1:
        line = text.count("\n", 0, found[0].start()) + 1
        yield finding(
            "merge-marker", path, "a merge was not finished here", "finish it, and commit", line=line, mild=mild
        )
