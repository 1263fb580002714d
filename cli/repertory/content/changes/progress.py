"""How long steps tell what they are doing."""

from __future__ import annotations

from collections.abc import Callable

# Hears the name of an item and what is being done with it.
Progress = Callable[[str, str], None]


def silent(_name: str, _step: str) -> None:
    """Tell nobody."""
