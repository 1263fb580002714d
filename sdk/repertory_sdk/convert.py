"""Between JSON values and the types that a signature names.

``to_json(record)`` makes plain values of any record, ``from_json(type, value)`` is the inverse and checks on the
way, ``schema_of(type)`` describes the type as a JSON Schema fragment (2020-12), ``conform(fragment, value)`` checks a
value against such a fragment, and ``from_text`` reads what a person typed for one.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import math
import types
from collections.abc import Mapping, Sequence
from typing import Any, Dict, Literal, Tuple, TypeVar, Union, get_args, get_origin, get_type_hints

from repertory_sdk.errors import ConversionError

T = TypeVar("T")
JsonObject = Dict[str, Any]


class Secret(str):
    """A setting that is never shown: passwords, tokens, keys.

    >>> Secret("hunter2")
    Secret('***')
    """

    def __repr__(self) -> str:
        return "Secret('***')"


_SCALARS: Dict[Any, str] = {
    str: "string",
    Secret: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    type(None): "null",
}
_PYTHON_NAMES = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    list: "array",
    tuple: "array",
    dict: "object",
    type(None): "null",
}
_UNIONS = (Union, getattr(types, "UnionType", Union))


# ------------------------------------------------------------------ to JSON


def to_json(value: Any) -> Any:
    """Plain JSON values for records, mappings and sequences; anything else must be one already."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_json(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        items = sorted(value) if isinstance(value, (set, frozenset)) else value
        return [to_json(item) for item in items]
    return value


# ---------------------------------------------------------------- from JSON


@functools.cache
def hints_of(cls: Any) -> Mapping[str, Any]:
    """Resolved annotations of a class or function."""
    try:
        return get_type_hints(cls)
    except (NameError, TypeError) as error:
        message = f"the annotations of {getattr(cls, '__qualname__', cls)} cannot be read: {error}"
        cure = " (on Python 3.9 write Optional[X] instead of X | None)" if isinstance(error, TypeError) else ""
        raise ConversionError("", f"{message}{cure}") from error


def from_json(hint: Any, value: Any, path: str = "") -> Any:
    """Turn JSON values into what the type hint says, or raise ConversionError naming the place."""
    if hint is Any or isinstance(hint, TypeVar) or _is_plainly(hint, value):
        return value
    if dataclasses.is_dataclass(hint):
        return _record_from_json(hint, value, path)
    origin = get_origin(hint)
    if origin in _UNIONS:
        return _union_from_json(get_args(hint), value, path)
    if origin is Literal:
        conform(schema_of(hint), value, path)
        return value
    if origin is not None or hint in (list, tuple, dict, set, frozenset):
        return _container_from_json(origin or hint, get_args(hint), value, path)
    if hint is Secret and not isinstance(value, str):
        # the value itself is never shown
        raise ConversionError(path, f"must be a string, not {_with_article(type_name(value))}")
    conform(schema_of(hint), value, path)
    return hint(value) if hint in (float, Secret) else value


def _is_plainly(hint: Any, value: Any) -> bool:
    """Whether the value is of a type that is written in JSON as it is."""
    return type(value) is hint and (hint is str or hint is bool or hint is int)


def _record_from_json(cls: Any, value: Any, path: str) -> Any:
    if not isinstance(value, Mapping):
        raise ConversionError(path, f"must be an object, not {type_name(value)}")
    fields = _fields_of(cls)
    if not fields.keys() >= value.keys():
        raise ConversionError(_below(path, min(set(value) - set(fields))), "is not known here")
    arguments = {}
    for name, (hint, required) in fields.items():
        if name in value:
            given = value[name]
            # Most fields are texts and numbers: they need no look at their hint, and no name for errors.
            arguments[name] = given if _is_plainly(hint, given) else from_json(hint, given, _below(path, name))
        elif required:
            raise ConversionError(_below(path, name), "is missing")
    return cls(**arguments)


@functools.cache
def _fields_of(cls: Any) -> Mapping[str, Tuple[Any, bool]]:
    """Name, type and whether it must be given, for each field of a record."""
    hints = hints_of(cls)
    return {
        field.name: (
            hints[field.name],
            field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING,
        )
        for field in dataclasses.fields(cls)
        if field.init
    }


def _union_from_json(members: Sequence[Any], value: Any, path: str) -> Any:
    if value is None and type(None) in members:
        return None
    members = [member for member in members if member is not type(None)]
    for member in members[:-1]:
        try:
            return from_json(member, value, path)
        except ConversionError:
            continue
    return from_json(members[-1], value, path)


def _container_from_json(origin: Any, arguments: Sequence[Any], value: Any, path: str) -> Any:
    if issubclass(origin, Mapping):
        conform({"type": "object"}, value, path)
        inner = arguments[1] if arguments else Any
        if inner is Any:
            return {str(key): item for key, item in value.items()}
        return {str(key): from_json(inner, item, _below(path, str(key))) for key, item in value.items()}
    if issubclass(origin, (Sequence, set, frozenset)):
        conform({"type": "array"}, value, path)
        inner = arguments[0] if arguments else Any
        items = [from_json(inner, item, f"{path}[{index}]") for index, item in enumerate(value)]
        return origin(items) if origin in (set, frozenset) else tuple(items) if origin in (tuple, Sequence) else items
    raise ConversionError(path, f"the type {origin!r} has no JSON form")


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


# ------------------------------------------------------------- descriptions


def schema_of(hint: Any) -> JsonObject:
    """A JSON Schema fragment for a type hint: scalars, lists, mappings, Literal, Optional and records."""
    if hint is Any:
        return {}
    if hint in _SCALARS:
        return {"type": _SCALARS[hint]}
    if dataclasses.is_dataclass(hint):
        return {"type": "object"}
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        kinds = {_SCALARS[type(argument)] for argument in arguments}
        return {**({"type": kinds.pop()} if len(kinds) == 1 else {}), "enum": list(arguments)}
    if origin in _UNIONS:
        members = [schema_of(member) for member in arguments if member is not type(None)]
        return members[0] if len(members) == 1 else {"anyOf": members}
    kind = origin or hint
    if isinstance(kind, type) and issubclass(kind, Mapping):
        return {"type": "object"}
    if isinstance(kind, type) and issubclass(kind, (Sequence, set, frozenset)):
        inner = schema_of(arguments[0]) if arguments else {}
        return {"type": "array", "items": inner} if inner else {"type": "array"}
    raise ConversionError("", f"the type {hint!r} has no JSON form")


def is_optional(hint: Any) -> bool:
    """Whether None is a permitted value."""
    return get_origin(hint) in _UNIONS and type(None) in get_args(hint)


def is_secret(hint: Any) -> bool:
    """Whether the type is Secret, or Secret or None."""
    return hint is Secret or (get_origin(hint) in _UNIONS and Secret in get_args(hint))


def type_name(value: Any) -> str:
    """What JSON calls the type of this value."""
    return _PYTHON_NAMES.get(type(value), type(value).__name__)


def conform(fragment: Mapping[str, Any], value: Any, path: str = "") -> None:
    """Raise ConversionError unless the value fits a fragment made by ``schema_of`` (and minimum, maximum)."""
    if "anyOf" in fragment:
        _conform_any(fragment["anyOf"], value, path)
        return
    wanted = fragment.get("type")
    if wanted is not None and not _has_type(wanted, value):
        raise ConversionError(path, f"must be {_with_article(wanted)}, not {_shown(value)}")
    if "enum" in fragment and value not in fragment["enum"]:
        raise ConversionError(path, f"must be one of {', '.join(map(str, fragment['enum']))}, not {_shown(value)}")
    if isinstance(value, (int, float)):
        if "minimum" in fragment and value < fragment["minimum"]:
            raise ConversionError(path, f"must be at least {fragment['minimum']}, not {value}")
        if "maximum" in fragment and value > fragment["maximum"]:
            raise ConversionError(path, f"must be at most {fragment['maximum']}, not {value}")
    if isinstance(value, (list, tuple)) and "items" in fragment:
        for index, item in enumerate(value):
            conform(fragment["items"], item, f"{path}[{index}]")


def _conform_any(members: Sequence[Mapping[str, Any]], value: Any, path: str) -> None:
    for member in members[:-1]:
        try:
            return conform(member, value, path)
        except ConversionError:
            continue
    return conform(members[-1], value, path)


def _has_type(wanted: str, value: Any) -> bool:
    if wanted == "number":
        return isinstance(value, (int, float)) and not isinstance(value, bool) and _is_finite(value)
    if wanted == "array":
        return isinstance(value, (list, tuple))
    if wanted == "object":
        return isinstance(value, Mapping)
    if wanted == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, {"string": str, "boolean": bool, "null": type(None)}[wanted])


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond every float
        return False


def _with_article(kind: str) -> str:
    return f"{'an' if kind[0] in 'aeio' else 'a'} {kind}"


def _shown(value: Any) -> str:
    if isinstance(value, Secret):
        return "a secret"
    if isinstance(value, (list, tuple, Mapping)):
        return _with_article(type_name(value))
    text = json.dumps(value, ensure_ascii=False, default=repr)
    return text if len(text) <= 60 else f"{text[:57]}…"


def from_text(fragment: Mapping[str, Any], text: str, path: str = "") -> Any:
    """Read what a person typed after ``name=``; lists are comma-separated or JSON.

    >>> from_text({"type": "array", "items": {"type": "integer"}}, "1,2")
    [1, 2]
    """
    kind = fragment.get("type")
    value: Any = text
    if kind in ("integer", "number", "boolean", "object") or (kind == "array" and text.lstrip().startswith("[")):
        try:
            value = json.loads(text.lower() if kind == "boolean" else text)
        except ValueError:
            raise ConversionError(path, f"must be {_with_article(kind)}, not {_shown(text)}") from None
    elif kind == "array":
        items = fragment.get("items", {"type": "string"})
        value = [from_text(items, part.strip(), path) for part in text.split(",") if part.strip()]
    conform(fragment, value, path)
    return value
