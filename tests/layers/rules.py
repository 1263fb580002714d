"""The rules, one function each: a module goes in, one sentence for each offence comes out."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterator

from layers.modules import Module

Rule = Callable[[Module], Iterator[str]]

MAX_LINES = 400
MAX_FUNCTION_LINES = 50

# Who may import whom. A module's part is the longest of these names that is the module or a package above it.
_GROUND = {"repertory.errors", "repertory.home", "repertory.items", "repertory.settings", "repertory_sdk"}
_CALLS = {*_GROUND, "repertory.content", "repertory.runtime"}
PARTS: dict[str, set[str]] = {
    "repertory_sdk": set(),
    "repertory": set(),
    "repertory.errors": set(),
    "repertory.home": {"repertory.errors"},
    "repertory.items": {"repertory_sdk"},
    "repertory.settings": {"repertory.errors", "repertory.home", "repertory_sdk"},
    "repertory.content": _GROUND,
    "repertory.runtime": _GROUND,
    "repertory.site": {"repertory_sdk"},
    "repertory.commands": {*_CALLS, "repertory.main"},  # the demonstration runs commands as a person would
    "repertory.web": _CALLS,
    "repertory.main": {*_CALLS, "repertory.commands"},
    "repertory.__main__": {"repertory.main"},
}

# What only some modules may import, each with the modules (or packages) that may.
ONLY = {
    "cryptography": {"repertory.runtime.secrets.sealing"},
    "dbos": {"repertory.runtime.engines.dbos_engine"},
    "git": {"repertory.content.git.commits", "repertory.content.git.process"},
    "keyring": {"repertory.runtime.secrets.os_keyring"},
    "multiprocessing": set[str](),
    "psycopg": {"repertory.runtime.storage.postgres", "repertory.runtime.engines.liveness"},
    "psycopg_pool": {"repertory.runtime.storage.postgres"},
    "pytest": {"repertory_sdk.testing.plugin"},
    "rich": {"repertory.commands"},
    "sqlite3": {
        "repertory.content.offered.index",  # derived, of its own file, and never part of the record of runs
        "repertory.runtime.storage.database",
        "repertory.runtime.engines.dbos_engine",
        "repertory.runtime.engines.liveness",
        "repertory.runtime.storage.sqlite",
    },
    "subprocess": {
        "repertory.content.environments.environments",
        "repertory.content.git.process",
        "repertory.content.trust.programs",
        "repertory.runtime.sandbox",
        "repertory.runtime.secrets.programs",
    },
    "typer": {"repertory.commands", "repertory.main"},
    "uv": {"repertory.content.environments.environments"},
}

STARTING = ("fork", "exec", "spawn", "posix_spawn", "system", "popen")
CHANGING = {
    "add", "append", "clear", "discard", "extend", "insert", "pop", "popitem", "remove", "reverse", "setdefault", "sort",
    "update",
}  # fmt: skip
EMPTY = {"dict", "list", "set", "bytearray", "defaultdict", "deque", "Counter", "OrderedDict", "count", "local", "Lock", "RLock"}


def _is_in(name: str, part: str) -> bool:
    return name == part or name.startswith(f"{part}.")


def part_of(name: str) -> str:
    """The longest name in PARTS that is this module or above it."""
    return max((part for part in PARTS if _is_in(name, part)), key=len)


def imports_upwards(module: Module) -> Iterator[str]:
    """Each part imports what is below it; content and runtime do not know each other."""
    own = part_of(module.name)
    for each in module.imports:
        if each.target.startswith("."):
            yield f"line {each.line}: a relative import; write the whole name"
        elif each.package in ("repertory", "repertory_sdk"):
            other = part_of(each.target)
            if other not in (own, "repertory") and other not in PARTS[own]:
                yield f"line {each.line}: {own} imports {each.target}"


def belongs_nowhere(module: Module) -> Iterator[str]:
    """Whoever adds a part says what it may import."""
    if part_of(module.name) == "repertory" and module.name != "repertory":
        yield "add this part to PARTS, with what it may import"


def imports_what_others_own(module: Module) -> Iterator[str]:
    """One place for each outside thing: Git, databases, processes, the terminal."""
    for each in module.imports:
        owners = ONLY.get(each.package)
        if owners is not None and not each.typing_only and not any(_is_in(module.name, owner) for owner in owners):
            yield f"line {each.line}: imports {each.package}; that is for {', '.join(sorted(owners)) or 'nobody'}"


def sdk_depends(module: Module) -> Iterator[str]:
    """The SDK needs the standard library and pluggy; its pytest plug-in is loaded by pytest."""
    if not _is_in(module.name, "repertory_sdk"):
        return
    for each in module.imports:
        known = each.package in sys.stdlib_module_names or each.package in ("pluggy", "pytest", "repertory_sdk")
        if not known and not (each.package == "typing_extensions" and each.typing_only):
            yield f"line {each.line}: imports {each.package}"


def imports_inside(module: Module) -> Iterator[str]:
    """Imports stand at the top."""
    for each in module.imports:
        if each.inside:
            yield f"line {each.line}: imports {each.target} inside of a function"


def prints(module: Module) -> Iterator[str]:
    """One module talks to people; sys.stdout and sys.stderr are not touched elsewhere."""
    for each in module.imports:
        if each.target == "rich.console" and not each.typing_only:
            yield f"line {each.line}: a console of its own"
    for node in module.nodes:
        if isinstance(node, ast.Call) and _text(node.func) in ("print", "typer.echo", "typer.secho"):
            yield f"line {node.lineno}: {_text(node.func)}"
        if isinstance(node, ast.Attribute) and _text(node) in _STREAMS:
            yield f"line {node.lineno}: {_text(node)}"


_STREAMS = frozenset(f"sys.{stream}" for stream in ("stdout", "stderr", "__stdout__", "__stderr__"))


def starts_processes(module: Module) -> Iterator[str]:
    """os.fork and its relatives; `subprocess` is in ONLY."""
    for node in module.nodes:
        if isinstance(node, ast.Attribute) and _text(node).startswith(tuple(f"os.{start}" for start in STARTING)):
            yield f"line {node.lineno}: {_text(node)}"


def reads_environment(module: Module) -> Iterator[str]:
    """What is configured is read once, in one place."""
    for node in module.nodes:
        if isinstance(node, ast.Attribute) and _text(node) in ("os.environ", "os.environb", "os.getenv", "os.putenv"):
            yield f"line {node.lineno}: {_text(node)}"
        if isinstance(node, ast.ImportFrom) and node.module == "os":
            for alias in node.names:
                if alias.name in ("environ", "environb", "getenv", "putenv"):
                    yield f"line {node.lineno}: from os import {alias.name}"


def builds_home_paths(module: Module) -> Iterator[str]:
    """Every path below the home has a name in home.py."""
    if module.name == "repertory.home":
        return
    for node in module.nodes:
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and _text(node.left).endswith("home.root"):
            yield f"line {node.lineno}: {_text(node)}"
        if isinstance(node, ast.Attribute) and node.attr == "joinpath" and _text(node).endswith("home.root.joinpath"):
            yield f"line {node.lineno}: {_text(node)}"


def keeps_state(module: Module) -> Iterator[str]:
    """Nothing at the level of a module changes after its import."""
    names: set[str] = set()
    for statement in module.tree.body:
        if isinstance(statement, ast.Assign | ast.AnnAssign):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            names |= {target.id for target in targets if isinstance(target, ast.Name)}
            if statement.value is not None and _is_empty(statement.value):
                yield f"line {statement.lineno}: {_text(targets[0])} can only be meant to change"
    for node in module.nodes:
        if isinstance(node, ast.Global):
            yield f"line {node.lineno}: global {', '.join(node.names)}"
        changed = _changed(node)
        if changed in names:
            yield f"line {getattr(node, 'lineno', 0)}: changes {changed}"


def _is_empty(value: ast.expr) -> bool:
    if isinstance(value, ast.Call):
        return _text(value.func).rpartition(".")[2] in EMPTY and not value.args
    return isinstance(value, ast.Dict | ast.List) and not list(ast.iter_child_nodes(value))[isinstance(value, ast.List) :]


def _changed(node: ast.AST) -> str:
    """The name whose content a statement or call changes."""
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del):
        return _text(node.value)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CHANGING:
        return _text(node.func.value)
    return ""


def is_too_long(module: Module) -> Iterator[str]:
    """A module is one idea, a function one step."""
    lines = len(module.source.splitlines())
    if lines > MAX_LINES:
        yield f"{lines} lines; {MAX_LINES} are the most"
    for function in module.functions:
        length = (function.end_lineno or function.lineno) - function.lineno + 1
        if length > MAX_FUNCTION_LINES:
            yield f"line {function.lineno}: {function.name} has {length} lines; {MAX_FUNCTION_LINES} are the most"


def is_unexplained(module: Module) -> Iterator[str]:
    """A module says in its first line what it is for."""
    if not (ast.get_docstring(module.tree) or "").strip():
        yield "no docstring"


def _text(node: ast.AST) -> str:
    return ast.unparse(node)
