"""A mail server, simulated on loopback: it takes mail, keeps it, and refuses what it is told to.

The state has ``messages`` (what it took), ``refused`` (an answer by address) and ``size``. ``GET /_sim/state`` does not exist:
it speaks SMTP only; tests read ``server.state``.
"""

from __future__ import annotations

import base64
import socketserver
import threading
from contextlib import contextmanager
from typing import Any, Dict, Iterator, List, Optional, Sequence

from repertory_sdk.testing.place import HOST, Place, tcp_faults, with_settings
from repertory_sdk.testing.simulator import serve, started_with

USER, PASSWORD = "soar@mail.example", "letmein"
SETTINGS = {"host": "{host}", "port": "{port}", "security": "none", "user": USER, "password": PASSWORD, "sender": USER}


def start() -> Dict[str, Any]:
    """What it knows at the start."""
    refused = {"nobody@mail.example": "550 5.1.1 no such mailbox", "full@mail.example": "452 4.2.2 mailbox full"}
    return {"messages": [], "refused": refused, "size": 1_000_000}


class MailServer(socketserver.ThreadingTCPServer):
    """The server with its state."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port: int = 0) -> None:
        super().__init__((HOST, port), _Conversation)
        self.state = start()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients go away in the middle."""


class _Conversation(socketserver.StreamRequestHandler):
    server: MailServer
    timeout = 30.0

    def handle(self) -> None:
        self._user, self._sender = False, ""
        self._recipients: List[str] = []
        self._say("220 mail.example ESMTP")
        while True:
            line = self.rfile.readline(2000).decode("utf-8", "replace").strip()
            if not line:
                return
            word, _, rest = line.partition(" ")
            answer = getattr(self, f"_{word.lower()}", None)
            if word.upper() == "QUIT" or not self._say(answer(rest) if answer else "502 5.5.2 no such command"):
                return

    def _say(self, text: Optional[str]) -> bool:
        self.wfile.write("".join(f"{line}\r\n" for line in (text or "").splitlines()).encode())
        return not (text or "").startswith("421")

    def _ehlo(self, _: str) -> str:
        return f"250-mail.example\n250-SIZE {self.server.state['size']}\n250-8BITMIME\n250 AUTH PLAIN"

    def _auth(self, rest: str) -> str:
        given = base64.b64decode(rest.partition(" ")[2]).decode().split("\0")[1:]
        self._user = given == [USER, PASSWORD]
        return "235 2.7.0 welcome" if self._user else "535 5.7.8 authentication credentials invalid"

    def _noop(self, _: str) -> str:
        return "250 2.0.0 ok"

    def _rset(self, _: str) -> str:
        self._sender, self._recipients = "", []
        return "250 2.0.0 ok"

    def _mail(self, rest: str) -> str:
        if not self._user:
            return "530 5.7.0 authentication required"
        self._sender, self._recipients = rest.partition("<")[2].partition(">")[0], []
        return str(self.server.state["refused"].get(self._sender, "250 2.1.0 ok"))

    def _rcpt(self, rest: str) -> str:
        address = rest.partition("<")[2].partition(">")[0]
        answer = str(self.server.state["refused"].get(address, "250 2.1.5 ok"))
        self._recipients += [address] if answer.startswith("250") else []
        return answer

    def _data(self, _: str) -> str:
        if not self._recipients:
            return "503 5.5.1 no valid recipients"
        self._say("354 go on")
        lines: List[bytes] = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line[1:] if line.startswith(b"..") else line)
        content = b"".join(lines).decode("utf-8", "replace")
        self.server.state["messages"].append({"from": self._sender, "to": self._recipients, "content": content})
        return "250 2.0.0 queued"


@contextmanager
def running() -> Iterator[MailServer]:
    """Serve in a thread."""
    with MailServer() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def place_of(server: MailServer) -> Place:
    """Settings of an asset that reaches it, and its faults."""
    where = {"host": HOST, "port": server.server_address[1]}
    settings = {**SETTINGS, **where, "timeout_s": 10.0}
    return Place(settings, {**tcp_faults(settings), "wrong credentials": with_settings(settings, password="guess")})


def main(arguments: Optional[Sequence[str]] = None) -> None:
    """Serve until standard input ends; the first line of output says where, and the settings of an asset."""
    port, state = started_with(__doc__ or "", arguments)
    server = MailServer(port)
    server.state.update(state)
    serve(server, SETTINGS)


if __name__ == "__main__":
    main()
