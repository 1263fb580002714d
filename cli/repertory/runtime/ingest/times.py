"""Times as products write them, as seconds since the epoch."""

from __future__ import annotations

import re
from datetime import UTC, datetime

# The last that every time zone can still show as a date, a day before the year 10000.
LATEST = 253_402_214_400

_EPOCH = re.compile(r"\d{9,17}")
_EARLIEST_MILLISECONDS = 10**11
_UTC_NAME = re.compile(r"\s+(UTC|GMT|Z)$")
# Forms of the CEF guide that name the year; the others cannot be placed in time.
_CEF_FORMS = ("%b %d %Y %H:%M:%S.%f", "%b %d %Y %H:%M:%S")


def iso_seconds(text: str) -> float:
    """ISO 8601 with or without zone (then UTC); raises ValueError."""
    try:
        return _seconds(datetime.fromisoformat(text))
    except OverflowError as error:
        raise ValueError(str(error)) from error


def cef_seconds(text: str) -> float:
    """Milliseconds (or seconds) since the epoch, a form of the CEF guide, or ISO 8601; 0 when it cannot be told."""
    if _EPOCH.fullmatch(text):
        return _epoch_seconds(int(text))
    plain = _UTC_NAME.sub("", text)
    for form in _CEF_FORMS:
        try:
            return _seconds(datetime.strptime(plain, form))
        except (ValueError, OverflowError):
            continue
    try:
        return iso_seconds(plain)
    except ValueError:
        return 0.0


def _epoch_seconds(count: int) -> float:
    """The guide asks for milliseconds; numbers too small for that are the seconds that some products send."""
    seconds = count if count < _EARLIEST_MILLISECONDS else count / 1000
    return float(seconds) if seconds <= LATEST else 0.0


def _seconds(moment: datetime) -> float:
    seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    if not 0 <= seconds <= LATEST:
        raise ValueError("outside the years 1970 to 9999")
    return seconds
