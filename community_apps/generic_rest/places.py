"""Paths below a base, and headers, as people write them: made safe or refused with a sentence."""

from __future__ import annotations

import re
from typing import Any, Collection, Dict, List, Mapping
from urllib.parse import quote, unquote

from repertory_sdk import ActionFailed

PRODUCT = "REST interface"
_STRAY = re.compile(r"%(?![0-9A-Fa-f]{2})")
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# What decides where a request goes, where it ends and who sends it is not for parameters.
RESERVED = ("authorization", "connection", "content-length", "cookie", "expect", "host", "proxy-authorization", "te", "trailer",
            "transfer-encoding", "upgrade")  # fmt: skip


def below(path: str) -> str:
    """A path to put behind the base; ActionFailed where it could lead elsewhere, in whatever way it is written."""
    plain = path.strip()
    if not plain.isprintable() or any(sign in plain for sign in "?#\\"):
        raise _refused(path, "it has characters that do not belong there; give a query by the parameter query")
    if "://" in plain or plain.startswith("//"):
        raise _refused(path, "it names another host; give what comes behind the url of the asset")
    if any(segment.partition(";")[0] in (".", "..") for segment in _segments(plain)):
        raise _refused(path, "it leads out of the url of the asset; give one without dots as parts")
    quoted = quote(_STRAY.sub("%25", plain), safe="/%:@!$&'()*+,;=-._~")
    return f"/{quoted.lstrip('/')}"


def _segments(path: str) -> List[str]:
    """The parts as the most eager of servers would see them: decoded as long as there is anything to decode."""
    decoded = path
    try:
        while (further := unquote(decoded, errors="strict")) != decoded:
            decoded = further
    except UnicodeDecodeError:  # what some servers take for a slash or a dot
        raise _refused(path, "what it encodes is no UTF-8; write it in plain characters") from None
    return [part.strip() for part in re.split(r"[/\\]", decoded)]


def _refused(path: str, why: str) -> ActionFailed:
    return ActionFailed(f"{PRODUCT}: the path {path[:80]!r} is refused: {why}")


def headers_of(given: Mapping[str, Any], reserved: Collection[str]) -> Dict[str, str]:
    """Headers to send; ActionFailed where one is none, or is not for parameters."""
    for name, value in given.items():
        text = str(value)
        if name.lower() in (*RESERVED, *reserved):
            raise ActionFailed(f"{PRODUCT}: the header {name[:80]!r} is not for actions; set up the asset for it")
        if not _NAME.fullmatch(name) or not text.isascii() or not text.isprintable():
            raise ActionFailed(f"{PRODUCT}: the header {name[:80]!r} cannot be sent; use ASCII characters in one line")
    return {name: str(value) for name, value in given.items()}


def query_of(given: Mapping[str, Any]) -> Dict[str, Any]:
    """Parameters of a query: lists are repeated, true and false are words."""
    return {name: [_word(item) for item in value] if isinstance(value, list) else _word(value) for name, value in given.items()}


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)
