"""Ask one name server a question and say clearly what went wrong. Messages are RFC 1035, by dnspython."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from typing import NamedTuple, Optional

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import dns.resolver

from repertory_sdk import ActionFailed

SYSTEM_CONFIGURATION = "/etc/resolv.conf"
ATTEMPTS = 2  # datagrams get lost
_ANSWERS = (dns.rcode.NOERROR, dns.rcode.NXDOMAIN)
_HINTS = {
    dns.rcode.REFUSED: "it does not answer for this network or name: configure a resolver that does",
    dns.rcode.SERVFAIL: "the domain's own servers may be broken: try again later or ask another server",
    dns.rcode.NOTIMP: "it cannot answer such questions: configure another server",
}


class Server(NamedTuple):
    """Where to ask and how. ``timeout_s`` is for the whole question."""

    address: str
    port: int
    timeout_s: float
    tcp: bool

    def __str__(self) -> str:
        return f"{self.address} port {self.port}"


class Reply(NamedTuple):
    """An authoritative yes or no. ``exists`` is false where there is no such domain at all."""

    exists: bool
    canonical_name: str
    rdatas: Sequence[object]
    ttl: int


def servers(
    server: Optional[str], port: int, timeout_s: float, *, tcp: bool, configuration: str = SYSTEM_CONFIGURATION
) -> list[Server]:
    """The configured server, or those that this machine uses itself."""
    addresses = [_address_of(server, port)] if server else _system_addresses(configuration)
    return [Server(address, port, timeout_s, tcp) for address in addresses]


def _system_addresses(configuration: str) -> list[str]:
    try:
        return [str(address) for address in dns.resolver.Resolver(configuration).nameservers]
    except (dns.exception.DNSException, OSError, ValueError) as error:
        said = f"{configuration} names no usable server ({_reason(error)}); set server in the asset's settings"
        raise ActionFailed(said) from error


def _address_of(server: str, port: int) -> str:
    try:
        found = socket.getaddrinfo(server, port, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError) as error:
        raise ActionFailed(f"name server {server!r} has no address ({error}); check server in the settings") from error
    return str(found[0][4][0])


def ask(candidates: Sequence[Server], name: dns.name.Name, kind: str) -> Reply:
    """The first server's answer; the next one is asked only where one cannot answer."""
    failure = ActionFailed("there is no name server to ask; set server in the asset's settings")
    for server in candidates:
        try:
            return _ask_one(server, name, kind)
        except ActionFailed as error:
            failure = error
    raise failure


def _ask_one(server: Server, name: dns.name.Name, kind: str) -> Reply:
    asked = f"{kind} of {name.to_text(omit_final_dot=True)}"
    query = dns.message.make_query(name, kind, use_edns=0, payload=1232)
    try:
        message = _exchange(server, query)
    except dns.exception.Timeout:
        said = f"{server} did not answer within {server.timeout_s:g} s (asked for {asked}); check server and port"
        raise ActionFailed(said, retry=True) from None
    except (OSError, EOFError) as error:
        reason = getattr(error, "strerror", None) or str(error) or "the connection was closed"
        said = f"{server} cannot be asked for {asked}: {reason}; check server and port"
        raise ActionFailed(said, retry=True) from error
    except dns.exception.DNSException as error:
        raise ActionFailed(f"{server} answered nonsense when asked for {asked}: {_reason(error)}") from error
    return _understood(server, message, asked)


def _exchange(server: Server, query: dns.message.Message) -> dns.message.Message:
    if server.tcp:
        return dns.query.tcp(query, server.address, server.timeout_s, server.port)
    patience = server.timeout_s / ATTEMPTS
    for _ in range(ATTEMPTS - 1):
        try:
            return _exchange_udp(server, query, patience)
        except dns.exception.Timeout:
            continue
    return _exchange_udp(server, query, patience)


def _exchange_udp(server: Server, query: dns.message.Message, timeout_s: float) -> dns.message.Message:
    """Over UDP, and again over TCP where the answer does not fit into a datagram (RFC 7766, 5)."""
    message, _ = dns.query.udp_with_fallback(query, server.address, timeout_s, server.port, ignore_unexpected=True)
    return message


def _understood(server: Server, message: dns.message.Message, asked: str) -> Reply:
    code = message.rcode()
    if code not in _ANSWERS:
        hint = _HINTS.get(code, "ask another server")
        said = f"{server} answered {dns.rcode.to_text(code)} when asked for {asked}; {hint}"
        raise ActionFailed(said, retry=code == dns.rcode.SERVFAIL)
    try:
        chain = message.resolve_chaining()  # type: ignore[attr-defined]
    except dns.exception.DNSException as error:
        raise ActionFailed(f"{server} answered nonsense when asked for {asked}: {_reason(error)}") from error
    rdatas = list(chain.answer or ())
    canonical = chain.canonical_name.to_text(omit_final_dot=True)
    return Reply(code != dns.rcode.NXDOMAIN, canonical, rdatas, chain.answer.ttl if rdatas else 0)


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
