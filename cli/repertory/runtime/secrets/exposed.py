"""Which secrets this process has held in the clear, so that a report about a bug can be cleaned of them."""

from __future__ import annotations

import threading

from repertory.runtime.redaction import SHORTEST, redaction_of

_known: set[str] = set()
_gate = threading.Lock()


def note_secret(value: object) -> None:
    """From now on no report holds this; anything shorter than four characters is in most texts by chance."""
    text = str(value)
    if len(text) >= SHORTEST:
        with _gate:
            _known.add(text)


def scrubbed(text: str) -> str:
    """The text without any secret of this process."""
    with _gate:
        known = tuple(sorted(_known))
    return redaction_of(known).text(text)
