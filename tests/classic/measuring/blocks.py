"""The functions of a playbook: which were reached, and why others were not."""

from __future__ import annotations

import ast
from collections.abc import Collection

ENTRIES = ("on_start", "on_finish")


class Blocks:
    """Of the code of one playbook."""

    def __init__(self, source: str) -> None:
        tree = ast.parse(source.expandtabs(8))
        self._functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
        self._uses = {name: self._used_in(node) - {name} for name, node in self._functions.items()}
        for node in tree.body:  # what the module itself calls when it is loaded
            if not isinstance(node, ast.FunctionDef):
                self._uses.setdefault("", set()).update(self._used_in(node))

    def __len__(self) -> int:
        return len(self._functions)

    def reached(self, lines: Collection[int]) -> set[str]:
        """Those of which a line inside was."""
        return {
            name for name, node in self._functions.items()
            if any(statement.lineno <= line <= (statement.end_lineno or 0) for statement in node.body for line in lines)
        }  # fmt: skip

    def missed(self, reached: Collection[str]) -> dict[str, str]:
        """The others, each with the reason as far as the code tells it."""
        connected = self._connected()
        return {name: self._reason(name, reached, connected) for name in self._functions if name not in reached}

    def _reason(self, name: str, reached: Collection[str], connected: Collection[str]) -> str:
        if name not in connected:
            return "not connected to on_start"
        users = sorted(user for user, used in self._uses.items() if name in used and user in connected)
        near = [user for user in users if user in reached]
        if near:
            return f"behind a condition in {near[0]}"
        return f"only after {users[0]}" if users else "every run ended before"

    def _connected(self) -> set[str]:
        found: set[str] = set()
        waiting = [*ENTRIES, ""]
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting += self._uses.get(name, ())
        return found

    def _used_in(self, node: ast.AST) -> set[str]:
        return {one.id for one in ast.walk(node) if isinstance(one, ast.Name) and one.id in self._functions}
