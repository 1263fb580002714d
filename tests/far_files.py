"""Files of a test that confined apps can touch: they ask over TCP, at an address that their asset names.

An app cannot write outside of its own temporary folder, so what it does to the world is done here. ``PRELUDE`` is what such an app
has at its top; a file is named by a URL, ``tcp://127.0.0.1:PORT/path/of/the/file``, so that names can be made from names.
"""

from __future__ import annotations

import functools
import json
import socketserver
import threading
from pathlib import Path

PRELUDE = '''
import json as _json, socket as _socket
from urllib.parse import urlsplit as _urlsplit

def _far(url, **request):
    place = _urlsplit(url)
    with _socket.create_connection((place.hostname, place.port), 30) as connection:
        connection.sendall(_json.dumps({"path": place.path, **request}).encode() + b"\\n")
        return _json.loads(connection.makefile("rb").readline())

def exists(url):
    return _far(url, op="exists")

def read(url):
    return _far(url, op="read")

def append(url, text):
    if url:
        _far(url, op="append", text=text)

def touch(url):
    append(url, "")

def beside(url, path):
    return _urlsplit(url)._replace(path=path).geturl()

def wait_for(url):
    while not exists(url):
        time.sleep(0.005)
'''


class _Request(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        line = self.rfile.readline()
        if line.endswith(b"\n"):  # else the app was killed while it asked
            request = json.loads(line)
            self.wfile.write(json.dumps(_do(Path(request["path"]), request)).encode() + b"\n")


def _do(path: Path, request: dict[str, str]) -> object:
    if request["op"] == "exists":
        return path.exists()
    if request["op"] == "read":
        return path.read_text() if path.exists() else ""
    with path.open("a") as file:
        file.write(request["text"])
    return True


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request: object, client_address: object) -> None:
        """Apps are killed at any moment."""


@functools.cache
def _port() -> int:
    """Of the server of this process."""
    server = _Server(("127.0.0.1", 0), _Request)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return int(server.server_address[1])


def far(path: Path) -> str:
    """The URL of a file or folder for apps that have ``PRELUDE``."""
    return f"tcp://127.0.0.1:{_port()}{path}"
