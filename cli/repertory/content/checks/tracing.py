"""Which requests a playbook makes with literal names, and from which of them a value comes, by local data flow."""

from __future__ import annotations

import ast
from collections import ChainMap, Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from repertory.content.checks.declarations import Module

_SAME_RESULTS = ("required", "where")
_SAME_PARTS = ("succeeded", "failed")
_RESERVED = {"act": ("app", "asset", "timeout", "optional"), "run": ("event",)}
Sources = tuple[ast.Call, ...] | None  # None: something unknown
Scope = ChainMap[str, Sources]
_MOST_SOURCES = 50


@dataclass(frozen=True, kw_only=True)
class Request:
    """``play.act("name", …)`` or ``play.run("name", …)``; ``open`` where not every parameter can be seen."""

    name: str
    line: int
    parameters: Sequence[str]
    open: bool
    app: str = ""
    optional: bool = False


class Read(NamedTuple):
    """Data paths that are read, and the requests whose results they are read from."""

    paths: Sequence[str]
    line: int
    requests: Sequence[Request]


def requests_of(module: Module, method: str) -> Iterator[Request]:
    """Every request with a literal name."""
    for node in module.each(ast.Call):
        request = request_of(node, method)
        if request:
            yield request


def request_of(node: ast.AST, method: str) -> Request | None:
    """The request that a call makes, if it is one."""
    if not (
        isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == method and node.args
    ):
        return None
    first = node.args[0]
    if not (isinstance(first, ast.Constant) and isinstance(first.value, str)):
        return None
    words = {word.arg: word.value for word in node.keywords if word.arg}
    app, optional = words.get("app"), words.get("optional")
    return Request(
        name=first.value,
        line=node.lineno,
        parameters=[name for name in words if name not in _RESERVED[method]],
        open=len(words) != len(node.keywords),
        app=app.value if isinstance(app, ast.Constant) and isinstance(app.value, str) else "",
        optional=optional is not None and not (isinstance(optional, ast.Constant) and not optional.value),
    )


def reads_of(tree: ast.Module) -> Iterator[Read]:
    """Every ``.rows(…)``, ``.values(…)`` and ``.where(…=…)`` whose results are those of known requests."""
    yield from _reads(tree, ChainMap())


def _reads(scope: ast.AST, outer: Scope) -> Iterator[Read]:
    own = list(_own_nodes(scope))
    names = outer.new_child(_assigned(scope, own, outer))
    for node in own:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from _reads(node, names)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            paths = _paths(node)
            calls = _sources(node.func.value, names) if paths else None
            requests = [request for call in calls or () if (request := request_of(call, "act"))]
            if requests:
                yield Read(paths, node.lineno, requests)


def _paths(call: ast.Call) -> list[str]:
    assert isinstance(call.func, ast.Attribute)
    if call.func.attr in ("rows", "values"):
        return [part.value for part in call.args if isinstance(part, ast.Constant) and isinstance(part.value, str)]
    return [word.arg for word in call.keywords if word.arg] if call.func.attr == "where" else []


def _own_nodes(scope: ast.AST) -> Iterator[ast.AST]:
    """Nodes of a scope with the functions in it, but not what is inside of those."""
    waiting = list(ast.iter_child_nodes(scope))
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            waiting += ast.iter_child_nodes(node)


def _assigned(scope: ast.AST, own: Sequence[ast.AST], outer: Scope) -> dict[str, Sources]:
    plain: dict[str, list[ast.expr]] = {}
    unknown: set[str] = set()
    if isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        unknown |= {argument.arg for argument in ast.walk(scope.args) if isinstance(argument, ast.arg)}
    for node in own:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            plain.setdefault(node.targets[0].id, []).append(node.value)
    stored = Counter(node.id for node in own if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))
    unknown |= {name for name, times in stored.items() if times != len(plain.get(name, ()))}
    found: dict[str, Sources] = dict.fromkeys(unknown)
    so_far = outer.new_child(found)
    # In the order of the file, so that a name may be made of earlier ones.
    for name, values in sorted(plain.items(), key=lambda pair: pair[1][0].lineno):
        if name not in unknown:
            found[name] = _union([_sources(value, so_far) for value in values])
    return found


def _sources(node: ast.expr, names: Scope) -> Sources:
    if isinstance(node, ast.Name):
        return names.get(node.id)
    if isinstance(node, ast.Attribute):
        return _sources(node.value, names) if node.attr in _SAME_PARTS else None
    if isinstance(node, ast.BinOp):
        return _union([_sources(node.left, names), _sources(node.right, names)])
    if isinstance(node, ast.IfExp):
        return _union([_sources(node.body, names), _sources(node.orelse, names)])
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        if node.func.attr == "act":
            return (node,) if request_of(node, "act") else None
        return _sources(node.func.value, names) if node.func.attr in _SAME_RESULTS else None
    return None


def _union(parts: Sequence[Sources]) -> Sources:
    known = [part for part in parts if part is not None]
    together = tuple(dict.fromkeys(call for part in known for call in part))
    return together if len(known) == len(parts) and len(together) <= _MOST_SOURCES else None
