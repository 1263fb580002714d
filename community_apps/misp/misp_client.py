"""Ask a MISP instance: searches page by page, events by number or UUID, and what it answers in several forms."""

from __future__ import annotations

import uuid
from datetime import datetime, timezone
from typing import Any, Dict, Iterator, List, Mapping, Optional

from repertory_sdk import ActionFailed
from repertory_sdk.http import Answer, Http, HttpAsset, reason_in, shortened

PRODUCT = "MISP"
PAGE = 100
Object = Dict[str, Any]


class Client:
    """The interface of one instance, with the rights of one key."""

    def __init__(self, asset: HttpAsset, key: str) -> None:
        headers = {"Authorization": key, "Accept": "application/json", "Content-Type": "application/json"}
        self._http = Http(PRODUCT, asset, headers=headers)

    def get(self, path: str) -> Object:
        """The answer as an object."""
        return self._permitted(self._http.get(path, accept=(403,))).object()

    def post(self, path: str, body: Mapping[str, Any], *, reads: bool = False) -> Object:
        """The same of what is sent; ``reads`` where it may be sent again."""
        return self._permitted(self._http.post(path, json=body, accept=(403,), repeatable=reads)).object()

    def attempt(self, path: str, body: Mapping[str, Any], refusal: str) -> Optional[Object]:
        """The same; None where MISP refuses because of what ``refusal`` says."""
        answer = self._http.post(path, json=body, accept=(403,))
        if answer.status == 403 and refusal in answer.text.lower():
            return None
        return self._permitted(answer).object()

    def search(self, kind: str, query: Mapping[str, Any], limit: int, page: int = 1) -> Iterator[Object]:
        """What ``attributes`` or ``events`` a query finds, at most so many, from a page on."""
        name, count = kind.rstrip("s").capitalize(), 0
        while count < limit:
            body = {"returnFormat": "json", **query, "limit": min(PAGE, limit), "page": page}
            rows = _rows(self.post(f"/{kind}/restSearch", body, reads=True), name)
            yield from rows[: limit - count]
            count += len(rows)
            if len(rows) < min(PAGE, limit):
                return
            page += 1

    def event(self, identity: str) -> Object:
        """One event with all that is in it; ActionFailed where there is none."""
        found = self.find_event(identity)
        if found is None:
            raise ActionFailed(f"MISP: there is no event {identity}, or the key may not see it; give its number or UUID")
        return found

    def find_event(self, identity: str) -> Optional[Object]:
        """One event; None where there is none."""
        answer = self._permitted(self._http.get(f"/events/view/{identified(identity)}", accept=(403, 404)))
        found = None if answer.status == 404 else answer.object().get("Event")
        return found if isinstance(found, dict) else None

    def _permitted(self, answer: Answer) -> Answer:
        """The same status stands for a wrong key and for a right that its role does not have."""
        if answer.status != 403:
            return answer
        said = self._http.without_secrets(shortened(reason_in(answer.text))).rstrip(".")
        raise ActionFailed(
            f"{PRODUCT}: {answer.request} was answered with 403: {said}; check the key of the asset, and what its role permits"
        )


def _rows(answer: Object, name: str) -> List[Object]:
    """Attributes lie in an object, events one by one in objects, and no hit is an empty list."""
    found = answer.get("response")
    if isinstance(found, dict):
        return objects(found.get(name))
    return [inner for row in objects(found) if isinstance(inner := row.get(name), dict)]


def identified(event: str) -> str:
    """The number or UUID of an event; ActionFailed where it is neither."""
    plain = event.strip()
    if plain.isascii() and plain.isdigit():
        return plain
    try:
        return str(uuid.UUID(plain))
    except ValueError:
        raise ActionFailed(f"MISP: {event[:80]!r} is no event; give its number or UUID") from None


def attributes_of(event: Object) -> List[Object]:
    """The attributes of an event, and those of its objects, without those that were deleted."""
    nested = [event, *objects(event.get("Object"))]
    return [row for part in nested for row in objects(part.get("Attribute")) if row.get("deleted") is not True]


def tags_of(thing: Object) -> List[str]:
    """Names of tags."""
    return [name for tag in objects(thing.get("Tag")) if (name := text(tag.get("name")))]


def objects(value: Any) -> List[Object]:
    """The objects of a list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def text(value: Any) -> Optional[str]:
    """A text that is not empty; numbers as well, which MISP writes as text."""
    return str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) and value != "" else None


def number(value: Any) -> Optional[int]:
    """A whole number, which MISP writes as text."""
    return int(value) if isinstance(value, (str, int)) and str(value).isdecimal() else None


def moment(value: Any) -> Optional[str]:
    """Seconds since 1970 as ISO 8601."""
    seconds = number(value)
    try:
        return datetime.fromtimestamp(seconds, timezone.utc).isoformat() if seconds else None
    except (ValueError, OverflowError, OSError):
        return None
