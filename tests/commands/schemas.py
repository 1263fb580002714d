"""The published JSON Schemas, as judges of what commands print."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource


def published(name: str) -> dict[str, Any]:
    text = resources.files("repertory_sdk").joinpath(f"schemas/{name}.schema.json").read_text("utf-8")
    plain: dict[str, Any] = json.loads(text)
    return plain


_REGISTRY: Registry[Any] = Registry().with_resources(
    [(plain["$id"], Resource.from_contents(plain)) for plain in map(published, ("run", "commands"))]
)


def conforms(value: Any, name: str) -> Any:
    """The value, which the schema of a run, or that of a command, permits."""
    schema = "urn:repertory:schema:run:1" if name == "run" else f"urn:repertory:schema:commands:1#/$defs/{name}"
    problems = [
        f"{error.json_path}: {error.message}"
        for error in Draft202012Validator({"$ref": schema}, registry=_REGISTRY).iter_errors(value)
    ]
    assert not problems
    return value
