"""What holds for the SDK as a whole: old Pythons can read it, everybody can understand it."""

from __future__ import annotations

import ast
import doctest
import importlib
import inspect
import pkgutil
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import repertory_sdk
import repertory_sdk.testing

PACKAGE = Path(repertory_sdk.__file__).parent
SOURCES = sorted(PACKAGE.rglob("*.py"))
# What only apps import that require requests or paramiko themselves.
FOR_SOME_APPS = ("http.py", "ssh.py", "ssh_simulator.py")
MODULES = sorted(module.name for module in pkgutil.walk_packages([str(PACKAGE)], "repertory_sdk."))


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: str(source.relative_to(PACKAGE)))
def test_python_3_9_can_parse_it(source: Path) -> None:
    tree = ast.parse(source.read_text("utf-8"), feature_version=(3, 9))
    assert ast.get_docstring(tree), "a module says in its first line what it is for"


def test_standard_library_and_pluggy_are_all_it_imports() -> None:
    imported = {
        name.partition(".")[0]
        for source in SOURCES
        if source.name not in ("plugin.py", *FOR_SOME_APPS)
        for node in ast.walk(ast.parse(source.read_text("utf-8")))
        for name in _imported_by(node)
    }
    allowed = {"pluggy", "repertory_sdk", "typing_extensions"}  # the last for type checkers only
    assert imported - allowed <= sys.stdlib_module_names


def _imported_by(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or ""] if isinstance(node, ast.ImportFrom) else []


@pytest.mark.parametrize("package", [repertory_sdk, repertory_sdk.testing])
def test_public_names_exist_sorted_and_once(package: Any) -> None:
    assert package.__all__ == sorted(set(package.__all__))
    assert all(hasattr(package, name) for name in package.__all__)


def public_things() -> Iterator[tuple[str, Any]]:
    for package in (repertory_sdk, repertory_sdk.testing):
        for name in package.__all__:
            thing = getattr(package, name)
            yield name, thing
            for member, value in vars(thing).items() if inspect.isclass(thing) else ():
                if not member.startswith("_") and isinstance(value, (types.FunctionType, property, classmethod)):
                    yield f"{name}.{member}", value


@pytest.mark.parametrize(("name", "thing"), [pytest.param(*pair, id=pair[0]) for pair in public_things()])
def test_everything_public_is_explained(name: str, thing: Any) -> None:
    if isinstance(thing, (type, types.FunctionType, property, classmethod)):
        first = (thing.__doc__ or "").strip().partition("\n")[0]
        generated = inspect.isclass(thing) and first.startswith(f"{name}(")  # what dataclass makes of an absent one
        assert first, f"{name} has no docstring"
        assert not generated, f"{name} has no docstring of its own"


@pytest.mark.parametrize("module", MODULES)
def test_examples_in_docstrings(module: str) -> None:
    loaded = importlib.import_module(module)
    names = {name: getattr(repertory_sdk, name) for name in repertory_sdk.__all__}
    failed, _ = doctest.testmod(loaded, extraglobs=names)
    assert failed == 0


def test_there_are_examples() -> None:
    found = [test for module in MODULES for test in doctest.DocTestFinder().find(importlib.import_module(module))]
    assert sum(len(test.examples) for test in found) >= 10
