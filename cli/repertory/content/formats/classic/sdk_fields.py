"""The fields of an app's classes, of its asset, of the parameters of its actions and of their rows, out of the syntax."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from repertory.content.formats.classic.sdk_source import Foreign, Place, Source, Unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from repertory.content.formats.classic.sdk_source import Definition

Plain = dict[str, Any]

_KINDS = {"str": "string", "int": "numeric", "float": "numeric", "bool": "boolean", "ZoneInfo": "timezone"}
_LISTS = ("list", "List", "Sequence", "Iterator", "Generator", "AsyncGenerator", "AsyncIterator", "Iterable")
# In the order in which they are given without names.
_GIVEN = {
    "Param": ("description", "required", "primary", "default", "value_list", "cef_types", "allow_list", "sensitive", "alias"),
    "AssetField": ("description", "required", "default", "value_list", "sensitive", "alias", "category", "is_file"),
    "OutputField": ("cef_types", "example_values", "alias", "column_name"),
    "Field": ("default",),
}
_ONLY_DESCRIBE = ("description", "example_values", "examples", "category", "column_name", "value_list")
_ALSO_SAID = ("default", "value_list", "allow_list", "primary")
_DEEPEST = 20


@dataclass(frozen=True, kw_only=True)
class Annotation:
    """A type: a plain kind or a class, in so many lists."""

    kind: str = ""
    made: Definition | None = None
    lists: int = 0
    optional: bool = False


@dataclass(frozen=True, kw_only=True)
class Field:
    """One attribute of a class, with the literal arguments that describe it."""

    name: str
    annotation: Annotation
    given: Mapping[str, Any] = field(default_factory=dict)

    @property
    def shown(self) -> str:
        """Its name outside of the code."""
        return str(self.given.get("alias") or self.name)

    @property
    def required(self) -> bool:
        """What is said, else whether it may be None."""
        said = self.given.get("required")
        if self.given.get("default") is not None:  # then it can be left out, whatever is said
            return False
        return not self.annotation.optional if said is None else bool(said)

    @property
    def data_type(self) -> str:
        """In a manifest's words."""
        if self.annotation.kind == "string" and (self.given.get("sensitive") or self.given.get("is_file")):
            return "password" if self.given.get("sensitive") else "file"
        return self.annotation.kind


def _known(name: str, kind: str, *, optional: bool = False, **given: Any) -> Field:
    return Field(name=name, annotation=Annotation(kind=kind, optional=optional), given=given)


# What the library's own classes bring along.
_POLL = (
    _known("start_time", "numeric", required=False, description="From when on, in milliseconds since 1970"),
    _known("end_time", "numeric", required=False, description="Until when, in milliseconds since 1970"),
    _known("container_count", "numeric", required=False, description="How many containers at most"),
)
_OF_LIBRARY: dict[str, tuple[Field, ...]] = {
    "OnESPollParams": _POLL,
    "OnPollParams": (
        *_POLL,
        _known("artifact_count", "numeric", required=False, description="How many artifacts at most"),
        _known("container_id", "string", required=False, allow_list=True, description="Which containers alone"),
    ),
    "MakeRequestParams": (
        _known("http_method", "string", required=True, description="The method of the request",
               value_list=["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"]),
        _known("endpoint", "string", required=True, description="Where the request goes"),
        _known("headers", "string", required=False, description="Headers of the request, as JSON"),
        _known("query_parameters", "string", required=False, description="The query of the address, as JSON or as text"),
        _known("body", "string", required=False, description="The content of the request, as JSON"),
        _known("timeout", "numeric", required=False, description="How long to wait, in seconds"),
        _known("verify_ssl", "boolean", required=False, default=False, description="Whether certificates are verified"),
    ),
    "MakeRequestOutput": (
        _known("status_code", "numeric", example_values=[200, 404, 500]),
        _known("response_body", "string", example_values=['{"key": "value"}']),
    ),
}  # fmt: skip


def fields_of(source: Source, made: Definition | None, deep: int = 0) -> dict[str, Field]:
    """All fields of a class by name, those that it inherits first."""
    source.step()
    if isinstance(made, Foreign):
        return {one.name: one for one in _OF_LIBRARY.get(made.own, ())}
    if made is None or not isinstance(made.node, ast.ClassDef) or deep > _DEEPEST:
        return {}
    found: dict[str, Field] = {}
    for base in reversed(made.node.bases):
        found.update(fields_of(source, source.resolve(made.path, base), deep + 1))
    for node in made.node.body:
        if isinstance(node, ast.AnnAssign) and (name := _field_name(node)):
            found[name] = _field(source, made.path, node, name)
    return found


def _field_name(node: ast.AnnAssign) -> str:
    """Empty for what is annotated without being a field."""
    name = node.target.id if isinstance(node.target, ast.Name) else "_"
    is_of_class = _last(getattr(node.annotation, "value", node.annotation)) == "ClassVar"
    return "" if name.startswith("_") or is_of_class else name


def _field(source: Source, path: str, node: ast.AnnAssign, name: str) -> Field:
    annotation = annotation_of(source, path, node.annotation)
    if node.value is None:
        return Field(name=name, annotation=annotation)
    if isinstance(node.value, ast.Call):
        return Field(name=name, annotation=annotation, given=_given(source, path, node.value))
    return Field(name=name, annotation=annotation, given={"default": source.literal_or_none(path, node.value)})


def _given(source: Source, path: str, call: ast.Call) -> Plain:
    names = _GIVEN.get(_last(call.func))
    if names is None:
        value = source.literal_or_none(path, call)
        return {} if value is None else {"default": value}
    if any(one.arg is None for one in call.keywords):
        raise Unreadable(f"{path}:{call.lineno}: arguments of {_last(call.func)} that are known only when the code runs")
    given: Plain = {}
    for name, node in [*zip(names, call.args, strict=False), *((one.arg or "", one.value) for one in call.keywords)]:
        given[name] = source.literal_or_none(path, node) if name in _ONLY_DESCRIBE else source.literal(path, node)
    return {name: value for name, value in given.items() if value is not None and value is not ...}


def annotation_of(source: Source, path: str, node: ast.AST, deep: int = 0) -> Annotation:
    """The type that an annotation names; without a kind or class where it is none that a manifest can have."""
    if deep > _DEEPEST:
        return Annotation()
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return annotation_of(source, path, _parsed(path, node), deep + 1)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return _union(source, path, [node.left, node.right], deep)
    if isinstance(node, ast.Subscript):
        return _subscript(source, path, node, deep)
    found = source.resolve(path, node)
    if isinstance(found, Place) and isinstance(found.node, ast.expr):  # a name for a type
        return annotation_of(source, found.path, found.node, deep + 1)
    if found is None or (isinstance(found, Foreign) and not found.own):
        return Annotation(kind=_KINDS.get(_last(node), ""))
    return Annotation(made=found)


def _subscript(source: Source, path: str, node: ast.Subscript, deep: int) -> Annotation:
    inner = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    outer = _last(node.value)
    if outer == "Union":
        return _union(source, path, inner, deep)
    found = annotation_of(source, path, inner[0], deep + 1)
    if outer == "Optional":
        return replace(found, optional=True)
    if outer in _LISTS:
        return replace(found, lists=found.lists + 1)
    return found if outer == "Annotated" else Annotation()


def _union(source: Source, path: str, nodes: list[ast.expr], deep: int) -> Annotation:
    parts = [one for one in nodes if not (isinstance(one, ast.Constant) and one.value is None)]
    found = annotation_of(source, path, parts[0], deep + 1) if len(parts) == 1 else Annotation()
    return replace(found, optional=found.optional or len(parts) < len(nodes))


def _parsed(path: str, node: ast.Constant) -> ast.AST:
    try:
        return ast.parse(str(node.value), mode="eval").body
    except SyntaxError:
        raise Unreadable(f"{path}:{node.lineno}: an annotation that is no type") from None


def _last(node: ast.AST) -> str:
    return getattr(node, "id", getattr(node, "attr", ""))


# ------------------------------------------------------------- as a manifest says it


def described(fields: Mapping[str, Field], path: str) -> dict[str, Plain]:
    """Fields of an asset or of parameters; ``path`` is where they would have to be mended."""
    said: dict[str, Plain] = {}
    for order, one in enumerate(fields.values()):
        if not one.data_type or one.annotation.lists:
            raise Unreadable(f"{path}: {one.name} is of no type that a manifest can have")
        plain: Plain = {
            "data_type": one.data_type, "required": one.required, "order": order,
            "description": str(one.given.get("description") or one.name.replace("_", " ").title()),
        }  # fmt: skip
        if one.given.get("cef_types"):
            plain["contains"] = one.given["cef_types"]
        plain.update({key: one.given[key] for key in _ALSO_SAID if one.given.get(key) is not None})
        said[one.shown] = plain
    return said


def rows(source: Source, made: Definition | None, path: str = "action_result.data.*", deep: int = 0) -> Iterator[Plain]:
    """The data paths of what an action returns."""
    if deep > _DEEPEST:
        return
    for one in fields_of(source, made).values():
        source.step()
        below = f"{path}.{one.shown}" + ".*" * one.annotation.lists
        if one.annotation.made is not None:
            yield from rows(source, one.annotation.made, below, deep + 1)
        elif one.data_type:
            said: Plain = {"data_path": below, "data_type": one.data_type}
            if one.given.get("cef_types"):
                said["contains"] = one.given["cef_types"]
            examples = [True, False] if one.data_type == "boolean" else one.given.get("example_values")
            yield {**said, "example_values": examples} if examples else said
