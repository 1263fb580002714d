"""Ask VirusTotal: what is not known, quotas, pages by cursor."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any, Dict, List, Optional
from urllib.parse import quote

from repertory_sdk import ActionFailed
from repertory_sdk.http import Answer, Http, HttpAsset

PRODUCT = "VirusTotal"
MINUTE_S = 60.0


class Client:
    """The interface of one account."""

    def __init__(self, asset: HttpAsset, key: str) -> None:
        in_paths = quote(key, safe="")
        self._http = Http(PRODUCT, asset, headers={"x-apikey": key, "Accept": "application/json"}, secrets=[in_paths])

    def object(self, path: str, **query: str) -> Optional[Dict[str, Any]]:
        """The answer; None where VirusTotal knows no such thing."""
        answer = self._checked(self._http.get(path, params=query, accept=(404, 429)))
        return None if answer.status == 404 else answer.object()

    def attributes(self, path: str) -> Dict[str, Any]:
        """What is known of one thing; nothing where it is not known."""
        found = inner(self.object(path), "data", "attributes")
        return found if isinstance(found, dict) else {}

    def post(self, path: str, form: Dict[str, str]) -> Any:
        """Send a form, which does no harm a second time; what is below ``data``."""
        return inner(self._checked(self._http.post(path, data=form, accept=(429,), repeatable=True)).object(), "data")

    def pages(self, path: str, limit: int, size: int) -> List[Dict[str, Any]]:
        """Objects of a collection, at most so many."""
        found: List[Dict[str, Any]] = []
        query: Dict[str, str] = {}
        while len(found) < limit:
            answer = self.object(path, limit=str(min(size, limit - len(found))), **query) or {}
            rows = objects(answer.get("data"))
            found += rows
            cursor = text(inner(answer, "meta", "cursor"))
            if not rows or cursor is None or cursor == query.get("cursor"):
                break
            query = {"cursor": cursor}
        return found[:limit]

    def _checked(self, answer: Answer) -> Answer:
        """A quota is not used up for a second or two: whoever waits waits for the next minute."""
        if answer.status != 429:
            return answer
        failure = self._http.explained(answer.status, answer.request, answer.text, answer.headers)
        wait = MINUTE_S if failure.retry_after_s is None else failure.retry_after_s
        said = str(failure).partition(";")[0]
        cure = "wait a minute, or until midnight UTC where the quota of the day is used up"
        raise ActionFailed(f"{said}; {cure}", retry_after_s=wait)


def inner(value: Any, *names: str) -> Any:
    """What lies below these names, None where anything on the way is missing."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def objects(value: Any) -> List[Dict[str, Any]]:
    """The objects of a list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def text(value: Any) -> Optional[str]:
    """A text that is not empty."""
    return value if isinstance(value, str) and value else None


def texts(value: Any) -> List[str]:
    """The texts of a list."""
    return [item for item in value if isinstance(item, str) and item] if isinstance(value, list) else []


def number(value: Any) -> Optional[int]:
    """A whole number."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def moment(value: Any) -> Optional[str]:
    """Seconds since 1970 as ISO 8601."""
    try:
        return datetime.fromtimestamp(value, timezone.utc).isoformat()
    except (TypeError, ValueError, OverflowError, OSError):
        return None
