"""Domain names: one written form for each, and which entries of a list cover a name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Optional

_LABEL = r"(?!-)[a-z0-9_-]{1,63}(?<!-)"
_NAME = re.compile(rf"(?:{_LABEL}\.)*{_LABEL}", re.ASCII)
_LONGEST = 253  # RFC 1035, 2.3.4, in text form without the final dot
_NUMERIC_END = re.compile(r"(?:^|\.)[0-9]+$", re.ASCII)
# Second-level names that country registries hand out below; a list that names one of them alone means no single owner.
_SECOND_LEVEL = frozenset(
    ("ac", "co", "com", "edu", "go", "gob", "gov", "gouv", "govt", "mil", "ne", "net", "nom", "or", "org", "sch")
)
_COUNTRY_LENGTH = 2


def normal_name(text: str) -> Optional[str]:
    """The name in lower case, ASCII (RFC 3490) and without the final dot; None where it is not a domain name.

    >>> normal_name("WWW.Bücher.Example.")
    'www.xn--bcher-kva.example'
    """
    name = text.lower()
    if not name.isascii():
        try:
            name = name.encode("idna").decode("ascii")
        except UnicodeError:
            return None
    name = name[:-1] if name.endswith(".") else name
    if len(name) > _LONGEST or not _NAME.fullmatch(name) or _NUMERIC_END.search(name):
        return None
    return name


def is_public_suffix(name: str) -> bool:
    """Whether registries hand out names below this one: a top-level domain, or the like of ``co.uk``."""
    first, dot, rest = name.partition(".")
    return not dot or (len(rest) == _COUNTRY_LENGTH and first in _SECOND_LEVEL)


def entries_covering(name: str) -> Iterator[str]:
    """What a list may say to cover this name, the most specific first; never a public suffix.

    >>> list(entries_covering("www.evil.example"))
    ['www.evil.example', '*.evil.example', 'evil.example']
    """
    while not is_public_suffix(name):
        yield name
        name = name.partition(".")[2]
        if not is_public_suffix(name):
            yield f"*.{name}"
