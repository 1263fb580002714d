"""Addresses, networks, domains, URLs and digests as people and products write them, made canonical or refused with a sentence.

    @app.action("block ip", ...)
    def block_ip(firewall: Firewall, ip: str = param("Address", contains="ip")) -> Blocked:
        address = indicators.address(ip)
        indicators.refuse_protected(address, firewall.protected)
"""

from __future__ import annotations

import ipaddress
import re
from typing import Any, List, Sequence, Union
from urllib.parse import urlsplit

from repertory_sdk.declared import setting
from repertory_sdk.errors import ActionFailed

PROTECTED = (
    # Private, shared, loopback, link-local, multicast and unspecified: RFC 1918, 6598, 1122, 3927, 5771, 4193, 4291.
    "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4",
    "0.0.0.0/8", "255.255.255.255", "::/127", "fc00::/7", "fe80::/10", "ff00::/8",
    # Resolvers that many networks depend on: Cloudflare, Google, Quad9.
    "1.1.1.1", "1.0.0.1", "8.8.8.8", "8.8.4.4", "9.9.9.9", "149.112.112.112",
    "2606:4700:4700::1111", "2606:4700:4700::1001", "2001:4860:4860::8888", "2001:4860:4860::8844", "2620:fe::fe", "2620:fe::9",
    # Names that are not for the Internet: RFC 6761, 6762, 8375, 9476, and the trees of addresses.
    "localhost", "local", "internal", "home.arpa", "in-addr.arpa", "ip6.arpa",
)  # fmt: skip
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_DIGEST = re.compile(r"[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}")
_DEFANGED = (("[.]", "."), ("(.)", "."), ("[dot]", "."), ("[:]", ":"), ("[://]", "://"), ("[@]", "@"))
Network = Union[ipaddress.IPv4Network, ipaddress.IPv6Network]


def protected_setting() -> Any:
    """The setting that every app which blocks something has: what it must never block."""
    return setting(
        "Addresses, networks and domains that are never blocked, whoever asks: add your own networks, resolvers, gateways"
        " and domains",
        default=list(PROTECTED),
    )


def refuse_protected(indicator: str, protected: Sequence[str]) -> None:
    """ActionFailed if blocking this address, network or domain would block anything that is protected."""
    entry = next((entry for entry in protected if _covers(entry, indicator)), None)
    if entry is not None:
        raise ActionFailed(
            f"{indicator} is protected and stays as it is; take {entry} off the setting 'protected' of the asset, if you"
            " mean it"
        )


def _covers(entry: str, indicator: str) -> bool:
    """Whether one contains the other, in either direction: a network that holds our resolver is as bad as the resolver."""
    try:
        ours, theirs = _network(entry), _network(indicator)
    except ValueError:
        ours_name, theirs_name = entry.lower().strip("."), indicator.lower().strip(".")
        return f".{ours_name}".endswith(f".{theirs_name}") or f".{theirs_name}".endswith(f".{ours_name}")
    return ours.version == theirs.version and ours.overlaps(theirs)


def _network(text: str) -> Network:
    return ipaddress.ip_network(text.strip(), strict=False)


def refanged(text: str) -> str:
    """What an analyst made harmless, as it was: ``hxxp://evil[.]example`` is ``http://evil.example``."""
    text = text.strip()
    for defanged, plain in _DEFANGED:
        text = text.replace(defanged, plain)
    return re.sub(r"^h(xx|\*\*)p(s?)://", r"http\2://", text, flags=re.IGNORECASE)


def address(text: str) -> str:
    """An IPv4 or IPv6 address in its usual form; ActionFailed where it is none.

    >>> address("2001:DB8:0::7")
    '2001:db8::7'
    """
    try:
        found = ipaddress.ip_address(refanged(text))
    except ValueError:
        raise ActionFailed(f"{_shown(text)} is no IP address; give one such as 198.51.100.7 or 2001:db8::7") from None
    if getattr(found, "scope_id", None):
        raise ActionFailed(f"{_shown(text)} names an interface of this machine; give the address without %")
    return str(getattr(found, "ipv4_mapped", None) or found)


def network(text: str) -> str:
    """An address or a network, as a network if it is one; ActionFailed where it is neither.

    >>> network("192.0.2.9/24"), network("192.0.2.9")
    ('192.0.2.0/24', '192.0.2.9')
    """
    if "/" not in text:
        return address(text)
    try:
        return str(_network(refanged(text)))
    except ValueError:
        raise ActionFailed(f"{_shown(text)} is no network; give one such as 198.51.100.0/24") from None


def is_public(ip: str) -> bool:
    """Whether products on the Internet can know anything of this address; those for documentation count as public."""
    found = ipaddress.ip_address(ip)
    unusable = found.is_loopback or found.is_link_local or found.is_multicast or found.is_unspecified
    return not unusable and not any(_covers(entry, ip) for entry in _PRIVATE)


_PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")


def domain(text: str) -> str:
    """A domain in ASCII and lower case, without a final dot (RFC 1035, IDNA 2003); ActionFailed where it is none.

    >>> domain("BÜCHER.example.")
    'xn--bcher-kva.example'
    """
    plain = refanged(text).rstrip(".").lower()
    try:
        name = plain.encode("idna").decode("ascii") if plain else ""
    except UnicodeError:
        name = ""
    labels = name.split(".")
    if not name or len(name) > 253 or not all(map(_LABEL.fullmatch, labels)) or labels[-1].isdigit():
        raise ActionFailed(f"{_shown(text)} is no domain name; give one such as www.example.com")
    return name


def blockable_domain(text: str, protected: Sequence[str]) -> str:
    """A domain that may be blocked: of at least two labels, and not protected; ActionFailed where it may not."""
    name = domain(text)
    if "." not in name:
        raise ActionFailed(f"{name} is a whole top-level domain; give one of at least two labels, such as example.com")
    refuse_protected(name, protected)
    return name


def url(text: str) -> str:
    """An http or https URL with its host in ASCII; ActionFailed where it is none.

    >>> url("hxxps://BÜCHER.example/a?b=1")
    'https://xn--bcher-kva.example/a?b=1'
    """
    plain = refanged(text)
    try:
        parts = urlsplit(plain)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        parts, host, port = urlsplit(""), "", None
    if parts.scheme.lower() not in ("http", "https") or not host or not plain.isprintable() or " " in plain:
        raise ActionFailed(f"{_shown(text)} is no URL; give one such as https://www.example.com/page")
    place = f"[{address(host)}]" if ":" in host else _host(host)
    whole = parts._replace(scheme=parts.scheme.lower(), netloc=f"{place}:{port}" if port else place)
    return whole.geturl()


def _host(host: str) -> str:
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return domain(host)


def digest(text: str) -> str:
    """An MD5, SHA-1 or SHA-256 digest in lower case; ActionFailed where it is none.

    >>> digest("D41D8CD98F00B204E9800998ECF8427E")
    'd41d8cd98f00b204e9800998ecf8427e'
    """
    plain = text.strip().lower()
    if not _DIGEST.fullmatch(plain):
        raise ActionFailed(f"{_shown(text)} is no hash; give an MD5, SHA-1 or SHA-256 in hexadecimal")
    return plain


def parents(name: str) -> List[str]:
    """The domains that a domain lies in, nearest first, without the top-level one.

    >>> parents("a.b.example.com")
    ['b.example.com', 'example.com']
    """
    labels = name.split(".")
    return [".".join(labels[start:]) for start in range(1, len(labels) - 1)]


def _shown(text: str) -> str:
    return repr(text if len(text) <= 80 else f"{text[:79]}…")
