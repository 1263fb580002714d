"""What a file refers to, by the full names of what it imports: ``from os import system as go; go("x")`` uses ``os.system``."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from repertory.content.checks.declarations import Module

_BUILTINS = frozenset(dir(builtins))
_IMPORTERS = ("__import__", "importlib.import_module", "importlib.__import__")


class Use(NamedTuple):
    """A place where something imported or built in is named; ``call`` where it is called there."""

    name: str
    line: int
    call: ast.Call | None


@dataclass(frozen=True)
class References:
    """What one file uses. Annotations and ``if TYPE_CHECKING`` do not count: they do nothing."""

    module: Module

    @property
    def path(self) -> str:
        """The path of the file."""
        return self.module.path

    def imported_by(self, call: ast.Call) -> str:
        """The module that a call of an importing function names; empty for other calls and computed names."""
        first = call.args[0] if call.args else None
        if isinstance(first, ast.Constant) and isinstance(first.value, str) and self.name_of(call.func) in _IMPORTERS:
            return first.value
        return ""

    @cached_property
    def _aliases(self) -> Mapping[str, str]:
        found: dict[str, str] = {}
        for node in self.module.each(ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                found[alias.asname or top] = alias.name if alias.asname else top
        for source in self.module.each(ast.ImportFrom):
            if source.module and not source.level:
                found |= {alias.asname or alias.name: f"{source.module}.{alias.name}" for alias in source.names}
        return found

    @cached_property
    def _bound(self) -> frozenset[str]:
        """Names that the file itself gives a meaning to."""
        each = self.module.each
        found = {node.name for node in each(ast.FunctionDef)} | {node.name for node in each(ast.ClassDef)}
        found |= {node.name for node in each(ast.AsyncFunctionDef)}
        found |= {node.id for node in each(ast.Name) if isinstance(node.ctx, ast.Store)}
        return frozenset(found)

    def name_of(self, node: ast.AST) -> str:
        """The full name of what an expression refers to; empty where that is not something imported or built in."""
        if isinstance(node, ast.Name):
            if node.id in self._aliases:
                return self._aliases[node.id]
            return node.id if node.id in _BUILTINS and node.id not in self._bound else ""
        if isinstance(node, ast.Attribute):
            owner = self.name_of(node.value)
            return f"{owner}.{node.attr}".removeprefix("builtins.").removeprefix("__builtins__.") if owner else ""
        return self._name_of_call(node) if isinstance(node, ast.Call) else ""

    def _name_of_call(self, call: ast.Call) -> str:
        """``getattr(os, "system")`` is ``os.system``, ``__import__("os")`` is ``os``."""
        called = self.name_of(call.func)
        if called in _IMPORTERS:
            return self.imported_by(call)
        if called == "getattr" and len(call.args) >= 2:
            owner, name = self.name_of(call.args[0]), call.args[1]
            if owner and isinstance(name, ast.Constant) and isinstance(name.value, str):
                return f"{owner}.{name.value}"
        return ""

    @cached_property
    def uses(self) -> Sequence[Use]:
        """Every longest name, in the order of the file: ``os.environ.get`` and not also ``os.environ``."""
        return sorted(self._uses(), key=lambda use: use.line)

    def _uses(self) -> Iterator[Use]:
        each = self.module.each
        inner = {id(node.value) for node in each(ast.Attribute)}
        calls = {id(node.func): node for node in each(ast.Call)}
        for node in (*each(ast.Name), *each(ast.Attribute), *each(ast.Call)):
            if id(node) not in inner:
                name = self.name_of(node)
                if name:
                    yield Use(name, node.lineno, calls.get(id(node)))

    @cached_property
    def calls(self) -> Sequence[Use]:
        """Only those uses that are calls."""
        return [use for use in self.uses if use.call is not None]


def is_of(name: str, owners: Collection[str]) -> bool:
    """Whether a full name is one of these or below one of them."""
    end = len(name)
    while end > 0:
        if name[:end] in owners:
            return True
        end = name.rfind(".", 0, end)
    return False


def text_of(node: ast.expr | None, constants: Mapping[str, object]) -> str:
    """The text of a literal, of a constant of the file, or the beginning of an f-string or sum; else empty."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    if isinstance(node, ast.Name):
        value = constants.get(node.id, "")
        return value if isinstance(value, str) else ""
    if isinstance(node, ast.JoinedStr):
        return text_of(node.values[0], constants) if node.values else ""
    if isinstance(node, ast.FormattedValue):
        return text_of(node.value, constants)
    return text_of(node.left, constants) if isinstance(node, ast.BinOp) else ""
