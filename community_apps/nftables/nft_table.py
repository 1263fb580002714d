"""The one table that this app owns: its sets and rules as commands of nft's JSON (libnftables-json(5)), and what is in it."""

from __future__ import annotations

import ipaddress
import json
from dataclasses import dataclass
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

FAMILY = "inet"
OWNER = "repertory"
"""The comment of every rule, by which a table that somebody else changed is known."""
ADDRESSES = {4: "blocked4", 6: "blocked6"}
PORTS, PORTS_OF = "ports", {4: "ports4", 6: "ports6"}
_TYPES: Dict[str, Any] = {
    "blocked4": "ipv4_addr", "blocked6": "ipv6_addr", "ports": ["inet_proto", "inet_service"],
    "ports4": ["ipv4_addr", "inet_proto", "inet_service"], "ports6": ["ipv6_addr", "inet_proto", "inet_service"],
}  # fmt: skip
_L4, _DPORT = {"meta": {"key": "l4proto"}}, {"payload": {"protocol": "th", "field": "dport"}}


@dataclass(frozen=True)
class Entry:
    """What is blocked: an address or network, or a port of one or of all. ``expires_s`` is None where it stays."""

    value: Any
    expires_s: Optional[int] = None
    comment: str = ""


@dataclass(frozen=True)
class Contents:
    """The table as it is."""

    complete: bool
    sets: Dict[str, List[Entry]]

    def addresses(self) -> List[Entry]:
        """Blocked addresses and networks."""
        return [*self.sets[ADDRESSES[4]], *self.sets[ADDRESSES[6]]]

    def ports(self) -> List[Tuple[str, str, int, Entry]]:
        """Blocked ports: address or nothing, protocol, number."""
        every = [("", *entry.value, entry) for entry in self.sets[PORTS]]
        return every + [(*entry.value, entry) for name in PORTS_OF.values() for entry in self.sets[name]]


def contents(text: str, table: str) -> Contents:
    """Of ``nft -j list table``; an empty text stands for no table."""
    sets: Dict[str, List[Entry]] = {name: [] for name in _TYPES}
    ours = 0
    for one in json.loads(text)["nftables"] if text.strip() else ():
        if "set" in one and one["set"].get("name") in sets:
            sets[one["set"]["name"]] = [_entry(element) for element in one["set"].get("elem") or ()]
        ours += one.get("rule", {}).get("comment") == OWNER
    return Contents(ours == len(list(_rules(table))), sets)


def _entry(element: Any) -> Entry:
    """An element is a plain value, or one with more to say about it."""
    said = element.get("elem") if isinstance(element, dict) else None
    if isinstance(said, dict):
        return Entry(_value(said.get("val")), said.get("expires", said.get("timeout")), said.get("comment") or "")
    return Entry(_value(element))


def _value(value: Any) -> Any:
    if not isinstance(value, dict):
        return str(value)
    if "prefix" in value:
        return f"{value['prefix']['addr']}/{value['prefix']['len']}"
    if "range" in value:
        return "-".join(map(str, value["range"]))
    parts = value.get("concat") or []
    return (*map(str, parts[:-1]), int(parts[-1])) if parts else json.dumps(value)


def holds(value: str, wanted: str) -> bool:
    """Whether an element means an address or network, too."""
    try:
        if "-" in value:
            first, last = map(ipaddress.ip_address, value.split("-"))
            network = ipaddress.ip_network(wanted)
            return first.version == network.version and first <= network[0] and network[-1] <= last  # type: ignore[operator]
        ours, theirs = ipaddress.ip_network(value), ipaddress.ip_network(wanted)
    except ValueError:
        return False
    return ours.version == theirs.version and theirs.subnet_of(ours)  # type: ignore[arg-type]


# ---------------------------------------------------------------- commands


def setting_up(table: str) -> Iterator[Dict[str, Any]]:
    """The table with everything in it; what is in its sets stays."""
    yield {"add": {"table": {"family": FAMILY, "name": table}}}
    for name, kind in _TYPES.items():
        flags = ["interval", "timeout"] if isinstance(kind, str) else ["timeout"]
        yield {"add": {"set": {"family": FAMILY, "table": table, "name": name, "type": kind, "flags": flags}}}
    for hook in ("input", "forward", "output"):
        chain = {"family": FAMILY, "table": table, "name": hook}
        yield {"add": {"chain": {**chain, "type": "filter", "hook": hook, "prio": -10, "policy": "accept"}}}
        yield {"flush": {"chain": chain}}
    yield from _rules(table)


def _rules(table: str) -> Iterator[Dict[str, Any]]:
    for hook, sides in (("input", ["saddr"]), ("forward", ["saddr", "daddr"]), ("output", ["daddr"])):
        matches: List[Tuple[Any, str]] = [(_address(4, side), ADDRESSES[4]) for side in sides]
        matches += [(_address(6, side), ADDRESSES[6]) for side in sides]
        matches += [({"concat": [_L4, _DPORT]}, PORTS)]
        matches += [({"concat": [_address(version, "daddr"), _L4, _DPORT]}, PORTS_OF[version]) for version in (4, 6)]
        for left, name in matches:
            match = {"match": {"op": "==", "left": left, "right": f"@{name}"}}
            rule = {"family": FAMILY, "table": table, "chain": hook, "comment": OWNER}
            yield {"add": {"rule": {**rule, "expr": [match, {"counter": None}, {"drop": None}]}}}


def _address(version: int, side: str) -> Dict[str, Any]:
    return {"payload": {"protocol": "ip" if version == 4 else "ip6", "field": side}}


def adding(table: str, name: str, value: Any, minutes: int, comment: str) -> Dict[str, Any]:
    """One more element."""
    element: Dict[str, Any] = {"val": _plain(value)}
    if minutes:
        element["timeout"] = minutes * 60
    if comment:
        element["comment"] = comment
    return {"add": {"element": {"family": FAMILY, "table": table, "name": name, "elem": [{"elem": element}]}}}


def deleting(table: str, name: str, value: Any) -> Dict[str, Any]:
    """One element less."""
    return {"delete": {"element": {"family": FAMILY, "table": table, "name": name, "elem": [_plain(value)]}}}


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return {"concat": list(value)}
    if "/" in value:
        address, _, length = value.partition("/")
        return {"prefix": {"addr": address, "len": int(length)}}
    return {"range": value.split("-")} if "-" in value else value


def transaction(commands: Sequence[Dict[str, Any]]) -> bytes:
    """For ``nft -j -f -``: all of it is done, or nothing."""
    return json.dumps({"nftables": list(commands)}).encode()
