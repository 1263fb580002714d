"""A conversation with an IMAP server (RFC 3501, 4315, 6851), whose failures are sentences."""

from __future__ import annotations

import email.utils
import imaplib
import ipaddress
import re
import socket
import ssl
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from folder_names import encoded, listed

from repertory_sdk import ActionFailed

FIELDS = "FROM TO CC SUBJECT DATE MESSAGE-ID"
_USES = ("All", "Archive", "Drafts", "Flagged", "Junk", "Sent", "Trash")


@dataclass(frozen=True)
class Place:
    """How a server is reached: ``security`` is tls, starttls or none; either a password or a token."""

    host: str
    port: int
    security: str
    trust: Optional[ssl.SSLContext]
    user: str
    password: str
    token: str
    limit: int
    timeout_s: float

    @property
    def name(self) -> str:
        """As it is named in sentences."""
        return f"IMAP server {self.host}:{self.port}"


@dataclass(frozen=True)
class Raw:
    """What was fetched of one mail."""

    uid: int
    flags: Sequence[str]
    size: int
    received_at: float
    content: bytes


def _text(said: Any) -> str:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())[:200]


class Session:
    """An account that is logged in. ``count`` is the number of mails in the selected folder."""

    def __init__(self, place: Place, client: imaplib.IMAP4) -> None:
        self._place, self._client = place, client
        self._capabilities = set(_text(self._done("tells nothing of itself", client.capability())[0]).upper().split())
        self.count = 0

    def folders(self) -> List[Tuple[str, List[str]]]:
        """Names of folders that hold mails, and what each is for."""
        rows = self._done("lists no folders", self._client.list())
        found = [listed(row) for row in rows if row]
        return [
            (name, [use for use in _USES if f"\\{use}" in flags]) for name, flags in found if name and "\\Noselect" not in flags
        ]

    def status(self, folder: str) -> Dict[str, int]:
        """Numbers of a folder: MESSAGES, UNSEEN."""
        said = self._done(f"does not open {folder!r}", self._client.status(encoded(folder), "(MESSAGES UNSEEN)"))
        return {name: int(number) for name, number in re.findall(r"([A-Z]+) (\d+)", _text(said[0]).rpartition("(")[2])}

    def select(self, folder: str, *, writing: bool) -> int:
        """Open a folder; its generation (UIDVALIDITY)."""
        said = self._done(f"does not open {folder[:80]!r}", self._client.select(encoded(folder), readonly=not writing))
        self.count = int(said[0] or 0)
        _, validity = self._client.response("UIDVALIDITY")
        if not validity or not validity[0]:
            raise ActionFailed(f"{self._place.name} gives mails no lasting numbers in {folder!r}; choose another folder")
        return int(validity[0])

    def search(self, condition: str, words: Mapping[str, str] = {}) -> List[int]:
        """Numbers (UID) of mails for which the condition and all words hold."""
        beyond = [name for name, word in words.items() if not word.isascii()]
        if len(beyond) > 1:
            raise ActionFailed(f"{self._place.name} can be asked for one text beyond ASCII at a time; leave one of them out")
        parts = [condition, *(f"{name} {_quoted(word)}" for name, word in words.items() if name not in beyond)]
        charset = ["CHARSET", "UTF-8"] if beyond else []
        if beyond:
            _quoted(words[beyond[0]])
            self._client.literal = words[beyond[0]].encode("utf-8", "replace")
            parts.append(beyond[0])
        said = self._done("does not search", self._client.uid("SEARCH", *charset, *parts))
        return [int(number) for row in said if row for number in row.split() if number.isdigit()]

    def headers(self, uids: Sequence[int]) -> List[Raw]:
        """Headers of mails, in the order of their numbers."""
        if not uids:
            return []
        numbers = ",".join(map(str, uids))
        asked = f"(UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER.FIELDS ({FIELDS})])"
        found = _fetched(self._done("does not show mails", self._client.uid("FETCH", numbers, asked)))
        return sorted((one for one in found if one.uid in set(uids)), key=lambda one: one.uid)

    def whole(self, uid: int, *, shortened: bool = False) -> Raw:
        """A whole mail; ActionFailed if it is larger than the limit, or only its beginning if it may be shortened."""
        (head, *_) = self.headers([uid]) or [None]
        if head is None:
            raise ActionFailed(f"{self._place.name} does not show the mail any more; search for it again")
        if head.size > self._place.limit and not shortened:
            raise ActionFailed(f"{self._place.name} has a mail of {head.size:,} bytes there; raise largest_mb to read it")
        part = f"<0.{self._place.limit}>" if head.size > self._place.limit else ""
        found = _fetched(
            self._done("does not show the mail", self._client.uid("FETCH", str(uid), f"(UID FLAGS BODY.PEEK[]{part})"))
        )
        content = next((one.content for one in found if one.uid == uid), b"")
        return Raw(uid, head.flags, head.size, head.received_at, content)

    def flags(self, uid: int) -> List[str]:
        """Its flags."""
        said = self._done("does not show the mail", self._client.uid("FETCH", str(uid), "(UID FLAGS)"))
        return [flag for row in said if isinstance(row, bytes) for flag in _flags(row.decode("ascii", "replace"))]

    def store(self, uid: int, flag: str, *, wanted: bool) -> None:
        """Set a flag, or take it off."""
        self._done(
            "does not mark the mail", self._client.uid("STORE", str(uid), f"{'+' if wanted else '-'}FLAGS.SILENT", f"({flag})")
        )

    def move(self, uid: int, folder: str) -> Optional[Tuple[int, int]]:
        """Put a mail into another folder; the folder's generation and its number there, where the server tells."""
        verb = "MOVE" if "MOVE" in self._capabilities else "COPY"
        said = self._done(f"does not move the mail to {folder[:80]!r}", self._client.uid(verb, str(uid), encoded(folder)))
        if verb == "COPY":
            self.delete(uid)
        _, untagged = self._client.response("COPYUID")
        told = " ".join([*(_text(row) for row in said if row), *(f"COPYUID {_text(row)}" for row in untagged or () if row)])
        where = re.search(r"COPYUID (\d+) \d+ (\d+)", told)
        return (int(where[1]), int(where[2])) if where else None

    def delete(self, uid: int) -> None:
        """Delete this mail, and no other that somebody marked as deleted."""
        if "UIDPLUS" not in self._capabilities:
            raise ActionFailed(f"{self._place.name} cannot delete one mail alone (no UIDPLUS); delete it with a mail program")
        self.store(uid, "\\Deleted", wanted=True)
        self._done("does not delete the mail", self._client.uid("EXPUNGE", str(uid)))

    def _done(self, what: str, answer: Tuple[str, List[Any]]) -> List[Any]:
        status, said = answer
        if status != "OK":
            raise ActionFailed(
                f"{self._place.name} {what} ({_text(said[0] if said else '')}); check the folder, and the account"
            )
        return said


def _quoted(word: str) -> str:
    if not word.isprintable() or len(word) > 300:
        raise ActionFailed("an IMAP server can be asked for one line of at most 300 characters; give such a text")
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _flags(said: str) -> List[str]:
    found = re.search(r"FLAGS \(([^)]*)\)", said)
    return found[1].split() if found else []


def _fetched(rows: Sequence[Any]) -> List[Raw]:
    """A mail comes as its literal with what stands before, and what stands after as a row of its own."""
    found: List[Raw] = []
    for row, after in zip(rows, [*rows[1:], b""]):
        if not isinstance(row, tuple):
            continue
        said = (row[0] + b" " + (after if isinstance(after, bytes) else b"")).decode("utf-8", "replace")
        uid, size, date = (
            re.search(pattern, said) for pattern in (r"UID (\d+)", r"RFC822\.SIZE (\d+)", r'INTERNALDATE "([^"]+)"')
        )
        parsed = email.utils.parsedate_tz(date[1].strip().replace("-", " ", 2)) if date else None
        at = float(email.utils.mktime_tz(parsed)) if parsed else 0.0
        found.append(Raw(int(uid[1]) if uid else 0, _flags(said), int(size[1]) if size else len(row[1]), at, row[1]))
    return found


@contextmanager
def session(place: Place) -> Iterator[Session]:
    """Connect, encrypt and log in; every failure is an ActionFailed."""
    if place.security == "none" and not _is_loopback(place.host):
        raise ActionFailed(f"{place.name} would get the password in the clear; set security to tls or starttls")
    client: Optional[imaplib.IMAP4] = None
    try:
        client = _connected(place)
        _log_in(place, client)
        yield Session(place, client)
    except imaplib.IMAP4.abort as error:
        said = "answers with something that is no IMAP" if "unexpected" in str(error) else "hangs up"
        raise ActionFailed(f"{place.name} {said}; check host and port, or try again", retry=True) from None
    except imaplib.IMAP4.error as error:
        raise ActionFailed(f"{place.name} refuses what it is asked ({_text(error)}); check what is asked for") from None
    except (OSError, ValueError) as error:
        raise _unreached(place, error) from None
    finally:
        if client is not None:
            _left(client)


def _left(client: imaplib.IMAP4) -> None:
    try:
        client.logout()
    except (OSError, ValueError, imaplib.IMAP4.error):
        pass


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _connected(place: Place) -> imaplib.IMAP4:
    if place.security == "tls":
        return imaplib.IMAP4_SSL(place.host, place.port, ssl_context=place.trust, timeout=place.timeout_s)
    client = imaplib.IMAP4(place.host, place.port, timeout=place.timeout_s)
    try:
        if place.security == "starttls":
            client.starttls(ssl_context=place.trust)
    except Exception as error:
        _closed(client)
        if isinstance(error, imaplib.IMAP4.error) and not isinstance(error, imaplib.IMAP4.abort):
            raise ActionFailed(f"{place.name} has no STARTTLS; set security to tls and port to 993") from None
        raise
    return client


def _closed(client: imaplib.IMAP4) -> None:
    """A socket on which TLS was not agreed upon is closed already."""
    try:
        client.shutdown()
    except OSError:
        pass


def _log_in(place: Place, client: imaplib.IMAP4) -> None:
    try:
        if place.token:
            client.authenticate("XOAUTH2", lambda _: f"user={place.user}\1auth=Bearer {place.token}\1\1".encode())
        elif "AUTH=PLAIN" in client.capabilities:
            client.authenticate("PLAIN", lambda _: f"\0{place.user}\0{place.password}".encode())
        else:
            client.login(_quoted(place.user), place.password)
    except imaplib.IMAP4.abort:
        raise
    except imaplib.IMAP4.error as error:
        raise ActionFailed(
            f"{place.name} does not let the account in ({_text(error)}); check user and password of the asset"
        ) from None


def _unreached(place: Place, error: Exception) -> ActionFailed:
    cure, retry = "check host and port, and that it can be reached from here", True
    if isinstance(error, ssl.SSLCertVerificationError):
        said, retry = f"has a certificate that is not trusted ({error.verify_message})", False
        cure = "set ca_file to that of its CA, if that is right"
    elif isinstance(error, ssl.SSLError):
        said, cure, retry = "speaks no TLS there", "set security to starttls, or port to 993", False
    elif isinstance(error, (socket.timeout, TimeoutError)):
        said, cure = f"does not answer within {place.timeout_s:g} s", "try again, or raise timeout_s"
    elif isinstance(error, ConnectionRefusedError):
        said = "refuses the connection"
    elif isinstance(error, socket.gaierror):
        said = "has no address"
    elif isinstance(error, ConnectionError):
        said = "hangs up"
    else:
        said = "cannot be talked to"
    return ActionFailed(f"{place.name} {said}; {cure}", retry=retry)
