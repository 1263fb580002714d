"""The platform's REST interface, as connectors call it back from their own process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import Start

CALLER = '''
import urllib.error
import urllib.request

def call(way, body=None, method=None):
    url = BaseConnector._get_phantom_base_url() + way
    data = None if body is None else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, method=method)) as answer:
            raw = answer.read()
            return [answer.status, json.loads(raw) if "json" in answer.headers["Content-Type"] else [raw.decode(), str(answer.headers)]]
    except urllib.error.HTTPError as error:
        return [error.code, json.loads(error.read())]

class LampConnector(BaseConnector):
    def handle_action(self, param):
        result = self.add_action_result(ActionResult(param))
        for each in param["calls"]:
            result.add_data({"it": call(*each)})
        return result.set_status(phantom.APP_SUCCESS, self.get_phantom_base_url())
'''
EVENT = {"id": 5, "name": "Dark", "label": "lamps", "severity": "high"}
ALARM = {"name": "n", "source_data_identifier": "s", "artifacts": [{"cef": {"x": 1}}]}


@pytest.fixture
def calls(start: Start) -> Any:
    lamp = start(CALLER, {"bulb": "s3cret", "street": "Elm"}, configuration={"bulb": {"data_type": "password"}})

    def do(*several: Any) -> list[Any]:
        answer = lamp.act("look up", {"calls": list(several)}, event=EVENT)
        assert answer["status"] == "succeeded", answer
        assert answer["message"].startswith("http://127.0.0.1:") and answer["message"].endswith("/")
        return [row["it"] for row in answer["data"]]

    return do


def test_containers(calls: Any) -> None:
    own, made, again, listed, changed, missing, artifacts = calls(
        ["//rest/container/5"], ["rest/container", ALARM], ["rest/container/", ALARM],
        ["rest/container?_filter_name__icontains=%22N%22&_filter_severity=%22medium%22"],
        ["rest/container/5", {"status": "open"}], ["rest/container/77"], ["rest/container/6/artifacts"],
    )  # fmt: skip
    assert (own[1]["name"], own[1]["severity"]) == ("Dark", "high")
    assert made == [200, {"success": True, "id": 6, "new_artifact_ids": [1]}]
    assert again[0] == 400 and again[1]["message"].startswith("duplicate") and again[1]["existing_container_id"] == 6
    assert [each["id"] for each in listed[1]["data"]] == [6]
    assert changed == [200, {"success": True, "id": 5, "new_artifact_ids": []}]
    assert missing == [404, {"success": False, "failed": True, "message": "there is no container 77"}]
    assert artifacts[1]["count"] == 1


def test_what_containers_can_be(calls: Any) -> None:
    ((status, options),) = calls(["rest/container_options"])
    assert status == 200
    assert [(each["name"], each["status_type"]) for each in options["status"]] == [("new", "new"), ("open", "open"), ("closed", "resolved")]


def test_artifacts(calls: Any) -> None:
    artifact = {"container_id": 5, "name": "a", "cef": {"x": 1}}
    made, again, listed, dropped, empty, stray = calls(
        ["rest/artifact", artifact], ["rest/artifact", artifact], ["rest/artifact?_filter_container=5&page_size=0"],
        ["rest/artifact/1", None, "DELETE"], ["rest/artifact?page=0"], ["rest/artifact", {"container_id": 99}],
    )  # fmt: skip
    assert made == [200, {"success": True, "id": 1}]
    assert again[0] == 400 and again[1]["message"].endswith("already exists")
    assert listed[1]["data"][0]["cef"] == {"x": 1}
    assert dropped[1]["success"] and empty[1]["count"] == 0
    assert stray == [400, {"success": False, "failed": True, "message": "there is no container 99"}]


def test_what_the_platform_says_of_itself(calls: Any) -> None:
    version, system, assets, severities, login, unknown, wrong = calls(
        ["//rest/version"], ["rest/system_info"], ["rest/asset?_filter_name=%22street%22"], ["rest/severity"],
        ["//login"], ["rest/rocket"], ["rest/severity?page=x"],
    )  # fmt: skip
    assert version[1]["version"] and system[1]["base_url"].startswith("http")
    assert assets[1]["data"][0]["configuration"]["street"] == "Elm"
    assert "bulb" not in assets[1]["data"][0]["configuration"]
    assert [each["name"] for each in severities[1]["data"] if each["is_default"]] == ["medium"]
    assert "csrftoken=" in login[1][1]
    assert (unknown[0], unknown[1]["failed"]) == (404, True)
    assert wrong == [400, {"success": False, "failed": True, "message": "page is not a number"}]


def test_lists(calls: Any) -> None:
    made, rows, text = calls(
        ["rest/decided_list", {"name": "lamps", "content": [["a", "b"]]}], ["rest/decided_list/lamps"],
        ["rest/decided_list/1/formatted_content?_output_format=csv"],
    )  # fmt: skip
    assert made[1] == {"success": True, "id": 1}
    assert rows[1]["content"] == [["a", "b"]]
    assert text[1][0] == "a,b\n"


RAW = """
import socket
from urllib.parse import urlsplit

class LampConnector(BaseConnector):
    def handle_action(self, param):
        result = self.add_action_result(ActionResult(param))
        parts = urlsplit(self.get_phantom_base_url())
        for timeout in (None, 5):
            with socket.create_connection((parts.hostname, parts.port), timeout) as caller:
                caller.sendall(b"GET /rest/version HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n")
                result.add_data(caller.makefile("rb").read().decode())
        return result.set_status(phantom.APP_SUCCESS)
"""


@pytest.mark.parametrize("dialled", [False, True])
def test_it_answers_whoever_connects_for_the_app(start: Start, dialled: bool) -> None:
    answer = start(RAW, dialled=dialled).act("look up")
    assert answer["status"] == "succeeded", answer
    assert [row["value"].endswith('{"version": "6.4.1"}') for row in answer["data"]] == [True, True]
