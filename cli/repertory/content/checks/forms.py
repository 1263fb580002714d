"""Published forms as plain functions: a quick yes for what is valid, so that only the rest has to be explained.

jsonschema is exact and explains well, but takes a millisecond for what these functions tell in some microseconds. What they
refuse is given to jsonschema, which decides; a test holds that they never accept what it refuses.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

Accepts = Callable[[Any], bool]
_SAYING = frozenset(
    {"$schema", "$id", "$defs", "$comment", "title", "description", "default", "examples", "deprecated"}
)
_TYPES: Mapping[str, Accepts] = {
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
    # Only what is plainly an integer: 1.0 is one for jsonschema, too, and may ask there.
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
}


class Inexpressible(ValueError):
    """A keyword that is not known here."""


def compile_form(schema: Mapping[str, Any]) -> Accepts:
    """A function that accepts only what the schema accepts; raises Inexpressible for keywords it does not know."""
    return _Compiler(schema.get("$defs", {})).compiled(schema)


class _Compiler:
    """Compiles every definition once; a recursive one is looked up when it is needed."""

    def __init__(self, definitions: Mapping[str, Any]) -> None:
        self._definitions = definitions
        self._done: dict[str, Accepts] = {}

    def compiled(self, schema: Any) -> Accepts:
        """The function of a schema or of a part of one."""
        if isinstance(schema, bool):
            return lambda _value: schema
        words = [
            word
            for word in schema
            if word not in _SAYING and not (word == "additionalProperties" and "properties" in schema)
        ]
        tests = [self._keyword(word, schema) for word in words]  # both of those words are one test
        return _all_of(tests)

    def _keyword(self, word: str, schema: Mapping[str, Any]) -> Accepts:
        given = schema[word]
        if word == "$ref":
            return self._reference(given)
        if word == "anyOf":
            options = [self.compiled(part) for part in given]
            return lambda value: any(option(value) for option in options)
        if word in ("properties", "additionalProperties"):
            return self._properties(schema)
        if word == "items":
            each = self.compiled(given)
            return lambda value: not isinstance(value, list) or all(map(each, value))
        if word not in _KEYWORDS:
            raise Inexpressible(word)
        return _KEYWORDS[word](given)

    def _reference(self, name: str) -> Accepts:
        key = name.removeprefix("#/$defs/")
        if key not in self._definitions:
            raise Inexpressible(f"$ref {name}")
        if key not in self._done:
            self._done[key] = partial(self._later, key)  # for what is inside of itself
            self._done[key] = self.compiled(self._definitions[key])
        return self._done[key]

    def _later(self, key: str, value: Any) -> bool:
        return self._done[key](value)

    def _properties(self, schema: Mapping[str, Any]) -> Accepts:
        known = {name: self.compiled(part) for name, part in schema.get("properties", {}).items()}
        other = self.compiled(schema.get("additionalProperties", True))

        def accepts(value: Any) -> bool:
            if isinstance(value, dict):
                for name, part in value.items():
                    if not known.get(name, other)(part):
                        return False
            return True

        return accepts


def _all_of(tests: Sequence[Accepts]) -> Accepts:
    """One test of several; spelled out for few, as a generator would take longer than the tests."""
    if not tests:
        return lambda _value: True
    if len(tests) == 1:
        return tests[0]
    first, second, *others = tests
    if not others:
        return lambda value: first(value) and second(value)
    rest = _all_of(others)
    return lambda value: first(value) and second(value) and rest(value)


def _type(given: str | Sequence[str]) -> Accepts:
    if isinstance(given, str):
        return _TYPES[given]
    options = [_TYPES[name] for name in given]
    return lambda value: any(option(value) for option in options)


def _same(options: Sequence[Any]) -> Accepts:
    """Equal and of the same type: for JSON true is not 1. Only texts, as anything else is rare in a form."""
    texts = frozenset(option for option in options if isinstance(option, str))
    return lambda value: isinstance(value, str) and value in texts


def _pattern(given: str) -> Accepts:
    search = re.compile(given).search
    # ``$`` is the end, and not also the place before a last line break.
    return lambda value: not isinstance(value, str) or (search(value) is not None and not value.endswith("\n"))


def _number(test: Callable[[Any], bool]) -> Accepts:
    return lambda value: not isinstance(value, int | float) or isinstance(value, bool) or test(value)


def _required(names: Sequence[str]) -> Accepts:
    wanted = frozenset(names)
    return lambda value: not isinstance(value, dict) or wanted <= value.keys()


def _unique(given: bool) -> Accepts:
    def accepts(value: Any) -> bool:
        if not given or not isinstance(value, list):
            return True
        return all(isinstance(one, str) for one in value) and len(set(value)) == len(value)

    return accepts


_KEYWORDS: Mapping[str, Callable[[Any], Accepts]] = {
    "type": _type,
    "const": lambda given: _same([given]),
    "enum": _same,
    "pattern": _pattern,
    "required": _required,
    "uniqueItems": _unique,
    "minimum": lambda given: _number(lambda value: value >= given),
    "maximum": lambda given: _number(lambda value: value <= given),
    "exclusiveMinimum": lambda given: _number(lambda value: value > given),
    "exclusiveMaximum": lambda given: _number(lambda value: value < given),
    "minLength": lambda given: lambda value: not isinstance(value, str) or len(value) >= given,
    "maxLength": lambda given: lambda value: not isinstance(value, str) or len(value) <= given,
    "minItems": lambda given: lambda value: not isinstance(value, list) or len(value) >= given,
    "maxItems": lambda given: lambda value: not isinstance(value, list) or len(value) <= given,
}
