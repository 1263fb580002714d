"""A client for products with an HTTP interface: time-outs, retries, proxies, TLS, and errors that a person can act upon.

It is built on ``requests``, which the app names in its ``requires``. The asset derives from ``HttpAsset``, which brings the
settings that every such app needs; ``Http`` does the calls.

    @app.asset
    class Inventory(HttpAsset):
        url: str = setting("Where it answers, such as https://inventory.example")
        token: Secret = setting("Token of an account that may read")

        @functools.cached_property
        def api(self) -> Http:
            return Http("Inventory", self, headers={"Authorization": f"Bearer {self.token}"})

    host = asset.api.get(f"/hosts/{quote(ip)}", accept=(404,))
    if host.status == 404: ...
    host.json()["owner"]
"""

from __future__ import annotations

import email.utils
import json
import random
import re
import time
from dataclasses import dataclass, fields
from typing import Any, Collection, Dict, Mapping, Optional
from urllib.parse import urljoin, urlsplit

import requests

from repertory_sdk.app import Asset
from repertory_sdk.convert import Secret
from repertory_sdk.declared import setting
from repertory_sdk.errors import ActionFailed

REPEATABLE = ("GET", "HEAD", "OPTIONS")
PASSING = (429, 502, 503, 504)
"""Statuses after which the same request may succeed: RFC 9110 (15.6), RFC 6585 (4)."""
CONNECT_S = 10.0
LONGEST_WAIT_S = 30.0
LIMIT = 32 * 1024 * 1024
_REDIRECTS = (301, 302, 303, 307, 308)
_CHUNK = 64 * 1024
_QUOTED = 200


@dataclass(frozen=True, eq=False)
class HttpAsset(Asset):
    """The settings that every app with an HTTP interface needs. Its app declares them among what it may reach:

    ``hosts=["${asset.url}", "${asset.proxy}"], files=["${asset.ca_file}"]``
    """

    verify_tls: bool = setting("Whether the product's certificate has to be a trusted one", default=True)
    ca_file: Optional[str] = setting("Absolute path of the CA certificates to trust, as PEM", default=None)
    proxy: Optional[str] = setting("HTTP proxy to go through, such as http://proxy.example:3128", default=None)
    timeout_s: float = setting("Seconds to wait for an answer", default=30.0, minimum=0.1, maximum=600)
    retries: int = setting("How often a request that may be repeated is tried again", default=3, minimum=0, maximum=6)


@dataclass(frozen=True)
class Answer:
    """What came back. ``request`` says what was asked, without its query: ``GET /api/v2/check``."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    request: str
    product: str

    @property
    def text(self) -> str:
        """The body as text, whatever bytes it has."""
        return self.content.decode("utf-8", "replace")

    def json(self) -> Any:
        """The decoded body; ActionFailed where it is no JSON."""
        try:
            return json.loads(self.content)
        except ValueError:
            said = shortened(self.text) or "nothing"
            raise ActionFailed(
                f"{self.product}: {self.request} was answered with something that is no JSON ({said});"
                " check that the url leads to its API, and no proxy or login page is in between"
            ) from None

    def object(self) -> Dict[str, Any]:
        """The decoded body, which has to be a JSON object; ActionFailed where it is not."""
        found = self.json()
        if not isinstance(found, dict):
            raise ActionFailed(f"{self.product}: {self.request} was answered with no JSON object; check its version")
        return found


class Http:
    """The HTTP interface of one product, as one asset is configured.

    ``url`` is where paths begin; ``asset.url`` unless given. ``headers``, ``params`` and ``auth`` (user and password) go with
    every request. What is a ``Secret`` in the asset, and what is in ``secrets``, is never shown in an error.
    """

    def __init__(
        self,
        product: str,
        asset: HttpAsset,
        url: Optional[str] = None,
        *,
        headers: Optional[Mapping[str, str]] = None,
        params: Optional[Mapping[str, str]] = None,
        auth: Any = None,
        secrets: Collection[str] = (),
    ) -> None:
        self.product = product
        self.url = (asset.url if url is None else url).rstrip("/")  # type: ignore[attr-defined]
        self._asset = asset
        self._secrets = [value for value in (*_secrets_of(asset), *secrets) if value]
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers.update(headers or {})
        self._session.params = dict(params or {})
        self._session.auth = auth
        if asset.proxy:
            self._session.proxies = {"http": asset.proxy, "https": asset.proxy}
        self._session.verify = (asset.ca_file or True) if asset.verify_tls else False
        if not urlsplit(self.url).netloc:
            raise ActionFailed(f"{product}: {self.url!r} is no URL; set url to one such as https://host.example")

    def get(self, path: str, **options: Any) -> Answer:
        """``request`` with GET."""
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> Answer:
        """``request`` with POST."""
        return self.request("POST", path, **options)

    def put(self, path: str, **options: Any) -> Answer:
        """``request`` with PUT."""
        return self.request("PUT", path, **options)

    def patch(self, path: str, **options: Any) -> Answer:
        """``request`` with PATCH."""
        return self.request("PATCH", path, **options)

    def delete(self, path: str, **options: Any) -> Answer:
        """``request`` with DELETE."""
        return self.request("DELETE", path, **options)

    def request(
        self,
        method: str,
        path: str,
        *,
        accept: Collection[int] = (),
        repeatable: Optional[bool] = None,
        timeout_s: Optional[float] = None,
        limit: int = LIMIT,
        html: bool = False,
        **options: Any,
    ) -> Answer:
        """Ask for ``path`` below the url (or a whole URL of the same host); ActionFailed unless the status is 2xx or in ``accept``.

        ``options`` are those of ``requests``: ``params, json, data, files, headers``. A request that is ``repeatable`` (GET
        is, unless told otherwise) is tried again after failures that may pass: no connection, 429 and 503 with respect for
        Retry-After, 502, 504. Bodies above ``limit`` bytes are refused, and pages for people unless ``html``.
        """
        again = self._asset.retries if (method in REPEATABLE if repeatable is None else repeatable) else 0
        asked = _Asked(self, method, path, timeout_s or self._asset.timeout_s, limit)
        for attempt in range(again + 1):
            try:
                return asked.answered(options, accept, html)
            except ActionFailed as failure:
                wait = failure.retry_after_s if failure.retry_after_s is not None else 2**attempt * random.uniform(0.5, 1)
                if not failure.retry or attempt == again or wait > LONGEST_WAIT_S:
                    raise
            time.sleep(wait)
        raise AssertionError("the last attempt returns or raises")

    def explained(self, status: int, request: str, text: str, headers: Mapping[str, str]) -> ActionFailed:
        """What to say of a status that is no success."""
        said = self.without_secrets(shortened(reason_in(text)))
        told = f"{self.product}: {request} was answered with {status}{f': {said}' if said else ''}"
        cure = _CURES.get(status) or ("try again later" if status >= 500 else "check the parameters")
        retry = status in PASSING
        return ActionFailed(f"{told.rstrip('.')}; {cure}", retry=retry, retry_after_s=_retry_after(headers) if retry else None)

    def without_secrets(self, text: str) -> str:
        """The text with stars in place of secrets."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text


_CURES = {
    401: "check the credentials of the asset",
    402: "the account's plan does not include this",
    403: "check what the account of the asset is permitted",
    404: "check what was asked for, and the url of the asset",
    407: "the proxy wants credentials: set proxy to http://user:password@host:port",
    429: "it limits how often it may be asked: wait, or set a limit on the asset",
}


class _Asked:
    """One request, as often as it is tried."""

    def __init__(self, http: Http, method: str, path: str, timeout_s: float, limit: int) -> None:
        self._http, self._method, self._timeout_s, self._limit = http, method, timeout_s, limit
        self._url = path if urlsplit(path).scheme else f"{http.url}{path}"
        self._where = urlsplit(self._url)
        self._name = http.without_secrets(f"{method} {self._where.path or '/'}")

    def answered(self, options: Mapping[str, Any], accept: Collection[int], html: bool) -> Answer:
        """The answer, if it is one that the caller takes."""
        answer = self._followed(options)
        if answer.status >= 300 and answer.status not in accept:
            raise self._http.explained(answer.status, self._name, answer.text, answer.headers)
        if not html and "html" in answer.headers.get("content-type", "").lower():
            raise ActionFailed(
                f"{self._http.product}: {self._name} was answered with a page for people"
                f" ({self._http.without_secrets(shortened(reason_in(answer.text))) or 'empty'}); check that the url leads to its"
                " API, and no proxy or login page is in between"
            )
        return answer

    def _followed(self, options: Mapping[str, Any]) -> Answer:
        """Credentials never go to another host: redirects are followed by hand."""
        method, url = self._method, self._url
        for _ in range(5):
            answer = self._tried(method, url, options)
            target = answer.headers.get("location")
            if answer.status not in _REDIRECTS or not target:
                return answer
            target = urljoin(url, target)
            if _origin(target) != _origin(self._url):
                raise ActionFailed(
                    f"{self._http.product}: {self._name} was sent on to {_origin(target)}; set the url of the asset to it, if that"
                    " is right"
                )
            if answer.status == 303 or (answer.status in (301, 302) and method == "POST"):
                method, options = "GET", {"headers": options.get("headers")}
            url = target
        raise ActionFailed(f"{self._http.product}: {self._name} was sent on in a circle; check the url of the asset")

    def _tried(self, method: str, url: str, options: Mapping[str, Any]) -> Answer:
        timeouts = (min(CONNECT_S, self._timeout_s), self._timeout_s)
        session = self._http._session
        ends = time.monotonic() + self._timeout_s + timeouts[0]
        try:
            with session.request(method, url, timeout=timeouts, stream=True, allow_redirects=False, **options) as response:
                content = self._read(response, ends)
        except requests.exceptions.RequestException as error:
            raise self._unreached(error) from None
        headers = requests.structures.CaseInsensitiveDict(response.headers)
        return Answer(response.status_code, headers, content, self._name, self._http.product)

    def _read(self, response: requests.Response, ends: float) -> bytes:
        content = bytearray()
        for chunk in response.iter_content(_CHUNK):
            content += chunk
            if len(content) > self._limit:
                raise ActionFailed(
                    f"{self._http.product}: {self._name} was answered with more than {self._limit:,} bytes; ask for less"
                )
            if time.monotonic() > ends:
                raise requests.exceptions.ReadTimeout
        return bytes(content)

    def _unreached(self, error: Exception) -> ActionFailed:
        """Texts of these exceptions hold URLs with their queries, and are for programmers."""
        host = self._where.hostname or ""
        place = f"{host}:{self._where.port}" if self._where.port else host
        if isinstance(error, requests.exceptions.ProxyError):
            said, cure, passing = "does not get through the proxy", "check the setting proxy", True
        elif isinstance(error, requests.exceptions.SSLError):
            why = re.search(r"certificate verify failed: ([^(\"']+)", str(error))
            said = f"does not trust {place} ({why[1].strip() if why else 'no TLS could be agreed upon'})"
            cure, passing = "set ca_file to the certificate of its CA, if that is right", False
        elif isinstance(error, requests.exceptions.ConnectTimeout):
            said, cure, passing = f"cannot connect to {place}: no answer", "check the url, and firewalls on the way", True
        elif isinstance(error, requests.exceptions.Timeout) or "Read timed out" in str(error):
            said, cure, passing = f"has no answer from {place} within {self._timeout_s:g} s", "try again, or raise timeout_s", True
        elif isinstance(error, (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema)):
            said, cure, passing = f"cannot ask {self._http.url!r}", "set url to one such as https://host.example", False
        else:
            said, passing = f"{_broken(str(error))} {place}", True
            cure = "check the url, and that the product runs and can be reached from here"
        return ActionFailed(f"{self._http.product}: {self._name} {said}; {cure}", retry=passing)


def _broken(text: str) -> str:
    if "refused" in text:
        return "is refused a connection to"
    if "Name or service not known" in text or "Failed to resolve" in text or "NameResolution" in text:
        return "finds no address of"
    return "is cut off by" if "Connection aborted" in text or "Incomplete" in text or "broken" in text else "cannot connect to"


def _secrets_of(asset: Asset) -> Collection[str]:
    return [value for field in fields(asset) if isinstance(value := getattr(asset, field.name), Secret)]  # type: ignore[arg-type]


def _origin(url: str) -> str:
    where = urlsplit(url)
    port = where.port or {"https": 443, "http": 80}.get(where.scheme)
    return f"{where.scheme}://{where.hostname}:{port}"


def _retry_after(headers: Mapping[str, str]) -> Optional[float]:
    """Seconds, from a number or a date (RFC 9110, 10.2.3)."""
    said = headers.get("retry-after", "").strip()
    if said.isdigit():
        return float(said)
    date = email.utils.parsedate_tz(said)
    return max(0.0, email.utils.mktime_tz(date) - time.time()) if date else None


def reason_in(text: str) -> str:
    """The sentence in a body that reports an error: of JSON the first text under a usual name, of HTML what is to be read."""
    try:
        return _reason(json.loads(text)) or text
    except ValueError:
        without_code = re.sub(r"(?is)<(script|style)\b.*?</\1>", " ", text)
        return re.sub(r"<[^>]*>", " ", without_code)


def _reason(body: Any) -> str:
    if isinstance(body, str):
        return body
    if isinstance(body, list):
        return next((said for item in body if (said := _reason(item))), "")
    names = ("message", "detail", "error_description", "description", "text", "error", "errors", "messages", "title")
    found = [body[name] for name in names if body.get(name)] if isinstance(body, dict) else []
    return next((said for value in found if (said := _reason(value))), "")


def shortened(text: str) -> str:
    """One line of at most 200 characters."""
    line = " ".join("".join(character if character.isprintable() else " " for character in text).split())
    return line if len(line) <= _QUOTED else f"{line[: _QUOTED - 1]}…"
