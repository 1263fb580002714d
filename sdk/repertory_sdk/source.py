"""What Python source says about itself, read without running it."""

from __future__ import annotations

import ast
from typing import List


def requested_actions(tree: ast.Module) -> List[str]:
    """Actions that a playbook asks for by literal names: every ``….act("name", …)``, and what ``notify`` and ``escalate`` send."""
    names = _literal_requests(tree, "act")
    methods = {_method_name(node) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    if methods & {"notify", "escalate"}:
        names.add("send message")
    return sorted(names)


def requested_playbooks(tree: ast.Module) -> List[str]:
    """Child playbooks that a playbook starts by literal names: every ``….run("name", …)`` in it."""
    return sorted(_literal_requests(tree, "run"))


def _literal_requests(tree: ast.Module, method: str) -> "set[str]":
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _method_name(node) == method and node.args:
            first = node.args[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                names.add(first.value)
    return names


def _method_name(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""
