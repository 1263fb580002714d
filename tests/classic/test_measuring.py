"""What is measured is judged as a person would."""

from __future__ import annotations

import pytest

from classic.measuring.generated import NOWHERE, parameters_for, settings_for
from classic.measuring.verdicts import judge

TRACE = """\
Traceback (most recent call last):
  File "/x/apps/lamp_1/lamp_connector.py", line 7, in handle_action
    self.look(param)
  File "{file}", line 9, in look
    raise
{error}
"""
OWN = "/x/apps/lamp_1/lamp_connector.py"


@pytest.mark.parametrize(
    ("message", "printed", "verdict"),
    [
        ("Error connecting to the lamp", "", "own"),
        ("Error connecting to the lamp", TRACE.format(file=OWN, error="KeyError: 'bulb'"), "own"),
        ("'bulb'", TRACE.format(file=OWN, error="KeyError: 'bulb'"), "raised"),
        ("refused", TRACE.format(file=OWN, error="requests.exceptions.ConnectionError: refused"), "own"),
        ("'bulb'", TRACE.format(file="/x/site/phantom/app.py", error="KeyError: 'bulb'"), "ours"),
        ("cannot import name 'is_lamp' from 'phantom.utils'", "", "ours"),
        ("no; lamp wanted lamps.example.test:22, which it never declared", "", "ours"),
        ("Parameter 'street' failed validation", "", "ours"),
        ("Parameter street failed validation", "", "own"),
        ("no answer within 20 s", "", "slow"),
    ],
)
def test_whose_an_outcome_is(message: str, printed: str, verdict: str) -> None:
    assert judge("failed", message, printed).verdict == verdict


def test_values_are_those_that_the_manifest_gives_or_wants() -> None:
    fields = {
        "street": {"data_type": "string", "required": True, "contains": ["ip"]}, "many": {"data_type": "numeric", "default": "7"},
        "bulb": {"data_type": "string", "value_list": ["red", "blue"]}, "hostname": {"data_type": "string", "required": True},
        "free": {"data_type": "string"}, "known": {"data_type": "string"}, "report": {"data_type": "string", "required": True},
    }  # fmt: skip
    output = [{"data_path": "action_result.parameter.known", "example_values": ["", "like this"]}]
    assert parameters_for({"parameters": fields, "output": output}, "0" * 40) == {
        "street": "198.51.100.7", "many": 7, "bulb": "red", "hostname": NOWHERE, "known": "like this", "report": "value",
    }  # fmt: skip


def test_of_ways_to_log_in_one_is_taken() -> None:
    secret = {"data_type": "password"}
    made = settings_for({"configuration": {"base_url": {"data_type": "string"}, "password": secret, "api_token": secret, "proxy_password": secret}})
    assert sorted(made) == ["base_url", "password"]
