"""A conversation with an SMTP server, whose failures are sentences."""

from __future__ import annotations

import ipaddress
import smtplib
import socket
import ssl
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Dict, Iterator, List, Optional, Sequence, Tuple

from repertory_sdk import ActionFailed

TEMPORARY = range(400, 500)
DATA_S = 120.0
_CURES = {
    421: "try again later", 450: "try again later", 451: "try again later", 452: "try again later",
    454: "try again later", 530: "set security to starttls, and user and password", 534: "use another way to log in",
    535: "check user and password of the asset", 550: "check the addresses", 551: "check the addresses",
    552: "send less", 553: "check the sender, and whether the account may use it", 554: "check sender and recipients",
}  # fmt: skip


@dataclass(frozen=True)
class Place:
    """How a server is reached: ``security`` is starttls, tls or none, ``account`` a user and a password."""

    host: str
    port: int
    security: str
    trust: Optional[ssl.SSLContext]
    account: Optional[Tuple[str, str]]
    helo: str
    timeout_s: float

    @property
    def name(self) -> str:
        """As it is named in sentences."""
        return f"SMTP server {self.host}:{self.port}"


class SmtpFailure(ActionFailed):
    """The server said no; ``code`` is its number."""

    def __init__(self, place: Place, what: str, code: int, said: object) -> None:
        self.code = code
        self.said = _text(said)
        cure = _CURES.get(code) or ("try again later" if code in TEMPORARY else "check what it wants")
        super().__init__(f"{place.name} {what} ({code} {self.said}); {cure}", retry=code in TEMPORARY)


def _text(said: object) -> str:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())[:200]


class Session:
    """A server that was greeted, and to which the account is logged in."""

    def __init__(self, place: Place, smtp: smtplib.SMTP) -> None:
        self._place, self._smtp = place, smtp

    @property
    def protocol(self) -> Optional[str]:
        """The version of TLS, where it is spoken."""
        return self._smtp.sock.version() if isinstance(self._smtp.sock, ssl.SSLSocket) else None

    @property
    def largest(self) -> Optional[int]:
        """Most bytes of a mail, where the server tells."""
        size = self._smtp.esmtp_features.get("size", "")
        return int(size) if size.isdigit() and int(size) else None

    @property
    def extensions(self) -> List[str]:
        """Extensions that it offers."""
        return sorted(name.upper() for name in self._smtp.esmtp_features)

    def noop(self) -> None:
        """Nothing, to see that it answers."""
        self._expect("does not answer", self._smtp.noop())

    def begin(self, sender: str) -> None:
        """Say who sends."""
        self._expect(f"takes no mail from {sender}", self._smtp.mail(sender))

    def recipient(self, address: str) -> str:
        """Say who receives; what the server says to it."""
        code, said = self._expect(f"takes no mail for {address}", self._smtp.rcpt(address))
        return f"{code} {said}"

    def send(self, sender: str, recipients: Sequence[str], message: bytes) -> Dict[str, str]:
        """Send a mail to all that the server takes; those that it refused, with what it said. ActionFailed if it took none."""
        if self.largest and len(message) > self.largest:
            raise ActionFailed(
                f"{self._place.name} takes mails of at most {self.largest:,} bytes, not {len(message):,}; send less"
            )
        self.begin(sender)
        refused: Dict[str, str] = {}
        for address in recipients:
            try:
                self.recipient(address)
            except SmtpFailure as error:
                if len(refused) + 1 == len(recipients) or error.code == 421:
                    raise
                refused[address] = f"{error.code} {error.said}"
        self._data(message)
        return refused

    def _data(self, message: bytes) -> None:
        """From here on a lost answer leaves open whether the mail is sent."""
        try:
            if self._smtp.sock is not None:
                self._smtp.sock.settimeout(
                    max(DATA_S, self._place.timeout_s) if self._place.timeout_s >= 1 else self._place.timeout_s
                )
            answer = self._smtp.data(message)
        except smtplib.SMTPDataError as error:
            raise SmtpFailure(self._place, "does not take the mail", error.smtp_code, error.smtp_error) from None
        except (OSError, smtplib.SMTPException):
            raise ActionFailed(
                f"{self._place.name} fell silent while the mail was handed over, so it may be sent or not; look for its"
                " Message-ID before you send it again"
            ) from None
        self._expect("does not take the mail", answer)

    def _expect(self, what: str, answer: Tuple[int, bytes]) -> Tuple[int, str]:
        code, said = answer
        if not 200 <= code < 300:
            raise SmtpFailure(self._place, what, code, said)
        return code, _text(said)


@contextmanager
def session(place: Place) -> Iterator[Session]:
    """Connect, encrypt and log in; every failure is an ActionFailed."""
    if place.account and place.security == "none" and not _is_loopback(place.host):
        raise ActionFailed(f"{place.name} would get the password in the clear; set security to starttls or tls")
    smtp: Optional[smtplib.SMTP] = None
    try:
        smtp = _greeted(place)
        yield Session(place, smtp)
    except smtplib.SMTPAuthenticationError as error:
        raise SmtpFailure(place, "does not let the account in", error.smtp_code, error.smtp_error) from None
    except smtplib.SMTPNotSupportedError as error:
        raise ActionFailed(
            f"{place.name} cannot do what is needed ({_text(error)}); set security and user as it wants"
        ) from None
    except smtplib.SMTPResponseException as error:
        if error.smtp_code < 0:
            raise ActionFailed(f"{place.name} answers with something that is no SMTP; check host and port") from None
        raise SmtpFailure(place, "refuses to talk", error.smtp_code, error.smtp_error) from None
    except (OSError, smtplib.SMTPException, ValueError) as error:
        raise _unreached(place, error) from None
    finally:
        if smtp is not None:
            smtp.close()


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _greeted(place: Place) -> smtplib.SMTP:
    if place.security == "tls":
        smtp: smtplib.SMTP = smtplib.SMTP_SSL(
            place.host, place.port, local_hostname=place.helo, timeout=place.timeout_s, context=place.trust
        )
    else:
        smtp = smtplib.SMTP(place.host, place.port, local_hostname=place.helo, timeout=place.timeout_s)
    try:
        smtp.ehlo_or_helo_if_needed()
        if place.security == "starttls":
            smtp.starttls(context=place.trust)
            smtp.ehlo_or_helo_if_needed()
        if place.account:
            _log_in(smtp, *place.account)
    except BaseException:
        smtp.close()
        raise
    return smtp


def _log_in(smtp: smtplib.SMTP, user: str, password: str) -> None:
    """One attempt: to try every way counts against the account, and some servers hang up after the first."""
    offered = smtp.esmtp_features.get("auth", "").split()
    ways = {"PLAIN": smtp.auth_plain, "LOGIN": smtp.auth_login, "CRAM-MD5": smtp.auth_cram_md5}
    way = next((way for way in ways if way in offered), None)
    if way is None:
        raise smtplib.SMTPNotSupportedError(f"it offers no way to log in: {' '.join(offered) or 'none'}")
    smtp.user, smtp.password = user, password
    smtp.auth(way, ways[way])


def _unreached(place: Place, error: Exception) -> ActionFailed:
    cure, retry = "check host and port, and that it can be reached from here", True
    if isinstance(error, ssl.SSLCertVerificationError):
        said, retry = f"has a certificate that is not trusted ({error.verify_message})", False
        cure = "set ca_file to that of its CA, if that is right"
    elif isinstance(error, ssl.SSLError):
        said, cure, retry = "speaks no TLS there", "set security to starttls or port to 465", False
    elif isinstance(error, (socket.timeout, TimeoutError)):
        said, cure = f"does not answer within {place.timeout_s:g} s", "try again, or raise timeout_s"
    elif isinstance(error, ConnectionRefusedError):
        said = "refuses the connection"
    elif isinstance(error, socket.gaierror):
        said = "has no address"
    elif isinstance(error, (smtplib.SMTPServerDisconnected, ConnectionError)):
        said = "hangs up"
    else:
        said = "cannot be talked to"
    return ActionFailed(f"{place.name} {said}; {cure}", retry=retry)
