"""What Python source declares with the SDK's decorators, read from its syntax tree without running it."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, TypeVar, cast

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
Node = TypeVar("Node", bound=ast.AST)
PLAIN_TYPES = ("str", "int", "float", "bool", "list", "List", "dict", "Dict", "Secret", "Sequence", "Mapping")


class Unknown:
    """A value that only running the code would tell."""


UNKNOWN: Final = Unknown()


@dataclass(frozen=True, kw_only=True)
class DeclaredParameter:
    """A parameter as a signature shows it; ``required`` is None where the syntax alone does not tell."""

    name: str
    required: bool | None


@dataclass(frozen=True, kw_only=True)
class Declared:
    """A decorated function or an ``App(...)``: its place and the arguments that are literals.

    ``open`` says that there are arguments which cannot be seen (``**options``).
    """

    path: str
    line: int
    arguments: Mapping[str, Any]
    open: bool = False
    function: str = ""
    parameters: Sequence[DeclaredParameter] = field(default=())

    def given(self, name: str, default: Any = UNKNOWN) -> Any:
        """The literal value of an argument, the default where it is absent, UNKNOWN where it cannot be seen."""
        return self.arguments.get(name, UNKNOWN if self.open else default)


@dataclass(frozen=True, kw_only=True)
class Module:
    """A parsed file."""

    path: str
    tree: ast.Module

    @cached_property
    def constants(self) -> dict[str, Any]:
        """Names that are assigned a literal once, at the top level, and the docstring."""
        found: dict[str, Any] = {"__doc__": ast.get_docstring(self.tree, clean=False)}
        for node in self.tree.body:
            targets = node.targets if isinstance(node, ast.Assign) else []
            for target in targets:
                if isinstance(target, ast.Name):
                    found[target.id] = UNKNOWN if target.id in found else _literal(getattr(node, "value", None), {})
        return found

    @cached_property
    def nodes(self) -> Sequence[ast.AST]:
        """Every node that is executed, in no order: without annotations and what only type checkers read."""
        found: list[ast.AST] = [self.tree]
        for node in found:  # grows while it is gone through
            found += _executed_children(node)
        return found

    @cached_property
    def _by_kind(self) -> Mapping[type[ast.AST], Sequence[ast.AST]]:
        found: dict[type[ast.AST], list[ast.AST]] = {}
        for node in self.nodes:
            found.setdefault(type(node), []).append(node)
        return found

    def each(self, kind: type[Node]) -> Sequence[Node]:
        """The executed nodes of one kind: most checks look at a few of a file's thousands."""
        return cast("Sequence[Node]", self._by_kind.get(kind, ()))

    def functions(self) -> Iterator[FunctionNode]:
        """Functions at the top level, also below ``if`` and ``try``."""
        for node in _top_level(self.tree.body):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield node

    def implements(self, hook: str) -> bool:
        """Whether the module may register things by a hook of its own, or hides what its functions are called."""
        return any(function.name == hook for function in self.functions())


_SAYING_NOTHING = frozenset({"ctx", "op", "ops", "type_comment", "lineno", "annotation", "returns", "type_params"})


def _executed_children(node: ast.AST) -> Iterator[ast.AST]:
    """Like ``ast.iter_child_nodes`` without what says nothing: that is a third of all nodes, and most of the time."""
    if isinstance(node, ast.If) and _last_name(node.test) == "TYPE_CHECKING":
        yield from node.orelse
        return
    for name in node._fields:
        if name in _SAYING_NOTHING:
            continue
        value = getattr(node, name, None)
        if isinstance(value, list):
            for part in value:
                if isinstance(part, ast.AST):
                    yield part
        elif isinstance(value, ast.AST):
            yield value


def _top_level(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    for node in body:
        yield node
        if isinstance(node, ast.If | ast.Try | ast.With):
            yield from _top_level(child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt))


# --------------------------------------------------------------------- apps


def app_variables(module: Module) -> dict[str, Declared]:
    """Every ``name = App(...)`` at the top level."""
    found = {}
    for node in module.tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and _last_name(node.value.func) == "App":
            for target in node.targets:
                if isinstance(target, ast.Name):
                    found[target.id] = _declared(module, node.value, ["name"])
    return found


def decorated(module: Module, variables: Iterable[str], method: str) -> Iterator[tuple[Declared, FunctionNode]]:
    """Functions under ``@variable.method`` or ``@variable.method(...)``."""
    names = set(variables)
    for function in module.functions():
        for decorator in function.decorator_list:
            called = decorator.func if isinstance(decorator, ast.Call) else decorator
            if isinstance(called, ast.Attribute) and called.attr == method and _last_name(called.value) in names:
                yield _decorated(module, decorator, function), function


def adds_by_hand(module: Module, variables: Iterable[str]) -> bool:
    """Whether some code calls ``variable.add(...)`` or ``variable.action(...)(function)``, which no decorator shows."""
    names = set(variables)
    decorators = {id(decorator) for function in module.functions() for decorator in function.decorator_list}
    return any(
        id(node) not in decorators
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("add", "action")
        and _last_name(node.func.value) in names
        for node in module.each(ast.Call)
    )


def asset_classes(modules: Iterable[Module]) -> set[str]:
    """Names of classes that are assets, by base class or decorator."""
    found = {"Asset"}
    for module in modules:
        for node in module.each(ast.ClassDef):
            marks = {_last_name(base) for base in node.bases} | {_attribute(mark) for mark in node.decorator_list}
            if marks & {"Asset", ".asset"}:
                found.add(node.name)
    return found


def parameters_of(function: FunctionNode, special: set[str], *, skip: int = 0) -> list[DeclaredParameter]:
    """Parameters of an action or inputs of a playbook: without the first ``skip`` and those of special types."""
    signature = function.args
    plain = [*signature.posonlyargs, *signature.args]
    defaults: list[ast.expr | None] = [*[None] * (len(plain) - len(signature.defaults)), *signature.defaults]
    keyword_only = zip(signature.kwonlyargs, signature.kw_defaults, strict=True)
    pairs = [*zip(plain[skip:], defaults[skip:], strict=True), *keyword_only]
    return [
        DeclaredParameter(name=argument.arg, required=_is_required(argument.annotation, default))
        for argument, default in pairs
        if _annotation_name(argument.annotation) not in special
    ]


def _is_required(annotation: ast.expr | None, default: ast.expr | None) -> bool | None:
    if isinstance(default, ast.Call) and _last_name(default.func) == "param":
        if any(keyword.arg is None for keyword in default.keywords):
            return None
        if any(keyword.arg == "default" for keyword in default.keywords):
            return False
    elif default is not None:
        return False
    # Without a default it is required unless None is a value; an alias might hide that.
    return True if annotation is None or _annotation_name(annotation) in PLAIN_TYPES else None


def _annotation_name(annotation: ast.expr | None) -> str:
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        return annotation.value.rpartition(".")[2]
    if isinstance(annotation, ast.Subscript):
        annotation = annotation.value
    return _last_name(annotation)


# ---------------------------------------------------------------- playbooks


def decorated_playbooks(module: Module) -> Iterator[tuple[Declared, FunctionNode]]:
    """Functions under ``@playbook`` or ``@playbook(...)``."""
    for function in module.functions():
        for decorator in function.decorator_list:
            called = decorator.func if isinstance(decorator, ast.Call) else decorator
            if _last_name(called) == "playbook":
                yield _decorated(module, decorator, function), function


# ----------------------------------------------------------------- literals


def _decorated(module: Module, decorator: ast.expr, function: FunctionNode) -> Declared:
    if isinstance(decorator, ast.Call):
        found = _declared(module, decorator, ["name"])
    else:
        found = Declared(path=module.path, line=decorator.lineno, arguments={})
    return Declared(**{**vars(found), "function": function.name})


def _declared(module: Module, call: ast.Call, positional: Sequence[str]) -> Declared:
    constants = module.constants
    arguments = {name: _literal(value, constants) for name, value in zip(positional, call.args, strict=False)}
    arguments |= {word.arg: _literal(word.value, constants) for word in call.keywords if word.arg is not None}
    is_open = any(word.arg is None for word in call.keywords) or any(isinstance(a, ast.Starred) for a in call.args)
    return Declared(path=module.path, line=call.lineno, arguments=arguments, open=is_open)


def _literal(node: ast.expr | None, constants: Mapping[str, Any]) -> Any:
    if isinstance(node, ast.Name):
        return constants.get(node.id, UNKNOWN)
    try:
        return ast.literal_eval(node) if node is not None else UNKNOWN
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return UNKNOWN


def _last_name(node: ast.expr | None) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _attribute(node: ast.expr) -> str:
    called = node.func if isinstance(node, ast.Call) else node
    return f".{called.attr}" if isinstance(called, ast.Attribute) else ""
