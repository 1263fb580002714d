"""Modules as the rules of this house see them: a name, a syntax tree, and what it imports."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, kw_only=True)
class Import:
    """One imported module; ``typing_only`` below TYPE_CHECKING, ``inside`` of a function."""

    target: str
    line: int
    typing_only: bool
    inside: bool

    @property
    def package(self) -> str:
        return self.target.partition(".")[0]


@dataclass(frozen=True)
class Module:
    """A module's source under its dotted name; ``siblings`` are all modules there are."""

    name: str
    source: str
    siblings: frozenset[str] = frozenset()

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.source, self.name)

    @cached_property
    def nodes(self) -> list[ast.AST]:
        return list(ast.walk(self.tree))

    @cached_property
    def functions(self) -> list[Function]:
        return [node for node in self.nodes if isinstance(node, Function)]

    @cached_property
    def imports(self) -> list[Import]:
        return list(self._imports_in(self.tree, typing_only=False, inside=False))

    def _imports_in(self, node: ast.AST, *, typing_only: bool, inside: bool) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import | ast.ImportFrom):
                for target in self._targets(child):
                    yield Import(target=target, line=child.lineno, typing_only=typing_only, inside=inside)
            below = typing_only or (isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING"))
            yield from self._imports_in(child, typing_only=below, inside=inside or isinstance(child, Function))

    def _targets(self, node: ast.Import | ast.ImportFrom) -> Iterator[str]:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
            return
        origin = "." * node.level + (node.module or "")
        for alias in node.names:  # `from package import module` means the module
            inner = f"{origin}.{alias.name}"
            yield inner if inner in self.siblings else origin


def own_modules() -> list[Module]:
    """Everything in sdk/ and cli/."""
    found = {
        _dotted(path.relative_to(folder)): path
        for folder in (ROOT / "sdk", ROOT / "cli")
        for path in sorted(folder.rglob("*.py"))
    }
    return [Module(name, path.read_text("utf-8"), frozenset(found)) for name, path in found.items()]


def _dotted(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def cycles(modules: list[Module]) -> list[list[str]]:
    """Circles of imports, each as the way around; what only type checkers import makes none."""
    names = {module.name for module in modules}
    edges = {
        module.name: sorted({each.target for each in module.imports if not each.typing_only} & names)
        for module in modules
    }
    found: list[list[str]] = []
    done: set[str] = set()

    def visit(name: str, way: list[str]) -> None:
        if name in way:
            found.append([*way[way.index(name) :], name])
        elif name not in done:
            for target in edges[name]:
                visit(target, [*way, name])
            done.add(name)

    for name in edges:
        visit(name, [])
    return found
