"""The order of a connector's hooks, what is validated, and what results come to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import Start

TEXT = {"data_type": "string", "order": 0}
CALLS = '''
class LampConnector(BaseConnector):
    def initialize(self):
        print("initialize", flush=True)
        return INITIALIZED if self.get_action_identifier() == "refuse" else None

    def handle_action(self, param):
        result = self.add_action_result(ActionResult(dict(param)))
        result.set_status(phantom.APP_SUCCESS, "done")
        if self.get_action_identifier() == "break":
            raise ValueError("no {bulb}")
        if self.get_action_identifier() == "leave":
            raise SystemExit("enough")
        if self.get_action_identifier() == "two":
            self.add_action_result(ActionResult()).set_status(phantom.APP_ERROR, "the other")
        if self.get_action_identifier() == "none":
            self.remove_action_result(result)
            self.set_status_save_progress(phantom.APP_SUCCESS, "lit")
        if self.get_action_identifier() == "unknown":
            self.remove_action_result(result)
            return self.unknown_action()

    def handle_exception(self, exception):
        print("handle_exception", flush=True)

    def finalize(self):
        print("finalize", flush=True)
'''


@pytest.mark.parametrize(
    ("action", "status", "message", "printed"),
    [
        ("two", "succeeded", "1 of 2 action(s) succeeded", "initialize finalize"),
        ("none", "succeeded", "lit", "initialize finalize"),
        ("unknown", "failed", "Action 'unknown' is not supported", "initialize finalize"),
        ("break", "failed", "no {bulb}", "initialize handle_exception finalize"),
        ("leave", "failed", "called exit('enough')", "initialize handle_exception finalize"),
    ],
)
def test_every_ending_is_a_result(start: Start, action: str, status: str, message: str, printed: str) -> None:
    lamp = start(CALLS, actions={action: {}})
    answer = lamp.act(action)
    assert (answer["status"], answer["message"]) == (status, message)
    hooks = {"initialize", "handle_exception", "finalize"}
    assert [line for line in lamp.output.read_text().split() if line in hooks] == printed.split()
    assert lamp.act(action)["status"] == status  # the process goes on


@pytest.mark.parametrize(
    ("refusal", "message"),
    [("self.set_status(phantom.APP_ERROR, 'no bulb')", "no bulb"), ("False", "The connector could not be initialized")],
)
def test_initialize_may_refuse(start: Start, refusal: str, message: str) -> None:
    lamp = start(CALLS.replace("INITIALIZED", refusal), actions={"refuse": {}})
    answer = lamp.act("refuse")
    assert (answer["status"], answer["message"], answer["data"]) == ("failed", message, [])
    assert lamp.output.read_text().split() == ["initialize", "finalize"]


CHECKED = """
class LampConnector(BaseConnector):
    def initialize(self):
        if self.get_config().get("own"):
            self.set_validator("ipv6", lambda value: value.startswith("fe80"))
            self.set_validator("domain", None)
        return phantom.APP_SUCCESS

    def handle_action(self, param):
        return self.add_action_result(ActionResult(param)).set_status(phantom.APP_SUCCESS, "in")
"""


@pytest.mark.parametrize(
    ("contains", "value", "own", "accepted"),
    [
        (["email", "user name"], "bob", False, True),
        (["email"], "bob", False, False),
        (["email"], "bob@example.com", False, True),
        (["ip", "ipv6"], "::1", False, True),
        (["ip", "ipv6"], "::1", True, False),
        (["ip", "ipv6"], "fe80::1", True, True),
        (["domain"], "a@b", False, False),
        (["domain"], "a@b", True, True),
        (["ip"], "198.51.100.7,198.51.100.300", False, False),
        (["ip"], "198.51.100.7, 198.51.100.8", False, True),
        ([], "anything", False, True),
        (["ip"], "", False, True),
    ],
)
def test_types_of_parameters(start: Start, contains: list[str], value: str, own: bool, accepted: bool) -> None:
    field = {**TEXT, "contains": contains, "allow_list": True}
    answer = start(CHECKED, {"own": own}, actions={"look up": {"p": field}}).act("look up", {"p": value})
    wanted = ("succeeded", "in") if accepted else ("failed", "Parameter 'p' failed validation")
    assert (answer["status"], answer["message"]) == wanted


@pytest.mark.parametrize("parameters", [{}, {"p": None}, {"p": ""}])
def test_required_parameters(start: Start, parameters: dict[str, Any]) -> None:
    field = {**TEXT, "required": True, "default": "x"}
    answer = start(CHECKED, actions={"look up": {"p": field}}).act("look up", parameters)
    assert (answer["status"], answer["message"]) == ("failed", "Parameter 'p' is required and was not given")


def test_unusual_values_become_json(start: Start) -> None:
    lamp = start("""
        class LampConnector(BaseConnector):
            def handle_action(self, param):
                result = self.add_action_result(ActionResult(param))
                result.add_data({"nan": float("nan"), 1: b"x", "set": {1}, "half": "\\ud800"})
                result._ActionResult__data = [*result.get_data(), "more"]
                return result.set_status(phantom.APP_SUCCESS, "{{x}} {0} {method}", None, 5, method="GET")
    """)  # fmt: skip
    answer = lamp.act("look up")
    assert answer["data"] == [{"nan": None, "1": "b'x'", "set": [1], "half": "?"}, {"value": "more"}]
    assert answer["message"] == "{x} 5 GET"


def test_what_cannot_be_loaded_is_said(start: Start) -> None:
    cases = [
        ({"source": "import nothing_of_that_name"}, "nothing_of_that_name"),
        ({"source": "bulb = 1"}, "no class that derives from BaseConnector"),
        ({"source": "", "main_module": "other.py"}, "other.py, which is not there"),
        ({"source": "", "main_module": "src.app:app"}, "names the main module src.app:app, which is not there"),
        ({"source": "class A(BaseConnector):\n    def __init__(self):\n        raise OSError('no bulb')"}, "no bulb"),
    ]
    for case, said in cases:
        message = start(**case, ready=False).read()
        assert message["op"] == "failed"
        assert said in message["message"]


def test_constructors_know_their_context(start: Start) -> None:
    lamp = start("""
        class LampConnector(BaseConnector):
            def __init__(self):
                super().__init__()
                self.config, self.state, self.status, self.asset_id = 1, 2, 3, self.get_asset_id()
                self.known = [self.get_app_json()["app_version"], self.get_app_config(), self.asset_id.isalnum()]

            def handle_action(self, param):
                self.add_action_result(ActionResult(param)).set_status(phantom.APP_SUCCESS, str(self.known))
    """)  # fmt: skip
    assert lamp.act("look up")["message"] == "['1.2.3', {}, True]"


def test_actions_that_the_manifest_does_not_have(start: Start) -> None:
    lamp = start(CHECKED)
    assert lamp.act("test connectivity")["message"] == "nothing to test"
    assert lamp.act("dance")["message"] == "the app's manifest has no action 'dance'"
