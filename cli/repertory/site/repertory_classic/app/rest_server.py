"""The platform's REST interface for one app: a server on this process's own loopback address."""

from __future__ import annotations

import json
import os
import secrets
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Dict
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit

from repertory_classic.app.rest_answers import Question, answer

# Nobody else has this port, because it is reached inside of the process alone.
_INSIDE = ("127.0.0.1", 1)
_MOST_BYTES = 64 * 1024 * 1024


def serve() -> str:
    """Start it; its address with a slash at the end. Raises OSError where there is no loopback network."""
    if "repertory_sdk.dialling" in sys.modules:
        return _serve_inside()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_address[1]}/"


def _serve_inside() -> str:
    """Where nobody may listen and the tool connects: Python's sockets reach this one address by a pair of them."""
    server = ThreadingHTTPServer(_INSIDE, _Handler, bind_and_activate=False)
    server.daemon_threads = True
    plain: Any = next(each for each in socket.socket.__mro__ if "connect" in vars(each))
    outside, outside_ex = plain.connect, plain.connect_ex

    def connect(own: socket.socket, address: Any) -> None:
        if tuple(address[:2]) != _INSIDE:
            outside(own, address)
            return
        near, far = socket.socketpair()
        with near:
            os.dup2(near.fileno(), own.fileno(), inheritable=False)
        os.set_blocking(own.fileno(), own.gettimeout() is None)
        server.process_request(far, _INSIDE)

    def connect_ex(own: socket.socket, address: Any) -> int:
        if tuple(address[:2]) != _INSIDE:
            return int(outside_ex(own, address))
        connect(own, address)
        return 0

    plain.connect, plain.connect_ex = connect, connect_ex
    return f"http://{_INSIDE[0]}:{_INSIDE[1]}/"


class _Handler(BaseHTTPRequestHandler):
    """Whoever reaches this address is the app itself; hence nobody has to say who they are."""

    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """The app says itself what it does."""

    def _answer(self) -> None:
        parts = urlsplit("/" + self.path.lstrip("/"))
        way = [unquote(part) for part in parts.path.split("/") if part]
        body = self._body()
        if way[:1] == ["login"]:
            self._log_in()
        elif way[:1] == ["rest"]:
            query = dict(parse_qsl(parts.query, keep_blank_values=True))
            status, content = answer(Question(self.command, way[1:], query, body))
            self._send(status, content)
        else:
            self._send(404, {"failed": True, "message": f"{parts.path} is not answered to apps"})

    do_GET = do_POST = do_DELETE = do_PUT = do_PATCH = _answer

    def _body(self) -> Dict[str, Any]:
        length = min(int(self.headers.get("Content-Length") or 0), _MOST_BYTES)
        raw = self.rfile.read(length)
        try:
            body = json.loads(raw) if raw else {}
        except ValueError:
            body = {name: values[0] for name, values in parse_qs(raw.decode("utf-8", "replace")).items()}
        return body if isinstance(body, dict) else {"list": body}

    def _log_in(self) -> None:
        name = "sessionid" if self.command == "POST" else "csrftoken"
        self._send(200, "<html></html>", {"Set-Cookie": f"{name}={secrets.token_hex(16)}; Path=/"})

    def _send(self, status: int, content: Any, headers: Any = None) -> None:
        is_text = isinstance(content, str)
        raw = content.encode() if is_text else json.dumps(content, default=str).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html" if is_text else "application/json")
        self.send_header("Content-Length", str(len(raw)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(raw)
