"""The two files that Squid reads its access lists from: domains, and URLs as regular expressions."""

from __future__ import annotations

from typing import Dict, List, Optional, Sequence
from urllib.parse import quote, unquote_to_bytes, urlsplit

_PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_~:/&=%@,!;'")
_SPECIAL = frozenset(b".?+*()[]{}|^$\\")
_WRITTEN = "%/:=&?~+!$,;'@()*[]{}|^"
URL = "# URL "
"""A comment before each expression says which URL it stands for."""


def domains(text: str) -> List[str]:
    """Names in the file, without the dot that means all below them, too."""
    lines = (line.strip() for line in text.splitlines())
    return [line.lstrip(".").lower() for line in lines if line and not line.startswith("#")]


def as_domains(names: Sequence[str]) -> bytes:
    """The file; names within others are left out: Squid does not take both."""
    outermost = [name for name in names if not any(name.endswith(f".{other}") for other in names)]
    return ("# Written by repertory\n" + "".join(f".{name}\n" for name in sorted(set(outermost)))).encode()


def holding(names: Sequence[str], name: str) -> Optional[str]:
    """The entry that a domain is blocked by."""
    return next((entry for entry in names if f".{name}".endswith(f".{entry}")), None)


def urls(text: str) -> Dict[str, str]:
    """Expressions by URL; an expression that somebody wrote by hand stands for itself."""
    found, url = {}, ""
    for line in map(str.strip, text.splitlines()):
        if line.startswith(URL):
            url = line[len(URL) :]
        elif line and not line.startswith("#"):
            found[url or line] = line
            url = ""
    return found


def as_urls(found: Dict[str, str]) -> bytes:
    """The file."""
    pairs = (f"{URL}{url}\n{pattern}\n" if url != pattern else f"{pattern}\n" for url, pattern in sorted(found.items()))
    return ("# Written by repertory\n" + "".join(pairs)).encode()


def canonical(url: str) -> str:
    """As Squid sees it: without a fragment and the port that goes without saying, with a path, and in ASCII."""
    parts = urlsplit(url)
    usual = {"http": ":80", "https": ":443"}[parts.scheme]
    place = parts.netloc[: -len(usual)] if parts.netloc.endswith(usual) else parts.netloc
    path, query = (quote(part, safe=_WRITTEN) for part in (parts.path or "/", parts.query))
    return parts._replace(netloc=place, path=path, query=query, fragment="").geturl()


def pattern(url: str) -> str:
    """An expression (POSIX, extended) for a URL and what is below it. Squid decodes percent signs before it compares."""
    told = "".join(map(_letter, unquote_to_bytes(url)))
    return f"^{told}" if url.endswith("/") else f"^{told}([/?#].*)?$"


def _letter(byte: int) -> str:
    if byte in _PLAIN:
        return chr(byte)
    return f"\\{chr(byte)}" if byte in _SPECIAL else "."
