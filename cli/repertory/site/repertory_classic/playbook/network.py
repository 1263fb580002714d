"""Small questions about addresses; what is malformed is no address."""

from __future__ import annotations

import ipaddress
from typing import Any


def address_in_network(ip: Any, net: Any) -> bool:
    """Whether an address is in a network."""
    try:
        return ipaddress.ip_address(str(ip)) in ipaddress.ip_network(str(net), strict=False)
    except ValueError:
        return False


def valid_ip(address: Any) -> bool:
    """Whether it is an IPv4 address."""
    return isinstance(address, str) and _is(ipaddress.IPv4Address, address)


def is_ip(value: Any) -> bool:
    """Whether it is an address."""
    return isinstance(value, str) and (_is(ipaddress.IPv4Address, value) or _is(ipaddress.IPv6Address, value))


def valid_net(net: Any) -> bool:
    """Whether it is an IPv4 network in CIDR notation."""
    return isinstance(net, str) and "/" in net and _is(lambda text: ipaddress.IPv4Network(text, strict=False), net)


def _is(kind: Any, text: str) -> bool:
    try:
        kind(text)
    except ValueError:
        return False
    return True
