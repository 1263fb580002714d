"""What an app written with splunk-soar-sdk says of itself in its code: who it is, its asset, its actions."""

from __future__ import annotations

import ast
import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from repertory.content.formats.classic.sdk_fields import Annotation, annotation_of, described, fields_of, rows
from repertory.content.formats.classic.sdk_source import Foreign, Place, Source, Unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from repertory.content.formats.classic.sdk_source import Definition

Plain = dict[str, Any]
_Function = ast.FunctionDef | ast.AsyncFunctionDef
_METHODS = ("action", "test_connectivity", "on_poll", "on_es_poll", "make_request")
_NAMES = ("name", "app_type", "appid", "product_vendor", "product_name", "publisher", "logo", "logo_dark", "min_phantom_version")
# Name and type of what has a decorator of its own.
_SPECIAL = {
    "test_connectivity": ("test connectivity", "test"),
    "on_poll": ("on poll", "ingest"),
    "on_es_poll": ("on es poll", "ingest"),
    "make_request": ("make request", "generic"),
}


@dataclass(frozen=True, kw_only=True)
class _Registered:
    """A function that some code makes an action, with the arguments it gives."""

    method: str
    path: str
    call: ast.Call
    place: str
    function: _Function

    def argument(self, name: str) -> ast.AST | None:
        return next((one.value for one in self.call.keywords if one.arg == name), None)


def described_app(source: Source, variable: str) -> Plain:
    """The part of the manifest that is in the code; raises Unreadable."""
    app = source.find(source.main, variable)
    made = _made(source, app) if isinstance(app, Place) else None
    if not isinstance(app, Place) or made is None:
        raise Unreadable(f"{source.main}: {variable} is not made there by App(...)")
    given = {one.arg: one.value for one in made.keywords}
    said = {name: source.literal(app.path, given[name]) for name in _NAMES if name in given}
    asset = source.resolve(app.path, given["asset_cls"]) if "asset_cls" in given else None
    actions: dict[str, Plain] = {}
    for one in _registered(source, app.node):
        action = _action(source, one)
        if actions.setdefault(action["identifier"], action) is not action:
            raise Unreadable(f"{one.path}:{one.call.lineno}: {action['identifier']} is an action already")
    return {
        **said,
        "type": said.pop("app_type", ""),
        "configuration": described(fields_of(source, asset), source.main),
        "actions": list(actions.values()),
    }


def _made(source: Source, app: Place) -> ast.Call | None:
    """The ``App(...)`` in ``App(...).enable_webhooks()``."""
    node = app.node
    while isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Call):
        node = node.func.value
    found = source.resolve(app.path, node.func) if isinstance(node, ast.Call) else None
    return node if isinstance(node, ast.Call) and isinstance(found, Foreign) and found.own == "App" else None


# ------------------------------------------------------------- finding


def _registered(source: Source, app: ast.AST) -> Iterator[_Registered]:
    """By decorators, by calls of what is a decorator, and by ``register_action``."""
    for path in source.reached():
        for node in ast.walk(source.tree(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                for call in node.decorator_list:
                    method = _method(source, path, call, app)
                    if method in _METHODS and isinstance(call, ast.Call):
                        yield _Registered(method=method, path=path, call=call, place=path, function=node)
            elif isinstance(node, ast.Call):
                yield from _by_call(source, path, node, app)


def _by_call(source: Source, path: str, node: ast.Call, app: ast.AST) -> Iterator[_Registered]:
    if _method(source, path, node, app) == "register_action":
        given = node.args[0] if node.args else next((one.value for one in node.keywords if one.arg == "action"), None)
        found = _function(source, path, given)
        yield _Registered(method="action", path=path, call=node, place=found.path, function=_as_function(found))
    elif isinstance(node.func, ast.Call) and (method := _method(source, path, node.func, app)) in _METHODS:
        found = _function(source, path, node.args[0] if node.args else None)
        yield _Registered(method=method, path=path, call=node.func, place=found.path, function=_as_function(found))


def _method(source: Source, path: str, node: ast.AST, app: ast.AST) -> str:
    """``METHOD`` of ``app.METHOD(...)``, whatever the app is called there."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
        return ""
    if node.func.attr not in (*_METHODS, "register_action"):
        return ""
    found = source.resolve(path, node.func.value)
    return node.func.attr if isinstance(found, Place) and found.node is app else ""


def _function(source: Source, path: str, node: ast.AST | None) -> Place:
    """Of its name, or of a text such as ``actions.look_up:look_up``, which begins beside the file that has it."""
    found: Definition | None = None
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        module, _, name = node.value.replace(":", ".").rpartition(".")
        around = path.rpartition("/")[0]
        file = f"{around}/{module.removesuffix('.py').replace('.', '/')}.py" if around else f"{module.replace('.', '/')}.py"
        found = source.find(file, name) if source.has(file) else None
    elif node is not None:
        found = source.resolve(path, node)
    if isinstance(found, Place) and isinstance(found.node, ast.FunctionDef | ast.AsyncFunctionDef):
        return found
    raise Unreadable(f"{path}:{getattr(node, 'lineno', 1)}: an action whose function is known only when the code runs")


def _as_function(found: Place) -> _Function:
    assert isinstance(found.node, ast.FunctionDef | ast.AsyncFunctionDef)
    return found.node


# ------------------------------------------------------------- describing


def _action(source: Source, one: _Registered) -> Plain:
    if any(keyword.arg is None for keyword in one.call.keywords):
        raise Unreadable(f"{one.path}:{one.call.lineno}: arguments of an action that are known only when the code runs")
    said = _own(source, one) if one.method == "action" else _special(one)
    returned = _returned(source, one)
    parameters = described(fields_of(source, _parameters(source, one)), one.place)
    own = [] if one.method in ("on_poll", "test_connectivity") else list(rows(source, returned.made))
    summary = one.argument("summary_type")
    if summary is not None:
        own += rows(source, source.resolve(one.path, summary), "action_result.summary")
    return {
        **said, "versions": "EQ(*)", "parameters": parameters,
        "description": _line(source, one) or said["action"],
        "output": [{"data_path": "action_result.status", "data_type": "string"}, *own],
    }  # fmt: skip


def _own(source: Source, one: _Registered) -> Plain:
    given = {name: _said(source, one, name) for name in ("name", "identifier", "action_type", "read_only")}
    identifier = given["identifier"] or one.function.name
    kind = given["action_type"] or "generic"
    # Where nothing is said, versions of the library differ.
    read_only = kind == "investigate" if given["read_only"] is None else bool(given["read_only"])
    name = given["name"] or identifier.replace("_", " ")
    return {"action": name, "identifier": identifier, "type": kind, "read_only": read_only}


def _said(source: Source, one: _Registered, name: str) -> Any:
    node = one.argument(name)
    return None if node is None else source.literal(one.path, node)


def _special(one: _Registered) -> Plain:
    name, kind = _SPECIAL[one.method]
    return {"action": name, "identifier": one.method, "type": kind, "read_only": one.method != "make_request"}


def _line(source: Source, one: _Registered) -> str:
    said = source.literal_or_none(one.path, one.argument("description"))
    text = said if isinstance(said, str) else inspect.cleandoc(ast.get_docstring(one.function) or "")
    return " ".join(text.split())


def _parameters(source: Source, one: _Registered) -> Definition | None:
    """The class of the first argument, or the one that is named."""
    if one.method == "test_connectivity":
        return None
    if one.method in ("on_poll", "on_es_poll"):
        return Foreign(name=f"soar_sdk.params.{'OnPollParams' if one.method == 'on_poll' else 'OnESPollParams'}")
    named = one.argument("params_class")
    if named is not None:
        return source.resolve(one.path, named)
    arguments = [*one.function.args.posonlyargs, *one.function.args.args]
    if one.method == "make_request":
        annotated = [annotation_of(source, one.place, each.annotation).made for each in arguments if each.annotation]
        return next((made for made in annotated if "http_method" in fields_of(source, made)), None)
    first = arguments[0].annotation if arguments else None
    return annotation_of(source, one.place, first).made if first is not None else None


def _returned(source: Source, one: _Registered) -> Annotation:
    if one.function.returns is not None:
        return annotation_of(source, one.place, one.function.returns)
    named = one.argument("output_class")
    return annotation_of(source, one.path, named) if named is not None else Annotation()
