"""Access lists and object groups as the running configuration shows them."""

from __future__ import annotations

import ipaddress
from typing import Dict, List, Optional, Tuple

from device import Line

PORTS: Dict[str, int] = {
    "aol": 5190, "bgp": 179, "biff": 512, "bootpc": 68, "bootps": 67, "chargen": 19, "cifs": 3020, "citrix-ica": 1494,
    "cmd": 514, "ctiqbe": 2748, "daytime": 13, "discard": 9, "dnsix": 195, "domain": 53, "echo": 7, "exec": 512, "finger": 79,
    "ftp": 21, "ftp-data": 20, "gopher": 70, "h323": 1720, "hostname": 101, "http": 80, "https": 443, "ident": 113,
    "imap4": 143, "irc": 194, "isakmp": 500, "kerberos": 88, "klogin": 543, "kshell": 544, "ldap": 389, "ldaps": 636,
    "login": 513, "lotusnotes": 1352, "lpd": 515, "mobile-ip": 434, "nameserver": 42, "netbios-dgm": 138, "netbios-ns": 137,
    "netbios-ssn": 139, "nfs": 2049, "nntp": 119, "ntp": 123, "pcanywhere-data": 5631, "pcanywhere-status": 5632,
    "pim-auto-rp": 496, "pop2": 109, "pop3": 110, "pptp": 1723, "radius": 1645, "radius-acct": 1646, "rip": 520, "rsh": 514,
    "rtsp": 554, "secureid-udp": 5510, "sip": 5060, "smtp": 25, "snmp": 161, "snmptrap": 162, "sqlnet": 1521, "ssh": 22,
    "sunrpc": 111, "syslog": 514, "tacacs": 49, "talk": 517, "telnet": 23, "tftp": 69, "time": 37, "uucp": 540, "vxlan": 4789,
    "who": 513, "whois": 43, "www": 80, "xdmcp": 177,
}  # fmt: skip
"""Names that the firewall shows in place of numbers, whichever was written."""
_TWO_WORDS = ("host", "object", "object-group", "interface")


def lines_of(text: str, name: str) -> List[Line]:
    """The rules of one access list, each with the remarks above it; remarks count as lines, too."""
    found: List[Line] = []
    remarks: Tuple[str, ...] = ()
    own = [line for line in text.splitlines() if line.split()[:2] == ["access-list", name]]
    for number, line in enumerate(own, 1):
        words = line.split()
        if words[2:3] == ["remark"]:
            remarks = (*remarks, line.split(None, 3)[3] if len(words) > 3 else "")
            continue
        if words[2:3] == ["extended"] and len(words) > 4:
            found.append(_line(words, line.strip(), number, remarks))
        remarks = ()
    return found


def _line(words: List[str], text: str, number: int, remarks: Tuple[str, ...]) -> Line:
    rest = words[4:]
    service = _taken(rest)
    group = rest[1] if rest[:1] == ["object-group"] and len(rest) > 1 else None
    source, source_port = _taken(rest), _port(rest)
    destination, port = _taken(rest), _port(rest)
    service = f"{service}/{port}" if port else service
    return Line(
        identity=str(number), permit=words[3] == "permit", source=source, destination=destination,
        service=f"{service} from {source_port}" if source_port else service, active="inactive" not in rest, remarks=remarks,
        group=group, text=text, number=number,
    )  # fmt: skip


def _taken(rest: List[str]) -> str:
    """One address, network, object or protocol off the front."""
    first = rest.pop(0) if rest else "any"
    if first in _TWO_WORDS and rest:
        return rest.pop(0) if first != "host" else _canonical(rest.pop(0))
    if rest and first[0].isdigit() and rest[0].count(".") == 3:
        return _canonical(f"{first}/{rest.pop(0)}")
    return _canonical(first) if ":" in first else first


def _port(rest: List[str]) -> Optional[str]:
    """Ports off the front, if there are any: one, or as the words say it."""
    kind = rest[0] if rest else ""
    if kind == "eq" and len(rest) > 1:
        del rest[0]
        return _number(rest.pop(0))
    if kind == "range" and len(rest) > 2:
        del rest[0]
        return f"{_number(rest.pop(0))}-{_number(rest.pop(0))}"
    if kind in ("gt", "lt", "neq") and len(rest) > 1:
        del rest[0]
        return f"{kind} {_number(rest.pop(0))}"
    return None


def _number(port: str) -> str:
    return str(PORTS.get(port, port))


def members_of(text: str, group: str) -> Optional[List[str]]:
    """Addresses and networks of a network object group; None where it is not shown."""
    body = body_of(text, group)
    if body is None:
        return None
    shown = [line.split() for line in body if line.startswith("network-object ")]
    return [_taken(words[1:]) for words in shown if len(words) > 1 and words[1] != "object"]


def body_of(text: str, group: str) -> Optional[List[str]]:
    """What is below the first line of a group, apart from its description; None where it is not shown."""
    body: Optional[List[str]] = None
    for line in text.splitlines():
        if not line.startswith(" "):
            if body is not None:
                break
            body = [] if line.split()[:3] == ["object-group", "network", group] else None
        elif body is not None and not line.startswith(" description"):
            body.append(line.strip())
    return body


def written(ip: str) -> str:
    """An address or a network as a command has it."""
    if "/" not in ip:
        return f"host {ip}"
    network = ipaddress.ip_network(ip)
    return ip if network.version == 6 else f"{network.network_address} {network.netmask}"


def _canonical(text: str) -> str:
    """As the rest of the app writes addresses; names stay what they are."""
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return text
    return str(network.network_address if network.prefixlen == network.max_prefixlen else network)
