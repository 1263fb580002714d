"""What some apps still want of a module that Python has no more since 3.12."""

from __future__ import annotations

import importlib.util
import sys
import types


def new_module(name: str) -> types.ModuleType:
    return types.ModuleType(name)


def load_source(name: str, pathname: str) -> types.ModuleType:
    """Load a file as the module of this name."""
    spec = importlib.util.spec_from_file_location(name, pathname)
    if spec is None or spec.loader is None:
        raise ImportError(f"{pathname} is no Python source", name=name)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def reload(module: types.ModuleType) -> types.ModuleType:
    return importlib.reload(module)
