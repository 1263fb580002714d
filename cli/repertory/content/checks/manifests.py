"""Manifests: syntax, published form, and whether what they say fits together."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, cast

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from repertory.content.checks.contradictions import Contradiction, contradictions
from repertory.content.checks.forms import Accepts, compile_form
from repertory.content.checks.issue import Issue, sort_issues
from repertory.content.checks.rules import finding
from repertory.content.items.hookspecs import hookimpl
from repertory.content.items.json_lines import JsonFile, JsonProblem, parse_json
from repertory_sdk.convert import conform
from repertory_sdk.errors import ConversionError
from repertory_sdk.manifest import AppManifest, Parameter, PlaybookManifest, load_app, load_playbook

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from jsonschema.protocols import Validator

    from repertory.content.git.tree import Tree
    from repertory.content.items.found import FoundItem
    from repertory_sdk.manifest import Setting

SchemaName = Literal["app", "playbook", "lock", "catalog", "repositories"]
MANIFEST_BYTES = 1_000_000
ITEM_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")


class ReadManifest(NamedTuple):
    """A manifest if it is valid, its name if that can be one, and what is wrong with it."""

    name: str
    plain: Mapping[str, Any] | None
    issues: Sequence[Issue]
    record: AppManifest | PlaybookManifest | None = None


@cache
def schema_validator(name: SchemaName) -> Validator:
    """The validator of one of the published file formats."""
    schema = _schema(name)
    strict: Any = extend(Draft202012Validator, {"pattern": _match_pattern})  # type: ignore[no-untyped-call]
    return cast("Validator", strict(_inlined(schema, schema.get("$defs", {}))))


def _schema(name: SchemaName) -> Any:
    return json.loads(files("repertory_sdk").joinpath("schemas", f"{name}.schema.json").read_text("utf-8"))


@cache
def quick_form(name: SchemaName) -> Accepts:
    """Accepts only what the validator accepts, and most of that."""
    return compile_form(_schema(name))


def _accepts(name: SchemaName, value: Any) -> bool:
    try:
        return quick_form(name)(value)
    except RecursionError:
        return False


def _inlined(schema: Any, definitions: Mapping[str, Any]) -> Any:
    """The same schema with references replaced by what they name: following them is most of the time of a sync."""
    if isinstance(schema, list):
        return [_inlined(part, definitions) for part in schema]
    if not isinstance(schema, dict):
        return schema
    name = str(schema.get("$ref", "")).removeprefix("#/$defs/")
    if name in definitions:
        # Without itself among the definitions: what is recursive stays a reference at the second level.
        return _inlined(definitions[name], {key: part for key, part in definitions.items() if key != name})
    return {key: part if key == "$defs" else _inlined(part, definitions) for key, part in schema.items()}


def _match_pattern(_validator: Any, pattern: str, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    """As the standard says, where ``$`` is the end and not, as in Python, also the place before a last line break."""
    if isinstance(instance, str) and not (re.search(pattern, instance) and not instance.endswith("\n")):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def read_manifest(kind: Literal["app", "playbook"], path: str, content: bytes) -> ReadManifest:
    """Parse and validate ``app.json`` or ``playbook.json``; nothing of it is given where there is an error."""
    try:
        parsed = _parse(content)
    except JsonProblem as problem:
        issue = Issue(path=path, line=problem.line, rule="manifest-syntax", message=problem.message)
        return ReadManifest("", None, [issue])
    issues = list(_schema_issues(kind, path, parsed))
    said = parsed.value.get("name") if isinstance(parsed.value, dict) else None
    # What cannot be a name is nothing to call an item by; its folder's name is.
    name = said if isinstance(said, str) and ITEM_NAME.fullmatch(said) else ""
    if issues:
        return ReadManifest(name, None, sort_issues(issues))
    try:
        record = load_app(parsed.value) if kind == "app" else load_playbook(parsed.value)
    except ConversionError as error:
        return ReadManifest(name, None, [Issue(path=path, line=1, rule="manifest-form", message=str(error))])
    return ReadManifest(name, parsed.value, (), record)


def _parse(content: bytes) -> JsonFile:
    if len(content) > MANIFEST_BYTES:
        raise JsonProblem("more than 1 MB", 1)
    try:
        return parse_json(content.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise JsonProblem("not UTF-8", content.count(b"\n", 0, error.start) + 1) from None


def _schema_issues(kind: SchemaName, path: str, parsed: JsonFile) -> Iterator[Issue]:
    for repeated, line in parsed.repeated:
        yield Issue(path=path, line=line, rule="manifest-form", message=f"{_written(repeated)} is given twice")
    if _accepts(kind, parsed.value):
        return
    for error in schema_validator(kind).iter_errors(parsed.value):
        place = _written(error.absolute_path)
        message = f"{place}: {_said(error)}" if place else _said(error)
        line = parsed.line_of([*error.absolute_path, *_unknown_key(error)])
        yield Issue(path=path, line=line, rule="manifest-form", message=message)


def _written(place: Any) -> str:
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place)
    return text.removeprefix(".")


def _unknown_key(error: ValidationError) -> list[str]:
    if error.validator != "additionalProperties" or not isinstance(error.instance, dict):
        return []
    return sorted(set(error.instance) - set(_schema_of(error).get("properties", {})))[:1]


def _schema_of(error: ValidationError) -> Mapping[str, Any]:
    return error.schema if isinstance(error.schema, Mapping) else {}


def _said(error: ValidationError) -> str:
    """jsonschema's message without the whole value in it."""
    shown = json.dumps(error.instance, ensure_ascii=False)
    shown = shown if len(shown) <= 60 else f"{shown[:57]}…"
    if error.validator == "pattern":
        meaning = _schema_of(error).get("description", "")
        return f"{shown} does not have the form {error.validator_value}" + (f" ({meaning})" if meaning else "")
    if error.validator == "enum":
        return f"{shown} is not one of {', '.join(map(str, _schema_of(error)['enum']))}"
    return error.message if len(error.message) <= 200 else f"{error.message[:197]}…"


# -------------------------------------------------------------- consistency


@hookimpl
def repertory_check_item(tree: Tree, item: FoundItem) -> Sequence[Issue]:
    """What the form cannot say: names that must exist, flags that exclude each other, defaults that fit."""
    if item.manifest is None or item.format != "native":
        return []
    problems = list(_app_problems(item.app) if item.app else _playbook_problems(item.playbook))
    if item.manifest.main and item.below(item.manifest.main) not in tree.files:
        hint = "name the Python file of the item, or add it"
        problems.append(Contradiction(["main"], "main-file", f"{item.manifest.main} does not exist", hint))
    if not problems:
        return []
    parsed = parse_json(tree.read(item.path).decode("utf-8"))
    return [_issue(item, parsed, problem) for problem in problems]


def _issue(item: FoundItem, parsed: JsonFile, problem: Contradiction) -> Issue:
    return finding(problem.rule, item.path, problem.message, problem.hint, line=parsed.line_of(problem.place))


def _app_problems(app: AppManifest) -> Iterator[Contradiction]:
    yield from _repeated_names(["settings"], app.settings)
    yield from _repeated_names(["actions"], app.actions)
    for index, setting in enumerate(app.settings):
        yield from _default_problems(["settings", index], setting)
    for index, action in enumerate(app.actions):
        place: list[str | int] = ["actions", index, "parameters"]
        yield from _repeated_names(place, action.parameters)
        for number, parameter in enumerate(action.parameters):
            yield from _default_problems([*place, number], parameter)
    yield from contradictions(app)


def _playbook_problems(playbook: PlaybookManifest | None) -> Iterator[Contradiction]:
    if playbook is None:
        return
    yield from _repeated_names(["inputs"], playbook.inputs)
    for index, parameter in enumerate(playbook.inputs):
        yield from _default_problems(["inputs", index], parameter)


class Named(Protocol):
    """Whatever must have a name of its own."""

    @property
    def name(self) -> str:
        """The name."""


def _repeated_names(place: Sequence[str | int], named: Sequence[Named]) -> Iterator[Contradiction]:
    seen: set[str] = set()
    for index, one in enumerate(named):
        if one.name in seen:
            yield Contradiction([*place, index, "name"], "repeated-name", f"{one.name!r} occurs twice in {place[-1]}")
        seen.add(one.name)


def _default_problems(place: Sequence[str | int], described: Parameter | Setting) -> Iterator[Contradiction]:
    if described.default is None:
        return
    try:
        conform(described.schema, described.default)
    except ConversionError as error:
        yield Contradiction([*place, "default"], "default", f"default of {described.name!r} {error.problem}")
