"""Whatever has an HTTP interface: data at paths below one URL, got, sent, changed and deleted."""

from __future__ import annotations

import base64
import functools
from typing import Any, Dict, List, Mapping, Optional

from places import PRODUCT, below, headers_of, query_of

from repertory_sdk import ActionFailed, App, Secret, output, param, setting
from repertory_sdk.http import Answer, Http, HttpAsset

app = App(
    "generic_rest",
    version="1.0.0",
    product=PRODUCT,
    vendor="Generic",
    summary=__doc__,
    requires=["requests>=2.31"],
    hosts=["${asset.url}", "${asset.proxy}"],
    files=["${asset.ca_file}"],
)

WAYS = ("none", "bearer", "basic", "header")
GONE = (404, 410)
HIDDEN = ("set-cookie", "www-authenticate")


@app.asset
class Rest(HttpAsset):
    """One interface, and who we are to it."""

    url: str = setting("Where paths begin, such as https://inventory.example/api/v1")
    auth: str = setting("Who we are: none, bearer (token), basic (user and password) or header", default="none", choices=WAYS)
    token: Optional[Secret] = setting("Token, for bearer", default=None)
    user: Optional[str] = setting("User, for basic", default=None)
    password: Optional[Secret] = setting("Password, for basic", default=None)
    header_name: str = setting("Name of the header, for header", default="X-API-Key")
    header_value: Optional[Secret] = setting("Value of the header, for header", default=None)
    test_path: str = setting("Path that 'test connectivity' gets", default="/")
    accept_html: bool = setting("Whether HTML is an answer, and no sign of a login page in between", default=False)
    largest_kb: int = setting("Largest answer that is taken, in kilobytes", default=1024, minimum=1, maximum=32_768)

    @functools.cached_property
    def http(self) -> Http:
        """The interface."""
        return Http(PRODUCT, self, headers=self._credentials(), secrets=[self._basic] if self.password else [])

    @property
    def _basic(self) -> str:
        return base64.b64encode(f"{self.user or ''}:{self.password or ''}".encode()).decode()

    def _credentials(self) -> Dict[str, str]:
        if self.auth == "none":
            return {}
        name = {"bearer": "token", "basic": "password", "header": "header_value"}[self.auth]
        value = getattr(self, name)
        if not value:
            raise ActionFailed(f"{PRODUCT}: for auth={self.auth} the setting {name} is missing; set it")
        if self.auth == "header":
            return headers_of({self.header_name: value}, ())
        return {"Authorization": f"Bearer {value}" if self.auth == "bearer" else f"Basic {self._basic}"}

    def ask(self, method: str, path: str, sent: Mapping[str, Any], accept: List[int], repeatable: bool = True) -> Answer:
        """The answer to a request below the url."""
        return self.http.request(
            method, below(path), accept=accept, repeatable=repeatable, html=self.accept_html, limit=self.largest_kb * 1024, **sent
        )

    @property
    def own(self) -> List[str]:
        """Headers that are the asset's."""
        return [self.header_name.lower()] if self.auth == "header" else []

    def content(self, data: Any, text: str, content_type: str, headers: Mapping[str, Any]) -> Dict[str, Any]:
        """What is sent: JSON, or text of a type."""
        if data and text:
            raise ActionFailed(f"{PRODUCT}: both data and text are given; give one of them")
        plain = headers_of(headers, [*self.own, "content-type"])
        if text:
            return {"data": text.encode(), "headers": {**plain, **headers_of({"Content-Type": content_type}, ())}}
        return {"json": data, "headers": plain}


@app.result
class Response:
    """What came back."""

    path: str = output("Path as asked")
    status: int = output("Status of the answer")
    data: Any = output("The body, if it is JSON", default=None)
    text: Optional[str] = output("The body, if it is anything else", default=None)
    headers: Dict[str, str] = output("Headers by their names in lower case, without cookies", default={})


def _response(path: str, answer: Answer) -> Response:
    headers = {name.lower(): value for name, value in answer.headers.items() if name.lower() not in HIDDEN}
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    is_json = bool(answer.content.strip()) and (kind.endswith("/json") or kind.endswith("+json"))
    data = answer.json() if is_json and answer.status < 300 else _json_or_nothing(answer) if is_json else None
    text = answer.text if answer.content and data is None and not is_json else None
    return Response(path=path, status=answer.status, data=data, text=text, headers=headers)


def _json_or_nothing(answer: Answer) -> Any:
    """Of a failure that was asked for, whatever it has."""
    try:
        return answer.json()
    except ActionFailed:
        return answer.text


def _reading(asset: Rest, query: Mapping[str, Any], headers: Mapping[str, Any]) -> Dict[str, Any]:
    return {"params": query_of(query), "headers": headers_of(headers, asset.own)}


@app.test
def connectivity(rest: Rest) -> str:
    """Gets the path that the asset names for this."""
    answer = rest.ask("GET", rest.test_path, {}, [])
    return f"{rest.url} answers with {_response(rest.test_path, answer).status}"


@app.action("get data", type="investigate")
def get_data(
    rest: Rest,
    path: str = param("Path below the url of the asset"),
    query: Dict[str, Any] = param("Parameters of the query", default={}),
    headers: Dict[str, Any] = param("Further headers", default={}),
    accept: List[int] = param("Statuses from 300 on that are no failure, such as 404", default=[]),
) -> Response:
    """Get what is at a path."""
    return _response(path, rest.ask("GET", path, _reading(rest, query, headers), accept))


@app.action("get headers", type="investigate")
def get_headers(
    rest: Rest,
    path: str = param("Path below the url of the asset"),
    query: Dict[str, Any] = param("Parameters of the query", default={}),
    headers: Dict[str, Any] = param("Further headers", default={}),
    accept: List[int] = param("Statuses from 300 on that are no failure, such as 404", default=[]),
) -> Response:
    """Get the headers of what is at a path, and not what is there."""
    return _response(path, rest.ask("HEAD", path, _reading(rest, query, headers), accept))


@app.action("post data", type="generic")
def post_data(
    rest: Rest,
    path: str = param("Path below the url of the asset"),
    data: Dict[str, Any] = param("What to send, as JSON", default={}),
    text: str = param("What to send instead, as text", default=""),
    content_type: str = param("What the text is", default="text/plain; charset=utf-8"),
    *,
    query: Dict[str, Any] = param("Parameters of the query", default={}),
    headers: Dict[str, Any] = param("Further headers", default={}),
    accept: List[int] = param("Statuses from 300 on that are no failure, such as 409", default=[]),
) -> Response:
    """Send something to a path."""
    sent = {**rest.content(data, text, content_type, headers), "params": query_of(query)}
    return _response(path, rest.ask("POST", path, sent, accept, repeatable=False))


@app.action("put data", type="generic", idempotent=True)
def put_data(
    rest: Rest,
    path: str = param("Path below the url of the asset"),
    data: Dict[str, Any] = param("What to put there, as JSON", default={}),
    text: str = param("What to put there instead, as text", default=""),
    content_type: str = param("What the text is", default="text/plain; charset=utf-8"),
    *,
    query: Dict[str, Any] = param("Parameters of the query", default={}),
    headers: Dict[str, Any] = param("Further headers", default={}),
    accept: List[int] = param("Statuses from 300 on that are no failure", default=[]),
) -> Response:
    """Put something at a path, in place of what is there."""
    sent = {**rest.content(data, text, content_type, headers), "params": query_of(query)}
    return _response(path, rest.ask("PUT", path, sent, accept))


@app.action("patch data", type="generic")
def patch_data(
    rest: Rest,
    path: str = param("Path below the url of the asset"),
    data: Dict[str, Any] = param("What to change, as JSON", default={}),
    text: str = param("What to send instead, as text", default=""),
    content_type: str = param("What the text is, such as application/json-patch+json", default="text/plain; charset=utf-8"),
    *,
    query: Dict[str, Any] = param("Parameters of the query", default={}),
    headers: Dict[str, Any] = param("Further headers", default={}),
    accept: List[int] = param("Statuses from 300 on that are no failure", default=[]),
) -> Response:
    """Change a part of what is at a path."""
    sent = {**rest.content(data, text, content_type, headers), "params": query_of(query)}
    return _response(path, rest.ask("PATCH", path, sent, accept, repeatable=False))


@app.action("delete data", type="generic", idempotent=True)
def delete_data(
    rest: Rest,
    path: str = param("Path below the url of the asset"),
    query: Dict[str, Any] = param("Parameters of the query", default={}),
    headers: Dict[str, Any] = param("Further headers", default={}),
    accept: List[int] = param("Statuses from 300 on that are no failure, beside 404 and 410", default=[]),
) -> Response:
    """Delete what is at a path. That nothing is there is no failure."""
    return _response(path, rest.ask("DELETE", path, _reading(rest, query, headers), [*accept, *GONE]))
