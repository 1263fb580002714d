"""A kit for simulators: servers on loopback that speak a product's HTTP interface, with state, credentials and faults.

An app keeps one in its ``simulator.py``; tests run it in a thread, people by ``repertory simulate up``:

    simulator = Simulator("Inventory", settings={"url": "{url}/api", "token": "demo"}, state=lambda: {"hosts": {...}})

    @simulator.check
    def credentials(request: Request) -> Optional[Reply]:
        return None if request.headers.get("Authorization") == "Bearer demo" else Reply(401, {"error": "who are you?"})

    @simulator.route("GET", "/api/hosts/{name}")
    def host(request: Request) -> Any:
        return request.state["hosts"].get(request.args["name"]) or Reply(404, {"error": "unknown host"})

    if __name__ == "__main__":
        simulator.main()

Below ``/_sim/`` it takes what no product has: ``GET /_sim/requests``, ``GET`` and ``PUT /_sim/state`` (merged into the state),
``POST /_sim/reset``, and ``PUT /_sim/fault`` with ``{"fault": "rate limited"}`` or ``{"fault": ""}``.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import re
import signal
import socketserver
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple
from urllib.parse import parse_qs, unquote, urlsplit

from repertory_sdk.testing.place import HOST, Place

HTTP_FAULTS = (
    "wrong credentials", "forbidden", "not found", "rate limited", "rate limited for 120 s", "server error", "unavailable",
    "time-out", "cut off", "no JSON", "page for people", "empty body", "huge body",
)  # fmt: skip
HUGE = 33 * 1024 * 1024
_LONGEST_S = 30.0


class Request(NamedTuple):
    """One request. ``args`` are the parts of the path named by the route; ``query`` has the first value of each name."""

    method: str
    path: str
    args: Mapping[str, str]
    query: Mapping[str, str]
    queries: Mapping[str, List[str]]
    headers: Any
    body: bytes
    state: Dict[str, Any]
    url: str

    def json(self) -> Any:
        """The decoded body; None where it is no JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    def form(self) -> Dict[str, str]:
        """The fields of a form, the first value of each."""
        found = parse_qs(self.body.decode("utf-8", "replace"), keep_blank_values=True)
        return {name: values[0] for name, values in found.items()}


@dataclass(frozen=True)
class Reply:
    """What to answer; a body that is neither bytes nor text is sent as JSON."""

    status: int = 200
    body: Any = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        """The bytes of the body."""
        if isinstance(self.body, bytes):
            return self.body
        return (self.body if isinstance(self.body, str) else json.dumps(self.body)).encode()

    @property
    def media_type(self) -> str:
        """JSON unless said otherwise."""
        return next((value for name, value in self.headers.items() if name.lower() == "content-type"), "application/json")


Handler = Callable[[Request], Any]


class Simulator:
    """One simulated product.

    ``settings`` are those of an asset that talks to it; ``{url}``, ``{host}`` and ``{port}`` in them stand for where it listens.
    ``state`` makes what it knows at the start. The last handler that fits a request answers it.
    """

    def __init__(
        self, product: str, *, settings: Mapping[str, Any], state: Callable[[], Dict[str, Any]] = dict
    ) -> None:
        self.product = product
        self.settings = settings
        self.requests: List[str] = []
        self.fault = ""
        self._initial = state
        self.state: Dict[str, Any] = copy.deepcopy(state())
        self._routes: List[Tuple[str, "re.Pattern[str]", Handler]] = []
        self._check: Callable[[Request], Optional[Reply]] = lambda _: None
        self._error: Callable[[int, str], Reply] = lambda status, text: Reply(status, {"message": text})
        self.ended = threading.Event()
        self.lock = threading.RLock()

    def route(self, method: str, path: str) -> Callable[[Handler], Handler]:
        """Answer this method (``*``: any) on this path; ``{name}`` takes one part of it, ``{name:rest}`` all that is left."""
        parts = re.split(r"\{(\w+)(:rest)?\}", path)  # literal, name, whether all that is left, literal, ...
        pattern = re.escape(parts[0])
        for name, rest, literal in zip(parts[1::3], parts[2::3], parts[3::3]):
            pattern += f"(?P<{name}>{'.*' if rest else '[^/]+'}){re.escape(literal)}"

        def decorate(handler: Handler) -> Handler:
            self._routes.insert(0, (method, re.compile(pattern), handler))
            return handler

        return decorate

    def check(self, function: Callable[[Request], Optional[Reply]]) -> Callable[[Request], Optional[Reply]]:
        """Look at every request first: None lets it through, a reply refuses it."""
        self._check = function
        return function

    def error(self, function: Callable[[int, str], Reply]) -> Callable[[int, str], Reply]:
        """How this product words an error."""
        self._error = function
        return function

    def reset(self) -> None:
        """As at the start."""
        with self.lock:
            self.state = copy.deepcopy(self._initial())
            self.requests.clear()
            self.fault = ""

    def answer(self, request: Request) -> Reply:
        """What the product says."""
        refusal = self._check(request)
        if refusal is not None:
            return refusal
        known = False
        for method, pattern, handler in self._routes:
            found = pattern.fullmatch(request.path)
            known = known or bool(found)
            if found and method in ("*", request.method):
                args = {name: unquote(value) for name, value in found.groupdict().items()}
                with self.lock:
                    said = handler(request._replace(args=args, state=self.state))
                return said if isinstance(said, Reply) else Reply(200, said)
        return self._error(405 if known else 404, f"there is no {request.method} {request.path}")

    def failing(self, fault: str) -> Reply:
        """What the product says while it is broken in this way."""
        statuses = {
            "wrong credentials": (401, "the credentials are wrong"), "forbidden": (403, "this is not permitted"),
            "not found": (404, "there is no such thing"), "rate limited": (429, "too many requests"),
            "rate limited for 120 s": (429, "too many requests"), "server error": (500, "an error happened"),
            "unavailable": (503, "down for maintenance"),
        }  # fmt: skip
        if fault in statuses:
            reply = self._error(*statuses[fault])
            wait = {"Retry-After": "120"} if fault == "rate limited for 120 s" else {}
            return Reply(statuses[fault][0], reply.body, {**reply.headers, **wait})
        page = "<html><head><title>Sign in</title></head><body><p>Please sign in.</p></body></html>"
        bodies: Dict[str, Any] = {"no JSON": '{"data": [1, 2', "empty body": b"", "huge body": b" " * HUGE, "page for people": page}
        return Reply(200, bodies[fault], {"Content-Type": "text/html" if fault == "page for people" else "application/json"})

    # ------------------------------------------------------------- serving

    @contextmanager
    def running(self) -> Iterator[Place]:
        """Serve on a free port of loopback, in a thread; where it is, and its faults."""
        self.reset()
        self.ended.clear()
        server = _Server((HOST, 0), self)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield self._place(server.server_address[1])
        finally:
            self.ended.set()
            server.shutdown()
            thread.join()
            server.server_close()

    def _place(self, port: int) -> Place:
        url = f"http://{HOST}:{port}"
        settings = filled(self.settings, url=url, port=port)
        return Place(settings, {name: self._broken(name, settings, url) for name in (*HTTP_FAULTS, *_ELSEWHERE)})

    def _broken(self, name: str, settings: Mapping[str, Any], url: str) -> Callable[[], Any]:
        @contextmanager
        def broken() -> Iterator[Mapping[str, Any]]:
            if name in _ELSEWHERE:
                yield {key: _elsewhere(value, url, _ELSEWHERE[name]) for key, value in settings.items()}
                return
            self.fault = name
            self.ended.clear()
            try:
                yield settings
            finally:
                self.fault = ""
                self.ended.set()

        return broken

    def main(self, arguments: Optional[Sequence[str]] = None) -> None:
        """Serve until standard input ends; the first line of output says where, and the settings of an asset."""
        port, state = started_with(f"{self.product}, simulated on loopback.", arguments)
        self.state.update(state)
        server = _Server((HOST, port), self)
        serve(server, self.settings, url=f"http://{HOST}:{server.server_address[1]}")


def started_with(description: str, arguments: Optional[Sequence[str]]) -> Tuple[int, Dict[str, Any]]:
    """What any simulator is started with: its port (0: any free one), and what to merge into what it knows at the start."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--port", type=int, default=0, help="0 for any free port")
    parser.add_argument("--state", type=Path, help="JSON to merge into what it knows at the start")
    options = parser.parse_args(arguments)
    return options.port, json.loads(options.state.read_text("utf-8")) if options.state else {}


def serve(server: socketserver.TCPServer, settings: Mapping[str, Any], *, url: str = "") -> None:
    """Say where a server listens, and let it until standard input ends."""
    announce(settings, int(server.server_address[1]), url=url)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    until_input_ends()


def announce(settings: Mapping[str, Any], port: int, *, url: str = "", **more: Any) -> None:
    """Print where a simulator listens, as the tool expects it: one line of JSON."""
    place = {"host": HOST, "port": port, **({"url": url} if url else {}), **more}
    sys.stdout.write(json.dumps({**place, "settings": filled(settings, url=url, port=port)}) + "\n")
    sys.stdout.flush()


def until_input_ends() -> None:
    """Wait until whoever started the simulator goes away, or it is terminated."""
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    while sys.stdin.read(4096):
        pass


def filled(settings: Mapping[str, Any], *, url: str, port: int) -> Dict[str, Any]:
    """Settings with the place in them; one that is only ``{port}`` becomes a number."""

    def value(plain: Any) -> Any:
        if plain == "{port}":
            return port
        return plain.format(url=url, host=HOST, port=port) if isinstance(plain, str) else plain

    return {name: value(plain) for name, plain in settings.items()}


_ELSEWHERE = {"connection refused": "http://127.0.0.1:1", "TLS failure": "https"}


def _elsewhere(value: Any, url: str, place: str) -> Any:
    if not isinstance(value, str) or not value.startswith(url):
        return value
    return value.replace("http:", "https:", 1) if place == "https" else value.replace(url, place, 1)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: Tuple[str, int], simulator: Simulator) -> None:
        self.simulator = simulator
        super().__init__(address, _Connection)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go away in the middle are nothing to report; a handler's own mistake is."""
        if not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError, ValueError)):
            super().handle_error(request, client_address)


class _Connection(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    timeout = _LONGEST_S
    disable_nagle_algorithm = True  # headers and body are two writes, and nobody is to wait 40 ms for the second

    def _serve(self) -> None:
        simulator = self.server.simulator
        length = int(self.headers.get("Content-Length") or 0)
        where = urlsplit(self.path)
        queries = parse_qs(where.query, keep_blank_values=True)
        first = {name: values[0] for name, values in queries.items()}
        url = f"http://{self.headers.get('Host', HOST)}"
        request = Request(
            self.command, where.path, {}, first, queries, self.headers, self.rfile.read(length), simulator.state, url
        )
        if where.path.startswith("/_sim/"):
            self._send(self._control(request))
            return
        simulator.requests.append(f"{self.command} {self.path}")
        fault = simulator.fault
        if fault == "time-out":
            simulator.ended.wait(_LONGEST_S)
            self.close_connection = True
        elif fault and fault != "cut off":
            self._send(simulator.failing(fault))
        else:
            self._send(simulator.answer(request), cut=bool(fault))

    def _control(self, request: Request) -> Reply:
        simulator = self.server.simulator
        if request.path == "/_sim/reset":
            simulator.reset()
        elif request.path == "/_sim/fault":
            simulator.fault = (request.json() or {}).get("fault", "")
        elif request.path == "/_sim/state":
            simulator.state.update(request.json() or {} if request.method == "PUT" else {})
            return Reply(200, simulator.state)
        return Reply(200, simulator.requests)

    def _send(self, reply: Reply, *, cut: bool = False) -> None:
        content = reply.content
        self.send_response(reply.status)
        headers = {"Content-Type": reply.media_type, "Content-Length": str(len(content) + (9 if cut else 0))}
        given = {name.title(): value for name, value in reply.headers.items()}
        for name, value in {**headers, **given}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":  # whoever sent it expects the next answer where a body would begin
            self.wfile.write(content[: len(content) // 2] if cut else content)
        self.close_connection = self.close_connection or cut

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _serve

    def log_message(self, format: str, *args: Any) -> None:
        """Standard output belongs to the announcement."""
