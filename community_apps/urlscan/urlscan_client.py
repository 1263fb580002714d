"""Ask urlscan.io: searches page by page, scans that are not done, limits that say how long they last."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Tuple
from urllib.parse import quote

from repertory_sdk import ActionFailed
from repertory_sdk.http import Answer, Http, HttpAsset

PRODUCT = "urlscan.io"
PAGE = 100
PICTURE_LIMIT = 8 * 1024 * 1024


class Client:
    """The interface of one account."""

    def __init__(self, asset: HttpAsset, key: str) -> None:
        self._http = Http(PRODUCT, asset, headers={"API-Key": key})

    def search(self, query: str, limit: int) -> Tuple[List[Dict[str, Any]], int]:
        """Scans, the newest first and at most so many, and how many there are."""
        found: List[Dict[str, Any]] = []
        total, after = 0, ""
        while len(found) < limit:
            wanted = {"q": query, "size": str(min(PAGE, limit - len(found))), **({"search_after": after} if after else {})}
            answer = self._get("/api/v1/search/", wanted).object()
            rows = objects(answer.get("results"))
            total = total or number(answer.get("total")) or 0
            found += rows
            last = rows[-1].get("sort") if rows else None
            following = ",".join(map(str, last)) if isinstance(last, list) else ""
            if not rows or not following or following == after or len(found) >= total:
                break
            after = following
        return found[:limit], total

    def state(self, scan: str) -> Tuple[str, Optional[Dict[str, Any]]]:
        """done, pending or deleted; and what a scan says that is done."""
        answer = self._get(f"/api/v1/result/{quote(scan)}/", {}, also=(404, 410))
        if answer.status in (404, 410):
            return "pending" if answer.status == 404 else "deleted", None
        return "done", answer.object()

    def result(self, scan: str) -> Optional[Dict[str, Any]]:
        """What a scan says; None where it does not exist any more."""
        return self.state(scan)[1]

    def screenshot(self, scan: str) -> bytes:
        """The picture of a page."""
        answer = self._get(f"/screenshots/{quote(scan)}.png", {}, also=(404,), limit=PICTURE_LIMIT)
        if answer.status == 404:
            raise ActionFailed(f"{PRODUCT}: there is no screenshot of {scan}; wait until 'get scan' says done")
        return answer.content

    def submit(self, scan: Mapping[str, Any]) -> Dict[str, Any]:
        """Ask for a scan. One that was asked for twice is made twice, so it is tried once."""
        return self._limited(self._http.post("/api/v1/scan/", json=scan, accept=(429,))).object()

    def quotas(self) -> Dict[str, Any]:
        """What the account may do."""
        return self._get("/user/quotas/", {}).object()

    def _get(self, path: str, query: Mapping[str, str], *, also: Tuple[int, ...] = (), **options: Any) -> Answer:
        return self._limited(self._http.get(path, params=query, accept=(*also, 429), **options))

    def _limited(self, answer: Answer) -> Answer:
        """Limits say in a header of their own when they end."""
        if answer.status != 429:
            return answer
        wait = answer.headers.get("X-Rate-Limit-Reset-After", "")
        headers = {**answer.headers, **({"retry-after": wait} if wait.isdigit() else {})}
        lower = {name.lower(): value for name, value in headers.items()}
        raise self._http.explained(answer.status, answer.request, answer.text, lower)


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
