"""Requests from outside to a connector: its REST handler and its webhook."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import Child, Start

CONNECTOR = '''
import grp, pwd
from django.http import Http404, HttpResponse, HttpResponseRedirect, JsonResponse

class LampConnector(BaseConnector):
    def handle_action(self, param):
        return self.add_action_result(ActionResult(param)).set_status(True)

def handle(request, path_parts):
    what = path_parts[1] if len(path_parts) > 1 else ""
    if what == "seen":
        return {
            "parts": path_parts, "path": request.path, "method": request.method, "get": request.GET, "all": request.GET.getlist("a"),
            "post": request.POST, "meta": {name: request.META[name] for name in ("HTTP_X_LAMP", "QUERY_STRING", "CONTENT_TYPE")},
            "header": request.headers["x-lamp"], "body": request.body.decode(), "uri": request.build_absolute_uri(), "user": request.user,
        }
    if what == "page":
        response = HttpResponse("<b>é</b>", status=201)
        response["X-Lamp"] = "on"
        response.set_cookie("lamp", "lit")
        return response
    if what == "elsewhere":
        return HttpResponseRedirect("https://x.example/y")
    if what == "json":
        return JsonResponse({"a": [1]})
    if what == "text":
        return "text"
    if what == "bytes":
        return b"\\x00\\xff"
    if what == "missing":
        raise Http404("no")
    if what == "broken":
        raise ValueError("dark")
    if what == "leaves":
        raise SystemExit(1)
    if what == "owner":
        os.chown(os.path.abspath(__file__), pwd.getpwnam("apache").pw_uid, grp.getgrnam("phantom").gr_gid)
        return "given"
    if what == "save":
        connector = LampConnector()
        good, said, number = connector.save_container({"name": "asked", "source_data_identifier": "s1", "artifacts": [{"cef": {"x": 1}}]})
        open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "12_state.json"), "w").write("code")
        return [good, said, connector.get_asset_id(), connector.get_config()["bulb"]]
    return None
'''
WEBHOOK = '''
import json
import urllib.request

def hook(method, headers, path_parts, query, body, asset, soar_rest_client):
    if body == "bad":
        return "no dictionary"
    if body == "save":
        sent = json.dumps({"name": "told", "source_data_identifier": "h1"}).encode()
        made = json.load(urllib.request.urlopen(urllib.request.Request(soar_rest_client.base_url + "/container", sent)))
        return {"status_code": 202, "headers": [("X-Made", "yes")], "content": json.dumps(made)}
    told = [method, headers, path_parts, query, body, asset["bulb"], soar_rest_client.asset_id.isdigit()]
    return {"status_code": 200, "headers": [], "content": json.dumps(told)}
'''
STAND_IN = "class Session:\n    def __init__(self):\n        self.headers = {}\n"
MANIFEST: dict[str, Any] = {
    "rest_handler": "lamp_connector.handle",
    "webhook": {
        "handler": "lamp_webhook.hook", "allowed_headers": ["X-Lamp"],
        "routes": [{"url_pattern": "", "allowed_methods": ["POST"]}, {"url_pattern": "items/<id>", "allowed_methods": ["GET"]}],
    },
}  # fmt: skip


def begin(start: Start, path: Path | None = None, **more: Any) -> Child:
    files = {"lamp_webhook.py": WEBHOOK, "requests.py": STAND_IN}
    return start(CONNECTOR, {"bulb": "led"}, purpose="requests", files=files, path=path, **{**MANIFEST, **more})


def body_of(answer: dict[str, Any]) -> bytes:
    return base64.b64decode(answer["response"]["body"])


@pytest.fixture(params=["stand-in", "real"])
def lamp(start: Start, request: pytest.FixtureRequest) -> Child:
    """With the few names of Django that are there without it, and with the real one."""
    return begin(start, request.getfixturevalue("django") if request.param == "real" else None)


def test_a_handler_sees_the_request(start: Start) -> None:
    answer = begin(start).web(
        path="seen/a b", method="post", query={"a": ["1", "2"], "b": ["é"]}, body=b"c=3&d=",
        headers={"x-lamp": "on", "content-type": "application/x-www-form-urlencoded", "host": "here.example"},
    )  # fmt: skip


    seen = json.loads(body_of(answer))
    where = "/rest/handler/lamppost_2f9b5c1e-6a83-4d0f-9c57-11b0c4e3a7d2/street/seen/a b"
    assert seen == {
        "parts": ["street", "seen", "a b"], "path": where, "method": "POST", "get": {"a": "2", "b": "é"}, "all": ["1", "2"],
        "post": {"c": "3", "d": ""}, "header": "on", "body": "c=3&d=", "uri": f"https://here.example{where}?a=1&a=2&b=%C3%A9", "user": None,
        "meta": {"HTTP_X_LAMP": "on", "QUERY_STRING": "a=1&a=2&b=%C3%A9", "CONTENT_TYPE": "application/x-www-form-urlencoded"},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("path", "status", "kind", "body"),
    [
        ("page", 201, "text/html; charset=utf-8", "<b>é</b>".encode()),
        ("json", 200, "application/json", b'{"a": [1]}'),
        ("text", 200, "text/html; charset=utf-8", b"text"),
        ("bytes", 200, "application/octet-stream", b"\x00\xff"),
        ("missing", 404, "text/plain; charset=utf-8", b"there is nothing under this address"),
        ("broken", 500, "text/plain; charset=utf-8", b"the app could not answer"),
        ("leaves", 500, "text/plain; charset=utf-8", b"the app could not answer"),
        ("owner", 200, "text/html; charset=utf-8", b"given"),
        ("", 200, None, b""),
    ],
)
def test_whatever_a_handler_returns_is_a_response(lamp: Child, path: str, status: int, kind: str | None, body: bytes) -> None:
    answer = lamp.web(path=path)
    headers = dict(answer["response"]["headers"])
    assert (answer["response"]["status"], headers.get("Content-Type"), body_of(answer)) == (status, kind, body)
    assert ("problem" in answer) == (status == 500)


def test_headers_and_cookies_of_a_response(lamp: Child) -> None:
    headers = lamp.web(path="page")["response"]["headers"]
    assert ["X-Lamp", "on"] in headers
    assert [value.split(";")[0] for name, value in headers if name == "Set-Cookie"] == ["lamp=lit"]
    away = lamp.web(path="elsewhere")["response"]
    assert (away["status"], dict(away["headers"])["Location"]) == (302, "https://x.example/y")


def test_what_goes_wrong_is_told_to_us_alone(start: Start) -> None:
    answer = begin(start).web(path="broken")
    assert answer["problem"].startswith("ValueError: dark (lamp_connector.py, line ")
    assert b"dark" not in body_of(answer)


def test_what_a_handler_saves_is_found(start: Start) -> None:
    lamp = begin(start)
    answer = lamp.web(path="save", state={"seen": 1})
    assert b'"Container(s) successfully created"' in body_of(answer)
    assert b'"led"]' in body_of(answer)
    assert [(event["name"], event["source"], event["source_id"]) for event in answer["events"]] == [("asked", "street", "s1")]
    assert answer["state"] == {"seen": 1, "files beside the code": {"12_state.json": "code"}}
    assert lamp.web(path="text")["events"] == []


def test_a_webhook_is_told_what_it_may_know(start: Start) -> None:
    answer = begin(start).web("webhook", "GET", "items/7", b"x", query={"a": ["1"]}, headers={"x-lamp": "on", "Cookie": "no"})
    assert body_of(answer) == b'["GET", {"x-lamp": "on"}, ["items", "7"], {"a": ["1"]}, "x", "led", true]'


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "", 405), ("GET", "items/7/8/9", 404), ("POST", "items/7", 405), ("POST", "", 200)])
def test_only_declared_routes_are_answered(start: Start, method: str, path: str, status: int) -> None:
    assert begin(start).web("webhook", method, path)["response"]["status"] == status


def test_a_webhook_saves_by_the_platforms_interface(start: Start) -> None:
    answer = begin(start).web("webhook", "POST", body=b"save")
    assert (answer["response"]["status"], answer["response"]["headers"]) == (202, [["X-Made", "yes"]])
    assert [event["source_id"] for event in answer["events"]] == ["h1"]


def test_a_webhook_that_answers_nonsense(start: Start) -> None:
    answer = begin(start).web("webhook", "POST", body=b"bad")
    assert (answer["response"]["status"], answer["problem"]) == (500, "ValueError: the webhook returned no dictionary")


def test_without_a_handler_there_is_no_answer(start: Start) -> None:
    answer = begin(start, rest_handler="").web(path="text")
    assert (answer["response"]["status"], answer["problem"]) == (500, "LookupError: the app has nothing that answers requests")
