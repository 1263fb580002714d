"""Names of folders: in modified UTF-7 on the wire (RFC 3501, 5.1.3), and the rows in which a server lists them."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any, List, Tuple

from repertory_sdk import ActionFailed


def encoded(name: str) -> str:
    """A name as it is sent, in quotes.

    >>> encoded("Entwürfe & mehr")
    '"Entw&APw-rfe &- mehr"'
    """
    if not name or len(name) > 250 or not name.isprintable():
        raise ActionFailed("that is no folder of an IMAP server; give a name that 'list folders' returns")

    def shifted(found: "re.Match[str]") -> str:
        if found[0] == "&":
            return "&-"
        packed = base64.b64encode(found[0].encode("utf-16-be", "surrogatepass")).decode("ascii")
        return f"&{packed.rstrip('=').replace('/', ',')}-"

    plain = re.sub(r"&|[^\x20-\x7e]+", shifted, name)
    escaped = plain.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def decoded(name: str) -> str:
    """A name as it is read; one that is not encoded well stays as it is.

    >>> decoded("Entw&APw-rfe &- mehr")
    'Entwürfe & mehr'
    """

    def shifted(found: "re.Match[str]") -> str:
        packed = found[1].replace(",", "/")
        try:
            return base64.b64decode(packed + "=" * (-len(packed) % 4)).decode("utf-16-be") if packed else "&"
        except (binascii.Error, UnicodeDecodeError):
            return found[0]

    return re.sub(r"&([A-Za-z0-9+,]*)-", shifted, name)


def listed(row: Any) -> Tuple[str, List[str]]:
    """Name and flags of a row such as ``(\\HasNoChildren) "/" "Sent"``; a name may come as a literal."""
    said, literal = (row[0], row[1]) if isinstance(row, tuple) else (row, None)
    found = re.match(r'\(([^)]*)\) (?:"(?:\\.|[^"])*"|NIL) (.*)', said.decode("utf-8", "replace"))
    if not found:
        return "", []
    name = literal.decode("utf-8", "replace") if literal is not None else found[2].strip()
    if name.startswith('"') and name.endswith('"') and literal is None:
        name = re.sub(r"\\(.)", r"\1", name[1:-1])
    return decoded(name), found[1].split()
