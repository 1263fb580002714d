"""What a classic playbook says of itself: in its drawing (JSON), and in its code, which is read and never run."""

from __future__ import annotations

import ast
import json
import re
from typing import TYPE_CHECKING, Any

from repertory.content.checks.declarations import Module
from repertory.content.checks.source import parse_source
from repertory_sdk.classic import FORMAT
from repertory_sdk.manifest import ANY, DataPath, Parameter, PlaybookManifest, dump_manifest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_]+")
_FUNCTION = re.compile(rb"""custom_function\s*=\s*["'](?:[^"'/]+/)?([A-Za-z0-9_ -]+)["']""")
_MOST_SUMMARY = 300
_MOST_NAME = 100


def looks_like_one(text: bytes) -> bool:
    """Whether a Python file is a classic playbook rather than anything else that uses the same library."""
    return b"phantom.rules" in text and b"def on_start(" in text


def item_name(stem: str) -> str:
    """The name of a file as that of an item: the same, with underscores for what names cannot have."""
    name = _NOT_IN_NAMES.sub("_", stem).strip("_") or "playbook"
    return (name if name[0].isalpha() else f"p_{name}")[:_MOST_NAME]


def functions_of(text: bytes) -> list[str]:
    """Names of the custom functions that it calls by name."""
    return sorted({name.decode("ascii") for name in _FUNCTION.findall(text)})


def derive(stem: str, source: bytes, drawing: bytes) -> bytes:
    """The manifest; a drawing that is missing or broken says nothing."""
    said = _object(drawing)
    coa = _mapping(said.get("coa"))
    calls = _Calls(source)
    manifest = PlaybookManifest(
        name=item_name(stem),
        version="1.0.0",
        summary=_summary(_mapping(coa.get("data")).get("description") or said.get("description")),
        main=f"{stem}.py",
        labels=[label for label in texts_of(said.get("labels")) if label != "*"],
        inputs=list(_inputs(coa.get("input_spec"))),
        actions=sorted(calls.actions),
        playbooks=sorted(calls.playbooks),
        tags=texts_of(said.get("tags")),
        format=FORMAT,
        origin=f"{stem}.json" if said else "",
    )
    return dump_manifest(manifest).encode()


def defines(text: bytes, name: str) -> bool:
    """Whether a file has the custom function that it is named after."""
    return f"def {name}(".encode() in text


def derive_function(name: str, path: str, source: bytes, drawing: bytes) -> bytes:
    """The manifest of a custom function: a playbook that names the function which is called."""
    said = _object(drawing)
    calls = _Calls(source)
    stem = path.rpartition("/")[2][:-3]
    manifest = PlaybookManifest(
        name=name,
        version="1.0.0",
        summary=_summary(said.get("description")),
        main=f"{stem}.py",
        function=stem,
        inputs=list(_inputs(said.get("inputs"))),
        outputs=list(_outputs(said.get("outputs"))),
        actions=sorted(calls.actions),
        playbooks=sorted(calls.playbooks),
        format=FORMAT,
        origin=f"{stem}.json",
    )
    return dump_manifest(manifest).encode()


def _outputs(spec: Any) -> Iterator[DataPath]:
    for one in spec if isinstance(spec, list) else ():
        if isinstance(one, dict) and isinstance(one.get("data_path"), str):
            kinds = [kind for kind in texts_of(one.get("contains_type")) if kind]
            path = one["data_path"].replace(".*", "[]").replace("*.", "[].", 1)
            yield DataPath(path=path, description=str(one.get("description") or ""), contains=kinds)


def _inputs(spec: Any) -> Iterator[Parameter]:
    seen = set()
    for one in spec if isinstance(spec, list) else ():
        if isinstance(one, dict) and isinstance(one.get("name"), str) and one["name"] not in seen:
            seen.add(one["name"])
            contains = [kind for kind in texts_of(one.get("contains") or one.get("contains_type")) if kind]
            schema = {"type": "array"} if one.get("input_type") == "list" else {}
            yield Parameter(
                one["name"], schema, description=str(one.get("description") or ""), required=False, contains=contains
            )


def texts_of(value: Any) -> list[str]:
    """A list as texts; anything else is none."""
    return [str(one) for one in value] if isinstance(value, list) else []


def _object(text: bytes) -> dict[str, Any]:
    try:
        return _mapping(json.loads(text)) if text else {}
    except (ValueError, RecursionError):
        return {}


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _summary(text: Any) -> str:
    first = str(text or "").strip().partition("\n")[0].strip()
    return first if len(first) <= _MOST_SUMMARY else f"{first[: _MOST_SUMMARY - 1]}…"


class _Calls:
    """Actions and playbooks that are asked for by a literal name. Code of Python 2 that cannot be parsed asks for nothing."""

    def __init__(self, source: bytes) -> None:
        self.actions: set[str] = set()
        self.playbooks: set[str] = set()
        parsed = parse_source("", source.expandtabs(8), python="")
        for node in parsed.each(ast.Call) if isinstance(parsed, Module) else ():
            self._note(node)

    def _note(self, node: ast.Call) -> None:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if name == "act" and (action := _literal(node, "action")):
            self.actions.add(action.strip().lower())
        elif name == "playbook":
            child = _literal(node, "playbook")
            if child or _is_of_phantom(node):  # else it is somebody else's method
                self.playbooks.add(item_name(child.rpartition("/")[2]) if child else ANY)


def _is_of_phantom(node: ast.Call) -> bool:
    return isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name) and node.func.value.id == "phantom"


def _literal(node: ast.Call, keyword: str) -> str:
    given: Sequence[ast.expr] = [one.value for one in node.keywords if one.arg == keyword] or node.args[:1]
    value = given[0].value if given and isinstance(given[0], ast.Constant) else ""
    return value if isinstance(value, str) else ""
