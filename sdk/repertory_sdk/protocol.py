"""JSON lines over two pipes: how the tool and its child processes speak.

Every message is one JSON object on one line, at most ``LINE_LIMIT`` bytes. A child is given its descriptors as
arguments; its standard output and error are captured and have no meaning.

Classic apps need to know more, and find more. All of it is optional:
 - ``act`` may carry ``event``: the event that the action is about, with its ``id``, ``name``, ``label``, ``severity``,
   ``status``, ``description``, ``source_id`` and ``attachments`` (``name``, ``sha256``, ``size`` and, if known, ``sha1``);
   ``lists``: rows of values under the names of lists; and ``poll_now``: whether a person asked for the poll.
 - ``result`` may carry ``events`` of any action, not of polls alone, and ``artifacts`` for the event of the action, each
   with the number of its ``event``; ``changes`` of that event, ``notes`` and ``lists`` as the classic interface has them;
   and ``files`` that belong to other events, each with their ``source_id``. An event whose ``source_id`` is known comes
   again when it has new artifacts.
"""

from __future__ import annotations

import json
from typing import IO, Any, Dict, Mapping, Optional

LINE_LIMIT = 32 * 1024 * 1024
RESULT_LIMIT = 16 * 1024 * 1024
ATTACHMENT_LIMIT = 20 * 1024 * 1024

Message = Dict[str, Any]


class BadMessage(Exception):
    """The other side sent something that is not a message."""


def encode(message: Mapping[str, Any]) -> bytes:
    """One line. Raises TypeError or ValueError for what JSON cannot say (NaN included)."""
    return json.dumps(message, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8") + b"\n"


def read(stream: IO[bytes], limit: int = LINE_LIMIT) -> Optional[Message]:
    """The next message; None at the end of the stream."""
    line = stream.readline(limit + 1)
    if not line:
        return None
    if not line.endswith(b"\n"):
        raise BadMessage(f"a line of more than {limit} bytes" if len(line) > limit else "half a line")
    try:
        message = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BadMessage(f"a line that is not JSON: {line[:60]!r}") from error
    if not isinstance(message, dict):
        raise BadMessage("a line that is not an object")
    return message


def write(stream: IO[bytes], message: Mapping[str, Any]) -> None:
    """Send one message at once."""
    stream.write(encode(message))
    stream.flush()
