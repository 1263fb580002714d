"""Which secrets this process has held in the clear, so that a report about a bug can be cleaned of them."""

from __future__ import annotations

import json
import threading

_SHORTEST = 4
_known: set[str] = set()
_gate = threading.Lock()


def note_secret(value: object) -> None:
    """From now on no report holds this; anything shorter than four characters is in most texts by chance."""
    text = str(value)
    if len(text) >= _SHORTEST:
        with _gate:
            _known.add(text)


def scrubbed(text: str) -> str:
    """The text without any secret of this process."""
    with _gate:
        known = sorted(_known, key=len, reverse=True)
    for secret in known:
        for form in (secret, json.dumps(secret)[1:-1], repr(secret)[1:-1]):
            text = text.replace(form, "***")
    return text
