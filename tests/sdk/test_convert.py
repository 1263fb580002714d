"""Type hints, JSON values and JSON Schema fragments."""

# ruff: noqa: UP006, UP007, UP035, UP045 - the spellings of older Pythons are what is tested
from __future__ import annotations

import json
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Dict, FrozenSet, List, Literal, Optional, Set, Tuple, Union

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repertory_sdk.convert import Secret, conform, from_json, from_text, is_optional, is_secret, schema_of, to_json
from repertory_sdk.errors import ConversionError
from repertory_sdk.models import Artifact, Attachment, Event, Result

quick = settings(database=None, max_examples=40, deadline=None)


@dataclass(frozen=True)
class Owner:
    name: str
    since: Optional[int] = None


@dataclass(frozen=True)
class Record:
    address: str
    owners: List[Owner] = field(default_factory=list)
    by_name: Mapping[str, Owner] = field(default_factory=dict)
    verdict: Literal["malicious", "benign"] = "benign"
    score: float = 0.0
    tags: FrozenSet[str] = frozenset()
    numbers: Tuple[int, ...] = ()
    seen: Set[int] = field(default_factory=set)
    either: Union[int, str, None] = None
    anything: Any = None


TEXT = st.text(max_size=5)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3), max_leaves=4
)
OWNERS = st.builds(Owner, TEXT, st.none() | st.integers())
RECORDS = st.builds(
    Record,
    address=TEXT,
    owners=st.lists(OWNERS, max_size=2),
    by_name=st.dictionaries(TEXT, OWNERS, max_size=2),
    verdict=st.sampled_from(["malicious", "benign"]),
    score=st.floats(allow_nan=False, allow_infinity=False),
    tags=st.frozensets(TEXT, max_size=2),
    numbers=st.lists(st.integers(), max_size=2).map(tuple),
    seen=st.sets(st.integers(), max_size=2),
    either=st.none() | st.integers() | TEXT,
    anything=JSON,
)
WORDS = st.lists(TEXT, max_size=2).map(tuple)
ARTIFACTS = st.builds(
    Artifact,
    name=TEXT,
    cef=st.dictionaries(TEXT, JSON, max_size=2),
    contains=st.dictionaries(TEXT, WORDS, max_size=2),
    tags=WORDS,
    id=st.integers(0),
)
EVENTS = st.builds(
    Event,
    TEXT,
    artifacts=st.lists(ARTIFACTS, max_size=2).map(tuple),
    labels=WORDS,
    tags=WORDS,
    happened_at=st.floats(0, 4e9),
    case=st.booleans(),
)
RESULTS = st.builds(
    Result,
    st.sampled_from(["succeeded", "failed"]),
    data=st.lists(st.dictionaries(TEXT, JSON, max_size=2), max_size=2).map(tuple),
    summary=st.dictionaries(TEXT, JSON, max_size=2),
    attachments=st.lists(st.builds(Attachment, TEXT, TEXT, st.integers(0)), max_size=2).map(tuple),
)


@quick
@given(RECORDS | EVENTS | RESULTS)
def test_records_survive_json(record: Any) -> None:
    assert from_json(type(record), json.loads(json.dumps(to_json(record)))) == record


@pytest.mark.parametrize(
    ("hint", "value", "expected"),
    [
        (str, "a", "a"),
        (int, 3, 3),
        (float, 3, 3.0),
        (bool, True, True),
        (type(None), None, None),
        (Any, {"a": [1]}, {"a": [1]}),
        (Optional[int], None, None),
        (Union[int, str], "a", "a"),
        (Union[Owner, str], {"name": "me"}, Owner("me")),
        (Literal["a", 1, None], 1, 1),
        (Literal["a", None], None, None),
        (List[int], [1, 2], [1, 2]),
        (list, [1, "a"], [1, "a"]),
        (Sequence[int], [1, 2], (1, 2)),
        (typing.Sequence[str], ["a"], ("a",)),
        (Tuple[int, ...], [1], (1,)),
        (Set[int], [1, 1], {1}),
        (set, [1], {1}),
        (FrozenSet[str], ["a"], frozenset("a")),
        (Dict[str, float], {"a": 1}, {"a": 1.0}),
        (dict, {"a": 1}, {"a": 1}),
        (Secret, "a", Secret("a")),
    ],
)
def test_from_json(hint: Any, value: Any, expected: Any) -> None:
    made = from_json(hint, value)
    assert made == expected
    assert type(made) is type(expected)


@pytest.mark.parametrize(
    ("hint", "value", "said"),
    [
        (str, 1, "must be a string, not 1"),
        (int, True, "must be an integer, not true"),
        (int, "1", 'must be an integer, not "1"'),
        (int, 1.0, "must be an integer, not 1.0"),
        (float, float("nan"), "must be a number, not NaN"),
        (float, float("inf"), "must be a number, not Infinity"),
        (float, False, "must be a number, not false"),
        (bool, 1, "must be a boolean, not 1"),
        (str, None, "must be a string, not null"),
        (str, [1], "must be a string, not an array"),
        (str, "x" * 5, None),
        (int, "x" * 100, f'must be an integer, not "{"x" * 56}…'),
        (List[int], {"a": 1}, "must be an array, not an object"),
        (List[int], [1, "a"], '[1]: must be an integer, not "a"'),
        (Dict[str, int], [], "must be an object, not an array"),
        (Dict[str, int], {"a": "b"}, 'a: must be an integer, not "b"'),
        (Literal["a", "b"], "c", 'must be one of a, b, not "c"'),
        (Literal["a", None], "c", 'must be one of a, None, not "c"'),
        (Owner, [], "must be an object, not array"),
        (Owner, {}, "name: is missing"),
        (Owner, {"name": "a", "age": 1}, "age: is not known here"),
        (Record, {"address": "a", "owners": [{"name": "b"}, {"name": 1}]}, "owners[1].name: must be a string, not 1"),
        (Record, {"address": "a", "by_name": {"b": {"name": 1}}}, "by_name.b.name: must be a string, not 1"),
        (Union[int, List[int]], "a", 'must be an array, not "a"'),
        (complex, 1, "the type <class 'complex'> has no JSON form"),
    ],
)
def test_what_does_not_fit_is_named(hint: Any, value: Any, said: str | None) -> None:
    if said is None:
        assert from_json(hint, value) == value
        return
    with pytest.raises(ConversionError) as caught:
        from_json(hint, value)
    assert str(caught.value) == said


def test_integer_beyond_every_float_is_no_number() -> None:
    with pytest.raises(ConversionError, match="must be a number"):
        from_json(float, 10**400)


@pytest.mark.parametrize("value", [4711, ["hunter2"], {"password": "hunter2"}, True])
@pytest.mark.parametrize("hint", [Secret, Optional[Secret]])
def test_value_of_a_secret_is_never_shown(hint: Any, value: Any) -> None:
    with pytest.raises(ConversionError) as caught:
        from_json(hint, value, "token")
    assert str(caught.value).startswith("token: must be a string, not a")
    for shown in ("4711", "hunter2", "rue"):
        assert shown not in str(caught.value)
    assert "hunter2" not in repr(from_json(Secret, "hunter2"))
    assert "hunter2" not in f"{[Secret('hunter2')]}"


@pytest.mark.parametrize(
    ("hint", "fragment"),
    [
        (str, {"type": "string"}),
        (Secret, {"type": "string"}),
        (Optional[int], {"type": "integer"}),
        (Any, {}),
        (List[str], {"type": "array", "items": {"type": "string"}}),
        (list, {"type": "array"}),
        (List[Any], {"type": "array"}),
        (Mapping[str, int], {"type": "object"}),
        (Owner, {"type": "object"}),
        (Literal["a", "b"], {"type": "string", "enum": ["a", "b"]}),
        (Literal["a", 1], {"enum": ["a", 1]}),
        (Union[int, str, None], {"anyOf": [{"type": "integer"}, {"type": "string"}]}),
    ],
)
def test_schema_of(hint: Any, fragment: Any) -> None:
    assert schema_of(hint) == fragment
    jsonschema.Draft202012Validator.check_schema(fragment)


def test_optional_and_secret_hints() -> None:
    assert [is_optional(hint) for hint in (Optional[int], Union[int, None, str], int, List[Optional[int]])] == [
        True, True, False, False,
    ]  # fmt: skip
    assert [is_secret(hint) for hint in (Secret, Optional[Secret], str, Optional[str])] == [True, True, False, False]


HINTS = st.recursive(
    st.sampled_from([str, int, float, bool, Any, dict, Literal["a", "b"], Literal[1, 2], Literal["a", 1]]),
    lambda inner: inner.map(lambda hint: List[hint]) | st.tuples(inner, inner).map(lambda pair: Union[pair]),
    max_leaves=4,
)
WITHOUT_WHOLE_FLOATS = JSON.filter(lambda value: not _has_whole_float(value))  # 1.0 is no integer to us: Python tells


def _has_whole_float(value: Any) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return (isinstance(value, float) and value.is_integer()) or any(map(_has_whole_float, inner))


@quick
@given(HINTS.map(schema_of), WITHOUT_WHOLE_FLOATS | st.sampled_from([1, 2, "a", [1, "a"], ["b"], [[1]]]))
def test_conform_agrees_with_a_validator(fragment: dict[str, Any], value: Any) -> None:
    assert _conforms(fragment, value) == jsonschema.Draft202012Validator(fragment).is_valid(value)


@quick
@given(st.integers(-3, 3), st.integers(-3, 3), st.integers(-5, 5) | st.floats(-5, 5))
def test_limits_agree_with_a_validator(minimum: int, maximum: int, value: float) -> None:
    fragment = {"type": "number", "minimum": minimum, "maximum": maximum}
    assert _conforms(fragment, value) == jsonschema.Draft202012Validator(fragment).is_valid(value)


def _conforms(fragment: dict[str, Any], value: Any) -> bool:
    try:
        conform(fragment, value)
    except ConversionError:
        return False
    return True


def test_items_of_tuples_are_looked_at_too() -> None:
    assert not _conforms({"type": "array", "items": {"type": "integer"}}, ("a",))


@pytest.mark.parametrize(
    ("fragment", "text", "value"),
    [
        ({"type": "string"}, "1,2", "1,2"),
        ({"type": "integer"}, "12", 12),
        ({"type": "number"}, "1.5", 1.5),
        ({"type": "boolean"}, "True", True),
        ({"type": "object"}, '{"a": 1}', {"a": 1}),
        ({"type": "array", "items": {"type": "string"}}, "a, b,", ["a", "b"]),
        ({"type": "array", "items": {"type": "string"}}, '["a,b"]', ["a,b"]),
        ({"type": "array"}, "", []),
        ({"type": "array", "items": {"type": "integer"}}, "1,2", [1, 2]),
        ({}, "free", "free"),
    ],
)
def test_from_text(fragment: dict[str, Any], text: str, value: Any) -> None:
    assert from_text(fragment, text) == value


@pytest.mark.parametrize(
    ("fragment", "text", "said"),
    [
        ({"type": "integer"}, "twelve", 'depth: must be an integer, not "twelve"'),
        ({"type": "integer"}, "1.5", "depth: must be an integer, not 1.5"),
        ({"type": "number"}, "NaN", "depth: must be a number, not NaN"),
        ({"type": "boolean"}, "yes", 'depth: must be a boolean, not "yes"'),
        ({"type": "integer", "minimum": 1}, "0", "depth: must be at least 1, not 0"),
        ({"type": "integer", "maximum": 1}, "2", "depth: must be at most 1, not 2"),
        ({"type": "array", "items": {"type": "integer"}}, "1,b", 'depth: must be an integer, not "b"'),
        ({"type": "string", "enum": ["a"]}, "b", 'depth: must be one of a, not "b"'),
    ],
)
def test_text_that_does_not_fit(fragment: dict[str, Any], text: str, said: str) -> None:
    with pytest.raises(ConversionError) as caught:
        from_text(fragment, text, "depth")
    assert str(caught.value) == said
