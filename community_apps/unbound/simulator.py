"""Unbound, simulated: unbound-control on a machine reached by SSH, and a resolver that answers as its zones say."""

from __future__ import annotations

import contextlib
import socketserver
import threading
from typing import Any, Iterator

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

from repertory_sdk.testing.place import HOST, Place
from repertory_sdk.testing.ssh_simulator import Command, Said, SshSimulator

ADDRESSES = {"www.example.": "192.0.2.80", "bad.example.": "203.0.113.7", "deep.bad.example.": "203.0.113.8"}

simulator = SshSimulator(
    "Unbound",
    settings={"host": "{host}"},
    state=lambda: {"zones": {"localhost.": "redirect", "10.in-addr.arpa.": "static", "corp.example.": "static"}, "running": True},
)


@simulator.command("unbound-control")
def control(command: Command) -> Any:
    zones = command.state["zones"]
    verb, *rest = command.arguments[2:] if command.arguments[0] == "-c" else command.arguments
    if not command.state["running"]:
        return Said(3 if verb == "status" else 1, stderr="[1] unbound-control[7:0] error: connect: Connection refused\n")
    if verb == "status":
        return "version: 1.17.1\nverbosity: 1\nuptime: 4711 seconds\nunbound (pid 7) is running...\n"
    if verb == "stats_noreset":
        return "thread0.num.queries=12\ntotal.num.queries=12\ntotal.num.cachehits=5\n"
    if verb == "list_local_zones":
        return "".join(f"{name} {kind}\n" for name, kind in zones.items())
    if verb == "flush_zone":
        return "ok removed 1 rrsets, 1 messages and 0 key entries\n"
    if verb == "local_zone":
        zones[rest[0]] = rest[1]
    elif verb == "local_zone_remove":
        zones.pop(rest[0], None)
    return "ok\n"


@simulator.command("unbound-checkconf")
def checkconf(_: Command) -> Any:
    return "unbound-checkconf: no errors\n"


class _Question(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        wire = self.rfile.read(int.from_bytes(self.rfile.read(2), "big"))
        question = dns.message.from_wire(wire)
        reply = dns.message.make_response(question)
        reply.flags |= dns.flags.RA
        name = str(question.question[0].name).lower()
        above = [zone for zone in simulator.state["zones"] if f".{name}".endswith(f".{zone}")]
        if any(simulator.state["zones"][zone] == "always_nxdomain" for zone in above) or name not in ADDRESSES:
            reply.set_rcode(dns.rcode.NXDOMAIN)
        elif question.question[0].rdtype == 1:
            reply.answer.append(dns.rrset.from_text(name, 60, "IN", "A", ADDRESSES[name]))
        answer = reply.to_wire()
        self.wfile.write(len(answer).to_bytes(2, "big") + answer)


@contextlib.contextmanager
def _resolving() -> Iterator[None]:
    with socketserver.ThreadingTCPServer((HOST, 0), _Question) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        simulator.more["dns_port"] = server.server_address[1]
        yield
        server.shutdown()
        thread.join()


@contextlib.contextmanager
def running() -> Iterator[Place]:
    """Both of them."""
    with _resolving(), simulator.running() as place:
        yield place


if __name__ == "__main__":
    with _resolving():
        simulator.main()
