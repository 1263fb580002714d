"""The quick answer about a form never accepts what jsonschema refuses, and accepts what is written every day."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from content.builders import APP, PLAYBOOK
from repertory.content.checks.forms import Inexpressible, compile_form
from repertory.content.checks.manifests import SchemaName, quick_form, read_manifest, schema_validator

NAMES: list[SchemaName] = ["app", "playbook"]
FULL: dict[SchemaName, dict[str, Any]] = {"app": APP, "playbook": PLAYBOOK}
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 70) | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["", "a", "A b", "ip", "1.0", "1.0\n", "string", "array", "contain", "x" * 101, "app.py", "../x.py", "urn:repertory:schema:app:1"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["type", "name", "schema", "items", "default", "x"]), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


def places(value: Any) -> list[list[Any]]:
    """Every place in a JSON value, as steps."""
    steps = [*value.items()] if isinstance(value, dict) else [*enumerate(value)] if isinstance(value, list) else []
    return [[], *([key, *rest] for key, inner in steps for rest in places(inner))]


def changed(value: Any, steps: list[Any], new: Any) -> Any:
    """A copy with another value at one place."""
    if not steps:
        return new
    copied = copy.copy(value)
    copied[steps[0]] = changed(value[steps[0]], steps[1:], new)
    return copied


def agrees(name: SchemaName, value: Any) -> None:
    if quick_form(name)(value):
        assert list(schema_validator(name).iter_errors(value)) == []


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_it_never_accepts_what_is_wrong(name: SchemaName, data: st.DataObject) -> None:
    whole = FULL[name]
    properties = schema_validator(name).schema["properties"]  # type: ignore[index]
    value = changed(whole, data.draw(st.sampled_from(places(whole))), data.draw(VALUES))
    if isinstance(value, dict):
        value = {**value, data.draw(st.sampled_from([*properties, "unknown"])): data.draw(VALUES)}
    agrees(name, value)


@pytest.mark.parametrize("name", NAMES)
def test_it_accepts_what_is_usual(name: SchemaName) -> None:
    assert quick_form(name)(FULL[name])


def test_it_accepts_the_community(pytestconfig: pytest.Config) -> None:
    found = sorted(pytestconfig.rootpath.glob("community_*/*/*.json"))
    assert len([path for path in found if path.stem in NAMES]) >= 4
    for path in found:
        if path.stem in NAMES:
            read = read_manifest("app" if path.stem == "app" else "playbook", path.name, path.read_bytes())
            assert quick_form("app" if path.stem == "app" else "playbook")(read.plain)


def test_what_it_cannot_tell_is_left_to_jsonschema() -> None:
    assert not quick_form("app")({**APP, "concurrency": 4.0})
    assert list(schema_validator("app").iter_errors({**APP, "concurrency": 4.0})) == []


def test_keywords_that_it_does_not_know() -> None:
    for schema in ({"not": {}}, {"properties": {"x": {"oneOf": []}}}, {"$ref": "#/elsewhere"}):
        with pytest.raises(Inexpressible):
            compile_form(schema)


def test_a_form_that_contains_itself() -> None:
    accepts = compile_form(
        {"$ref": "#/$defs/tree", "$defs": {"tree": {"type": "array", "items": {"$ref": "#/$defs/tree"}}}}
    )
    assert accepts([[], [[]]])
    assert not accepts([[], [1]])
