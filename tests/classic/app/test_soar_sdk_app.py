"""What a manifest and the code of an app written with splunk-soar-sdk may differ in, and what its library is handed."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest
from repertory_classic.app.soar_sdk_app import differences

if TYPE_CHECKING:
    from collections.abc import Callable


SAID = {
    "configuration": {"key": {"data_type": "password"}},
    "actions": [
        {"identifier": "look_up", "action": "look up", "type": "investigate", "read_only": True,
         "parameters": {"street": {"data_type": "string"}}},
    ],
}  # fmt: skip


def test_equal_descriptions_differ_in_nothing() -> None:
    reviewed = copy.deepcopy(SAID)
    reviewed["configuration"]["key"]["description"] = "only words"
    assert list(differences(reviewed, SAID, is_default=True)) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda it: it["configuration"].clear(), ["setting key is only in the manifest"]),
        (lambda it: it["configuration"].update(more={"data_type": "string"}), ["setting more is only in the code"]),
        (lambda it: it["configuration"]["key"].update(data_type="string"),
         ["setting key is password in the manifest, string in the code"]),
        (lambda it: it["actions"].clear(), ["action look_up is only in the manifest"]),
        (lambda it: it["actions"].append({**it["actions"][0], "identifier": "burn"}), ["action burn is only in the code"]),
        (lambda it: it["actions"][0].update(type="contain"), ["type of look_up is 'investigate' in the manifest, 'contain' in the code"]),
        (lambda it: it["actions"][0].update(action="see"), ["action of look_up is 'look up' in the manifest, 'see' in the code"]),
        (lambda it: it["actions"][0].update(read_only=False), ["read_only of look_up is True in the manifest, False in the code"]),
        (lambda it: it["actions"][0]["parameters"].update(n={"data_type": "numeric"}), ["parameter of look_up: n is only in the code"]),
    ],
)  # fmt: skip
def test_each_difference_is_named(change: Callable[[Any], object], said: list[str]) -> None:
    now = copy.deepcopy(SAID)
    change(now)
    assert list(differences(SAID, now, is_default=True)) == said


def test_what_the_code_does_not_say_is_not_compared() -> None:
    now = copy.deepcopy(SAID)
    now["actions"][0]["read_only"] = False
    assert list(differences(SAID, now, is_default=False)) == []
