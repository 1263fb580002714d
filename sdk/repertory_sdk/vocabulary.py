"""The one vocabulary of actions: what an action of this name takes and returns, whichever product does it.

Playbooks that keep to it do not depend on vendors. An app is free to take more parameters that have defaults, to return more,
and to have actions of its own under names that are not here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Dict, Iterator, List, Mapping, Tuple

from repertory_sdk.manifest import ActionManifest

CONTAINS: Mapping[str, str] = {
    "ip": "an IPv4 or IPv6 address",
    "domain": "a domain name",
    "url": "an http or https URL",
    "hash": "an MD5, SHA-1 or SHA-256 digest, in hexadecimal",
    "email": "an e-mail address",
    "host name": "the name or address of a machine of yours",
    "user name": "an account",
    "pid": "the number of a process",
    "port": "a TCP or UDP port",
    "file path": "a path on a machine",
    "service name": "a service of an operating system",
    "ticket": "the identity of a ticket",
    "simulation": "the identity of a simulated attack",
}
VERDICTS = ("malicious", "suspicious", "benign", "unknown")


@dataclass(frozen=True)
class Word:
    """One action of the vocabulary: parameters that have to be there, and data paths that every row has.

    Both map names to what they contain; an empty text stands for no semantic type.
    """

    name: str
    type: str
    summary: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    read_only: bool = False
    undo: str = ""


def _asks(name: str, summary: str, parameters: Mapping[str, str], outputs: Mapping[str, str]) -> Word:
    return Word(name, "investigate", summary, parameters, outputs, read_only=True)


def _changes(
    name: str, kind: str, summary: str, parameters: Mapping[str, str], outputs: Mapping[str, str], undo: str = ""
) -> Word:
    return Word(name, kind, summary, parameters, outputs, undo=undo)


_REPUTATION = [
    _asks("ip reputation", "What a provider thinks of an address.", {"ip": "ip"}, {"ip": "ip", "verdict": ""}),
    _asks("domain reputation", "What a provider thinks of a domain.", {"domain": "domain"}, {"domain": "domain", "verdict": ""}),
    _asks("url reputation", "What a provider thinks of a URL.", {"url": "url"}, {"url": "url", "verdict": ""}),
    _asks("file reputation", "What a provider thinks of a file.", {"hash": "hash"}, {"hash": "hash", "verdict": ""}),
    _asks(
        "domain risk", "How risky a domain is, from 0 to 100.", {"domain": "domain"},
        {"domain": "domain", "found": "", "score": "", "reasons[]": ""},
    ),
]  # fmt: skip
_CONTEXT = [
    _asks(
        "whois ip", "Who an address belongs to.", {"ip": "ip"},
        {"ip": "ip", "found": "", "organization": "", "country": "", "abuse_email": "email"},
    ),
    _asks(
        "whois domain", "Who a domain belongs to.", {"domain": "domain"},
        {"domain": "domain", "found": "", "registrar": "", "registrant": "", "created": "", "expires": "", "abuse_email": "email"},
    ),
    _asks("lookup ip", "Names of an address.", {"ip": "ip"}, {"ip": "ip", "found": "", "hostnames[]": "domain"}),
    _asks(
        "lookup domain", "Records of a domain in the DNS.", {"domain": "domain"},
        {"domain": "domain", "found": "", "addresses[]": "ip"},
    ),
    _asks(
        "lookup host", "Services that a host shows to the Internet.", {"ip": "ip"},
        {
            "ip": "ip", "found": "", "hostnames[]": "domain", "organization": "", "services[].port": "port",
            "services[].protocol": "", "services[].product": "", "vulnerabilities[]": "",
        },
    ),
    _asks(
        "geolocate ip", "Where an address is, and whose.", {"ip": "ip"},
        {"ip": "ip", "found": "", "country": "", "city": "", "latitude": "", "longitude": "", "asn": "", "organization": ""},
    ),
    _asks(
        "related domains", "Domains that share registrant or infrastructure with one.", {"domain": "domain"},
        {"domain": "domain", "shared": "", "value": "", "count": "", "score": ""},
    ),
    _asks("run query", "Rows that a query finds.", {"query": ""}, {"values": ""}),
]  # fmt: skip
_HOST = {"host": "host name"}
_SERVICE = {
    "host": "host name", "service": "service name", "status": "", "start_mode": "", "previous_status": "",
    "previous_start_mode": "", "changed": "",
}  # fmt: skip
_USER = {"user": "user name", "enabled": "", "previously_enabled": "", "changed": ""}
_ENDPOINTS = [
    _asks(
        "get system info", "What a machine is.", _HOST,
        {"host": "host name", "hostname": "host name", "os": "", "os_version": "", "booted_at": "", "addresses[]": "ip"},
    ),
    _asks(
        "list processes", "What runs on a machine.", _HOST,
        {"host": "host name", "pid": "pid", "parent_pid": "pid", "name": "", "user": "user name", "command": ""},
    ),
    _asks(
        "list connections", "Connections and open ports of a machine.", _HOST,
        {
            "host": "host name", "protocol": "", "state": "", "local_ip": "ip", "local_port": "port", "remote_ip": "ip",
            "remote_port": "port", "pid": "pid", "process": "",
        },
    ),
    _asks(
        "list sessions", "Who is logged on to a machine.", _HOST,
        {"host": "host name", "user": "user name", "source": "", "since": ""},
    ),
    _asks(
        "list services", "Services of a machine.", _HOST,
        {"host": "host name", "service": "service name", "status": "", "start_mode": ""},
    ),
    _asks(
        "hash file", "Digest of a file on a machine.", {**_HOST, "path": "file path"},
        {"host": "host name", "path": "file path", "sha256": "hash", "size": ""},
    ),
    _changes(
        "terminate process", "contain", "End a process.", {**_HOST, "pid": "pid"},
        {"host": "host name", "pid": "pid", "name": "", "ended": ""},
    ),
    _changes(
        "stop service", "contain", "Stop a service, and keep it from starting again.", {**_HOST, "service": "service name"},
        _SERVICE, "start service",
    ),
    _changes(
        "start service", "correct", "Start a service, and let it start by itself.", {**_HOST, "service": "service name"}, _SERVICE,
        "stop service",
    ),
    _changes(
        "run command", "generic", "Run a command on a machine.", {**_HOST, "command": ""},
        {"host": "host name", "exit_code": "", "stdout": "", "stderr": ""},
    ),
    _changes("disable user", "contain", "Keep an account from being used.", {"user": "user name"}, _USER, "enable user"),
    _changes("enable user", "correct", "Let an account be used again.", {"user": "user name"}, _USER, "disable user"),
    _changes(
        "reset password", "contain", "Give an account another password.", {"user": "user name"},
        {"user": "user name", "changed": ""},
    ),
    _asks(
        "get user", "What a directory knows of an account.", {"user": "user name"},
        {"user": "user name", "found": "", "enabled": "", "email": "email", "groups[]": ""},
    ),
    _changes(
        "add to group", "correct", "Make an account a member of a group.", {"user": "user name", "group": ""},
        {"user": "user name", "group": "", "changed": ""}, "remove from group",
    ),
    _changes(
        "remove from group", "contain", "Take an account out of a group.", {"user": "user name", "group": ""},
        {"user": "user name", "group": "", "changed": ""}, "add to group",
    ),
]  # fmt: skip
_BLOCKED = {"blocked": "", "changed": "", "verified": ""}
_PORT = {"port": "port", "protocol": "", "ip": "ip"}
_BLOCKING = [
    _changes(
        "block ip", "contain", "Let nothing through from or to an address.", {"ip": "ip"}, {"ip": "ip", **_BLOCKED}, "unblock ip"
    ),
    _changes("unblock ip", "correct", "Take a block of an address back.", {"ip": "ip"}, {"ip": "ip", **_BLOCKED}, "block ip"),
    _asks("list blocked ips", "Addresses that are blocked.", {}, {"ip": "ip"}),
    _changes(
        "block port", "contain", "Let nothing through to a port, of one address or of all.", _PORT, {**_PORT, **_BLOCKED},
        "unblock port",
    ),
    _changes(
        "unblock port", "correct", "Take a block of a port back.", _PORT, {**_PORT, **_BLOCKED}, "block port"
    ),
    _asks("list rules", "Rules of a firewall, in the order in which they are looked at.", {}, {"rule": "", "action": ""}),
    _changes(
        "block domain", "contain", "Let nobody reach a domain and what is below it.", {"domain": "domain"},
        {"domain": "domain", **_BLOCKED}, "unblock domain",
    ),
    _changes(
        "unblock domain", "correct", "Take a block of a domain back.", {"domain": "domain"}, {"domain": "domain", **_BLOCKED},
        "block domain",
    ),
    _asks("list blocked domains", "Domains that are blocked.", {}, {"domain": "domain"}),
    _changes("block url", "contain", "Let nobody reach a URL.", {"url": "url"}, {"url": "url", **_BLOCKED}, "unblock url"),
    _changes("unblock url", "correct", "Take a block of a URL back.", {"url": "url"}, {"url": "url", **_BLOCKED}, "block url"),
    _asks("list blocked urls", "URLs that are blocked.", {}, {"url": "url"}),
]  # fmt: skip
_TICKET = {"ticket": "ticket", "url": "url", "status": ""}
_PEOPLE = [
    _changes(
        "create ticket", "generic", "Open a ticket.", {"summary": "", "description": ""}, {**_TICKET, "created": ""}
    ),
    _asks("get ticket", "What a ticket says.", {"ticket": "ticket"}, {**_TICKET, "summary": "", "description": ""}),
    _changes("update ticket", "generic", "Change fields of a ticket.", {"ticket": "ticket", "fields": ""}, _TICKET),
    _asks("list tickets", "Tickets that a query finds.", {"query": "", "limit": ""}, {**_TICKET, "summary": ""}),
    _changes("add comment", "generic", "Write below a ticket.", {"ticket": "ticket", "comment": ""}, {"ticket": "ticket"}),
    _changes("close ticket", "generic", "Close a ticket.", {"ticket": "ticket", "comment": ""}, _TICKET),
    _changes(
        "attach file", "generic", "Attach a file to a ticket.", {"ticket": "ticket", "name": "", "content": ""},
        {"ticket": "ticket"},
    ),
    _changes("send message", "generic", "Tell people something.", {"message": "", "to": ""}, {"sent": ""}),
    _changes("send email", "generic", "Send a mail.", {"to": "email", "subject": "", "body": ""}, {"message_id": ""}),
]  # fmt: skip
_SIMULATIONS = [
    _asks(
        "get simulation", "What a simulated attack did, and how it ended.", {"simulation": "simulation"},
        {"simulation": "simulation", "status": "", "outcome": "", "source_ip": "ip", "destination_ip": "ip", "port": "port"},
    ),
    _changes(
        "rerun simulation", "generic", "Simulate an attack again.", {"simulation": "simulation"},
        {"simulation": "simulation", "run": "simulation"},
    ),
]  # fmt: skip
WORDS: Mapping[str, Word] = {
    word.name: word
    for group in (_REPUTATION, _CONTEXT, _ENDPOINTS, _BLOCKING, _PEOPLE, _SIMULATIONS)
    for word in group
}


def shortcomings(action: ActionManifest) -> Iterator[str]:
    """Where an action does not keep to the vocabulary; nothing for actions of other names."""
    word = WORDS.get(action.name)
    if word is None:
        return
    parameters = {parameter.name: parameter.contains for parameter in action.parameters}
    yield from (f"its parameter {problem}" for problem in _differences(word.parameters, parameters))
    yield from (
        f"its parameter {parameter.name} has no default, and is none of {word.name!r}"
        for parameter in action.parameters
        if parameter.required and parameter.name not in word.parameters
    )
    yield from (f"its data path {problem}" for problem in _differences(word.outputs, _places(action)))
    if word.read_only != action.read_only:
        yield "it has to be read-only" if word.read_only else "it changes something, and says that it only reads"
    if word.type != action.type:
        yield f"its type is {action.type}, and that of {word.name!r} is {word.type}"


def _places(action: ActionManifest) -> Dict[str, Tuple[str, ...]]:
    """Data paths and what lies above them, with what they contain."""
    found: Dict[str, Tuple[str, ...]] = {}
    for path in action.outputs:
        found.update(dict.fromkeys(_above(path.path), ()))
        found[path.path] = tuple(path.contains)
    return found


def _above(path: str) -> List[str]:
    parts = path.split(".")
    return [".".join(parts[:end]) for end in range(1, len(parts))]


def _differences(wanted: Mapping[str, str], found: Mapping[str, object]) -> Iterator[str]:
    for name, kind in wanted.items():
        if name not in found:
            yield f"{name} is missing"
        elif kind and kind not in found[name]:  # type: ignore[operator]
            yield f"{name} does not contain {kind!r}"
