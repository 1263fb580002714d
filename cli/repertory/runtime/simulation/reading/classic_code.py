"""The code of a classic playbook, followed function by function; it is read and never run."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from repertory.runtime.simulation.reading.classic_paths import CONTAINER, Datapaths
from repertory.runtime.simulation.reading.expressions import GIVEN, Expressions, Names, argument, literal
from repertory.runtime.simulation.reading.places import Place
from repertory.runtime.simulation.reading.seen import AppRuns, Seen, Value, element, together

if TYPE_CHECKING:
    from collections.abc import Iterator

_DEEPEST = 3
_RESULTS = 3  # the position of ``results`` among what callbacks get
_OF_CONTAINER = ("container", "incident", "campaign", "offense", "email")
_ASKING = ("prompt", "prompt2", "task")
Function = ast.FunctionDef | ast.AsyncFunctionDef


def read_code(text: str) -> Place:
    """Everything that the code looks at; nothing where it cannot be parsed."""
    root = Place()
    try:
        tree = ast.parse(text.expandtabs(8))
    except (SyntaxError, ValueError, RecursionError):
        return root
    code = _Code(tree, root)
    for _ in range(2):  # what one function keeps, another may have read before
        _forget_cases(root)
        code.follow_all()
    return root


def _forget_cases(place: Place) -> None:
    place.cases.clear()
    for inner in place.inside.values():
        _forget_cases(inner)


class _Code:
    def __init__(self, tree: ast.Module, root: Place) -> None:
        self._outer = {node.name: node for node in tree.body if isinstance(node, Function)}
        inner = {node.name: node for node in ast.walk(tree) if isinstance(node, Function)}
        self._functions = {**inner, **self._outer}
        self._tree = tree
        actions, prompts, self._callbacks = _blocks(tree)
        self._paths = Datapaths(root, actions, prompts)
        self._expressions = Expressions(self._paths, self._called)
        self._known: dict[tuple[str, tuple[tuple[str, Seen], ...]], Seen] = {}
        self._depth = 0
        self._container: Names = {name: Value((root.at((CONTAINER,)),)) for name in _OF_CONTAINER}

    def follow_all(self) -> None:
        self._known.clear()
        self._follow(self._tree.body, dict(self._container), [])
        for name, node in self._outer.items():
            given: Names = {}
            if self._callbacks.get(name):
                runs = AppRuns(self._paths.results(self._callbacks[name]))
                parameters = [one.arg for one in (*node.args.posonlyargs, *node.args.args)]
                given = {parameter: runs for parameter in [*parameters[_RESULTS : _RESULTS + 1], GIVEN]}
            self._run(node, {**self._container, **given})

    def _called(self, name: str, node: ast.Call, names: Names) -> Seen:
        """A function of the module, with what is given to it."""
        function = self._functions.get(name)
        if function is None or self._depth >= _DEEPEST:
            return None
        parameters = [one.arg for one in (*function.args.posonlyargs, *function.args.args)]
        pairs = [*zip(parameters, node.args, strict=False), *((one.arg, one.value) for one in node.keywords if one.arg)]
        given = {parameter: self._expressions.follow(value, names) for parameter, value in pairs}
        given = {parameter: seen for parameter, seen in given.items() if seen is not None}
        runs = next((seen for seen in given.values() if isinstance(seen, AppRuns)), None)
        return self._run(function, {**given, GIVEN: runs} if runs else given)

    def _run(self, function: Function, given: Names) -> Seen:
        key = (function.name, tuple(sorted(given.items(), key=lambda pair: pair[0])))
        if key not in self._known:
            self._known[key] = None
            self._depth += 1
            returned: list[Seen] = []
            self._follow(function.body, dict(given), returned)
            self._depth -= 1
            self._known[key] = together(tuple(returned))
        return self._known[key]

    def _follow(self, body: list[ast.stmt], names: Names, returned: list[Seen]) -> None:
        for node in body:
            self._statement(node, names, returned)

    def _statement(self, node: ast.stmt, names: Names, returned: list[Seen]) -> None:
        follow = self._expressions.follow
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            return
        if isinstance(node, ast.Assign):
            seen = follow(node.value, names)
            for target in node.targets:
                self._expressions.bind(target, seen, names)
        elif isinstance(node, (ast.For, ast.AsyncFor)):
            self._expressions.bind(node.target, element(follow(node.iter, names)), names)
        elif isinstance(node, ast.Return):
            returned.append(follow(node.value, names))
        else:
            for expression in _expressions_of(node):
                follow(expression, names)
        for block in _blocks_of(node):
            self._follow(block, names, returned)


def _expressions_of(node: ast.stmt) -> Iterator[ast.expr]:
    for inner in ast.iter_child_nodes(node):
        if isinstance(inner, ast.expr):
            yield inner
        elif isinstance(inner, ast.withitem):
            yield inner.context_expr


def _blocks_of(node: ast.stmt) -> Iterator[list[ast.stmt]]:
    for name in ("body", "orelse", "finalbody"):
        yield getattr(node, name, [])
    for handler in getattr(node, "handlers", []):
        yield handler.body


def _blocks(tree: ast.Module) -> tuple[dict[str, list[str]], list[str], dict[str, list[str]]]:
    """Actions by the names of their blocks, names of prompts, and actions by the functions that are called back."""
    actions: dict[str, list[str]] = {}
    prompts: list[str] = []
    callbacks: dict[str, list[str]] = {}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        name = literal(argument(node, 99, "name"))
        if node.func.attr in _ASKING and isinstance(name, str):
            prompts.append(name)
        action = literal(argument(node, 0, "action")) if node.func.attr == "act" else None
        if isinstance(action, str):
            action = action.strip().lower()
            callback = argument(node, 4, "callback")
            if isinstance(name, str):
                actions.setdefault(name, []).append(action)
            if isinstance(callback, ast.Name):
                callbacks.setdefault(callback.id, []).append(action)
    return actions, prompts, callbacks
