"""A real Git server by HTTPS on loopback, with the bad habits that a test asks for."""

from __future__ import annotations

import base64
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from content.builders import BUILDER_ENVIRONMENT

CREDENTIALS = "reader:s3cret"


def make_certificate(folder: Path) -> Path:
    """Key and certificate for 127.0.0.1 in one file."""
    target = folder / "server.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(folder / "key.pem"),
         "-out", str(folder / "certificate.pem")], check=True, capture_output=True,
    )  # fmt: skip
    target.write_bytes((folder / "key.pem").read_bytes() + (folder / "certificate.pem").read_bytes())
    return target


@dataclass
class GitServer:
    """What is served, how, and what was asked for."""

    root: Path
    url: str = ""
    private: bool = False
    redirect_to: str = ""
    cut_packs_after: int = 0
    promise_all: bool = False
    answer_instead: bytes = b""
    hang: bool = False
    asked: list[str] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)
    meeting: threading.Barrier | None = None
    running: int = 0
    most: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def of(self, name: str) -> str:
        """The URL of a repository below the root."""
        return f"{self.url}/{name}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:
        """Not on the screen."""

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        lab = self.server.lab
        with lab.lock:
            lab.running += 1
            lab.most = max(lab.most, lab.running)
        try:
            if lab.meeting:
                lab.meeting.wait(timeout=30)
            self._answer_one(lab)
        finally:
            with lab.lock:
                lab.running -= 1

    def _answer_one(self, lab: GitServer) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        lab.asked.append(self.path)
        expected = "Basic " + base64.b64encode(CREDENTIALS.encode()).decode()
        if lab.hang:
            lab.closing.wait()
        elif lab.redirect_to:
            self._send(302, {"Location": lab.redirect_to + self.path})
        elif lab.private and self.headers.get("Authorization") != expected:
            self._send(401, {"WWW-Authenticate": 'Basic realm="lab"'})
        elif lab.answer_instead:
            self._send(200, {"Content-Type": "text/html"}, lab.answer_instead)
        else:
            self._serve(body)

    def _serve(self, body: bytes) -> None:
        parts = urlsplit(self.path)
        variables = {
            **BUILDER_ENVIRONMENT, "GIT_PROJECT_ROOT": str(self.server.lab.root), "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": parts.path, "QUERY_STRING": parts.query, "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""), "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""), "REMOTE_ADDR": "127.0.0.1",
            "GIT_CONFIG_COUNT": "2", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*",
            "GIT_CONFIG_KEY_1": "uploadpack.allowAnySHA1InWant", "GIT_CONFIG_VALUE_1": "true",
        }  # fmt: skip
        done = subprocess.run(["git", "http-backend"], env=variables, input=body, capture_output=True, check=False)
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line)
        cut = self.server.lab.cut_packs_after
        if cut and b"PACK" in content:
            headers["Content-Length"] = str(len(content) if self.server.lab.promise_all else cut)
            content = content[:cut]
        self._send(int(headers.pop("Status", "200").split()[0]), headers, content)

    def _send(self, status: int, headers: dict[str, str], content: bytes = b"") -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)


class _Server(ThreadingHTTPServer):
    lab: GitServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up are what is tested."""


@contextmanager
def serving(root: Path, certificate: Path) -> Iterator[GitServer]:
    """A server for the time of a ``with`` block."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with _Server(("127.0.0.1", 0), _Handler) as server:
        # In the thread of each connection: a client that says nothing must not keep the others waiting.
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        server.lab = GitServer(root=root, url=f"https://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server.lab
        finally:
            server.lab.closing.set()
            server.shutdown()
            thread.join()
