"""The code of an app written with splunk-soar-sdk as syntax: names are followed through its modules, nothing is run."""

from __future__ import annotations

import ast
import sys
import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

SDK = "soar_sdk"
_DEEPEST = 50
# The largest known app takes 13,000 steps; code can be written to take any number of them.
_MOST_STEPS = 60_000
_LONGEST = 20_000


class Unreadable(ValueError):
    """What only running the code would tell."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """A definition in the app: a class, a function, a module, or the expression that a name is assigned."""

    path: str
    node: ast.AST


@dataclass(frozen=True, kw_only=True)
class Foreign:
    """A name of another package, with the module's path before it."""

    name: str

    @property
    def own(self) -> str:
        """The last part of a name of the library; empty for other packages."""
        return self.name.rpartition(".")[2] if self.name.partition(".")[0] == SDK else ""


@dataclass(frozen=True, kw_only=True)
class _Import:
    """``from MODULE import NAME``, or a module where there is no name; ``level`` counts the dots."""

    module: str
    name: str
    level: int


Definition = Place | Foreign


class Source:
    """The Python files of one app. ``main`` is the path of the module where everything begins."""

    def __init__(self, files: Collection[str], read: Callable[[str], bytes], main: str) -> None:
        self._files = frozenset(files)
        self._read = read
        self._modules: dict[str, _Module] = {}
        self._steps = 0
        self.main = main
        self._roots = ("", main.rpartition("/")[0])

    def step(self) -> None:
        """Raises Unreadable where there have been too many."""
        self._steps += 1
        if self._steps > _MOST_STEPS:
            raise Unreadable(f"{self.main}: the code is too involved to be read")

    def tree(self, path: str) -> ast.Module:
        """The syntax of a file."""
        return self._module(path).tree

    def has(self, path: str) -> bool:
        """Whether there is such a file."""
        return path in self._files

    def _module(self, path: str) -> _Module:
        if path not in self._modules:
            self._modules[path] = _Module(path, self._read(path))
        return self._modules[path]

    def reached(self) -> Iterator[str]:
        """The main module and whatever is imported of the app with it; packages around a module come first.

        One that this Python cannot read, because it is for a newer one, is left out: what it adds is found when the app starts.
        """
        waiting, seen = [self.main], {self.main}
        while waiting:
            path = waiting.pop(0)
            if path != self.main and not self._is_readable(path):
                continue
            yield path
            for found in self._imported(path):
                if found not in seen:
                    seen.add(found)
                    waiting.append(found)

    def _is_readable(self, path: str) -> bool:
        try:
            self._module(path)
        except Unreadable:
            return False
        return True

    def _imported(self, path: str) -> Iterator[str]:
        steps = path.split("/")[:-1]
        around = ["/".join([*steps[:count], "__init__.py"]) for count in range(1, len(steps) + 1)]
        yield from (package for package in around if package in self._files)
        for one in self._module(path).imports:
            for module in (self._file(path, one.module, one.level), self._file(path, _below(one.module, one.name), one.level)):
                if module:
                    yield module

    def _file(self, path: str, module: str, level: int) -> str:
        """The file of a module that another one imports; empty if it is none of the app's."""
        steps = module.split(".") if module else []
        if level:
            around = path.split("/")[:-level]
            return self._first(["/".join([*around, *steps])]) if len(path.split("/")) >= level else ""
        return self._first(["/".join([*([root] if root else []), *steps]) for root in self._roots]) if steps else ""

    def _first(self, stems: Sequence[str]) -> str:
        paths = [f"{stem}{ending}" for stem in stems for ending in (".py", "/__init__.py")]
        return next((path for path in paths if path in self._files), "")

    # ------------------------------------------------------------- names

    def find(self, path: str, name: str, deep: int = 0) -> Definition | None:
        """What a name of a module's top level stands for."""
        self.step()
        if deep > _DEEPEST:
            return None
        module = self._module(path)
        found = module.names.get(name)
        if isinstance(found, _Import):
            return self._follow(path, found, deep)
        if found is not None:
            return Place(path=path, node=found)
        for star in module.stars:
            file = self._file(path, star.module, star.level)
            inside = self.find(file, name, deep + 1) if file else None
            if inside is not None:
                return inside
        return None

    def _follow(self, path: str, one: _Import, deep: int) -> Definition | None:
        file = self._file(path, one.module, one.level)
        inside = self.find(file, one.name, deep + 1) if file and one.name else None
        if inside is not None:
            return inside
        module = self._file(path, _below(one.module, one.name), one.level)
        if module:
            return Place(path=module, node=self.tree(module))
        return None if one.level or file else Foreign(name=_below(one.module, one.name))

    def resolve(self, path: str, node: ast.AST) -> Definition | None:
        """What an expression of names and dots stands for."""
        if isinstance(node, ast.Name):
            return self.find(path, node.id)
        if not isinstance(node, ast.Attribute):
            return None
        around = self.resolve(path, node.value)
        if isinstance(around, Foreign):
            return Foreign(name=f"{around.name}.{node.attr}")
        if around is None or isinstance(around.node, ast.Module):
            return self.find(around.path, node.attr) if around else None
        inside = _assigned_in(around.node).get(node.attr) if isinstance(around.node, ast.ClassDef) else None
        return Place(path=around.path, node=inside) if inside else None

    # ------------------------------------------------------------- values

    def literal(self, path: str, node: ast.AST, deep: int = 0) -> Any:
        """The value of an expression that says it; raises Unreadable."""
        self.step()
        if deep > _DEEPEST:
            raise Unreadable(_at(path, node))
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
            return [self.literal(path, one, deep + 1) for one in node.elts]
        if isinstance(node, ast.JoinedStr):
            return self._bounded("".join(str(self.literal(path, one, deep + 1)) for one in node.values), path, node)
        if isinstance(node, ast.FormattedValue) and node.format_spec is None and node.conversion == -1:
            return self.literal(path, node.value, deep + 1)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return -self._number(path, node.operand, deep + 1)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            return self._sum(self.literal(path, node.left, deep + 1), self.literal(path, node.right, deep + 1), path, node)
        if isinstance(node, (ast.Name, ast.Attribute)):
            return self._named(path, node, deep)
        if isinstance(node, ast.Call) and _last(node.func) == "ZoneInfo" and len(node.args) == 1:
            return self.literal(path, node.args[0], deep + 1)
        raise Unreadable(_at(path, node))

    def _number(self, path: str, node: ast.AST, deep: int) -> int | float:
        value = self.literal(path, node, deep)
        if isinstance(value, (int, float)):
            return value
        raise Unreadable(_at(path, node))

    def _sum(self, left: Any, right: Any, path: str, node: ast.AST) -> Any:
        kinds = (str, list, (int, float))
        if any(isinstance(left, kind) and isinstance(right, kind) for kind in kinds):
            return self._bounded(left + right, path, node)
        raise Unreadable(_at(path, node))

    def _bounded(self, value: Any, path: str, node: ast.AST) -> Any:
        if isinstance(value, (str, list)) and len(value) > _LONGEST:
            raise Unreadable(_at(path, node))
        return value

    def _named(self, path: str, node: ast.Name | ast.Attribute, deep: int) -> Any:
        found = self.resolve(path, node)
        if isinstance(found, Place) and isinstance(found.node, ast.expr):
            return self.literal(found.path, found.node, deep + 1)
        if isinstance(node, ast.Attribute) and node.attr == "value":  # of a member of an enumeration
            return self.literal(path, node.value, deep + 1)
        raise Unreadable(_at(path, node))

    def literal_or_none(self, path: str, node: ast.AST | None) -> Any:
        """For what only describes: better nothing than an app that cannot be had."""
        try:
            return None if node is None else self.literal(path, node)
        except Unreadable:
            return None


def without_examples(content: bytes) -> bytes:
    """Code without the lines of examples of outputs, in which addresses stand that nobody dials."""
    try:
        tree = _Module("", content).tree
    except Unreadable:
        return content
    lines: list[bytes] = content.split(b"\n")
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "example_values":
            for number in range(node.value.lineno, (node.value.end_lineno or 0) + 1):
                lines[number - 1 : number] = [b""]
    return b"\n".join(lines)


class _Module:
    def __init__(self, path: str, content: bytes) -> None:
        try:
            with warnings.catch_warnings(action="ignore"):
                self.tree = ast.parse(content, path)
        except SyntaxError as error:
            own = ".".join(map(str, sys.version_info[:2]))
            raise Unreadable(f"{path}:{error.lineno}: {error.msg}, as Python {own} reads it") from None
        except MemoryError:
            raise Unreadable(f"{path} is too deeply nested") from None

    @cached_property
    def names(self) -> dict[str, ast.AST | _Import]:
        """Of the top level, also below ``if`` and ``try``; what comes first there counts."""
        found: dict[str, ast.AST | _Import] = dict(_assigned_in(self.tree))
        for node in _top_level(self.tree):
            if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
                found.setdefault(node.name, node)
            for name, one in _imports_of(node):
                found.setdefault(name, one)
        return found

    @cached_property
    def imports(self) -> list[_Import]:
        """All, wherever they stand."""
        return [one for node in ast.walk(self.tree) for _, one in _imports_of(node)]

    @property
    def stars(self) -> list[_Import]:
        """Of ``from MODULE import *``; they name everything of it."""
        return [one for node in _top_level(self.tree) for name, one in _imports_of(node) if name == "*"]


def _top_level(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        yield child
        if isinstance(child, (ast.If, ast.Try, ast.With, ast.ExceptHandler)):
            yield from _top_level(child)


def _assigned_in(node: ast.AST) -> dict[str, ast.AST]:
    found: dict[str, ast.AST] = {}
    for child in _top_level(node):
        if isinstance(child, ast.Assign):
            found.update({one.id: child.value for one in child.targets if isinstance(one, ast.Name)})
        elif isinstance(child, ast.AnnAssign) and child.value is not None and isinstance(child.target, ast.Name):
            found[child.target.id] = child.value
    return found


def _imports_of(node: ast.AST) -> Iterator[tuple[str, _Import]]:
    if isinstance(node, ast.Import):
        for one in node.names:
            whole = one.name if one.asname else one.name.partition(".")[0]
            yield one.asname or whole, _Import(module=whole, name="", level=0)
    elif isinstance(node, ast.ImportFrom):
        for one in node.names:
            name = "" if one.name == "*" else one.name
            yield one.asname or one.name, _Import(module=node.module or "", name=name, level=node.level)


def _below(module: str, name: str) -> str:
    return f"{module}.{name}" if module and name else module or name


def _last(node: ast.AST) -> str:
    return getattr(node, "id", getattr(node, "attr", ""))


def _at(path: str, node: ast.AST) -> str:
    return f"{path}:{getattr(node, 'lineno', 1)}: a value that is known only when the code runs"
