"""What a playbook must not do itself: reach for anything, depend on time or chance, keep state."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from repertory.content.checks import abilities
from repertory.content.checks.declarations import FunctionNode
from repertory.content.checks.reach import code_issues, first_of_each
from repertory.content.checks.references import References, Use, is_of
from repertory.content.checks.rules import finding

if TYPE_CHECKING:
    from repertory.content.checks.issue import Issue

FILES = frozenset({
    "open", "io.open", "io.FileIO", "codecs.open", "os.open", "os.listdir", "os.scandir", "os.walk", "os.stat", "os.getcwd",
    "os.path.exists", "os.path.isfile", "os.path.isdir", "os.path.getsize", "glob", "tempfile", "shutil", "pathlib.Path",
    "pathlib.PosixPath", "sqlite3", "linecache", "fileinput", "mmap", "dbm", "shelve", *abilities.WRITING,
})  # fmt: skip
# A path that is only taken apart touches nothing.
PATH_METHODS = frozenset({
    "chmod", "cwd", "exists", "expanduser", "glob", "home", "is_dir", "is_file", "iterdir", "lstat", "mkdir",
    "open", "read_bytes", "read_text", "resolve", "rglob", "rmdir", "stat", "symlink_to", "touch", "unlink", "walk",
    "write_bytes", "write_text",
})  # fmt: skip
_REACHES = (
    ("starts programs", abilities.PROGRAMS | abilities.PROCESSES | {"os.kill", "os.killpg", "signal"}),
    ("touches files", FILES),
    ("calls native code", abilities.NATIVE),
)
_CHANGING = (
    "append",
    "add",
    "update",
    "extend",
    "insert",
    "pop",
    "popitem",
    "remove",
    "discard",
    "clear",
    "setdefault",
)
_WAITING = ("sleep", "ask", "wait")
_QUIET = frozenset({
    "TypeVar", "NewType", "ParamSpec", "NamedTuple", "logging.getLogger", "re.compile", "dataclass", "App", "playbook", "hookimpl",
    "warnings", "logging",
})  # fmt: skip
_LOUD = frozenset({"print", "input", "open", "exec", "eval"})
_INSTEAD = {"random": "play.random()", "secrets": "play.random()", "uuid": "play.uuid()"}


def playbook_reach_issues(files: Iterable[References]) -> Iterator[Issue]:
    """Everything that works in a test and fails, or goes another way, in a real run."""
    for file in files:
        effects = _effects(file.module.tree.body, file)
        yield from first_of_each(
            [*_reaches(file), *_differs(file), *effects, *_state(file), *_loops(file), *code_issues(file)]
        )


def _reaches(file: References) -> Iterator[Issue]:
    hint = "ask an app for it: play.act(…); play.attach, play.read and play.list keep what must be kept"
    touches = any(node.attr in PATH_METHODS for node in file.module.each(ast.Attribute))
    for use in file.uses:
        what = "uses the network" if abilities.connects(use.name) else ""
        what = what or next((said for said, names in _REACHES if is_of(use.name, names)), "")
        if what and not (use.name.startswith("pathlib.") and not touches):
            message = f"{what} ({use.name}); a playbook has no access"
            yield finding("playbook-reach", file.path, message, hint, line=use.line)
        elif is_of(use.name, abilities.ENVIRONMENT):
            message = f"reads {use.name}, which is empty in a playbook"
            yield finding("environment", file.path, message, "take it as an input of the playbook", line=use.line)


def _differs(file: References) -> Iterator[Issue]:
    for use in file.uses:
        if is_of(use.name, abilities.CHANCE) and not _is_given(use):
            instead = _INSTEAD.get(use.name.partition(".")[0], "play.now()")
            message = f"{use.name} is another one when the run is resumed"
            yield finding("playbook-chance", file.path, message, f"use {instead}", line=use.line)
        elif is_of(use.name, abilities.SLEEPING):
            message = f"{use.name} keeps the run from being parked"
            yield finding("playbook-sleep", file.path, message, "use play.sleep(…)", line=use.line)
        elif use.name == "input":
            yield finding("playbook-input", file.path, "asks the keyboard", "use play.ask(…)", line=use.line)
        elif is_of(use.name, abilities.THREADS):
            message = f"starts threads ({use.name})"
            yield finding("playbook-threads", file.path, message, "use play.parallel(…)", line=use.line)


def _is_given(use: Use) -> bool:
    """``time.localtime(seconds)`` and the like only convert; ``random.Random(seed)`` is the same each time."""
    converts = use.name.startswith("time.") and use.name not in ("time.time", "time.time_ns")
    return bool(use.call and use.call.args) and (converts or use.name == "random.Random")


# ------------------------------------------------------------- at the import


def _effects(body: Sequence[ast.stmt], file: References) -> Iterator[Issue]:
    for node in body:
        if isinstance(node, ast.If | ast.Try | ast.With):
            if not _is_main(node):
                yield from _effects([child for child in ast.walk(node) if isinstance(child, ast.Expr)], file)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            if not _is_quiet(node.value, file):
                message = f"{ast.unparse(node.value.func)[:60]}(…) is called when the file is imported"
                hint = "move it into the playbook's function"
                yield finding("import-effect", file.path, message, hint, line=node.lineno)
        elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            yield from _loud_values(node.value, file)


def _is_main(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and "__name__" in {
        part.id for part in ast.walk(node.test) if isinstance(part, ast.Name)
    }


def _is_quiet(call: ast.Call, file: References) -> bool:
    name = file.name_of(call.func)
    return is_of(name, _QUIET) or name.rpartition(".")[2] in _QUIET


def _loud_values(value: ast.expr, file: References) -> Iterator[Issue]:
    for node in ast.walk(value):
        if isinstance(node, ast.Lambda):
            return
        if isinstance(node, ast.Call) and file.name_of(node.func) in _LOUD:
            message = f"{file.name_of(node.func)}(…) is called when the file is imported"
            yield finding("import-effect", file.path, message, "move it into the playbook's function", line=node.lineno)


# --------------------------------------------------------------------- state


def _state(file: References) -> Iterator[Issue]:
    containers = {
        target.id
        for node in file.module.tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.List | ast.Dict | ast.Set | ast.Call)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    hint = "keep it in a variable of the run, or in play.list(…)"
    functions: list[FunctionNode] = [*file.module.each(ast.FunctionDef), *file.module.each(ast.AsyncFunctionDef)]
    for function in functions:
        local = {argument.arg for argument in ast.walk(function.args) if isinstance(argument, ast.arg)}
        local |= {
            node.id for node in ast.walk(function) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        }
        for node in ast.walk(function):
            names = list(node.names) if isinstance(node, ast.Global) else []
            changed = _changed(node)
            names += [changed] if changed in containers - local else []
            for name in names:
                line = getattr(node, "lineno", 0)
                yield finding(
                    "module-state", file.path, f"changes {name}, which belongs to the module", hint, line=line
                )


def _changed(node: ast.AST) -> str:
    target: ast.expr | None = None
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del):
        target = node.value
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _CHANGING:
        target = node.func.value
    return target.id if isinstance(target, ast.Name) else ""


def _loops(file: References) -> Iterator[Issue]:
    for node in file.module.each(ast.While):
        if isinstance(node.test, ast.Constant) and node.test.value and not _ends(node):
            hint = "bound it, or wait in it: play.sleep(…)"
            yield finding("endless-loop", file.path, "has no way out and does not wait", hint, line=node.lineno)


def _ends(loop: ast.While) -> bool:
    waiting: list[ast.AST] = list(loop.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Break | ast.Return | ast.Raise | ast.Yield):
            return True
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _WAITING:
            return True
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            waiting += ast.iter_child_nodes(node)
    return False
