"""Squid, simulated: its files on a machine reached by SSH, and a proxy that refuses what they say once it was told to read them."""

from __future__ import annotations

import contextlib
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Iterator, List
from urllib.parse import unquote, urlsplit

from repertory_sdk.testing.place import HOST, Place
from repertory_sdk.testing.ssh_simulator import Command, Said, SshSimulator

DOMAINS, URLS = "/etc/squid/repertory_domains.txt", "/etc/squid/repertory_urls.txt"

simulator = SshSimulator(
    "Squid",
    settings={"host": "{host}"},
    state=lambda: {"running": True, "read": {}, "files": {DOMAINS: ".old.example\n", URLS: ""}},
)


@simulator.command("squid")
def squid(command: Command) -> Any:
    if "-v" in command.arguments:
        return "Squid Cache: Version 5.7\nService Name: squid\n"
    if command.arguments[-1] != "parse" and not command.state["running"]:
        return Said(1, stderr="squid: ERROR: Could not read pid file\n")
    if "bungled" in "".join(command.state["files"].values()):
        return Said(1, stderr="2026/01/05 10:00:00| Processing: acl\n2026/01/05 10:00:00| FATAL: Bungled squid.conf line 3\n")
    if command.arguments[-1] == "reconfigure":
        command.state["read"] = dict(command.state["files"])
    return ""


def _lines(path: str) -> List[str]:
    return [line for line in simulator.state["read"].get(path, "").splitlines() if line and not line.startswith("#")]


class _Proxy(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        host = f".{urlsplit(self.path).hostname}"
        denied = any(host.endswith(line) for line in _lines(DOMAINS))
        denied = denied or any(re.search(line, unquote(self.path, "latin-1"), re.IGNORECASE) for line in _lines(URLS))
        self.send_response(403 if denied else 504)
        self.send_header("X-Squid-Error", "ERR_ACCESS_DENIED 0" if denied else "ERR_ONLY_IF_CACHED_MISS 0")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Standard output belongs to the announcement."""


@contextlib.contextmanager
def _proxying() -> Iterator[None]:
    with ThreadingHTTPServer((HOST, 0), _Proxy) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        simulator.more["proxy_port"] = server.server_address[1]
        yield
        server.shutdown()
        thread.join()


@contextlib.contextmanager
def running() -> Iterator[Place]:
    """Both of them."""
    with _proxying(), simulator.running() as place:
        yield place


if __name__ == "__main__":
    with _proxying():
        simulator.main()
