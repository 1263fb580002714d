"""Ask DomainTools: requests with its key or signed by it, and answers that say nothing was found."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime, timezone
from typing import Any, Dict, List, Mapping, Optional
from urllib.parse import urlsplit

from repertory_sdk import ActionFailed
from repertory_sdk.http import Answer, Http, HttpAsset, reason_in, shortened

PRODUCT = "DomainTools"


class Credentials:
    """What goes with each request: the key itself, or a signature of the user, the time and the path."""

    def __init__(self, username: str, key: str, digest: Optional[str]) -> None:
        self._username, self._key, self._digest = username, key, digest

    def __call__(self, request: Any) -> Any:
        """Add it to a request of ``requests`` just before it is sent: a signature is good for minutes only."""
        request.prepare_url(request.url, self._parameters(urlsplit(request.url).path))
        return request

    def _parameters(self, path: str) -> Mapping[str, str]:
        if self._digest is None:
            return {"api_username": self._username, "api_key": self._key}
        now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        signed = hmac.new(self._key.encode(), f"{self._username}{now}{path}".encode(), getattr(hashlib, self._digest))
        return {"api_username": self._username, "timestamp": now, "signature": signed.hexdigest()}


class Client:
    """The interface of one account."""

    def __init__(self, asset: HttpAsset, credentials: Credentials) -> None:
        self._http = Http(PRODUCT, asset, auth=credentials)

    def get(self, path: str, **query: str) -> Optional[Dict[str, Any]]:
        """What is below ``response``; None where DomainTools has nothing."""
        return self._found(self._http.get(path, params=query, accept=(400, 403, 404)))

    def investigate(self, limit: int, **search: str) -> List[Dict[str, Any]]:
        """Domains that Iris finds, at most so many; each further page is charged."""
        found: List[Dict[str, Any]] = []
        position: Dict[str, str] = {}
        while True:
            answer = self._http.post("/v1/iris-investigate/", data={**search, **position}, accept=(400, 403, 404))
            data = self._found(answer) or {}
            if data.get("limit_exceeded"):
                raise ActionFailed(f"{PRODUCT}: the search by {', '.join(search)} finds too much to be told; narrow it")
            found += objects(data.get("results"))
            if not data.get("has_more_results") or not data.get("position") or len(found) >= limit:
                return found[:limit]
            position = {"position": str(data["position"])}

    def _found(self, answer: Answer) -> Optional[Dict[str, Any]]:
        said = shortened(reason_in(answer.text))
        if answer.status == 404 or (answer.status == 400 and said.startswith("No IP addresses")):
            return None
        if answer.status == 403:
            raise ActionFailed(
                f"{PRODUCT}: {answer.request} was answered with 403: {self._http.without_secrets(said).rstrip('.')}; check username"
                " and key, that the account includes this, and that the clock of this machine is right, which signatures need"
            )
        if answer.status == 400:
            raise self._http.explained(answer.status, answer.request, answer.text, answer.headers)
        data = answer.object().get("response")
        if not isinstance(data, dict):
            raise ActionFailed(f"{PRODUCT}: {answer.request} was answered without a response; check the url of the asset")
        return data


def objects(value: Any) -> List[Dict[str, Any]]:
    """The objects of a list; one that came alone is a list of one, as DomainTools does it."""
    items = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, dict)]


def inner(value: Any, *names: str) -> Any:
    """What lies below these names, None where anything on the way is missing."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def text(value: Any) -> Optional[str]:
    """Text and numbers as text; None of the rest. Of a list the first."""
    if isinstance(value, list):
        value = next(iter(value), None)
    return str(value) if isinstance(value, (str, int, float)) and value != "" else None


def texts(value: Any) -> List[str]:
    """Texts of a list, or a single one."""
    items = value if isinstance(value, list) else [value]
    return [str(item) for item in items if isinstance(item, (str, int)) and item != ""]


def number(value: Any) -> Optional[int]:
    """Whole numbers, which may be written as text."""
    try:
        return int(value)
    except (TypeError, ValueError):
        return None
