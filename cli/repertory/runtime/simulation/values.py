"""Values that an action could return, made from what its manifest says of them.

Addresses and names are those reserved for documentation (RFC 2606, RFC 3849, RFC 5737), so that none of them means anybody.
"""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING, Any

from repertory_sdk.convert import conform
from repertory_sdk.errors import ConversionError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from repertory_sdk.manifest import DataPath

_NETWORKS = ("192.0.2", "198.51.100", "203.0.113")
_WORDS = ("amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heron")
_PEOPLE = ("alice", "bob", "carol", "dave", "erin")
_SUFFIXES = ("exe", "dll", "docx", "pdf", "zip")
_BETWEEN = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_TIMES = ("_at", "time", "date", "timestamp", "created", "modified", "first_seen", "last_seen")


def make_rows(
    outputs: Sequence[DataPath], parameters: Mapping[str, Any], chance: random.Random, *, count: int
) -> list[dict[str, Any]]:
    """So many rows with a value at each declared path; a field named as a parameter repeats its value."""
    tree: dict[str, Any] = {}
    for output in outputs:
        _place(tree, output.path.split("."), output)
    return [_object(tree, parameters, chance) for _ in range(count)] if tree else []


def _place(tree: dict[str, Any], segments: Sequence[str], output: DataPath) -> None:
    """A path as a branch; ``[]`` stays part of the name. What was placed before keeps its place."""
    first, *rest = segments
    if not rest:
        tree.setdefault(first, output)
        return
    inner = tree.get(first)
    if not isinstance(inner, dict):
        inner = tree[first] = {}
    _place(inner, rest, output)


def _object(tree: Mapping[str, Any], parameters: Mapping[str, Any], chance: random.Random) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for segment, inside in tree.items():
        name = segment.removesuffix("[]")
        count = chance.randint(1, 2) if segment.endswith("[]") else 1
        values = [
            _object(inside, {}, chance) if isinstance(inside, dict) else _value(name, inside, parameters, chance)
            for _ in range(count)
        ]
        made[name] = values if segment.endswith("[]") else values[0]
    return made


def _value(name: str, output: DataPath, parameters: Mapping[str, Any], chance: random.Random) -> Any:
    if name in parameters and _conforms(output.schema, parameters[name]):
        return parameters[name]
    if output.examples:
        return chance.choice(list(output.examples))
    return _of_schema(name, output.schema, output.contains, chance)


def _conforms(schema: Mapping[str, Any], value: Any) -> bool:
    try:
        conform(schema, value)
    except (ConversionError, KeyError):
        return False
    return True


def _of_schema(name: str, schema: Mapping[str, Any], contains: Sequence[str], chance: random.Random) -> Any:
    if schema.get("enum"):
        return chance.choice(list(schema["enum"]))
    if schema.get("anyOf"):
        return _of_schema(name, schema["anyOf"][0], contains, chance)
    kind = schema.get("type", "string")
    if kind in ("integer", "number"):
        return _number(schema, contains, chance, whole=kind == "integer")
    if kind == "array":
        return [_of_schema(name, schema.get("items", {}), contains, chance) for _ in range(chance.randint(1, 2))]
    others = {"boolean": chance.random() < 0.5, "object": {}, "null": None}
    return others[kind] if kind in others else text_for(name, contains, chance)


def _number(schema: Mapping[str, Any], contains: Sequence[str], chance: random.Random, *, whole: bool) -> float:
    lowest, highest = (1, 65535) if "port" in contains else (0, 100)
    lowest = schema.get("minimum", min(lowest, schema.get("maximum", lowest)))
    highest = max(lowest, schema.get("maximum", max(highest, lowest)))
    return chance.randint(int(lowest), int(highest)) if whole else round(chance.uniform(lowest, highest), 2)


def text_for(name: str, contains: Sequence[str], chance: random.Random) -> str:
    """A text of one of these types, or as its name has it: an ``abuse_email`` is an email, a ``sourceAddress`` an address."""
    form = _FORMS.get(_form_named(name, contains))
    if form:
        return form(chance)
    if name.lower().endswith(_TIMES):
        return _time(chance)
    return f"{name.replace('_', ' ')} {chance.choice(_WORDS)}"


def type_named(name: str) -> str:
    """The semantic type that a field of this name mostly is of; empty where its name says nothing.

    >>> type_named("sourceAddress"), type_named("requestURL"), type_named("count")
    ('ip', 'url', '')
    """
    form = _form_named(name, ())
    return _TYPES.get(form, form)


def _form_named(name: str, contains: Sequence[str]) -> str:
    words = _BETWEEN.sub("_", name).replace("_", " ").split()
    for kind in (*contains, " ".join(words), *(" ".join(words[-count:]) for count in (2, 1))):
        plain = kind.lower().replace("_", " ")
        for form in (plain, plain.removesuffix("s")):
            if form in _FORMS:
                return form
    return ""


# --------------------------------------------------------- semantic types


def _ip(chance: random.Random) -> str:
    return f"{chance.choice(_NETWORKS)}.{chance.randint(1, 254)}"


def _cidr(chance: random.Random) -> str:
    return f"{chance.choice(_NETWORKS)}.0/24"


def _country(chance: random.Random) -> str:
    return chance.choice(("BR", "IN", "KE", "NL", "NZ"))


def _ipv6(chance: random.Random) -> str:
    return f"2001:db8::{chance.randint(1, 0xFFFF):x}"


def _domain(chance: random.Random) -> str:
    return f"{chance.choice(_WORDS)}.example"


def _host(chance: random.Random) -> str:
    return f"{chance.choice(_WORDS)}-{chance.randint(1, 99):02}"


def _url(chance: random.Random) -> str:
    return f"https://{_domain(chance)}/{chance.choice(_WORDS)}"


def _email(chance: random.Random) -> str:
    return f"{chance.choice(_PEOPLE)}@{_domain(chance)}"


def _file(chance: random.Random) -> str:
    return f"{chance.choice(_WORDS)}.{chance.choice(_SUFFIXES)}"


def _path(chance: random.Random) -> str:
    return f"/srv/{chance.choice(_WORDS)}/{_file(chance)}"


def _user(chance: random.Random) -> str:
    return chance.choice(_PEOPLE)


def _hex(digits: int) -> Callable[[random.Random], str]:
    return lambda chance: f"{chance.getrandbits(digits * 4):0{digits}x}"


def _port(chance: random.Random) -> str:
    return str(chance.randint(1, 65535))


def _time(chance: random.Random) -> str:
    return f"2026-01-{chance.randint(1, 28):02}T{chance.randint(0, 23):02}:{chance.randint(0, 59):02}:00Z"


def _mac(chance: random.Random) -> str:
    return "00:00:5e:00:53:" + f"{chance.randint(0, 255):02x}"


_FORMS: Mapping[str, Callable[[random.Random], str]] = {
    "ip": _ip, "ip address": _ip, "ipv4": _ip, "address": _ip, "ipv6": _ipv6, "cidr": _cidr, "country": _country,
    "domain": _domain, "domain name": _domain, "fqdn": _domain,
    "host": _host, "host name": _host, "hostname": _host, "url": _url, "uri": _url, "email": _email,
    "email address": _email, "file name": _file, "filename": _file, "file path": _path, "process name": _file,
    "hash": _hex(64), "file hash": _hex(64), "sha256": _hex(64), "sha1": _hex(40), "md5": _hex(32), "vault id": _hex(40),
    "port": _port, "timestamp": _time, "date": _time, "user": _user, "user name": _user, "username": _user,
    "mac address": _mac, "mac": _mac,
}  # fmt: skip
_TYPES = {
    "address": "ip", "ip address": "ip", "ipv4": "ip", "uri": "url", "domain name": "domain", "fqdn": "domain", "host": "host name",
    "hostname": "host name", "email address": "email", "filename": "file name", "file hash": "hash", "user": "user name",
    "username": "user name", "mac": "mac address",
}  # fmt: skip
