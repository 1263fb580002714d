"""What one child process may see and use: plain records, the same for every level."""

from __future__ import annotations

import ipaddress
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

Level = Literal["process", "landlock", "namespaces"]
LEVELS: tuple[Level, ...] = ("process", "landlock", "namespaces")  # from the weakest to the strongest
Verdict = Literal["allowed", "denied", "failed"]
IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

ANY_HOST = "*"


@dataclass(frozen=True, kw_only=True)
class HostRule:
    """One permission to connect: a name, ``*.suffix``, address, range (CIDR) or ``*``, and a port.

    ``by_user``: the host stands in the settings of the user's own asset. Only then may a name lead to an address that is not
    public.
    """

    host: str
    port: int
    udp: bool = False
    by_user: bool = False

    @property
    def network(self) -> IPNetwork | None:
        """The declared range, or None when the rule names a host."""
        with suppress(ValueError):
            return ipaddress.ip_network(self.host, strict=False)
        return None

    def covers_name(self, name: str) -> bool:
        """The same name, a name below ``*.suffix``, or any."""
        if self.host.startswith("*."):
            return name.endswith(self.host[1:])
        return self.host in (ANY_HOST, name)

    def covers_address(self, address: IPAddress) -> bool:
        """Whether an address as such was declared; ``*`` declares the public ones."""
        if self.host == ANY_HOST:
            return is_public(address)
        if self.host == "localhost":  # what a hosts file makes of it inside
            return address.is_loopback
        network = self.network
        return network is not None and address in network

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}{'/udp' if self.udp else ''}"


@dataclass(frozen=True, kw_only=True)
class Confinement:
    """Everything that is not named here is out of reach.

    ``within``: where it is set, one of these too must permit a connection. ``files`` can be read, ``programs`` started;
    ``lookups`` are the names whose DNS records may be asked for (``*``, ``*.suffix``). ``memory_bytes`` bounds the address
    space, ``scratch_bytes`` the temporary files. ``links``: pairs of a path that the code names and one among its temporary
    files; they can only be made where it has a file system of its own, at level ``namespaces``.
    """

    files: Sequence[Path] = ()
    programs: Sequence[Path] = ()
    links: Sequence[tuple[str, str]] = ()
    hosts: Sequence[HostRule] = ()
    within: Sequence[HostRule] | None = None
    lookups: Sequence[str] = ()
    memory_bytes: int = 2 * 2**30
    scratch_bytes: int = 256 * 2**20
    tasks: int = 200
    open_files: int = 512


@dataclass(frozen=True, kw_only=True)
class Contact:
    """What came of an attempt to reach a host; ``sent`` and ``received`` are bytes."""

    host: str
    port: int
    verdict: Verdict
    reason: str = ""
    sent: int = 0
    received: int = 0


# "Global" for the ipaddress module, but an IPv4 address of any kind may hide in them (RFC 6052, RFC 8215, RFC 3056).
_HIDING_IPV4 = tuple(map(ipaddress.ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16")))


def is_public(address: IPAddress) -> bool:
    """True only for addresses of single hosts that are certainly on the internet."""
    return address.is_global and not address.is_multicast and not any(address in network for network in _HIDING_IPV4)


def is_link_local(address: IPAddress) -> bool:
    """Also where an IPv6 address stands for an IPv4 address; there the metadata of clouds are."""
    return address.is_link_local or any(inner.is_link_local for inner in _inner(address))


def _inner(address: IPAddress) -> Iterator[ipaddress.IPv4Address]:
    if isinstance(address, ipaddress.IPv6Address):
        if address in _HIDING_IPV4[0] or address in _HIDING_IPV4[1]:
            yield ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        yield from (inner for inner in (address.ipv4_mapped, address.sixtofour) if inner is not None)
