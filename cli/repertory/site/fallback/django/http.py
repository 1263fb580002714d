"""Answers of REST handlers."""

from __future__ import annotations

import json
from typing import Any, Dict, Iterator


class Http404(Exception):
    """There is nothing under this address."""


class HttpResponse:
    """A status, headers and a content."""

    status_code = 200

    def __init__(
        self, content: Any = b"", content_type: Any = None, status: Any = None, reason: Any = None, headers: Any = None
    ) -> None:
        self.content = content if isinstance(content, bytes) else str(content).encode("utf-8")
        self.status_code = int(status or self.status_code)
        self.reason_phrase = reason
        self.headers: Dict[str, str] = {"Content-Type": content_type or "text/html; charset=utf-8", **(headers or {})}

    def __setitem__(self, name: str, value: Any) -> None:
        self.headers[name] = str(value)

    def __getitem__(self, name: str) -> str:
        return self.headers[name]

    def __contains__(self, name: str) -> bool:
        return name in self.headers

    def __iter__(self) -> Iterator[bytes]:
        return iter([self.content])

    def get(self, name: str, default: Any = None) -> Any:
        return self.headers.get(name, default)

    def set_cookie(self, key: str, value: Any = "", **options: Any) -> None:
        self.headers["Set-Cookie"] = f"{key}={value}"


class JsonResponse(HttpResponse):
    def __init__(self, data: Any, encoder: Any = None, safe: bool = True, **more: Any) -> None:
        more.setdefault("content_type", "application/json")
        super().__init__(json.dumps(data, cls=encoder, default=None if encoder else str), **more)


class HttpResponseRedirect(HttpResponse):
    status_code = 302

    def __init__(self, redirect_to: Any, **more: Any) -> None:
        super().__init__(**more)
        self.url = str(redirect_to)
        self["Location"] = redirect_to


class HttpResponsePermanentRedirect(HttpResponseRedirect):
    status_code = 301


class HttpResponseBadRequest(HttpResponse):
    status_code = 400


class HttpResponseForbidden(HttpResponse):
    status_code = 403


class HttpResponseNotFound(HttpResponse):
    status_code = 404


class HttpResponseNotAllowed(HttpResponse):
    status_code = 405


class HttpResponseServerError(HttpResponse):
    status_code = 500


class HttpRequest:
    """Only a name for annotations."""
