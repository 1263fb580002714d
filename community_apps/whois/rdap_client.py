"""Ask RDAP servers (RFC 7480), found through bootstrap files (RFC 9224) or configured, and follow where they send on."""

from __future__ import annotations

import http.client
import ipaddress
import json
import socket
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Optional
from urllib.parse import quote, urljoin, urlsplit

from repertory_sdk import ActionFailed

ANSWER_LIMIT = 1024 * 1024
BOOTSTRAP_LIMIT = 8 * 1024 * 1024
MAX_HOPS = 3
FILES = {"domain": "dns.json", "autnum": "asn.json"}
_SENT_ON = (301, 302, 303, 307, 308)
_KEPT = (400, 404)


class _Answers(urllib.request.HTTPRedirectHandler):
    """Where a server sends us on to is looked at first."""

    def redirect_request(self, *_: Any) -> None:
        """Follow nothing."""


_OPENER = urllib.request.build_opener(_Answers, urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class Found:
    """What RDAP said: the object, None where there is no such thing; and the hosts that were asked, in order."""

    data: Optional[Mapping[str, Any]]
    hosts: Sequence[str]


@dataclass
class Rdap:
    """One way into RDAP: a server, or a folder of bootstrap files that name servers.

    Only the origins of these two and ``hosts`` are ever asked, whatever servers and files say.
    """

    server: Optional[str]
    bootstrap: Optional[str]
    hosts: Sequence[str]
    timeout_s: float
    _files: dict[str, Any] = field(default_factory=dict)

    def ask(self, kind: str, name: str) -> Found:
        """What is known of a ``domain``, ``ip`` or ``autnum``; ActionFailed where nobody can tell."""
        url = f"{self._base(kind, name).rstrip('/')}/{kind}/{quote(name, safe=':')}"
        asked: list[str] = []
        for _ in range(MAX_HOPS + 1):
            self._permit(url)
            status, content, target = self._fetch(url, ANSWER_LIMIT)
            asked.append(urlsplit(url).netloc)
            if status not in _SENT_ON or not target:
                return Found(None if status in _KEPT else _object(content, url), asked)
            url = urljoin(url, target)
        raise ActionFailed(f"RDAP: {asked[0]} sends on without an end; check rdap_url")

    def _base(self, kind: str, name: str) -> str:
        if self.server:
            return self.server
        file = FILES.get(kind) or ("ipv6.json" if ":" in name else "ipv4.json")
        base = server_for(self._file(file), kind, name)
        if base is None:
            raise ActionFailed(f"RDAP: {file} names no server for {name}; ask by WHOIS")
        return base

    def _file(self, name: str) -> Any:
        if name not in self._files:
            url = f"{str(self.bootstrap).rstrip('/')}/{name}"
            status, content, _ = self._fetch(url, BOOTSTRAP_LIMIT)
            if status >= 300:
                raise ActionFailed(f"RDAP: {url} was answered with {status}; check rdap_bootstrap")
            self._files[name] = _object(content, url)
        return self._files[name]

    def _permit(self, url: str) -> None:
        """Servers send on to others; what they may name is in the asset."""
        where = urlsplit(url)
        own = [urlsplit(place)[:2] for place in (self.server, self.bootstrap) if place]
        if where.scheme not in ("http", "https"):
            raise ActionFailed(f"RDAP: {url!r} is no URL; set rdap_url to one such as https://rdap.arin.net/registry")
        if where[:2] not in own and not (where.scheme == "https" and where.netloc.lower() in self.hosts):
            origin = f"{where.scheme}://{where.netloc}"
            raise ActionFailed(f"RDAP: {origin} is to be asked, which the asset does not name; add its host to rdap_hosts")

    def _fetch(self, url: str, limit: int) -> tuple[int, bytes, Optional[str]]:
        """Status, body and where to go on; statuses that say nothing about the question are ActionFailed."""
        place = urlsplit(url).netloc
        try:
            request = urllib.request.Request(url, headers={"Accept": "application/rdap+json, application/json"})
            with _OPENER.open(request, timeout=self.timeout_s) as answer:
                return answer.status, _body(answer, limit, place), None
        except urllib.error.HTTPError as error:
            with error:
                return self._refused(error, place)
        except (OSError, ValueError, http.client.HTTPException) as error:
            said = f"RDAP: {place or repr(url)} cannot be asked: {_reason(error)}; check rdap_url"
            raise ActionFailed(said, retry=True) from None

    def _refused(self, error: urllib.error.HTTPError, place: str) -> tuple[int, bytes, Optional[str]]:
        if error.code in _SENT_ON or error.code in _KEPT:
            return error.code, b"", error.headers.get("Location")
        said = f"RDAP: {place} answered with {error.code}"
        if error.code == 429:
            wait = error.headers.get("Retry-After", "")
            after = float(wait) if wait.isdigit() else None
            raise ActionFailed(f"{said}: it was asked too often; try again later", retry=True, retry_after_s=after)
        raise ActionFailed(f"{said}; try again later, or ask by WHOIS", retry=error.code >= 500)


def _body(answer: Any, limit: int, place: str) -> bytes:
    content: bytes = answer.read(limit + 1)
    if len(content) > limit:
        raise ActionFailed(f"RDAP: {place} answered with more than {limit:,} bytes; ask by WHOIS")
    return content


def _object(content: bytes, url: str) -> Mapping[str, Any]:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise ActionFailed(f"RDAP: {urlsplit(url).netloc} answered with no JSON object; check rdap_url and rdap_bootstrap")
    return found


def _reason(error: Exception) -> str:
    reason = getattr(error, "reason", None) or error
    if isinstance(reason, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({reason.verify_message})"
    if isinstance(reason, ssl.SSLError):
        return "no TLS could be agreed upon"
    if isinstance(reason, (socket.timeout, TimeoutError)) or "timed out" in str(reason):  # two classes before Python 3.10
        return "no answer in time"
    if isinstance(reason, http.client.HTTPException):
        return "it broke off, or speaks no HTTP"
    return getattr(reason, "strerror", None) or str(reason)


def server_for(file: Any, kind: str, name: str) -> Optional[str]:
    """The URL that a bootstrap file names for a name or number, the longest match; https before http."""
    best, urls = -1, []
    services = file.get("services") if isinstance(file, dict) else None
    for entries, places in filter(_is_service, services if isinstance(services, list) else ()):
        length = max((_match(kind, name, str(entry)) for entry in entries), default=-1)
        if length > best:
            best, urls = length, [str(place) for place in places]
    return next((url for url in sorted(urls, reverse=True) if urlsplit(url).netloc), None)


def _is_service(row: Any) -> bool:
    """A list of what is served, and a list of URLs."""
    return isinstance(row, list) and len(row) == 2 and all(isinstance(part, list) for part in row)


def _match(kind: str, name: str, entry: str) -> int:
    """How much of the name an entry covers; -1 where it does not."""
    if kind == "domain":
        return entry.count(".") + 1 if f".{name}".endswith(f".{entry.lower()}") else -1
    try:
        if kind == "autnum":
            first, _, last = entry.partition("-")
            return 0 if int(first) <= int(name) <= int(last or first) else -1
        network = ipaddress.ip_network(entry)
        return network.prefixlen if ipaddress.ip_address(name) in network else -1
    except ValueError:
        return -1
