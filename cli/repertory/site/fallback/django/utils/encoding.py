"""Texts out of anything."""

from __future__ import annotations

from typing import Any


def smart_str(s: Any, encoding: str = "utf-8", strings_only: bool = False, errors: str = "strict") -> Any:
    if strings_only and (s is None or isinstance(s, (int, float))):
        return s
    return s.decode(encoding, errors) if isinstance(s, bytes) else str(s)


def smart_bytes(s: Any, encoding: str = "utf-8", strings_only: bool = False, errors: str = "strict") -> Any:
    return s if isinstance(s, bytes) else str(s).encode(encoding, errors)


force_str = smart_text = force_text = smart_str
force_bytes = smart_bytes
