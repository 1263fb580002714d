"""The code of an item, without running it: a reader of the manifest must not be misled by it."""

from __future__ import annotations

import ast
import sys
import warnings
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from repertory.content.checks.app_source import app_issues
from repertory.content.checks.declarations import Module
from repertory.content.checks.issue import Issue
from repertory.content.checks.leaks import assigned_leaks, shown_secrets
from repertory.content.checks.packages import package_issues, source_issues, unbounded
from repertory.content.checks.playbook_reach import playbook_reach_issues
from repertory.content.checks.playbook_source import playbook_issues
from repertory.content.checks.reach import reach_issues
from repertory.content.checks.references import References
from repertory.content.checks.sdk_names import sdk_name_issues
from repertory.content.environments.python_versions import accepts
from repertory.content.items.hookspecs import hookimpl

if TYPE_CHECKING:
    from repertory.content.git.tree import Tree
    from repertory.content.items.found import FoundItem

SOURCE_BYTES = 1_000_000
TEST_FILES = ("test_", "conftest.py", "simulator.py")


@hookimpl
def repertory_check_item(tree: Tree, item: FoundItem) -> Sequence[Issue]:
    """Syntax of every Python file, what its code does, and whether decorators and manifest say the same."""
    if item.format != "native":
        return []
    parsed = parse_item(tree, item)
    issues = [one for one in parsed if isinstance(one, Issue)]
    modules = [one for one in parsed if isinstance(one, Module)]
    main = next((module for module in modules if item.manifest and module.path == item.below(item.manifest.main)), None)
    if issues or main is None:
        return issues
    try:
        return list(_code_issues(tree, item, main, own_modules(item, main, modules)))
    except RecursionError:
        return [Issue(path=main.path, rule="python-syntax", message="the code is too deeply nested to be checked")]


def _code_issues(tree: Tree, item: FoundItem, main: Module, own: Sequence[Module]) -> Iterator[Issue]:
    files = [References(module) for module in own]
    yield from sdk_name_issues(files)
    yield from assigned_leaks(files)
    yield from package_issues(tree, item, files)
    yield from source_issues(tree, item)
    if item.app:
        yield from app_issues(item, main, own)
        yield from reach_issues(item.app, files)
        yield from shown_secrets(item.app, files)
        yield from unbounded(item, item.app.requires)
    else:
        yield from playbook_issues(item, main, own)
        yield from playbook_reach_issues(files)


def parse_item(tree: Tree, item: FoundItem) -> list[Module | Issue]:
    """The syntax tree of every Python file of an item, or why there is none."""
    python = item.app.python if item.app else ""
    paths = sorted(path for path in tree.files if item.holds(path) and path.endswith(".py"))
    return [parse_source(path, tree.read(path), python=python) for path in paths]


def own_modules(item: FoundItem, main: Module, modules: Sequence[Module]) -> list[Module]:
    """Everything but tests; a test that the item imports is no test."""
    by_name = {item_path(item, module.path).removesuffix(".py").replace("/", "."): module for module in modules}
    own = {module.path: module for module in modules if not _is_test(item_path(item, module.path)) or module is main}
    waiting = list(own.values())
    for module in waiting:  # grows while it is gone through
        found = {one.path: one for name in _imported(module) if (one := by_name.get(name)) and one.path not in own}
        own |= found
        waiting += found.values()
    return waiting


def _is_test(path: str) -> bool:
    return path.rpartition("/")[2].startswith(TEST_FILES) or path.startswith("tests/")


def _imported(module: Module) -> Iterator[str]:
    for node in module.each(ast.Import):
        yield from (alias.name for alias in node.names)
    for source in module.each(ast.ImportFrom):
        yield source.module or ""
        yield from (f"{source.module}.{alias.name}" if source.module else alias.name for alias in source.names)


def item_path(item: FoundItem, path: str) -> str:
    """A path relative to the item's folder."""
    return path[len(item.folder) + 1 :] if item.folder else path


def parse_source(path: str, content: bytes, *, python: str = "") -> Module | Issue:
    """The syntax tree of a file; an issue with the line where there is none.

    ``python`` is a specifier: syntax that only another Python understands is no error here.
    """
    if len(content) > SOURCE_BYTES:
        return Issue(path=path, rule="python-syntax", message="more than 1 MB of source cannot be checked")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the author's, not of ours
            return Module(path=path, tree=ast.parse(content, filename=path))
    except SyntaxError as error:
        foreign = bool(python) and not accepts(python, sys.version_info[:3])
        line, message = error.lineno or 1, error.msg
        severity: Any = "warning" if foreign else "error"
        return Issue(path=path, line=line, rule="python-syntax", severity=severity, message=message)
    except (ValueError, RecursionError, MemoryError) as error:
        return Issue(path=path, line=1, rule="python-syntax", message=str(error) or type(error).__name__)
