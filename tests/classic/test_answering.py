"""Requests from outside, answered by installed connectors: isolated, with what they save kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from commands.user import User
from content.builders import Repository
from content.classic_content import MANIFEST
from repertory.commands._session import HomeLibrary
from repertory.errors import UserError
from repertory.runtime.execution.answering import Answering, HttpRequest, answering
from repertory.runtime.execution.endpoints import Endpoint, endpoints_of
from repertory.runtime.storage.database import open_database
from repertory.settings import load_settings

CONNECTOR = '''\
import json
import os
import urllib.request
from django.http import HttpResponse
import phantom.app as phantom
import phantom.rules as rules
from phantom.action_result import ActionResult
from phantom.base_connector import BaseConnector
from phantom.vault import Vault

STATE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "code_state.json")


class FeedsConnector(BaseConnector):
    def handle_action(self, param):
        result = self.add_action_result(ActionResult(dict(param)))
        result.add_data({"code": open(STATE).read() if os.path.exists(STATE) else None})
        return result.set_status(phantom.APP_SUCCESS)


def handle(request, path_parts):
    what = path_parts[1]
    if what == "code":
        with open(STATE, "w") as file:
            file.write(request.GET["code"])
        return HttpResponse("close this window")
    if what == "save":
        connector = FeedsConnector()
        number = connector.save_container({"name": "asked", "source_data_identifier": "s1", "artifacts": [{"cef": {"ip": "192.0.2.1"}}]})[2]
        Vault.create_attachment("mail", number, "mail.eml")
        rules.add_note(container=number, title="asked", content="by " + request.method)
        rules.set_list("asked", [[request.body.decode()]])
        rules.add_note(container=4711, title="lost", content="x")
        return {"number": number}
    if what == "token":
        print("the token is " + FeedsConnector().get_config()["token"])
        raise ValueError("not with " + FeedsConnector().get_config()["token"])
    if what == "peek":
        return open(request.GET["file"]).read()
    if what == "split":
        response = HttpResponse("x")
        response.headers["X-Good"] = "a"
        response.headers["X Bad"] = "a"
        return response
    os._exit(4)


def hook(method, headers, path_parts, query, body, asset, soar_rest_client):
    return {"status_code": 204, "headers": [], "content": ""}
'''


def manifest() -> dict[str, Any]:
    action = {**MANIFEST["actions"][0], "parameters": {}, "output": []}
    token = {"token": {"data_type": "password", "required": True}}
    return {
        **MANIFEST, "actions": [action], "configuration": token, "package_name": "phantom_feeds", "rest_handler": "feeds_connector.handle",
        "require_auth_token": False, "webhook": {"handler": "feeds_connector.hook", "ip_allowlist": ["192.0.2.0/24"]},
    }  # fmt: skip


@pytest.fixture
def analyst(newcomer: User, tmp_path: Path) -> User:
    """Has a connector that answers, with an asset, and one that does not."""
    plain = {**manifest(), "package_name": "phantom_silent", "rest_handler": "", "webhook": None, "appid": "0b4d64e1-4f32-4a0e-9f0b-9e1c4c3c0a22"}
    files = {
        "feeds/feeds.json": json.dumps(manifest()), "feeds/feeds_connector.py": CONNECTOR, "silent/silent.json": json.dumps(plain),
        "silent/feeds_connector.py": CONNECTOR,
    }  # fmt: skip
    Repository(tmp_path / "classic").write(files).commit()
    newcomer.done("repo", "add", "phantom", str(tmp_path / "classic"), "--sync")
    (newcomer.home / "config.toml").write_text('install.allow = "anything"\n')
    newcomer.done("install", "phantom/feeds", "phantom/silent", "--yes")
    newcomer.environment["TOKEN"] = "treasure"
    newcomer.done("asset", "add", "feeds", "phantom/feeds", "token=env:TOKEN")
    newcomer.done("asset", "add", "silent", "phantom/silent", "token=env:TOKEN")
    return newcomer


@pytest.fixture
def outside(analyst: User, monkeypatch: pytest.MonkeyPatch) -> Iterator[Answering]:
    """Whoever has a server."""
    monkeypatch.setenv("TOKEN", "treasure")
    settings = load_settings(analyst.home)
    database = open_database(settings)
    with answering(settings, database, HomeLibrary(settings.home)) as made:
        yield made
    database.close()


def ask(outside: Answering, *path: str, method: str = "GET", body: bytes = b"", **query: str) -> Any:
    return outside.answer(
        "feeds", "handler", HttpRequest(method=method, path=path, query={name: [value] for name, value in query.items()}, body=body)
    )


def test_what_is_declared_can_be_asked(outside: Answering) -> None:
    installed = HomeLibrary(outside.settings.home).installed().apps
    assert endpoints_of(installed["phantom/feeds"]) == [
        Endpoint(kind="handler", needs_token=False), Endpoint(kind="webhook", networks=["192.0.2.0/24"]),
    ]  # fmt: skip
    assert endpoints_of(installed["phantom/silent"]) == []
    assert outside.answer("feeds", "webhook", HttpRequest(method="POST")).status == 204
    with pytest.raises(UserError, match="phantom/silent has no handler that could be asked"):
        outside.answer("silent", "handler", HttpRequest(method="GET"))


def test_what_a_handler_leaves_is_found_by_an_action(outside: Answering, analyst: User) -> None:
    answer = ask(outside, "code", code="c0de")
    assert (answer.status, answer.body) == (200, b"close this window")
    record = analyst.asked("act", "phantom/feeds", "ip reputation")
    assert record["actions"][0]["results"][0]["data"] == [{"code": "c0de"}]


def test_what_it_saves_is_kept(outside: Answering, analyst: User) -> None:
    answer = ask(outside, "save", method="POST", body=b"row")
    assert (answer.status, [(event.name, event.is_new) for event in answer.events]) == (200, [("asked", True)])
    assert answer.lost == ["a note on container 4711, which nobody here knows"]
    shown = analyst.asked("event", "show", str(answer.events[0].id))
    assert [artifact["cef"] for artifact in shown["artifacts"]] == [{"ip": "192.0.2.1"}]
    assert [(note["title"], note["text"]) for note in shown["notes"]] == [("asked", "by POST")]
    assert [file["name"] for file in shown["attachments"]] == ["mail.eml"]
    assert outside.database.query("select list, cells from list_row")[0]["cells"] == '["row"]'
    assert [event.is_new for event in ask(outside, "save").events] == [False]


def test_secrets_are_not_in_what_is_told(outside: Answering) -> None:
    answer = ask(outside, "token")
    assert (answer.status, answer.body) == (500, b"the app could not answer")
    assert "the token is ***" in answer.printed
    assert answer.problem.startswith("ValueError: not with *** (feeds_connector.py, line ")


def test_a_process_that_ends_is_a_bad_gateway(outside: Answering) -> None:
    answer = ask(outside, "end")
    assert (answer.status, "exit status 4" in answer.problem) == (502, True)
    assert ask(outside, "code", code="x").status == 200


def test_headers_that_are_none_are_left_out(outside: Answering) -> None:
    headers = dict(ask(outside, "split").headers)
    assert (headers["X-Good"], "X Bad" in headers) == ("a", False)


def test_a_handler_reads_nothing_that_it_did_not_declare(outside: Answering, analyst: User) -> None:
    (analyst.folder / "secret.txt").write_text("treasure chest")
    answer = ask(outside, "peek", file=str(analyst.folder / "secret.txt"))
    assert (answer.status, b"chest" in answer.body) == (500, False)
