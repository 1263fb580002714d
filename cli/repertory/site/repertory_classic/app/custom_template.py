"""The library that templates of widgets load as ``custom_template``: a few filters."""

from __future__ import annotations

import importlib
import json
import time
from typing import Any

from repertory_classic.app.ingested import seconds_of

register: Any = importlib.import_module("django.template").Library()


def by_key(found: Any, key: Any) -> Any:
    """A field by a name that the language cannot say with a dot; None where there is none."""
    return found.get(key) if isinstance(found, dict) else None


def human_datetime(moment: Any) -> Any:
    """A time as the platform writes it, for people; what is none stays as it is."""
    seconds = seconds_of(moment)
    return time.strftime("%b %d, %Y at %H:%M", time.gmtime(seconds)) if seconds else moment


def to_json(value: Any) -> str:
    return json.dumps(value, default=str)


def startswith(text: Any, beginning: Any) -> bool:
    return str(text).startswith(str(beginning))


def safe_intcomma(value: Any) -> Any:
    """With commas between thousands; what is no number stays as it is."""
    try:
        return f"{int(value):,}"
    except (TypeError, ValueError, OverflowError):
        return value


for _filter in (by_key, human_datetime, to_json, startswith, safe_intcomma):
    register.filter(_filter.__name__, _filter)
