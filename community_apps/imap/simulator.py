"""A mail server, simulated on loopback: an account with three folders and a reported mail, by IMAP4rev1."""

from __future__ import annotations

import base64
import re
import socketserver
import threading
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import Any, Dict, Iterator, List, Optional, Sequence

from repertory_sdk.testing.place import HOST, Place, tcp_faults, with_settings
from repertory_sdk.testing.simulator import serve, started_with

USER, PASSWORD = "soc@mail.example", "letmein"
SETTINGS = {"host": "{host}", "port": "{port}", "security": "none", "user": USER, "password": PASSWORD}
PHISHING = (
    "From: =?utf-8?q?J=C3=BCrgen?= <juergen@evil.example>\r\nTo: soc@mail.example\r\nSubject: Your invoice\r\n"
    "Date: Mon, 05 Jan 2026 10:00:00 +0000\r\nMessage-ID: <first@evil.example>\r\nMIME-Version: 1.0\r\n"
    'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n'
    "Pay at http://evil.example/pay?a=1, now.\r\n--b\r\nContent-Type: application/zip\r\n"
    'Content-Disposition: attachment; filename="invoice.zip"\r\nContent-Transfer-Encoding: base64\r\n\r\nUEsDBA==\r\n--b--\r\n'
)


def start() -> Dict[str, Any]:
    """What it knows at the start; a mail has ``uid``, ``flags``, ``content`` and ``date``."""
    mail = {"uid": 7, "flags": [], "content": PHISHING, "date": datetime.now(timezone.utc).strftime("%d-%b-%Y %H:%M:%S +0000")}
    folders = {
        name: {"validity": number, "next": 8, "mails": []}
        for number, name in enumerate(("INBOX", "Trash", "Entw&APw-rfe"), 100)
    }
    folders["INBOX"]["mails"] = [mail]
    return {"folders": folders, "capabilities": "IMAP4rev1 AUTH=PLAIN UIDPLUS MOVE SPECIAL-USE"}


class MailServer(socketserver.ThreadingTCPServer):
    """The server with its state."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port: int = 0) -> None:
        super().__init__((HOST, port), _Conversation)
        self.state = start()
        self.lock = threading.Lock()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients go away in the middle."""


class _Refused(Exception):
    """NO, and why."""


class _Conversation(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True
    server: MailServer
    timeout = 30.0

    def handle(self) -> None:
        self._user, self._folder = False, {}
        self._say("* OK ready")
        while line := self._line():
            tag, _, rest = line.partition(" ")
            word, _, rest = rest.partition(" ")
            if word.upper() == "UID":
                word, _, rest = rest.partition(" ")
            command = getattr(self, f"_{word.lower()}", None)
            try:
                if command is None or not (self._user or word.upper() in ("CAPABILITY", "AUTHENTICATE", "LOGOUT")):
                    self._say(f"{tag} BAD no such command now")
                    continue
                with self.server.lock:
                    said = command(rest)
                self._say(f"{tag} OK {said or 'done'}")
            except _Refused as error:
                self._say(f"{tag} NO {error}")
            if word.upper() == "LOGOUT":
                return

    def _line(self) -> str:
        """A command with its literals in their places, as quoted strings."""
        line = self.rfile.readline(100_000).decode("utf-8", "replace").rstrip("\r\n")
        while literal := re.search(r"\{(\d+)\}$", line):
            self._say("+ go on")
            text = self.rfile.read(int(literal[1])).decode("utf-8", "replace").replace('"', "'")
            line = f'{line[: literal.start()]}"{text}"' + self.rfile.readline().decode("utf-8", "replace").rstrip("\r\n")
        return line

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())

    def _capability(self, _: str) -> None:
        self._say(f"* CAPABILITY {self.server.state['capabilities']}")

    def _authenticate(self, _: str) -> None:
        self._say("+ ")
        given = base64.b64decode(self.rfile.readline()).decode().split("\0")[1:]
        if given != [USER, PASSWORD]:
            raise _Refused("[AUTHENTICATIONFAILED] Invalid credentials")
        self._user = True

    def _logout(self, _: str) -> None:
        self._say("* BYE")

    def _noop(self, _: str) -> None:
        """Nothing."""

    def _list(self, _: str) -> None:
        for name in self.server.state["folders"]:
            use = " \\Trash" if name == "Trash" else ""
            self._say(f'* LIST (\\HasNoChildren{use}) "/" "{name}"')

    def _named(self, rest: str) -> Any:
        name = re.match(r'"((?:\\.|[^"])*)"|(\S+)', rest)
        found = self.server.state["folders"].get((name[1] or name[2] or "") if name else "")
        if found is None:
            raise _Refused("[TRYCREATE] no such folder")
        return found

    def _status(self, rest: str) -> None:
        mails = self._named(rest)["mails"]
        unseen = len([mail for mail in mails if "\\Seen" not in mail["flags"]])
        self._say(f"* STATUS {rest.rpartition(' (')[0]} (MESSAGES {len(mails)} UNSEEN {unseen})")

    def _select(self, rest: str) -> str:
        self._folder = self._named(rest)
        self._say(f"* {len(self._folder['mails'])} EXISTS")
        self._say(f"* OK [UIDVALIDITY {self._folder['validity']}] valid")
        return "[READ-WRITE] selected"

    def _examine(self, rest: str) -> str:
        self._select(rest)
        return "[READ-ONLY] opened"

    def _search(self, rest: str) -> None:
        found = [mail for mail in self._folder["mails"] if self._fits(mail, rest)]
        newest = self._folder["mails"][-1:] if ":*" in rest else []  # a range to the end always has the last mail
        self._say("* SEARCH " + " ".join(str(mail["uid"]) for mail in found or newest))

    def _fits(self, mail: Dict[str, Any], asked: str) -> bool:
        content = str(mail["content"])
        fields = {
            "FROM": r"(?mi)^From:(.*)$",
            "SUBJECT": r"(?mi)^Subject:(.*)$",
            "HEADER Message-ID": r"(?mi)^Message-ID:(.*)$",
        }
        for name, pattern in {**fields, "TEXT": r"(?s)(.*)"}.items():
            word = re.search(rf'\b{name} "((?:\\.|[^"])*)"', asked)
            where = re.search(pattern, content)
            if word and not (where and word[1].lower() in where[1].lower()):
                return False
        uid = re.search(r"UID (\d+)(:\*)?", asked)
        fits = not uid or (mail["uid"] >= int(uid[1]) if uid[2] else mail["uid"] == int(uid[1]))
        return fits and not ("UNSEEN" in asked and "\\Seen" in mail["flags"])

    def _chosen(self, numbers: str) -> List[Dict[str, Any]]:
        wanted = {int(number) for number in numbers.split(",")}
        return [mail for mail in self._folder["mails"] if mail["uid"] in wanted]

    def _fetch(self, rest: str) -> None:
        numbers, _, asked = rest.partition(" ")
        for number, mail in enumerate(self._chosen(numbers), 1):
            content = str(mail["content"]).encode()
            flags = f"FLAGS ({' '.join(mail['flags'])})"
            if "BODY" not in asked:
                self._say(f"* {number} FETCH (UID {mail['uid']} {flags})")
                continue
            body = content.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" if "HEADER" in asked else content
            part = re.search(r"<0\.(\d+)>", asked)
            body = body[: int(part[1])] if part else body
            known = f'RFC822.SIZE {len(content)} INTERNALDATE "{mail["date"]}"'
            self._say(f"* {number} FETCH (UID {mail['uid']} {known} BODY[] {{{len(body)}}}")
            self.wfile.write(body)
            self._say(f" {flags})")

    def _store(self, rest: str) -> None:
        numbers, how, flag = re.match(r"(\S+) (\S+) \((.*)\)", rest).groups()  # type: ignore[union-attr]
        for mail in self._chosen(numbers):
            mail["flags"] = [one for one in mail["flags"] if one != flag] + ([flag] if how.startswith("+") else [])

    def _copy(self, rest: str) -> str:
        numbers, _, name = rest.partition(" ")
        target = self._named(name)
        for mail in self._chosen(numbers):
            target["mails"].append({**mail, "uid": target["next"]})
            target["next"] += 1
        return f"[COPYUID {target['validity']} {numbers} {target['next'] - 1}] done"

    def _move(self, rest: str) -> None:
        told = self._copy(rest)
        self._say(f"* OK {told}")
        self._folder["mails"] = [mail for mail in self._folder["mails"] if str(mail["uid"]) != rest.partition(" ")[0]]

    def _expunge(self, rest: str) -> None:
        gone = {mail["uid"] for mail in self._chosen(rest) if "\\Deleted" in mail["flags"]}
        self._folder["mails"] = [mail for mail in self._folder["mails"] if mail["uid"] not in gone]


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
    settings = {**SETTINGS, "host": HOST, "port": server.server_address[1], "timeout_s": 10.0}
    return Place(settings, {**tcp_faults(settings), "wrong credentials": with_settings(settings, password="guess")})


def main(arguments: Optional[Sequence[str]] = None) -> None:
    """Serve until standard input ends; the first line of output says where, and the settings of an asset."""
    port, state = started_with(__doc__ or "", arguments)
    server = MailServer(port)
    server.state.update(state)
    serve(server, SETTINGS)


if __name__ == "__main__":
    main()
