"""What is attached to a ticket."""

from __future__ import annotations

import base64
import binascii
import mimetypes
from typing import Tuple

from repertory_sdk import ActionFailed


def body_of(name: str, content: str, encoding: str) -> Tuple[bytes, str]:
    """The bytes of a file and what they are; ActionFailed where the name or the content will not do."""
    if not name.strip() or not name.isprintable() or "/" in name or len(name) > 100:
        raise ActionFailed("that is no name of a file for Slack; give one such as evidence.txt")
    try:
        body = base64.b64decode(content, validate=True) if encoding == "base64" else content.encode("utf-8", "replace")
    except (binascii.Error, ValueError):
        raise ActionFailed("the content for Slack is no base64; encode it, or say encoding=text") from None
    return body, mimetypes.guess_type(name)[0] or "application/octet-stream"
