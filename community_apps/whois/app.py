"""Registration data of addresses, domains and autonomous systems over RDAP and WHOIS."""

from __future__ import annotations

import dataclasses
import functools
import ipaddress
import re
from collections.abc import Sequence
from typing import Any, Callable, List, Optional, Tuple, TypeVar, Union

import rdap_fields
from rdap_client import Found, Rdap
from whois_client import ANSWER_LIMIT, Answer, Conversation, Place, ask, converse
from whois_fields import (
    DOMAIN_CORE,
    NETWORK_CORE,
    SYSTEM_CORE,
    domain_fields,
    network_fields,
    pairs_of,
    says_none,
    system_fields,
)

from repertory_sdk import ActionFailed, App, Asset, Output, output, param, setting

# The regional registries, and those of com, net and org.
RDAP_HOSTS = (
    "rdap.arin.net", "rdap.db.ripe.net", "rdap.apnic.net", "rdap.lacnic.net", "rdap.afrinic.net", "rdap.verisign.com",
    "rdap.publicinterestregistry.org",
)  # fmt: skip
app = App(
    "whois",
    version="1.1.0",
    product="WHOIS",
    vendor="Generic",
    summary=__doc__,
    hosts=[
        "*:43", *(f"{host}:443" for host in RDAP_HOSTS), "${asset.server}:${asset.port}", "${asset.rdap_url}",
        "${asset.rdap_bootstrap}", "${asset.rdap_hosts}:443",
    ],
)  # fmt: skip

# Networks that no registry gives to anybody; asking about them would only tell strangers what is used inside.
_INTERNAL = tuple(
    ipaddress.ip_network(network)
    for network in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16",
        "224.0.0.0/3", "::/127", "fc00::/7", "fe80::/10", "ff00::/8",
    )
)  # fmt: skip
_DOMAIN = re.compile(r"(?!.{254})(?:(?!-)[a-z0-9_-]{1,63}(?<!-)\.)+(?!-)(?![0-9]+$)[a-z0-9-]{2,63}(?<!-)", re.ASCII)
_NUMBER = re.compile(r"(?:AS)?(\d{1,10})", re.IGNORECASE | re.ASCII)
TIMEOUT_S = 60.0


Row = TypeVar("Row", "NetworkOwner", "DomainOwner", "SystemOwner")


@app.asset
class Whois(Asset):
    """Which server to ask first."""

    server: str = setting("Server to ask first", default="whois.iana.org")
    port: int = setting("Port of that server", default=43, minimum=1, maximum=65535)
    timeout_s: float = setting("Seconds to wait for each server", default=10.0, minimum=0.1, maximum=60)
    follow: bool = setting("Ask the servers that an answer refers to, at most 3 of them", default=True)
    rdap_url: Optional[str] = setting("RDAP server to ask before WHOIS, such as https://rdap.arin.net/registry", default=None)
    rdap_bootstrap: Optional[str] = setting(
        "Folder of IANA's files that name the RDAP server for each name: https://data.iana.org/rdap", default=None
    )
    rdap_hosts: List[str] = setting("RDAP servers that those two may lead to", default=list(RDAP_HOSTS))
    rdap_only: bool = setting("Never ask by WHOIS; RDAP has to be set", default=False)

    @property
    def start(self) -> Place:
        """The server to ask first."""
        return Place(self.server.strip().lower().rstrip("."), self.port)

    def converse(self, kind: str, name: str) -> Conversation:
        """Ask about an ``ip`` or a ``domain``."""
        return converse(self.start, kind, name, timeout_s=self.timeout_s, follow=self.follow)

    @functools.cached_property
    def rdap(self) -> Optional[Rdap]:
        """The way into RDAP, where one is configured."""
        if not self.rdap_url and not self.rdap_bootstrap:
            if self.rdap_only:
                raise ActionFailed("WHOIS is switched off by rdap_only, and RDAP is not configured; set rdap_url or rdap_bootstrap")
            return None
        hosts = [host.strip().lower() for host in self.rdap_hosts]
        return Rdap(self.rdap_url, self.rdap_bootstrap, hosts, self.timeout_s)

    def registered(self, kind: str, name: str) -> Tuple[Optional[Found], str]:
        """What RDAP has, and what to say; None where WHOIS is to be asked."""
        if self.rdap is None:
            return None, ""
        try:
            found = self.rdap.ask(kind, name)
        except ActionFailed as error:
            if self.rdap_only:
                raise
            return None, str(error)
        if found.data is None and not self.rdap_only:
            return None, ""
        return found, "" if found.data is not None else f"{found.hosts[-1]} knows no {name}"


@app.result
class NetworkOwner:
    """Who a network is registered to."""

    ip: str = output("Address as asked", contains="ip")
    found: bool = output("Whether it is registered")
    range: Optional[str] = output("First and last address of the network", default=None)
    cidr: list[str] = output("The same as CIDRs", default=[])
    network_name: Optional[str] = output("Name of the network", default=None)
    organization: Optional[str] = output("Who holds it", default=None)
    country: Optional[str] = output("Country, two letters", default=None)
    abuse_email: Optional[str] = output("Where to report abuse", default=None, contains="email")
    registered: Optional[str] = output("Day of registration", default=None)
    servers: list[str] = output("Servers that answered, in order", default=[])
    raw: str = output("Their answers as text", default="")


@app.result
class DomainOwner:
    """Who a domain is registered to."""

    domain: str = output("Domain as asked", contains="domain")
    found: bool = output("Whether it is registered")
    registrar: Optional[str] = output("Registrar", default=None)
    created: Optional[str] = output("Day of registration", default=None)
    expires: Optional[str] = output("Day it runs out", default=None)
    updated: Optional[str] = output("Day of the last change", default=None)
    name_servers: list[str] = output("Its name servers", default=[], contains="domain")
    status: list[str] = output("Its states", default=[])
    registrant: Optional[str] = output("Who holds it, where that is public", default=None)
    abuse_email: Optional[str] = output("Where to report abuse", default=None, contains="email")
    servers: list[str] = output("Servers that answered, in order", default=[])
    raw: str = output("Their answers as text", default="")


@app.result
class SystemOwner:
    """Who an autonomous system is registered to."""

    asn: int = output("Its number")
    found: bool = output("Whether it is registered")
    name: Optional[str] = output("Its name", default=None)
    organization: Optional[str] = output("Who holds it", default=None)
    country: Optional[str] = output("Country, two letters", default=None)
    abuse_email: Optional[str] = output("Where to report abuse", default=None, contains="email")
    registered: Optional[str] = output("Day of registration", default=None)
    servers: list[str] = output("Servers that answered, in order", default=[])
    raw: str = output("Their answers as text", default="")


@app.result
class Contact:
    """Where to report abuse."""

    indicator: str = output("Address or domain as asked", contains=["ip", "domain"])
    found: bool = output("Whether there is a contact")
    abuse_email: Optional[str] = output("Where to report abuse", default=None, contains="email")
    responsible: Optional[str] = output("Holder of the network, or registrar of the domain", default=None)


@app.test
def test_connectivity(whois: Whois) -> str:
    """Ask the first server about an address that is always registered; by RDAP where that is all."""
    if whois.rdap is not None:
        found, said = whois.registered("ip", "192.0.2.1")
        if whois.rdap_only and found is not None:
            return f"{found.hosts[-1]} answers by RDAP"
        if said:
            raise ActionFailed(said)
    text, _ = ask(whois.start, "192.0.2.1", whois.timeout_s)
    return f"{whois.start} answers ({len(text)} characters)"


@app.action("whois ip", type="investigate", timeout_s=TIMEOUT_S)
def whois_ip(whois: Whois, ip: str = param("Address, IPv4 or IPv6", contains="ip")) -> Output[NetworkOwner]:
    """Who the network around an address is registered to."""
    address = address_of(ip)
    if any(address in network for network in _INTERNAL) or "%" in ip:
        said = f"{address} is not a public address, nobody is registered for it; no server was asked"
        return Output(NetworkOwner(ip=ip, found=False), said)
    said, row = _by_rdap(whois, "ip", str(address), NetworkOwner(ip=ip, found=False), rdap_fields.network_fields)
    if row is not None:
        return Output(row, said)
    talk = whois.converse("ip", str(address))
    parsed = [network_fields(answer.text, str(address)) for answer in final(talk)]
    found = any(name in fields for fields in parsed for name in NETWORK_CORE)
    fields = merged(parsed) if found else {}
    row = NetworkOwner(ip=ip, found=found, servers=servers_of(talk), raw=raw_of(talk), **fields)
    return Output(row, message_of(talk, found=found, name=str(address), before=said))


@app.action("whois domain", type="investigate", timeout_s=TIMEOUT_S)
def whois_domain(whois: Whois, domain: str = param("Domain name", contains="domain")) -> Output[DomainOwner]:
    """Who a domain is registered to."""
    name = registered_name(domain)
    said, row = _by_rdap(whois, "domain", name, DomainOwner(domain=domain, found=False), rdap_fields.domain_fields)
    if row is not None:
        return Output(row, said)
    talk = whois.converse("domain", name)
    parsed = [domain_fields(answer.text) for answer in final(talk)]
    useful = [fields for fields, answer in zip(parsed, final(talk)) if is_about(fields, answer)]
    row = DomainOwner(domain=domain, found=bool(useful), servers=servers_of(talk), raw=raw_of(talk), **merged(useful))
    return Output(row, message_of(talk, found=bool(useful), name=name, before=said))


@app.action("whois asn", type="investigate", timeout_s=TIMEOUT_S)
def whois_asn(whois: Whois, asn: str = param("Number of an autonomous system, such as AS64496")) -> Output[SystemOwner]:
    """Who an autonomous system is registered to."""
    match = _NUMBER.fullmatch(asn.strip())
    if match is None or int(match[1]) >= 2**32:
        raise ActionFailed(f"{asn[:80]!r} is not the number of an autonomous system; give one such as AS64496")
    number = int(match[1])
    said, row = _by_rdap(whois, "autnum", str(number), SystemOwner(asn=number, found=False), rdap_fields.system_fields)
    if row is not None:
        return Output(row, said)
    talk = whois.converse("asn", f"AS{number}")
    parsed = [system_fields(answer.text, number) for answer in final(talk)]
    found = any(name in fields for fields in parsed for name in SYSTEM_CORE)
    fields = merged(parsed) if found else {}
    row = SystemOwner(asn=number, found=found, servers=servers_of(talk), raw=raw_of(talk), **fields)
    return Output(row, message_of(talk, found=found, name=f"AS{number}", before=said))


@app.action("abuse contact", type="investigate", timeout_s=TIMEOUT_S)
def abuse_contact(whois: Whois, indicator: str = param("Address or domain", contains=["ip", "domain"])) -> Output[Contact]:
    """Where to report abuse of an address, to its holder, or of a domain, to its registrar."""
    try:
        address_of(indicator)
    except ActionFailed:
        domain = whois_domain(whois, indicator)
        return _contact(indicator, domain.data.abuse_email, domain.data.registrar, domain.message)
    network = whois_ip(whois, indicator)
    return _contact(indicator, network.data.abuse_email, network.data.organization, network.message)


def _contact(indicator: str, email: Optional[str], responsible: Optional[str], said: str) -> Output[Contact]:
    return Output(Contact(indicator=indicator, found=email is not None, abuse_email=email, responsible=responsible), said)


def _by_rdap(whois: Whois, kind: str, name: str, blank: Row, fields_of: Callable[[Any], Any]) -> Tuple[str, Optional[Row]]:
    """What to say, and the record filled with what RDAP has; no record where WHOIS is to be asked."""
    found, said = whois.registered(kind, name)
    if found is None:
        return said, None
    if found.data is None:
        return said, dataclasses.replace(blank, servers=list(found.hosts))
    raw = rdap_fields.raw_of(found.data)
    return said, dataclasses.replace(blank, found=True, servers=list(found.hosts), raw=raw, **fields_of(found.data))


def address_of(ip: str) -> Union[ipaddress.IPv4Address, ipaddress.IPv6Address]:
    """The address, IPv4 where it is only written as IPv6; raises ActionFailed where it is none."""
    try:
        address = ipaddress.ip_address(ip.strip())
    except ValueError:
        raise ActionFailed(f"{ip!r} is not an IP address") from None
    return getattr(address, "ipv4_mapped", None) or address


def registered_name(domain: str) -> str:
    """The name as registries know it: lower case, ASCII; raises ActionFailed where it is no domain."""
    text = domain.strip().lower().rstrip(".")
    try:
        name = text if text.isascii() else text.encode("idna").decode("ascii")
    except UnicodeError:
        name = ""
    if not _DOMAIN.fullmatch(name):
        raise ActionFailed(f"{domain!r} is not a domain name")
    return name


def is_about(fields: dict[str, Any], answer: Answer) -> bool:
    """Whether an answer describes a registered domain."""
    if any(name in fields for name in DOMAIN_CORE):
        return True
    return bool(fields.get("name_servers")) and not says_none(answer.text)


def final(talk: Conversation) -> Sequence[Answer]:
    """The answers that count: all but those that only named another server."""
    return [answer for answer in talk.answers if not answer.instead]


def merged(parsed: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """One set of fields: later servers know better, earlier ones fill the gaps."""
    together: dict[str, Any] = {}
    for fields in parsed:
        together.update(fields)
    return together


def servers_of(talk: Conversation) -> list[str]:
    """Every server that answered."""
    return [str(answer.place) for answer in talk.answers]


def raw_of(talk: Conversation) -> str:
    """Every answer under the name of its server, together no longer than one may be."""
    whole = "\n".join(f"# {answer.place}\n{answer.text}" for answer in talk.answers)
    return whole[:ANSWER_LIMIT]


def message_of(talk: Conversation, *, found: bool, name: str, before: str = "") -> str:
    """What a reader of the result should know; raises ActionFailed where no answer makes sense."""
    said = [*([before] if before else []), *talk.warnings]
    said += [f"the answer of {answer.place} was cut at 256 KB" for answer in talk.answers if answer.truncated]
    if not found:
        last = talk.answers[-1]
        if not says_none(last.text) and not pairs_of(last.text):
            raise ActionFailed(f"{last.place} answered nonsense when asked for {name}; check server and port")
        nothing = f"{last.place} knows no {name}"
        said.insert(0, nothing if says_none(last.text) else f"{nothing}, or says so in a form not known here; see raw")
    return "; ".join(said)
