"""The common vocabulary: itself in order, and what does not keep to it is told."""

from __future__ import annotations

import pytest

from repertory_sdk.manifest import ActionManifest, DataPath, Parameter
from repertory_sdk.models import ACTION_TYPES
from repertory_sdk.vocabulary import CONTAINS, WORDS, shortcomings

KEEPING = ActionManifest(
    name="ip reputation",
    type="investigate",
    read_only=True,
    parameters=[Parameter("ip", {}, contains=["ip"]), Parameter("days", {}, required=False, default=90)],
    outputs=[DataPath("ip", contains=["ip"]), DataPath("verdict"), DataPath("more")],
)


def changed(**fields):
    return ActionManifest(**{**{name: getattr(KEEPING, name) for name in KEEPING.__dataclass_fields__}, **fields})


@pytest.mark.parametrize("word", WORDS.values(), ids=lambda word: word.name)
def test_words_are_in_order(word):
    assert word.type in ACTION_TYPES
    assert word.summary.endswith(".")
    assert not word.undo or WORDS[word.undo].parameters == word.parameters
    assert {kind for kind in (*word.parameters.values(), *word.outputs.values()) if kind} <= set(CONTAINS)


def test_what_keeps_to_it_has_no_shortcoming():
    assert list(shortcomings(KEEPING)) == []
    assert list(shortcomings(changed(name="polish shoes", parameters=[]))) == []


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"parameters": [Parameter("address", {}, contains=["ip"])]}, "its parameter ip is missing"),
        ({"parameters": [Parameter("ip", {})]}, "its parameter ip does not contain 'ip'"),
        ({"parameters": [*KEEPING.parameters, Parameter("key", {})]}, "its parameter key has no default"),
        ({"outputs": [DataPath("ip", contains=["ip"])]}, "its data path verdict is missing"),
        ({"read_only": False}, "it has to be read-only"),
        ({"type": "generic"}, "its type is generic"),
    ],
)
def test_shortcomings_are_told(fields, said):
    assert any(problem.startswith(said) for problem in shortcomings(changed(**fields)))


def test_a_place_below_a_list_counts_for_the_list():
    outputs = [DataPath(f"services[].{name}", contains=["port"]) for name in ("port", "protocol", "product")]
    told = list(shortcomings(changed(name="lookup host", outputs=[*KEEPING.outputs, *outputs])))
    assert not any("services" in problem for problem in told)
