"""Requirements that an app's source declares, read without running it."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from repertory.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path


def literal_requires(path: Path) -> list[str]:
    """The texts in ``App(…, requires=[…])``."""
    value = _app_argument(path, "requires")
    return [text for text in value if isinstance(text, str)] if isinstance(value, (list, tuple)) else []


def literal_python(path: Path) -> str:
    """The text in ``App(…, python="…")``."""
    value = _app_argument(path, "python")
    return value if isinstance(value, str) else ">=3.9"


def _app_argument(path: Path, name: str) -> Any:
    try:
        tree = ast.parse(path.read_bytes(), str(path))
    except FileNotFoundError as error:
        raise UserError(f"there is no {path}", "name the folder of an app") from error
    except (SyntaxError, ValueError) as error:
        raise UserError(f"{path}:{getattr(error, 'lineno', 1)}: {error}", "mend the source") from error
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == "App":
            for keyword in node.keywords:
                if keyword.arg == name:
                    try:
                        return ast.literal_eval(keyword.value)
                    except ValueError:
                        return None
    return None
