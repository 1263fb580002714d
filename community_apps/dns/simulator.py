"""A name server for tests and demonstrations, on loopback, over UDP and TCP.

    python simulator.py --port 0 [--zone FILE]

It prints ``{"host": "127.0.0.1", "port": 53124}`` and serves until its standard input ends or it is terminated.

A zone is JSON: names, below them types, below them values (``{"www.example.net": {"A": ["192.0.2.1"]}}``); a value that
is a list is an MX record (``[10, "mail.example.net"]``). ``{"broken.example.net": {"behaviour": "SERVFAIL"}}`` makes a
name misbehave: any RCODE, ``silent``, ``garbage`` (bytes that are no message) or ``cut`` (half a message).
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import socketserver
import struct
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Optional, Union

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.reversename
import dns.rrset

HOST = "127.0.0.1"
TTL = 300
Records = Mapping[str, Any]
Zone = Mapping[str, Records]


def reverse(address: str) -> str:
    """The name of an address in its reverse zone."""
    return dns.reversename.from_address(address).to_text(omit_final_dot=True)


DEMO: Zone = {
    reverse("8.42.77.171"): {"PTR": ["scan.example.net"]},
    reverse("80.211.246.121"): {"PTR": ["host121.hosting.example"]},
    reverse("37.49.231.178"): {"PTR": ["unassigned.example.org"]},
    reverse("2001:db8::7"): {"PTR": ["scan.example.net"]},
    "scan.example.net": {
        "A": ["8.42.77.171"],
        "AAAA": ["2001:db8::7"],
        "MX": [[10, "mail.example.net"], [20, "backup.example.net"]],
        "TXT": ["v=spf1 -all", "purpose=survey"],
    },
    "www.example.net": {"CNAME": ["scan.example.net"]},
    "example.net": {
        "NS": ["ns1.example.net", "ns2.example.net"],
        "SOA": ["ns1.example.net. hostmaster.example.net. 2024010101 7200 3600 1209600 300"],
    },
    "host121.hosting.example": {"A": ["80.211.246.121"]},
    "unassigned.example.org": {"A": ["37.49.231.178"]},
}


class Authority:
    """A zone, and what it answers."""

    def __init__(self, zone: Zone) -> None:
        self._zone = {dns.name.from_text(name): records for name, records in zone.items()}

    def answer(self, wire: bytes, limit: int) -> Optional[bytes]:
        """The bytes to send back, at most ``limit`` of them; None for silence."""
        try:
            query = dns.message.from_wire(wire)
        except dns.exception.DNSException:
            return None
        response = dns.message.make_response(query, recursion_available=True)
        behaviour = self._fill(response, query) if query.question else "FORMERR"
        if behaviour == "silent":
            return None
        if behaviour == "garbage":
            return wire[:2] + b"\x81\x80" + b"\xff" * 30
        if behaviour and behaviour != "cut":
            response.set_rcode(dns.rcode.from_text(behaviour))
        made = _fitting(response, query, limit)
        return made[: len(made) // 2] if behaviour == "cut" else made

    def _fill(self, response: dns.message.Message, query: dns.message.Message) -> str:
        """Put the answer into the response, aliases followed; returns how to misbehave, if at all."""
        name, kind = query.question[0].name, dns.rdatatype.to_text(query.question[0].rdtype)
        for _ in range(len(self._zone) + 1):
            records = self._zone.get(name)
            if records is None:
                return self._nothing(name)
            if kind in records:
                response.answer.append(_rrset(name, kind, records[kind]))
                return str(records.get("behaviour", ""))
            if "CNAME" not in records:
                return str(records.get("behaviour", ""))
            response.answer.append(_rrset(name, "CNAME", records["CNAME"]))
            name = dns.name.from_text(records["CNAME"][0])
        return ""

    def _nothing(self, name: dns.name.Name) -> str:
        """No such domain, unless there are names below it (RFC 8020)."""
        return "" if any(known.is_subdomain(name) for known in self._zone) else "NXDOMAIN"


def _rrset(name: dns.name.Name, kind: str, values: Sequence[Union[str, list[Any]]]) -> dns.rrset.RRset:
    return dns.rrset.from_text_list(name, TTL, "IN", kind, [_text(kind, value) for value in values])


def _text(kind: str, value: Union[str, list[Any]]) -> str:
    if kind == "TXT":
        raw = str(value).encode()
        pieces = [raw[at : at + 255] for at in range(0, len(raw), 255)] or [b""]
        return " ".join('"' + "".join(f"\\{byte:03d}" for byte in piece) + '"' for piece in pieces)
    text = " ".join(map(str, value)) if isinstance(value, list) else value
    return text if kind in ("A", "AAAA", "SOA") or text.endswith(".") else f"{text}."


def _fitting(response: dns.message.Message, query: dns.message.Message, limit: int) -> bytes:
    allowed = min(limit, query.payload if query.edns >= 0 else 512) if limit < 65535 else limit
    try:
        return response.to_wire(max_size=allowed)
    except dns.exception.TooBig:
        empty = dns.message.make_response(query, recursion_available=True)
        empty.flags |= dns.flags.TC
        return empty.to_wire()


# --------------------------------------------------------------------- serving


class _Datagrams(socketserver.ThreadingUDPServer):
    daemon_threads = True

    def __init__(self, port: int, authority: Authority) -> None:
        self.authority = authority
        super().__init__((HOST, port), _Datagram)


class _Datagram(socketserver.BaseRequestHandler):
    server: _Datagrams

    def handle(self) -> None:
        wire, sock = self.request
        answer = self.server.authority.answer(wire, 4096)
        if answer is not None:
            sock.sendto(answer, self.client_address)


class _Streams(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port: int, authority: Authority) -> None:
        self.authority = authority
        super().__init__((HOST, port), _Stream)


class _Stream(socketserver.StreamRequestHandler):
    server: _Streams

    def handle(self) -> None:
        while len(head := self.rfile.read(2)) == 2:
            wire = self.rfile.read(struct.unpack("!H", head)[0])
            answer = self.server.authority.answer(wire, 65535)
            if answer is not None:
                self.wfile.write(struct.pack("!H", len(answer)) + answer)


def bind(port: int, authority: Authority) -> tuple[_Datagrams, _Streams]:
    """Both servers on one port; a free one for 0."""
    for _ in range(50):
        datagrams = _Datagrams(port, authority)
        try:
            return datagrams, _Streams(datagrams.server_address[1], authority)
        except OSError:
            datagrams.server_close()
            if port:
                raise
    raise OSError("no port is free for both UDP and TCP")


def main(arguments: Optional[Sequence[str]] = None) -> None:
    """Serve until standard input ends or the process is terminated."""
    parser = argparse.ArgumentParser(description="A name server for tests, on loopback.")
    parser.add_argument("--port", type=int, default=0, help="0 for any free port")
    parser.add_argument("--zone", "--state", type=Path, help="a zone as JSON instead of the built-in one")
    options = parser.parse_args(arguments)
    zone = json.loads(options.zone.read_text("utf-8")) if options.zone else DEMO
    servers = bind(options.port, Authority(zone))
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    print(json.dumps({"host": HOST, "port": servers[0].server_address[1]}), flush=True)
    while sys.stdin.read(4096):
        pass


if __name__ == "__main__":
    socket.setdefaulttimeout(30)
    main()
