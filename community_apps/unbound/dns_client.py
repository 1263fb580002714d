"""One question to one resolver, over TCP (RFC 1035, 4.2.2): no guesses about lost datagrams, and one permission."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import List

import dns.exception
import dns.message
import dns.rcode
import dns.rdatatype

from repertory_sdk import ActionFailed


@dataclass(frozen=True)
class Reply:
    """``code`` is NOERROR, NXDOMAIN …; ``values`` are addresses, ``names`` the aliases on the way."""

    code: str
    values: List[str]
    names: List[str]


def ask(product: str, host: str, port: int, name: str, kind: str, timeout_s: float) -> Reply:
    """The resolver's answer, whatever it is; ActionFailed where there is none."""
    question = dns.message.make_query(name, kind)
    wire = question.to_wire()
    try:
        with socket.create_connection((host, port), timeout_s) as connection, connection.makefile("rb") as reader:
            connection.sendall(len(wire).to_bytes(2, "big") + wire)
            answer = dns.message.from_wire(reader.read(int.from_bytes(reader.read(2), "big")))
    except (TimeoutError, socket.timeout):
        raise _unanswered(product, host, port, f"does not answer within {timeout_s:g} s") from None
    except (OSError, UnicodeError, OverflowError):
        raise _unanswered(product, host, port, "cannot be reached, or hangs up") from None
    except dns.exception.DNSException:
        raise _unanswered(product, host, port, "says what is no answer") from None
    if answer.id != question.id:
        raise _unanswered(product, host, port, "answers another question")
    wanted = dns.rdatatype.from_text(kind)
    values = [str(one) for rrset in answer.answer if rrset.rdtype == wanted for one in rrset]
    aliases = [rrset for rrset in answer.answer if rrset.rdtype == dns.rdatatype.CNAME]
    names = [str(one.target).rstrip(".") for rrset in aliases for one in rrset]
    return Reply(dns.rcode.to_text(answer.rcode()), values, names)


def _unanswered(product: str, host: str, port: int, what: str) -> ActionFailed:
    cure = "check dns_host and dns_port, and that access-control lets this machine ask"
    return ActionFailed(f"{product}: the resolver at {host}:{port} {what}; {cure}", retry=True)
