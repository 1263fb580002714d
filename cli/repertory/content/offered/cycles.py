"""How often Python looks for cycles while thousands of manifests are read."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_RARELY = (200_000, 20, 100)


@contextmanager
def rare_collections() -> Iterator[None]:
    """Millions of objects are made that all stay: looking through them again and again is a quarter of a sync."""
    before = gc.get_threshold()
    gc.set_threshold(*_RARELY)
    try:
        yield
    finally:
        gc.set_threshold(*before)
