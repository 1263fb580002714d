"""Import content in this very process, and leave no trace of it: for tests only."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from types import ModuleType
from typing import Iterator, Optional


@contextlib.contextmanager
def importable(folder: Path) -> Iterator[None]:
    """While it lasts, modules of this folder can be imported; afterwards they are forgotten.

    Two items may both have a ``playbook.py`` and a ``helpers.py``; neither may see the other's.
    """
    path, modules = list(sys.path), dict(sys.modules)
    for name in [name for name, module in modules.items() if _shadows(folder, name, module)]:
        del sys.modules[name]
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path[:] = path
        for name in [name for name, module in sys.modules.items() if _lies_in(folder, module)]:
            del sys.modules[name]
        sys.modules.update(modules)


def _shadows(folder: Path, name: str, module: Optional[ModuleType]) -> bool:
    """Whether another folder's module has the name of one that lies directly in this one."""
    ours = (folder / f"{name}.py").is_file() or (folder / name / "__init__.py").is_file()
    return ours and not _lies_in(folder, module)


def _lies_in(folder: Path, module: Optional[ModuleType]) -> bool:
    file = getattr(module, "__file__", None)
    return isinstance(file, str) and folder in Path(file).parents
