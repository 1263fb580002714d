"""Settings: there are none."""

from __future__ import annotations

from typing import Any


class _Settings:
    configured = True

    def configure(self, **settings: Any) -> None:
        """Nothing here depends on them."""


settings = _Settings()
