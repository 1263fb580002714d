"""A request from outside as handlers of connectors read it: attributes and names as Django has them."""

from __future__ import annotations

import json
from typing import Any, Dict, List, Mapping, Optional
from urllib.parse import parse_qs, urlencode

Plain = Dict[str, Any]
_FORM = "application/x-www-form-urlencoded"


class Values(Dict[str, Any]):
    """Fields of a query or a form: the last value of each, and all of them by ``getlist``."""

    def __init__(self, values: Mapping[str, List[str]]) -> None:
        super().__init__({name: listed[-1] for name, listed in values.items() if listed})
        self._all = {name: list(listed) for name, listed in values.items()}

    def getlist(self, key: str, default: Optional[List[str]] = None) -> List[str]:
        return self._all.get(key, [] if default is None else default)

    def lists(self) -> Any:
        return self._all.items()

    def dict(self) -> Plain:
        return {**self}

    def urlencode(self) -> str:
        return urlencode(self._all, doseq=True)


class Headers(Dict[str, str]):
    """By names in any case."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        super().__init__({name.title(): value for name, value in headers.items()})

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name.title())

    def __contains__(self, name: object) -> bool:
        return super().__contains__(str(name).title())

    def get(self, name: str, default: Any = None) -> Any:
        return super().get(name.title(), default)


class WebRequest:
    """``GET`` is the query of any method, ``POST`` a form that was sent."""

    def __init__(self, method: str, path: str, query: Mapping[str, List[str]], headers: Mapping[str, str], body: bytes) -> None:
        self.method = method.upper()
        self.path = self.path_info = path
        self.headers = Headers(headers)
        self.body = body
        self.GET = Values(query)
        self.content_type = self.headers.get("Content-Type", "").partition(";")[0].strip()
        form = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True) if self.content_type == _FORM else {}
        self.POST = Values(form)
        self.FILES: Plain = {}
        self.COOKIES: Dict[str, str] = dict(
            part.strip().split("=", 1) for part in self.headers.get("Cookie", "").split(";") if "=" in part
        )
        self.META: Dict[str, str] = {
            "REQUEST_METHOD": self.method, "PATH_INFO": path, "QUERY_STRING": self.GET.urlencode(), "REMOTE_ADDR": "127.0.0.1",
            "CONTENT_TYPE": self.headers.get("Content-Type", ""), "CONTENT_LENGTH": str(len(body)),
            **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in self.headers.items()},
        }  # fmt: skip
        self.user = None
        self.encoding = "utf-8"
        self.scheme = "https"

    def json(self) -> Any:
        return json.loads(self.body)

    def read(self) -> bytes:
        return self.body

    def is_secure(self) -> bool:
        return True

    def get_host(self) -> str:
        return str(self.headers.get("Host", "localhost"))

    def get_full_path(self) -> str:
        query = self.GET.urlencode()
        return f"{self.path}?{query}" if query else self.path

    def build_absolute_uri(self, location: Optional[str] = None) -> str:
        return f"{self.scheme}://{self.get_host()}{self.get_full_path() if location is None else location}"
