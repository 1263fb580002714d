"""What the many forms of WHOIS answers mean: tables from the keys that registries write to our fields."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Optional, Union

Pairs = Sequence[tuple[str, str]]

# For each field the keys that may hold it, the best first. Regional registries: ARIN, RIPE, APNIC, AFRINIC, LACNIC.
NETWORK: Mapping[str, Sequence[str]] = {
    "range": ("netrange", "inetnum", "inet6num"),
    "cidr": ("cidr",),
    "network_name": ("netname", "network-name", "ownerid"),
    "organization": ("orgname", "org-name", "organization", "custname", "owner", "organisation", "descr"),
    "country": ("country",),
    "abuse_email": ("orgabuseemail", "abuse-mailbox", "abuse contact"),
    "registered": ("regdate", "created"),
}
# Registries and registrars of domains; most follow the form that ICANN asks for, the rest is older or national.
DOMAIN: Mapping[str, Sequence[str]] = {
    "registrar": ("registrar", "registrar name", "sponsoring registrar", "registrar organization"),
    "created": (
        "creation date", "created", "created on", "created date", "registered on", "registered", "registration time",
        "registration date", "domain registration date", "registered date", "domain name commencement date",
    ),
    "expires": (
        "registry expiry date", "registrar registration expiration date", "expiry date", "expiration date", "expires",
        "expires on", "paid-till", "expiration time", "expire date", "renewal date", "validity",
    ),
    "updated": (
        "updated date", "last updated", "last-update", "last modified", "modified", "changed", "last updated on",
    ),
    "registrant": (
        "registrant organization", "registrant name", "registrant", "registrant contact name", "holder", "owner", "org",
    ),
    "abuse_email": ("registrar abuse contact email", "abuse-mailbox", "abuse contact"),
}  # fmt: skip
SYSTEM: Mapping[str, Sequence[str]] = {
    "name": ("asname", "as-name"),
    "organization": ("orgname", "org-name", "organization", "owner", "organisation", "descr"),
    "country": ("country",),
    "abuse_email": ("orgabuseemail", "abuse-mailbox", "abuse contact"),
    "registered": ("regdate", "created"),
}
SYSTEM_CORE = ("name", "organization")
NAME_SERVERS = ("name server", "name servers", "nserver", "nameserver", "nameservers", "host name")
STATUS = ("domain status", "status", "state", "eppstatus", "registration status")
NETWORK_CORE = ("range", "cidr", "network_name")
DOMAIN_CORE = ("registrar", "created", "expires", "updated", "registrant")

_ABUSE = re.compile(r"^%.*abuse contact for .* is '([^'\s]+@[^'\s]+)'", re.IGNORECASE | re.MULTILINE)
_NONE = re.compile(
    r"no match|not found|no entries found|no data found|no object found|nothing found|no matching record|not registered"
    r"|is free|status:\s*(?:free|available)|is available|available for registration|no information available"
    r"|does not exist|no such domain|%ERROR:101|no records matching|not been registered|invalid query|domain unknown",
    re.IGNORECASE,
)
_UNMANAGED = re.compile(r"NON-RIPE-NCC-MANAGED-ADDRESS-BLOCK|IANA-BLK|^IANA-NETBLOCK", re.IGNORECASE)
_HIDDEN = re.compile(r"redacted|not disclosed|data protected|privacy|^n/?a$|^-+$", re.IGNORECASE)
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_DATES = (
    re.compile(r"(?P<y>\d{4})[-/.](?P<m>\d{1,2})[-/.](?P<d>\d{1,2})(?!\d)", re.ASCII),
    re.compile(r"(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})(?!\d)", re.ASCII),
    re.compile(r"(?P<d>\d{1,2})[-/. ](?P<m>\d{1,2}|[A-Za-z]{3})[a-z]*[-/. ](?P<y>\d{4})(?!\d)", re.ASCII),
)


def pairs_of(text: str) -> Pairs:
    """Every ``key: value`` of an answer, keys in lower case. Values on lines of their own below a key count as its."""
    found: list[tuple[str, str]] = []
    heading = ""
    for line in text.splitlines():
        stripped = line.strip()
        if not stripped:
            heading = ""
        elif stripped[0] in "%#>;*":
            continue
        elif heading and line[:1] in " \t" and not _looks_like_pair(stripped):
            found.append((heading, stripped))
        else:
            key, colon, value = stripped.partition(":")
            name = " ".join(key.strip(" .\t[]").lower().split())
            if colon and name and len(name) <= 60:
                heading = "" if value.strip() else name
                if value.strip():
                    found.append((name, value.strip()))
    return found


def _looks_like_pair(text: str) -> bool:
    return ": " in text or text.endswith(":")


def says_none(text: str) -> bool:
    """Whether the answer says that there is no such thing."""
    return bool(_NONE.search(text))


# -------------------------------------------------------------------------- addresses


def network_fields(text: str, ip: str) -> dict[str, object]:
    """Fields of ``NETWORK`` with values; ``cidr`` is a list. The smallest network around the address counts.

    Registries describe what others look after as one large block without an owner; that is no answer.
    """
    everything = pairs_of(text)
    pairs = _smallest(everything, ip)
    found: dict[str, object] = dict(_first_values(NETWORK, pairs))
    if _UNMANAGED.search(str(found.get("network_name", ""))):
        return {}
    for name, value in _first_values(NETWORK, everything).items():
        if name not in NETWORK_CORE:
            found.setdefault(name, value)
    spoken = _ABUSE.search(text)
    if spoken:
        found["abuse_email"] = spoken.group(1)
    networks = _networks(str(found.pop("cidr", "") or found.get("range", "")))
    if networks:
        found["range"] = f"{networks[0][0]} - {networks[-1][-1]}"
        found["cidr"] = [str(network) for network in networks]
    if "registered" in found:
        found["registered"] = date_of(str(found["registered"]))
    if "country" in found:
        found["country"] = str(found["country"]).split("#")[0].strip().upper()
    return found


def system_fields(text: str, number: int) -> dict[str, object]:
    """Fields of ``SYSTEM`` with values; none for a block of numbers, which only says which registry looks after it."""
    pairs = pairs_of(text)
    own = re.compile(rf"(?:AS)?{number}(?!\d)", re.IGNORECASE)
    if not any(key in ("aut-num", "asnumber") and own.match(value) for key, value in pairs):
        return {}
    found: dict[str, object] = dict(_first_values(SYSTEM, pairs))
    spoken = _ABUSE.search(text)
    if spoken:
        found["abuse_email"] = spoken.group(1)
    if "registered" in found:
        found["registered"] = date_of(str(found["registered"]))
    if "country" in found:
        found["country"] = str(found["country"]).split("#")[0].strip().upper()
    return found


def _smallest(pairs: Pairs, ip: str) -> Pairs:
    """The part of the answer that begins at the smallest network around the address."""
    best, smallest = pairs, 0
    starts = [at for at, (key, _) in enumerate(pairs) if key in NETWORK["range"]]
    for start, end in zip(starts, [*starts[1:], len(pairs)]):
        networks = _networks(pairs[start][1])
        size = sum(network.num_addresses for network in networks)
        holds = any(ipaddress.ip_address(ip) in network for network in networks)
        if holds and (not smallest or size < smallest):
            best, smallest = pairs[start:end], size
    return best


def _networks(text: str) -> Sequence[Union[ipaddress.IPv4Network, ipaddress.IPv6Network]]:
    """The networks that a range or a list of CIDRs means; LACNIC leaves out zeros at the end (``200.3.12/22``)."""
    try:
        first, dash, last = text.partition("-")
        if dash:
            ends = ipaddress.ip_address(first.strip()), ipaddress.ip_address(last.strip())
            return list(ipaddress.summarize_address_range(*ends))
        return [ipaddress.ip_network(_padded(part.strip()), strict=False) for part in text.split(",")]
    except (ValueError, TypeError):
        return []


def _padded(cidr: str) -> str:
    address, slash, length = cidr.partition("/")
    missing = 3 - address.count(".")
    return f"{address}{'.0' * missing}{slash}{length}" if ":" not in address and 0 < missing < 4 else cidr


# ---------------------------------------------------------------------------- domains


def domain_fields(text: str) -> dict[str, object]:
    """Fields of ``DOMAIN`` with values, and the lists ``name_servers`` and ``status``.

    None for an answer about a top-level domain, which is what a root server says where it knows nobody to ask.
    """
    pairs = pairs_of(text)
    if any(key == "domain" and "." not in value.rstrip(".") for key, value in pairs):
        return {}
    found: dict[str, object] = dict(_first_values(DOMAIN, pairs))
    for name in ("created", "expires", "updated"):
        if name in found:
            found[name] = date_of(str(found[name]))
    servers = [value.split()[0].rstrip(".").lower() for key, value in pairs if key in NAME_SERVERS]
    status = [value.split(" http")[0].split(" (http")[0].strip() for key, value in pairs if key in STATUS]
    found.update(name_servers=_distinct(servers), status=_distinct(status))
    return {name: value for name, value in found.items() if value}


def _first_values(table: Mapping[str, Sequence[str]], pairs: Pairs) -> dict[str, str]:
    """For each field the first value under the best key that has one."""
    first: dict[str, str] = {}
    for key, value in pairs:
        if not _HIDDEN.search(value):
            first.setdefault(key, value)
    best = {name: next((first[key] for key in keys if key in first), None) for name, keys in table.items()}
    return {name: value for name, value in best.items() if value is not None}


def _distinct(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(value for value in values if value))


def date_of(text: str) -> str:
    """The day as ``2001-02-28``; the text itself where it is not understood.

    >>> date_of("28-Feb-2001"), date_of("20010228"), date_of("before 1996")
    ('2001-02-28', '2001-02-28', 'before 1996')
    """
    for pattern in _DATES:
        found = pattern.search(text)
        if found:
            month = _month(found.group("m"))
            if month:
                return f"{found.group('y')}-{month:02d}-{int(found.group('d')):02d}"
    return text


def _month(text: str) -> Optional[int]:
    if text.isdigit():
        return int(text) if 1 <= int(text) <= 12 else None
    return _MONTHS.index(text.lower()) + 1 if text.lower() in _MONTHS else None
