"""How texts of classic apps become messages: formatted even without arguments, and composed from a summary."""

from __future__ import annotations

from typing import Any, Mapping, Optional, Sequence


def formatted(text: Any, unnamed: Sequence[Any] = (), named: Optional[Mapping[str, Any]] = None) -> str:
    """Apps double their braces first, so every text passes ``format``; one that cannot be formatted stays as it is."""
    if text is None:
        return ""
    text = str(text)
    try:
        return str(text.format(*unnamed, **(named or {})))
    except (IndexError, KeyError, ValueError, AttributeError, TypeError):
        return str(text)


def with_exception(message: str, exception: Any) -> str:
    """The message, with what an exception says behind it."""
    if exception is None:
        return message
    return f"{message}. Error string: '{exception}'" if message else str(exception)


def appended(message: str, text: Any) -> str:
    """One space between them, unless there is white space already."""
    text = "" if text is None else str(text)
    return f"{message} {text}" if message and text and not text[0].isspace() else message + text


def composed(summary: Mapping[Any, Any]) -> str:
    """What a successful result says that was given no message.

    >>> composed({"In_Database": True, "num_x": 2})
    'In database: True, Num x: 2'
    """
    return ", ".join(f"{str(key).replace('_', ' ').capitalize()}: {value}" for key, value in summary.items())
