"""Ask WHOIS servers (RFC 3912) and follow their referrals."""

from __future__ import annotations

import ipaddress
import re
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, Optional

from repertory_sdk import ActionFailed

ANSWER_LIMIT = 256 * 1024
MAX_HOPS = 3
PORT = 43
# What a server wants to hear instead of the bare name or address; each is documented in the server's own help.
QUERIES = {
    ("whois.arin.net", "ip"): "n + {}",
    ("whois.arin.net", "asn"): "a + {}",
    ("whois.verisign-grs.com", "domain"): "domain {}",
    ("whois.denic.de", "domain"): "-T dn {}",
    ("whois.jprs.jp", "domain"): "{}/e",
}
# Referrals that mean "ask there instead", and those that mean "there is more to learn there".
_INSTEAD = ("refer", "whois")
_MORE = ("referralserver", "registrar whois server", "whois server")
_REFERRAL = re.compile(r"^[ \t]*([A-Za-z ]+?)[ \t]*:[ \t]*(\S+)[ \t]*$", re.MULTILINE)
_TARGET = re.compile(r"(?:whois://)?(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(?::([0-9]{1,5}))?/?", re.IGNORECASE | re.ASCII)
_BUSY = re.compile(
    r"quota exceeded|query rate|rate limit|limit exceeded|exceeded .{0,40}(?:limit|quota|number)"
    r"|too many (?:requests|quer)|%ERROR:20[12]|try again later|temporarily (?:blocked|denied|unavailable)",
    re.IGNORECASE,
)


class Place(NamedTuple):
    """A server and its port."""

    host: str
    port: int

    def __str__(self) -> str:
        return self.host if self.port == PORT else f"{self.host}:{self.port}"

    @property
    def internal(self) -> bool:
        """Whether it is literally an address that no public server has."""
        name = self.host.strip("[]").rstrip(".").lower()
        if name == "localhost" or name.endswith(".localhost"):
            return True
        try:
            return not ipaddress.ip_address(name).is_global
        except ValueError:
            # "2130706433" and "127.1" are addresses too where the system's resolver reads them so.
            return name.replace(".", "").isdigit() or name.startswith("0x")


@dataclass(frozen=True)
class Answer:
    """What one server said. ``instead`` marks one that only named the server to ask."""

    place: Place
    text: str
    instead: bool = False
    truncated: bool = False


@dataclass
class Conversation:
    """Every answer to one question, in order, and what went wrong on the way without being fatal."""

    answers: list[Answer] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def converse(start: Place, kind: str, name: str, *, timeout_s: float, follow: bool) -> Conversation:
    """Ask a server about an ``ip``, ``domain`` or ``asn``, and those that it refers to.

    A server that a referral names as an addition may fail, which is a warning; any other failure is ActionFailed.
    """
    talk = Conversation()
    place: Optional[Place] = start
    asked = {start}
    needed = True
    while place is not None:
        try:
            text, truncated = ask(place, query_for(place, kind, name), timeout_s)
            if is_busy(text):
                raise ActionFailed(f"{place} refuses more queries for now ({_first_words(text)})", retry=True)
        except ActionFailed as error:
            if needed:
                raise
            talk.warnings.append(str(error))
            return talk
        next_place, instead = referral_of(text, start, asked) if follow else (None, False)
        if next_place is not None and len(asked) > MAX_HOPS:
            talk.warnings.append(f"the referral to {next_place} was not followed: {MAX_HOPS} were followed already")
            next_place = None
        talk.answers.append(Answer(place, text, instead and next_place is not None, truncated))
        place, needed = next_place, instead
        asked |= {place} if place else set()
    return talk


def query_for(place: Place, kind: str, name: str) -> str:
    """The line that this server wants."""
    return QUERIES.get((place.host.lower().rstrip("."), kind), "{}").format(name)


def ask(place: Place, query: str, timeout_s: float) -> tuple[str, bool]:
    """One exchange: the text, and whether it was longer than what is kept."""
    deadline = time.monotonic() + timeout_s
    try:
        with socket.create_connection((place.host.strip("[]"), place.port), timeout_s) as sock:
            sock.sendall(query.encode("ascii") + b"\r\n")
            content = b"".join(_received(sock, deadline))
    except (socket.timeout, TimeoutError):  # two classes before Python 3.10
        raise ActionFailed(f"no answer from {place} within {timeout_s:g} s; try again later", retry=True) from None
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ActionFailed(f"{place} cannot be asked: {reason}; check server and port", retry=True) from error
    if not content.strip():
        raise ActionFailed(f"{place} closed the connection without an answer; try again later", retry=True)
    return _decoded(content[:ANSWER_LIMIT]).replace("\r\n", "\n"), len(content) > ANSWER_LIMIT


def _received(sock: socket.socket, deadline: float) -> Iterator[bytes]:
    """What arrives until the server closes, the deadline passes or there is more than what is kept."""
    size = 0
    while size <= ANSWER_LIMIT:
        left = deadline - time.monotonic()
        if left <= 0:
            raise socket.timeout
        sock.settimeout(left)
        chunk = sock.recv(65536)
        if not chunk:
            return
        size += len(chunk)
        yield chunk


def _decoded(content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def is_busy(text: str) -> bool:
    """Whether the server says that it was asked too often. Long answers only mention limits in their terms of use."""
    return len(text) < 2000 and bool(_BUSY.search(text)) and text.count(": ") < 8


def _first_words(text: str) -> str:
    said = " ".join(text.replace("%", " ").split())
    return said if len(said) <= 100 else f"{said[:99]}…"


def referral_of(text: str, start: Place, asked: set[Place]) -> tuple[Optional[Place], bool]:
    """The next server to ask, and whether it is to be asked instead of this one.

    Never one that was asked already, and never an internal address unless the configured server is one as well.
    """
    for keys in (_INSTEAD, _MORE):
        for key, value in _REFERRAL.findall(text):
            place = place_of(value)
            if key.lower() not in keys or place is None or place in asked:
                continue
            if start.internal or not place.internal:
                return place, keys is _INSTEAD
    return None, False


def place_of(text: str) -> Optional[Place]:
    """A server as referrals write it: ``whois.example``, ``whois.example:4343``, ``whois://whois.example``."""
    found = _TARGET.fullmatch(text)
    if found is None:
        return None
    host, port = found.group(1).lower().rstrip("."), int(found.group(2) or PORT)
    return Place(host, port) if host and 0 < port < 65536 else None
