"""How hard one asset may be used from this process."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from repertory.settings import AssetLimit


class RateLimiter:
    """Spreads the actions of an asset so that no more than so many begin in a minute."""

    def __init__(self, limits: Mapping[str, AssetLimit]) -> None:
        self._limits = limits
        self._lock = threading.Lock()
        self._next: dict[str, float] = {}

    def wait(self, asset: str, giving_up: threading.Event) -> None:
        """Wait for this asset's turn, or until the run stops."""
        limit = self._limits.get(asset)
        if limit is None or limit.per_minute <= 0:
            return
        with self._lock:
            now = time.monotonic()
            turn = max(now, self._next.get(asset, now))
            self._next[asset] = turn + 60.0 / limit.per_minute
        giving_up.wait(max(0.0, turn - now))
