"""A conversation with an LDAP server, whose failures are sentences."""

from __future__ import annotations

import ipaddress
import re
import ssl
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Collection, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

import ldap3
from ldap3.core.exceptions import LDAPException

from repertory_sdk import ActionFailed

PRODUCT = "LDAP directory"
PAGE = 200
PAGED = "1.2.840.113556.1.4.319"  # RFC 2696
Changes = Mapping[str, Sequence[Tuple[str, Sequence[Any]]]]
_PASSING = (51, 52)
_CURES = {
    1: "check user and password of the asset", 4: "ask for less", 3: "ask for less", 8: "set security to tls or starttls",
    10: "set hosts to the server that has these entries", 11: "ask for less", 13: "set security to tls or starttls",
    16: "check the setting directory", 17: "check the settings directory and disable_by",
    19: "choose a value that its policy allows, such as a longer password", 32: "check the setting base",
    34: "check the names", 48: "check user and password of the asset", 49: "check user and password of the asset",
    50: "give the account of the asset the right to do it", 51: "try again later", 52: "try again later",
    53: "check that its policy allows it, and that security is tls", 65: "check the setting disable_by",
    68: "look at what is there",
}  # fmt: skip
_WHY_NOT = {  # Active Directory's codes in an answer 49
    "525": "there is no such user", "52e": "wrong password", "530": "not at this time of day", "531": "not from this machine",
    "532": "the password has expired", "533": "the account is disabled", "701": "the account has expired",
    "773": "the password has to be changed first", "775": "the account is locked",
}  # fmt: skip


@dataclass(frozen=True)
class Place:
    """How the servers are reached: the first one that takes a connection is asked. ``security`` is tls, starttls or none."""

    hosts: Sequence[str]
    port: int
    security: str
    verify_tls: bool
    ca_file: Optional[str]
    user: str
    password: str
    timeout_s: float

    @property
    def encrypted(self) -> bool:
        """Whether TLS is spoken."""
        return self.security != "none"


@dataclass(frozen=True)
class Entry:
    """One entry; names of attributes are in lower case."""

    dn: str
    values: Mapping[str, List[bytes]]

    def texts(self, name: str) -> List[str]:
        """All values of an attribute."""
        return [value.decode("utf-8", "replace") for value in self.values.get(name.lower()) or ()]

    def text(self, name: str) -> Optional[str]:
        """The first value of an attribute."""
        return next(iter(self.texts(name)), None)

    def number(self, name: str) -> int:
        """The first value as a number; 0 where there is none."""
        value = self.text(name) or ""
        return int(value) if re.fullmatch(r"-?\d{1,20}", value) else 0

    def raw(self, name: str) -> bytes:
        """The bytes of the first value."""
        return next(iter(self.values.get(name.lower()) or ()), b"")


class Session:
    """A server to which the account of the asset is bound."""

    def __init__(self, place: Place, host: str, connection: ldap3.Connection) -> None:
        self.place, self.host, self._connection = place, host, connection
        self.where = f"{PRODUCT} {host}:{place.port}"

    def root(self) -> Entry:
        """What the server says of itself."""
        wanted = ["defaultNamingContext", "namingContexts", "supportedControl", "vendorName", "dnsHostName"]
        return self.entry("", wanted) or Entry("", {})

    def entry(self, dn: str, attributes: Sequence[str]) -> Optional[Entry]:
        """One entry by its name; None where it is not there."""
        found = self._search(dn, "(objectClass=*)", ldap3.BASE, attributes, accept=(32, 34))
        return next(iter(found[0]), None)

    def search(self, base: str, query: str, attributes: Sequence[str]) -> Iterator[Entry]:
        """Entries below ``base``, page by page, as they are asked for."""
        cookie: Any = None
        while True:
            found, cookie = self._search(base, query, ldap3.SUBTREE, attributes, paged_size=PAGE, paged_cookie=cookie)
            yield from found
            if not cookie:
                return

    def _search(
        self, base: str, query: str, scope: str, attributes: Sequence[str], *, accept: Collection[int] = (), **paging: Any
    ) -> Tuple[List[Entry], Any]:
        with self._explained():
            self._connection.search(base, query, scope, ldap3.DEREF_NEVER, attributes=list(attributes), **paging)
            result, response = self._connection.result, self._connection.response or ()
        self._require("does not find entries", result, (0, *accept))
        rows = [_entry(row) for row in response if row.get("type") == "searchResEntry"]
        paged = (result.get("controls") or {}).get(PAGED) or {}
        return rows, (paged.get("value") or {}).get("cookie")

    def modify(self, what: str, dn: str, changes: Changes, *, accept: Collection[int] = ()) -> int:
        """Change an entry; the code of the answer, which is 0 or in ``accept``."""
        with self._explained():
            self._connection.modify(dn, {name: list(change) for name, change in changes.items()})
            result = self._connection.result
        return self._require(what, result, (0, *accept))

    def set_password(self, dn: str, password: str) -> None:
        """By the operation that servers have for it (RFC 3062)."""
        with self._explained():
            self._connection.extend.standard.modify_password(user=dn, new_password=password.encode())
            result = self._connection.result
        self._require("does not set the password", result, (0,))

    def failure(self, what: str, result: Mapping[str, Any]) -> ActionFailed:
        """What to say of an answer that is no success."""
        code, said = int(result.get("result") or 0), _plain(result.get("message"))
        told = next((text for key, text in _WHY_NOT.items() if code == 49 and f"data {key}," in said), said)
        why = f"{code} {result.get('description') or ''}{f': {told}' if told else ''}"
        return ActionFailed(f"{self.where} {what} ({why}); {_CURES.get(code, 'check what was asked for')}", retry=code in _PASSING)

    def _require(self, what: str, result: Mapping[str, Any], accept: Collection[int]) -> int:
        code = int(result.get("result") or 0)
        if code not in accept:
            raise self.failure(what, result)
        return code

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """The library raises what its parts raise when an answer is no LDAP."""
        try:
            yield
        except ActionFailed:
            raise
        except Exception as error:
            raise _unreached(self.place, self.where, error, None) from None


def _entry(row: Mapping[str, Any]) -> Entry:
    raw: Mapping[str, List[bytes]] = row.get("raw_attributes") or {}
    return Entry(str(row.get("dn") or ""), {name.lower(): list(values) for name, values in raw.items()})


@contextmanager
def session(place: Place) -> Iterator[Session]:
    """Connect, encrypt and bind, to the first server that can be reached; every failure is an ActionFailed."""
    if not place.user or not place.password:  # servers take an empty password for nobody, and say that all is well
        raise ActionFailed(f"{PRODUCT}: nobody is bound without user and password; set both in the asset")
    if not place.encrypted and not all(map(_is_loopback, place.hosts)):
        raise ActionFailed(f"{PRODUCT} would get the password in the clear; set security to tls or starttls")
    opened = _opened(place)
    try:
        with opened._explained():
            opened._connection.bind()
        opened._require("does not let the account in", opened._connection.result, (0,))
        yield opened
    finally:
        _close(opened._connection)


def _opened(place: Place) -> Session:
    failure = ActionFailed(f"{PRODUCT}: the asset names no server; set hosts")
    for host in place.hosts:
        where, tls = f"{PRODUCT} {host}:{place.port}", _Tls(place, host)
        connection = None
        try:
            server = ldap3.Server(
                host, place.port, use_ssl=place.security == "tls", tls=tls, get_info=ldap3.NONE, connect_timeout=place.timeout_s
            )
            connection = ldap3.Connection(
                server, place.user, place.password, check_names=False, auto_referrals=False, auto_encode=False
            )
            connection.open(read_server_info=False)
            connection.socket.settimeout(place.timeout_s)
            if place.security == "starttls" and not connection.start_tls(read_server_info=False):
                raise LDAPException("no StartTLS")
            return Session(place, host, connection)
        except Exception as error:  # of the library, of what it decodes with, and of sockets
            if connection is not None:
                _close(connection)
            failure = _unreached(place, where, error, tls.failure)
    raise failure


def _close(connection: ldap3.Connection) -> None:
    try:
        if connection.socket is not None:
            connection.socket.close()
    except OSError:
        pass


class _Tls(ldap3.Tls):  # type: ignore[misc]
    """TLS with Python's own look at the certificate, which knows addresses, and with its failure kept."""

    def __init__(self, place: Place, host: str) -> None:
        super().__init__(validate=ssl.CERT_REQUIRED if place.verify_tls else ssl.CERT_NONE)
        self.failure: Optional[Exception] = None
        self._host, self._place = host, place

    def wrap_socket(self, connection: ldap3.Connection, do_handshake: bool = False) -> None:
        try:
            trust = ssl.create_default_context(cafile=self._place.ca_file)
            if not self._place.verify_tls:
                trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
            connection.socket = trust.wrap_socket(connection.socket, server_hostname=self._host)
        except Exception as error:
            self.failure = error
            raise


def _unreached(place: Place, where: str, error: Exception, tls: Optional[Exception]) -> ActionFailed:
    text, retry = str(error).lower(), True
    cure = "check hosts and port, and that it can be reached from here"
    if isinstance(tls, ssl.SSLCertVerificationError):
        said, retry = f"has a certificate that is not trusted ({_plain(tls.verify_message)})", False
        cure = "set ca_file to that of its CA, if that is right"
    elif isinstance(tls, FileNotFoundError) or (isinstance(tls, ssl.SSLError) and "NO_CERTIFICATE" in str(tls)):
        said, cure, retry = f"is not asked: {place.ca_file} holds no certificates that can be read", "correct ca_file", False
    elif "timed out" in text or isinstance(tls, TimeoutError):
        said, cure = f"does not answer within {place.timeout_s:g} s", "try again, or raise timeout_s"
    elif tls is not None or "starttls" in text or "start_tls" in text:
        said, retry = f"speaks no TLS there by {place.security}", False
        cure = "set security and port: 636 for tls, 389 for starttls"
    elif "refused" in text:
        said = "refuses the connection"
    elif "invalid server address" in text or "name or service" in text or "resolution" in text:
        said = "has no address"
    elif "closed" in text or "reset" in text or "terminated" in text or "broken pipe" in text:
        said = "hangs up"
    else:
        said = "cannot be talked to"
    return ActionFailed(f"{where} {said}; {cure}", retry=retry)


def _plain(said: object) -> str:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said or "")
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())[:160]


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def replaced(**values: Any) -> Dict[str, Any]:
    """Changes that give attributes these values; None takes an attribute away."""
    return {name: [(ldap3.MODIFY_REPLACE, [] if value is None else [value])] for name, value in values.items()}
