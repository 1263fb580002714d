"""Checks that raise ValidationError."""

from __future__ import annotations

import re
from typing import Any, Optional, Sequence
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError

_HOST = re.compile(r"(?:[a-z0-9\u00a1-\uffff](?:[a-z0-9\u00a1-\uffff-]{0,61}[a-z0-9\u00a1-\uffff])?\.?)+", re.IGNORECASE)
_MOST = 2048


class URLValidator:
    """An absolute URL with a scheme of these and a host."""

    message = "Enter a valid URL."
    code = "invalid"

    def __init__(self, schemes: Optional[Sequence[str]] = None) -> None:
        self.schemes = tuple(schemes or ("http", "https", "ftp", "ftps"))

    def __call__(self, value: Any) -> None:
        if not isinstance(value, str) or len(value) > _MOST or not self._is_url(value):
            raise ValidationError(self.message, self.code, {"value": value})

    def _is_url(self, value: str) -> bool:
        try:
            parts = urlsplit(value)
            host, _ = parts.hostname or "", parts.port
        except ValueError:
            return False
        if re.search(r"\s", value) or parts.scheme.lower() not in self.schemes:
            return False
        return ":" in host or (_HOST.fullmatch(host) is not None and ("." in host or host == "localhost"))
