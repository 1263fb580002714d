"""Times out of ISO 8601 texts."""

from __future__ import annotations

import datetime
import re
from typing import Optional

_MOMENT = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})[T ](\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:[.,](\d{1,6})\d*)?)?\s*(Z|[+-]\d{2}(?::?\d{2})?)?$"
)


def parse_datetime(value: str) -> Optional[datetime.datetime]:
    """None for what is no time; raises ValueError for one that cannot be."""
    matched = _MOMENT.match(value)
    if matched is None:
        return None
    *numbers, fraction, zone = matched.groups()
    year, month, day, hour, minute, second = (int(number or 0) for number in numbers)
    microsecond = int((fraction or "0").ljust(6, "0"))
    return datetime.datetime(year, month, day, hour, minute, second, microsecond, _zone(zone))


def parse_date(value: str) -> Optional[datetime.date]:
    """None for what is no date; raises ValueError for one that cannot be."""
    matched = re.match(r"(\d{4})-(\d{1,2})-(\d{1,2})$", value)
    return datetime.date(*map(int, matched.groups())) if matched else None


def _zone(text: Optional[str]) -> Optional[datetime.tzinfo]:
    if text is None:
        return None
    if text == "Z":
        return datetime.timezone.utc
    minutes = int(text[1:3]) * 60 + int(text[3:].lstrip(":") or 0)
    return datetime.timezone(datetime.timedelta(minutes=-minutes if text[0] == "-" else minutes))
