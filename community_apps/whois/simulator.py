"""A WHOIS server for tests and demonstrations, on loopback.

    python simulator.py --port 0 [--data FILE]

It prints ``{"host": "127.0.0.1", "port": 43124}`` and serves until its standard input ends or it is terminated.

Data is JSON: what is asked, below it the answer; ``{port}`` in it becomes the port of this server. Instead of a text it
may be ``{"behaviour": "silent"}`` (never answers), ``drip`` (a byte now and then, without end), ``empty`` (closes at
once), ``garbage`` (bytes that say nothing), ``huge`` (more than anybody wants) or ``{"latin1": "…"}``.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import socketserver
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Optional, Union

HOST = "127.0.0.1"
Answer = Union[str, Mapping[str, Any]]
# What clients put around the name for certain servers.
_DECORATION = re.compile(r"^(?:[na] \+ |domain |-T dn )|/e$")

_NETWORK = """\
% This is a simulated registry.
% Abuse contact for '{range}' is 'abuse@{domain}'

inetnum:        {range}
netname:        {name}
org-name:       {owner}
country:        {country}
created:        {created}T09:30:00Z
"""
DEMO: Mapping[str, Answer] = {
    # This one refers to itself, as misconfigured servers do; whoever follows must not go round in circles.
    "8.42.77.171": """\
NetRange:       8.42.76.0 - 8.42.79.255
CIDR:           8.42.76.0/22
NetName:        EXAMPLE-SURVEY
OrgName:        Example Survey Project
Country:        US
RegDate:        2015-03-02
OrgAbuseEmail:  abuse@survey.example
ReferralServer: whois://127.0.0.1:{port}
""",
    "80.211.246.121": _NETWORK.replace("{range}", "80.211.246.0 - 80.211.246.255")
    .replace("{domain}", "hosting.example")
    .replace("{name}", "EXAMPLE-HOSTING")
    .replace("{owner}", "Example Hosting")
    .replace("{country}", "IT")
    .replace("{created}", "2016-11-21"),
    "37.49.231.178": _NETWORK.replace("{range}", "37.49.231.0 - 37.49.231.255")
    .replace("{domain}", "networks.example")
    .replace("{name}", "EXAMPLE-NETWORKS")
    .replace("{owner}", "Example Networks")
    .replace("{country}", "NL")
    .replace("{created}", "2012-03-15"),
    "AS64496": """\
aut-num:        AS64496
as-name:        EXAMPLE-AS
org-name:       Example Hosting
country:        NL
abuse-mailbox:  abuse@hosting.example
created:        2012-03-15T09:30:00Z
""",
    "login-examp1e.example": """\
Domain Name: LOGIN-EXAMP1E.EXAMPLE
Registrar: Example Registrar
Creation Date: 2026-01-02T00:00:00Z
Registry Expiry Date: 2027-01-02T00:00:00Z
Registrar Abuse Contact Email: abuse@registrar.example
Name Server: NS1.HOST.EXAMPLE
""",
    "scan.example.net": """\
Domain Name: SCAN.EXAMPLE.NET
Registrar WHOIS Server: 127.0.0.1:{port}
Registrar: Example Registrar
Updated Date: 2023-08-13T07:01:38Z
Creation Date: 1995-08-14T04:00:00Z
Registry Expiry Date: 2030-08-13T04:00:00Z
Registrar Abuse Contact Email: abuse@registrar.example
Domain Status: clientTransferProhibited https://icann.org/epp#clientTransferProhibited
Registrant Organization: Example Survey Project
Name Server: NS1.EXAMPLE.NET
Name Server: NS2.EXAMPLE.NET
""",
}


class Registry(socketserver.ThreadingTCPServer):
    """A server with its data."""

    daemon_threads = True
    allow_reuse_address = True
    block_on_close = False

    def __init__(self, port: int, data: Mapping[str, Answer]) -> None:
        """Bind to a port of the loopback interface, 0 for a free one."""
        self.data = data
        super().__init__((HOST, port), _Question)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])


class _Question(socketserver.StreamRequestHandler):
    server: Registry

    def handle(self) -> None:
        asked = _DECORATION.sub("", self.rfile.readline(1024).decode("utf-8", "replace").strip())
        answer = self.server.data.get(asked, f'No match for "{asked}".\n')
        if isinstance(answer, str):
            self.wfile.write(answer.replace("{port}", str(self.server.port)).replace("\n", "\r\n").encode())
        elif "latin1" in answer:
            self.wfile.write(str(answer["latin1"]).encode("latin-1"))
        else:
            self._misbehave(str(answer["behaviour"]))

    def _misbehave(self, behaviour: str) -> None:
        if behaviour == "silent":
            self.rfile.read()  # until the client gives up
        elif behaviour == "garbage":
            self.wfile.write(bytes(range(128, 256)) * 4)
        elif behaviour == "huge":
            self._pour(b"remarks: " + b"x" * 1000 + b"\n", pause_s=0)
        elif behaviour == "drip":
            self._pour(b".", pause_s=0.02)

    def _pour(self, piece: bytes, *, pause_s: float) -> None:
        pause = threading.Event()
        try:
            while not pause.wait(pause_s):
                self.wfile.write(piece)
        except OSError:
            pass


def main(arguments: Optional[Sequence[str]] = None) -> None:
    """Serve until standard input ends or the process is terminated."""
    parser = argparse.ArgumentParser(description="A WHOIS server for tests, on loopback.")
    parser.add_argument("--port", type=int, default=0, help="0 for any free port")
    parser.add_argument("--data", "--state", type=Path, help="answers as JSON instead of the built-in ones")
    options = parser.parse_args(arguments)
    server = Registry(options.port, json.loads(options.data.read_text("utf-8")) if options.data else DEMO)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    print(json.dumps({"host": HOST, "port": server.port}), flush=True)
    while sys.stdin.read(4096):
        pass


if __name__ == "__main__":
    main()
