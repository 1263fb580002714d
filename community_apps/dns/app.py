"""DNS lookups of domains and addresses."""

from __future__ import annotations

import ipaddress
from typing import Literal, Optional

import dns.exception
import dns.name
import dns.reversename
from resolving import Reply, Server, ask, servers

from repertory_sdk import ActionFailed, App, Asset, Output, output, param, setting

app = App(
    "dns",
    version="1.0.0",
    product="DNS",
    vendor="Generic",
    summary=__doc__,
    requires=["dnspython>=2.6,<2.8"],  # the last series for Python 3.9
    hosts=["${asset.server}:${asset.port}/udp", "${asset.server}:${asset.port}"],
    lookups=["*"],  # of this machine's own resolvers, where no server is set
)

RecordType = Literal["A", "AAAA", "MX", "NS", "TXT", "CNAME", "SOA", "PTR"]
_ADDRESS_TYPES = ("A", "AAAA")


@app.asset
class Resolver(Asset):
    """Which name server to ask."""

    server: Optional[str] = setting("Name server; this machine's own resolvers where it is not set", default=None)
    port: int = setting("Port of the name server", default=53, minimum=1, maximum=65535)
    timeout_s: float = setting("Seconds to wait for an answer", default=5.0, minimum=0.1, maximum=60)
    tcp: bool = setting("Ask over TCP only", default=False)

    @property
    def candidates(self) -> list[Server]:
        """The servers to ask, in order."""
        return servers(self.server, self.port, self.timeout_s, tcp=self.tcp)


@app.result
class Record:
    """One record of an answer."""

    value: str = output("The record as text; for MX and SOA without the numbers")
    ttl: int = output("Seconds it may be kept")
    preference: Optional[int] = output("Preference of a mail server; lower is tried first", default=None)


@app.result
class DomainLookup:
    """What DNS says about a domain."""

    domain: str = output("Domain as asked", contains="domain")
    type: RecordType = output("Type of record asked for")
    found: bool = output("Whether there are such records")
    exists: bool = output("Whether the domain exists, with whatever records")
    canonical_name: str = output("The name at the end of the aliases", contains="domain")
    addresses: list[str] = output("Addresses, for A and AAAA", contains="ip")
    records: list[Record] = output("Every record, sorted; mail servers by preference")


@app.result
class IpLookup:
    """The names of an address."""

    ip: str = output("Address as asked", contains="ip")
    found: bool = output("Whether it has a name")
    hostnames: list[str] = output("Its names", contains="domain")


@app.test
def test_connectivity(resolver: Resolver) -> str:
    """Ask for the servers of the root; any answer but an error will do."""
    candidates = resolver.candidates
    ask(candidates, dns.name.root, "NS")
    return f"{candidates[0]} answers over {'TCP' if resolver.tcp else 'UDP'}"


@app.action("lookup domain", type="investigate")
def lookup_domain(
    resolver: Resolver,
    domain: str = param("Domain name", contains="domain"),
    type: RecordType = param("Type of record", default="A"),
) -> Output[DomainLookup]:
    """Records of a domain. That there are none is an answer, not a failure."""
    reply = ask(resolver.candidates, name_of(domain), type)
    records = sorted((record_of(rdata, type, reply.ttl) for rdata in reply.rdatas), key=_order)
    row = DomainLookup(
        domain=domain,
        type=type,
        found=bool(records),
        exists=reply.exists,
        canonical_name=reply.canonical_name,
        addresses=[record.value for record in records] if type in _ADDRESS_TYPES else [],
        records=records,
    )
    return Output(row, absence(reply, f"no {type} record"))


@app.action("lookup ip", type="investigate")
def lookup_ip(resolver: Resolver, ip: str = param("Address, IPv4 or IPv6", contains="ip")) -> Output[IpLookup]:
    """Names of an address, from its reverse zone."""
    try:
        address = ipaddress.ip_address(ip.strip())
    except ValueError:
        raise ActionFailed(f"{ip!r} is not an IP address") from None
    reply = ask(resolver.candidates, dns.reversename.from_address(str(address).partition("%")[0]), "PTR")
    hostnames = sorted(record_of(rdata, "PTR", reply.ttl).value for rdata in reply.rdatas)
    return Output(IpLookup(ip=ip, found=bool(hostnames), hostnames=hostnames), absence(reply, "no name"))


def absence(reply: Reply, nothing: str) -> str:
    """A sentence for an answer without records."""
    if reply.rdatas:
        return ""
    return nothing if reply.exists else "no such domain"


def name_of(domain: str) -> dns.name.Name:
    """The name as DNS wants it; raises ActionFailed where it is none."""
    text = domain.strip()
    try:
        ipaddress.ip_address(text)
    except ValueError:
        pass
    else:
        raise ActionFailed(f"{text} is an address, not a domain; use 'lookup ip'")
    if not text.strip(".") or not text.isprintable() or any(character in " /:@\\" for character in text):
        raise ActionFailed(f"{domain!r} is not a domain name")
    try:
        return dns.name.from_text(text)
    except (dns.exception.DNSException, UnicodeError, ValueError) as error:
        raise ActionFailed(f"{domain!r} is not a domain name: {error}") from error


def record_of(rdata: object, kind: str, ttl: int) -> Record:
    """One record with its readable value."""
    if kind == "MX":
        return Record(value=_plain(rdata.exchange), ttl=ttl, preference=rdata.preference)  # type: ignore[attr-defined]
    if kind == "TXT":
        text = b"".join(rdata.strings)  # type: ignore[attr-defined]
        return Record(value=text.decode("utf-8", "replace"), ttl=ttl)
    return Record(value=str(rdata) if kind == "SOA" else _plain(rdata), ttl=ttl)


def _order(record: Record) -> tuple[int, str]:
    return record.preference or 0, record.value


def _plain(value: object) -> str:
    text = str(value)
    return text[:-1] if len(text) > 1 and text.endswith(".") else text
