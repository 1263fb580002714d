"""Where lists come from: files and URLs, read when they are needed and kept in memory.

A feed that was read once and cannot be read again keeps what it had; ``problem`` then says what is wrong.
"""

from __future__ import annotations

import base64
import gzip
import io
import os
import re
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import IO, Optional
from urllib.parse import SplitResult, unquote, urlsplit

from formats import read_listing
from listing import Listing

from repertory_sdk import ActionFailed

TIMEOUT_S = 20.0
SIZE_LIMIT = 200 * 1024 * 1024
RETRY_S = 60.0
_CHUNK = 1024 * 1024
_GZIP_MAGIC = b"\x1f\x8b"
_NOT_MODIFIED = 304
_TOKEN = re.compile(r"[\x21-\x7e]+")


class Feed:
    """One list and when it was read. Subclasses say how."""

    def __init__(self, source: str, name: str) -> None:
        self.source = source
        self.name = name
        self.problem = ""
        self._listing: Optional[Listing] = None
        self._tried_at = 0.0

    def listing(self, refresh_s: float) -> Listing:
        """The list, read again where that is due; raises ActionFailed where it never could be read."""
        now = time.monotonic()
        due = now - self._tried_at >= (min(refresh_s, RETRY_S) if self.problem else refresh_s)
        if self._listing is None or due or self.changed():
            self._tried_at = now
            try:
                return self.load()
            except ActionFailed as error:
                if self._listing is None:
                    raise
                self.problem = str(error)
        return self._listing

    def load(self) -> Listing:
        """Read it now; raises ActionFailed naming the feed."""
        fresh = self.read()
        if fresh is not None:
            if not fresh.network_count + fresh.domain_count:
                raise ActionFailed(
                    f"feed {self.source}: nothing usable in it"
                    f" ({_plural(fresh.bad, 'line')} not understood); is it really a block list?"
                )
            self._listing = fresh
        if self._listing is None:
            raise ActionFailed(f"feed {self.source}: the server says it has not changed, but it was never read")
        self.problem = ""
        return self._listing

    def changed(self) -> bool:
        """Whether it is known to be newer than what was read, without reading it."""
        return False

    def read(self) -> Optional[Listing]:
        """Read it; None where the source says that it has not changed."""
        raise NotImplementedError


class FileFeed(Feed):
    """A file on disk; its time of change and size tell whether it is new."""

    def __init__(self, path: Path) -> None:
        super().__init__(str(path), path.name)
        self._path = path
        self._stamp: tuple[int, int] = (0, 0)

    def changed(self) -> bool:
        """Whether time of change or size differ from what was read; a file that is gone has changed."""
        try:
            return _stamp(self._path.stat()) != self._stamp
        except OSError:
            return self._stamp != (0, 0)

    def read(self) -> Listing:
        """Read the file."""
        self._stamp = (0, 0)
        try:
            if self._path.exists() and not self._path.is_file():
                raise OSError("it is not a file")
            with self._path.open("rb") as stream:
                self._stamp = _stamp(os.fstat(stream.fileno()))
                return parse(stream)
        except (OSError, EOFError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            said = f"feed {self.source} cannot be read: {reason}; check the path and its permissions"
            raise ActionFailed(said) from error


def _stamp(status: os.stat_result) -> tuple[int, int]:
    return status.st_mtime_ns, status.st_size


class UrlFeed(Feed):
    """A list over HTTP; asked again with the validators of the last answer (RFC 9110, 13.1)."""

    def __init__(self, url: str, token: Optional[str]) -> None:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]  # neither passwords nor the keys in a query are for reports
        super().__init__(f"{parts.scheme}://{host}{parts.path}", parts.path.rpartition("/")[2] or host)
        self._url = parts._replace(netloc=host).geturl()
        self._credentials = _credentials(parts, token)
        self._validators: dict[str, str] = {}

    def read(self) -> Optional[Listing]:
        """Download and read it."""
        try:
            content = self._download()
            return None if content is None else parse(io.BytesIO(content))
        except urllib.error.HTTPError as error:
            raise _refused(self.source, error) from error
        except (OSError, HTTPException, EOFError) as error:
            raise ActionFailed(f"feed {self.source} cannot be downloaded: {_plainly(error)}", retry=True) from error

    def _download(self) -> Optional[bytes]:
        try:
            with urllib.request.urlopen(self._request(), timeout=TIMEOUT_S) as answer:
                content = _bounded(answer, self.source)
                given = {"If-None-Match": answer.headers["ETag"], "If-Modified-Since": answer.headers["Last-Modified"]}
        except urllib.error.HTTPError as error:
            if error.code == _NOT_MODIFIED and self._listing is not None:
                return None
            raise
        self._validators = {name: value for name, value in given.items() if value}
        return content

    def _request(self) -> urllib.request.Request:
        request = urllib.request.Request(self._url, headers={"User-Agent": "repertory-blocklist/1.0"})
        if self._listing is not None:
            for name, value in self._validators.items():
                request.add_header(name, value)
        if self._credentials:
            # Not sent along where the server redirects to another host.
            request.add_unredirected_header("Authorization", self._credentials)
        return request


def _plainly(error: Exception) -> str:
    """Why it was not reached, and what to do."""
    reason = getattr(error, "reason", None) or error
    if isinstance(reason, ssl.SSLError):
        why = getattr(reason, "verify_message", "") or "none could be agreed upon"
        return f"no trusted TLS ({why}); check its URL and certificate"
    return f"{getattr(reason, 'strerror', None) or reason}; check its URL, and that it can be reached from here"


def _credentials(parts: SplitResult, token: Optional[str]) -> str:
    """What proves who asks: user and password of the URL, else the token."""
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        return f"Basic {base64.b64encode(pair.encode()).decode('ascii')}"
    return f"Bearer {token}" if token else ""


def _refused(source: str, error: urllib.error.HTTPError) -> ActionFailed:
    hints = {401: "it wants another token", 403: "it wants another token", 404: "check the URL"}
    later = error.code == 429 or error.code >= 500
    error.close()
    return ActionFailed(f"feed {source}: HTTP {error.code} {error.reason}; {hints.get(error.code, 'try again later')}", retry=later)


def _bounded(answer: HTTPResponse, source: str) -> bytes:
    content = io.BytesIO()
    while chunk := answer.read(_CHUNK):
        content.write(chunk)
        if content.tell() > SIZE_LIMIT:
            raise ActionFailed(f"feed {source} is larger than {SIZE_LIMIT >> 20} MB; nothing of it was used")
    expected = answer.headers.get("Content-Length", "")
    if expected.isdigit() and content.tell() < int(expected):
        said = f"feed {source}: the download broke off after {content.tell()} bytes; try again later"
        raise ActionFailed(said, retry=True)
    return content.getvalue()


def open_feed(source: str, token: Optional[str]) -> Feed:
    """The feed that a setting names; raises ActionFailed where it is neither an absolute path nor a URL."""
    if Path(source).is_absolute():
        return FileFeed(Path(source))
    try:
        parts = urlsplit(source)
        known = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        known = False
    if not known or not source.isascii() or not source.isprintable() or " " in source:
        raise ActionFailed(f"{source!r} is neither an absolute path nor an http(s) URL; correct the asset's settings")
    if token and not _TOKEN.fullmatch(token):
        raise ActionFailed("the token has characters that cannot be sent in a header; correct the asset's settings")
    return UrlFeed(source, token)


# ------------------------------------------------------------------------- reading


def parse(stream: IO[bytes]) -> Listing:
    """Read a list from bytes, unpacked first where it is gzip."""
    start = stream.read(len(_GZIP_MAGIC))
    stream.seek(0)
    packed = start == _GZIP_MAGIC
    plain = gzip.GzipFile(fileobj=stream) if packed else stream
    text = io.TextIOWrapper(plain, encoding="utf-8-sig", errors="replace")
    try:
        return read_listing(_limited(text) if packed else text)
    finally:
        text.detach()


def _limited(lines: io.TextIOWrapper) -> Iterator[str]:
    """Lines of a packed file, which may unpack to far more than it is."""
    left = SIZE_LIMIT
    while line := lines.readline(_CHUNK):
        left -= len(line)
        if left < 0:
            raise OSError(f"it unpacks to more than {SIZE_LIMIT >> 20} MB")
        yield line


def _plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def summary_of(feed: Feed, listing: Listing) -> str:
    """One feed in a few words, for the connectivity test."""
    networks, domains = listing.network_count, listing.domain_count
    counts = [_plural(networks, "network")] * bool(networks) + [_plural(domains, "domain")] * bool(domains)
    said = f"{feed.name}: {' and '.join(counts)}"
    if listing.bad:
        said += f" ({_plural(listing.bad, 'line')} not understood, the first is line {listing.first_bad})"
    return said
