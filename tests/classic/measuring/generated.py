"""Settings and parameters made up out of a connector's manifest: what a person would type who knows nothing but that page."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

FILE = b"From: eve@example.test\r\nTo: jane@example.test\r\nSubject: An invoice\r\n\r\nPlease look at http://bad.example.test/x\r\n"
NOWHERE = "product.example.test"
_HASHES = {"md5": 32, "sha1": 40, "sha256": 64, "sha512": 128, "hash": 64}
_BY_KIND = {
    "ip": "198.51.100.7", "ipv6": "2001:db8::7", "domain": "bad.example.test", "url": "http://bad.example.test/x", "email": "eve@example.test",
    "host name": "host-7.example.test", "user name": "jane", "file name": "x.exe", "mac address": "00:00:5e:00:53:07", "port": "443",
    **{kind: ("0123456789abcdef" * 8)[:length] for kind, length in _HASHES.items()},
}  # fmt: skip
# By a word in the name, where the manifest says no kind; the first that fits.
_BY_NAME = (
    ("proxy", ""), ("json", "{}"), ("email", "jane@example.test"), ("user", "jane"), ("dns", "198.51.100.53"), ("url", f"https://{NOWHERE}"), ("uri", f"https://{NOWHERE}"), ("host", NOWHERE),
    ("server", NOWHERE), ("device", NOWHERE), ("domain", "example.test"), ("endpoint", f"https://{NOWHERE}"), ("ip", "198.51.100.7"),
    ("timezone", "UTC"), ("date", "2026-01-02"), ("time", "2026-01-02T03:04:05Z"), ("port", "443"), ("query", "x"),
)  # fmt: skip
_MACHINES = frozenset({"host", "hostname", "ip_hostname", "endpoint", "machine"})
_INSIDE = frozenset({"host", "json", "uri", "url", "user"})
_NUMBERS = (("port", 443), ("max", 10), ("limit", 10), ("timeout", 10), ("interval", 1), ("count", 5), ("container_id", 1))
_WORDS = "value"
_SECRET = "wordofnobody0123456789abcdef"


def settings_for(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """One value for each setting; optional ones that say nothing of themselves only where they name a place or a person.

    Where there are several secrets, tokens that are optional are other ways to log in, and left out.
    """
    found: dict[str, Any] = {}
    for name, field in sorted(_fields(manifest.get("configuration")), key=_by_order):
        is_secret = field.get("data_type") == "password" and not field.get("required")
        if is_secret and ((any(word in name.lower() for word in ("token", "api")) and _SECRET in found.values()) or "proxy" in name.lower()):
            continue
        value = _setting(name, field)
        if value not in ("", None):
            found[name] = value
    return found


def _by_order(pair: tuple[str, Mapping[str, Any]]) -> tuple[bool, int]:
    """Required ones first."""
    order = pair[1].get("order")
    return not pair[1].get("required"), order if isinstance(order, int) else 1000


def parameters_for(action: Mapping[str, Any], vault_id: str) -> dict[str, Any]:
    """Everything that is required, and of the rest what has an example."""
    examples = dict(_examples(action.get("output")))
    found = {}
    for name, field in _fields(action.get("parameters")):
        value = _known(field, examples.get(name, ()), vault_id, str(name).lower())
        if value in ("", None) and field.get("required"):
            value = _made(name, field)
        if value not in ("", None):
            found[name] = value
    return found


def _setting(name: str, field: Mapping[str, Any]) -> Any:
    value = _fitting(field.get("default"), field)
    if value in ("", None) and field.get("value_list"):
        value = _fitting(field["value_list"][0], field)
    if value not in ("", None):
        return value
    if field.get("data_type") == "password":
        return _SECRET
    if field.get("data_type") == "boolean":
        return False
    return _made(name, field) if field.get("required") or _named(name) else None


def _known(field: Mapping[str, Any], examples: Any, vault_id: str, name: str) -> Any:
    """What the manifest itself gives as a value; a file of the event where one is wanted."""
    kinds = [str(kind).lower() for kind in field.get("contains") or ()]
    if name in _MACHINES and (not kinds or "host name" in kinds):
        return NOWHERE
    if "vault id" in kinds or name in ("vault_id", "vaultid"):
        return vault_id
    by_kind = [_BY_KIND[kind] for kind in kinds if kind in _BY_KIND] if field.get("data_type") == "string" else []
    for value in (field.get("default"), *(field.get("value_list") or ()), *by_kind, *examples):
        fitting = _fitting(value, field)
        if fitting not in ("", None):
            return fitting
    return None


def _made(name: str, field: Mapping[str, Any]) -> Any:
    kind = field.get("data_type")
    if kind == "boolean":
        return False
    if kind == "numeric":
        return next((number for word, number in _NUMBERS if word in name.lower()), 1)
    if kind == "timezone":
        return "UTC"
    return _SECRET if kind == "password" else _named(name) or _WORDS


def _named(name: str) -> str:
    """Short words stand alone: there is a port in a report."""
    words = re.split(r"[^a-z0-9]+", name.lower())
    return next((value for word, value in _BY_NAME if (word in words if len(word) < 5 and word not in _INSIDE else word in name.lower())), "")


def _fitting(value: Any, field: Mapping[str, Any]) -> Any:
    """As the field's type wants it; None for what is of another."""
    kind = field.get("data_type")
    if kind == "numeric":
        try:
            number = float(value) if not isinstance(value, bool) else None
        except (TypeError, ValueError):
            return None
        return None if number is None else int(number) if number.is_integer() else number
    if kind == "boolean":
        return value if isinstance(value, bool) else {"true": True, "false": False}.get(str(value).lower())
    if isinstance(value, (dict, list)):
        return json.dumps(value)
    return None if value is None else str(value)


def _fields(plain: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, field in plain.items() if isinstance(plain, dict) else ():
        if isinstance(field, dict) and field.get("data_type") not in ("ph", "file", "python_script"):
            yield name, field


def _examples(output: Any) -> Iterator[tuple[str, list[Any]]]:
    for one in output if isinstance(output, list) else ():
        if isinstance(one, dict) and str(one.get("data_path")).startswith("action_result.parameter."):
            values = one.get("example_values")
            yield one["data_path"].partition("parameter.")[2], values if isinstance(values, list) else []
