"""Checks of values by type, and what apps do to strings."""

from __future__ import annotations

import os
import random
import re
import string
from typing import Any, Callable, Dict, List, Mapping
from urllib.parse import urlsplit

_IP = re.compile(r"(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\.){3}(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)", re.ASCII)
_MAC = re.compile(r"[0-9a-fA-F]{2}(?:[:-][0-9a-fA-F]{2}){5}")
_URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://\S.*", re.DOTALL)
_EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
_HEX = re.compile(r"[0-9a-fA-F]+")
_MOST = 255
_HEX_DIGITS = {"md5": 32, "sha1": 40, "sha256": 64, "sha512": 128}


class config:
    """Settings of the platform that apps read; ``platform_strict_tls`` is about its own certificate only."""

    platform_strict_tls = False


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def is_fail(status: Any) -> bool:
    return not status


def is_success(status: Any) -> bool:
    return bool(status)


def is_ip(value: Any) -> bool:
    """IPv4 with dots, no network."""
    return _IP.fullmatch(_text(value)) is not None


def _is_hex(value: Any, kind: str) -> bool:
    text = _text(value)
    return len(text) == _HEX_DIGITS[kind] and _HEX.fullmatch(text) is not None


def is_md5(value: Any) -> bool:
    return _is_hex(value, "md5")


def is_sha1(value: Any) -> bool:
    return _is_hex(value, "sha1")


def is_sha256(value: Any) -> bool:
    return _is_hex(value, "sha256")


def is_sha512(value: Any) -> bool:
    return _is_hex(value, "sha512")


def is_hash(value: Any) -> bool:
    return any(_is_hex(value, kind) for kind in _HEX_DIGITS)


def is_mac(value: Any) -> bool:
    return _MAC.fullmatch(_text(value)) is not None


def is_url(value: Any) -> bool:
    return _URL.fullmatch(_text(value)) is not None


def is_email(value: Any) -> bool:
    text = _text(value)
    return len(text) <= _MOST and _EMAIL.fullmatch(text) is not None


def is_domain(value: Any) -> bool:
    """Loose on purpose: apps rely on it."""
    text = _text(value)
    return 0 < len(text) <= _MOST and not is_ip(text) and "@" not in text


def is_hostname(value: Any) -> bool:
    """As loose, but an ``@`` is refused only where a label begins."""
    text = _text(value)
    return 0 < len(text) <= _MOST and not is_ip(text) and not any(label.startswith("@") for label in text.split("."))


CONTAINS_VALIDATORS: Dict[str, Callable[[Any], bool]] = {
    "domain": is_domain,
    "ip": is_ip,
    "hash": is_hash,
    "sha1": is_sha1,
    "sha256": is_sha256,
    "sha512": is_sha512,
    "md5": is_md5,
    "host name": is_hostname,
    "mac address": is_mac,
    "url": is_url,
    "email": is_email,
}


def get_host_from_url(url: Any) -> str:
    """The host without its port, also of a text without scheme; never None."""
    text = _text(url).strip()
    try:
        host = urlsplit(text if "://" in text else f"//{text}").hostname
    except ValueError:
        host = None
    return host or text


def get_list_from_string(value: Any) -> List[Any]:
    """What stands between commas, without blanks, empty and repeated items."""
    parts = value if isinstance(value, (list, tuple)) else _text(value).split(",")
    cleaned = [part.strip() if isinstance(part, str) else part for part in parts]
    found: List[Any] = []
    for part in cleaned:
        if part not in ("", None) and part not in found:
            found.append(part)
    return found


def get_value(mapping: Mapping[str, Any], key: str, default: Any = None) -> Any:
    return mapping.get(key, default)


def get_str_val(mapping: Mapping[str, Any], key: str, default: Any = None) -> Any:
    value = mapping.get(key, default)
    return None if value is None else str(value).strip()


def get_req_value(mapping: Mapping[str, Any], key: str) -> Any:
    """Raises KeyError with the name."""
    return mapping[key]


def get_random_chars(size: int = 6) -> str:
    return "".join(random.choice(string.ascii_lowercase + string.digits) for _ in range(size))


def get_file_name_from_url(url: Any) -> str:
    return os.path.basename(urlsplit(_text(url)).path.rstrip("/"))


def get_valid_file_name(name: Any) -> str:
    return re.sub(r"[^A-Za-z0-9._-]", "_", _text(name))


def remove_none_values(value: Any) -> Any:
    """A copy without what is None, at any depth."""
    if isinstance(value, Mapping):
        return {key: remove_none_values(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [remove_none_values(inner) for inner in value if inner is not None]
    return value


def get_cef_data(event: Mapping[str, Any], mapping: Mapping[str, str]) -> Dict[str, Any]:
    """Fields of an event under the names that the mapping gives them."""
    return {mapping[name]: value for name, value in event.items() if name in mapping}
