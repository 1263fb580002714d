"""Small databases in MaxMind's format, with documentation networks only.

    python simulator.py

It writes them to a temporary folder, prints the settings of an asset and waits until its standard input ends. The format is that
of the MaxMind DB File Format Specification 2.0: a binary tree over the bits of addresses, then data, then metadata.
"""

from __future__ import annotations

import ipaddress
import struct
import tempfile
from pathlib import Path
from typing import Any, Dict, List, Mapping, Union

from repertory_sdk.testing.simulator import announce, until_input_ends

MARKER = b"\xab\xcd\xefMaxMind.com"
BUILT = 1767225600  # 2026-01-01
NAMES = {"city_database": "GeoLite2-City", "asn_database": "GeoLite2-ASN", "anonymous_database": "GeoIP2-Anonymous-IP"}
AMSTERDAM = {
    "city": {"geoname_id": 2759794, "names": {"en": "Amsterdam", "ja": "アムステルダム"}},
    "continent": {"code": "EU", "names": {"en": "Europe"}},
    "country": {"iso_code": "NL", "is_in_european_union": True, "names": {"en": "Netherlands", "de": "Niederlande"}},
    "location": {"accuracy_radius": 20, "latitude": 52.37, "longitude": 4.89, "time_zone": "Europe/Amsterdam"},
    "postal": {"code": "1012"},
    "registered_country": {"iso_code": "DE"},
    "subdivisions": [{"iso_code": "NH", "names": {"en": "North Holland"}}],
}
DATA: Mapping[str, Mapping[str, Any]] = {
    "city_database": {
        "203.0.113.0/24": AMSTERDAM,
        "198.51.100.0/25": {"country": {"iso_code": "FR"}, "location": {"latitude": 48}},
        "2001:db8::/32": {"country": {"iso_code": "JP", "names": {"ja": "日本"}}, "city": None, "subdivisions": []},
    },
    "asn_database": {
        "203.0.113.0/24": {"autonomous_system_number": 64496, "autonomous_system_organization": "Example ISP"},
        "192.0.2.0/24": {"autonomous_system_number": 64497},
    },
    "anonymous_database": {
        "203.0.113.7/32": {"is_anonymous": True, "is_tor_exit_node": True, "is_hosting_provider": True, "is_public_proxy": False},
    },
}


def database(kind: str, entries: Mapping[str, Any], *, built: int = BUILT, ip_version: int = 6) -> bytes:
    """A whole file. Networks of IPv4 lie at ::/96 of a tree for IPv6."""
    nodes: List[List[Union[int, bytes, None]]] = [[None, None]]
    for text, record in entries.items():
        network = ipaddress.ip_network(text)
        length = network.prefixlen + (96 if network.version == 4 and ip_version == 6 else 0)
        bits = format(int(network.network_address), f"0{32 if ip_version == 4 else 128}b")[:length]
        at = 0
        for bit in map(int, bits[:-1]):
            following = nodes[at][bit]
            if not isinstance(following, int):
                nodes.append([None, None])
                following = nodes[at][bit] = len(nodes) - 1
            at = following
        nodes[at][int(bits[-1])] = encoded(record)
    data = bytearray()
    tree = b"".join(_record(side, len(nodes), data) for node in nodes for side in node)
    about = {
        "binary_format_major_version": 2, "binary_format_minor_version": 0, "build_epoch": built, "database_type": kind,
        "description": {"en": "documentation networks"}, "ip_version": ip_version, "languages": ["en"], "node_count": len(nodes),
        "record_size": 32,
    }  # fmt: skip
    return tree + bytes(16) + bytes(data) + MARKER + encoded(about)


def _record(side: Union[int, bytes, None], count: int, data: bytearray) -> bytes:
    """The number of a node; the number of nodes for nothing; beyond it where data begins."""
    value = side if isinstance(side, int) else count
    if isinstance(side, bytes):
        value = count + 16 + len(data)
        data += side
    return struct.pack(">I", value)


def encoded(value: Any) -> bytes:
    """One value, with the byte that says its type and size before it."""
    if isinstance(value, bool):
        return _control(14, int(value))
    if isinstance(value, int):
        size = (value.bit_length() + 7) // 8
        return _control(6 if size <= 4 else 9, size) + value.to_bytes(size, "big")
    if isinstance(value, float):
        return _control(3, 8) + struct.pack(">d", value)
    if isinstance(value, str):
        return _control(2, len(value.encode())) + value.encode()
    if isinstance(value, list):
        return _control(11, len(value)) + b"".join(map(encoded, value))
    fields = {name: inner for name, inner in value.items() if inner is not None}
    return _control(7, len(fields)) + b"".join(encoded(name) + encoded(inner) for name, inner in fields.items())


def _control(kind: int, size: int) -> bytes:
    extra = b""
    if size >= 29:
        size, extra = 29, bytes([size - 29])
    first, more = (kind, b"") if kind <= 7 else (0, bytes([kind - 7]))
    return bytes([first << 5 | size]) + more + extra


def write(folder: Path) -> Dict[str, str]:
    """All three databases; the settings of an asset that has them."""
    paths = {name: folder / f"{kind}.mmdb" for name, kind in NAMES.items()}
    for name, path in paths.items():
        path.write_bytes(database(NAMES[name], DATA[name]))
    return {name: str(path) for name, path in paths.items()}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        announce(write(Path(folder)), 0)
        until_input_ends()
