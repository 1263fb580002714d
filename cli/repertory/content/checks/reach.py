"""What the code of an app reaches for, against what its manifest declares."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from repertory.content.checks import abilities
from repertory.content.checks.references import References, Use, is_of, text_of
from repertory.content.checks.rules import finding

if TYPE_CHECKING:
    from repertory.content.checks.issue import Issue
    from repertory_sdk.manifest import AppManifest, Permissions

MOST_USES = 500  # of one file; who has more is told of those first
OWN_PLACES = (
    "/tmp/",
    "/var/tmp/",
    "/dev/null",
    "/dev/stdout",
    "/dev/stderr",
    "/dev/urandom",
    "/dev/random",
    "/dev/shm/",
)
_ABSOLUTE = re.compile(r"(/|~|[A-Za-z]:[\\/]|\\\\)\S")
_VARIABLE = re.compile(r"\$\{[^}]*\}")
_WRITE_MODES = frozenset("wax+")
_WRITE_METHODS = (
    "write_text",
    "write_bytes",
    "unlink",
    "rmdir",
    "mkdir",
    "touch",
    "rename",
    "replace",
    "chmod",
    "symlink_to",
)


def reach_issues(app: AppManifest, files: Iterable[References]) -> Iterator[Issue]:
    """Everything the code can do that a reader of the manifest would not expect."""
    hint = "make it a setting of the app's assets"
    for file in files:
        found = [
            *_network(app.permissions, file),
            *_programs(app.permissions, file),
            *file_issues(app.permissions.files, file),
            *code_issues(file),
            *_first_of(file, abilities.ENVIRONMENT, "environment", "reads {}", hint),
        ]
        yield from first_of_each(found)


def first_of_each(issues: Iterable[Issue]) -> Iterator[Issue]:
    """The first finding of those that say the same of a file: the second one says nothing new."""
    by_message: dict[tuple[str, str, str], Issue] = {}
    for issue in sorted(issues, key=lambda issue: issue.line):
        by_message.setdefault((issue.path, issue.rule, issue.message), issue)
    yield from by_message.values()


def _network(permissions: Permissions, file: References) -> Iterator[Issue]:
    uses = [use for use in file.uses if abilities.connects(use.name)]
    if not uses:
        return
    if not permissions.hosts:
        message = f"uses the network ({uses[0].name}), but the manifest declares no host"
        hint = 'declare it: App(…, hosts=["api.example.com:443"]), and run `repertory manifest`'
        yield finding("undeclared-network", file.path, message, hint, line=uses[0].line)
        return
    for use in uses[:MOST_USES]:
        for argument in _arguments(use.call):
            host = _host_of(text_of(argument, file.module.constants))
            if host and not _declares(permissions.hosts, host):
                message = f"names the host {host}, which the manifest does not declare"
                yield finding("undeclared-host", file.path, message, "add it to hosts", line=use.line)


def _host_of(text: str) -> str:
    if not text.startswith(("http://", "https://", "ftp://", "ws://", "wss://")):
        return ""
    try:
        parts = urlsplit(text)
        # Where the text ends within the host, the rest of it is computed.
        return (parts.hostname or "") if "/" in text.partition("://")[2] else ""
    except ValueError:
        return ""


def _declares(patterns: Sequence[str], host: str) -> bool:
    return any(fnmatchcase(host, _VARIABLE.sub("*", pattern).partition(":")[0].lower() or "*") for pattern in patterns)


def _arguments(call: ast.Call | None) -> list[ast.expr]:
    return [*call.args, *(word.value for word in call.keywords)] if call else []


def _programs(permissions: Permissions, file: References) -> Iterator[Issue]:
    for use in [use for use in file.uses if is_of(use.name, abilities.PROGRAMS)][:MOST_USES]:
        program = _program_of(use, file)
        if not permissions.programs:
            what = f"starts {program}" if program else f"starts programs ({use.name})"
        elif program and not _permits(permissions.programs, program):
            what = f"starts {program}"
        else:
            continue
        message = f"{what}, which the manifest does not declare"
        yield finding("undeclared-program", file.path, message, "add it to programs", line=use.line)


def _program_of(use: Use, file: References) -> str:
    first = next(iter(_arguments(use.call)), None)
    if isinstance(first, ast.List | ast.Tuple) and first.elts:
        first = first.elts[0]
    return text_of(first, file.module.constants).partition(" ")[0]


def _permits(patterns: Iterable[str], name: str) -> bool:
    names = (name, name.rpartition("/")[2])
    return any(fnmatchcase(one, _VARIABLE.sub("*", pattern)) for pattern in patterns for one in names)


# --------------------------------------------------------------------- files


def file_issues(patterns: Sequence[str], file: References) -> Iterator[Issue]:
    """Files by absolute paths: read without a declaration, or written at all."""
    methods = {id(node.value): node.attr for node in file.module.each(ast.Attribute)}
    for use in [use for use in file.calls if use.name in abilities.READING or is_of(use.name, abilities.WRITING)][
        :MOST_USES
    ]:
        assert use.call is not None
        path = _path_of(use, file)
        if not path or path.startswith(OWN_PLACES):
            continue
        if is_of(use.name, abilities.WRITING) or _writes(use.call, methods.get(id(use.call), ""), file):
            message = f"{use.name} changes {path!r}"
            hint = "an app writes into its temporary folder only: tempfile.mkdtemp()"
            yield finding("writes-outside", file.path, message, hint, line=use.line)
        elif use.name in abilities.READING and not _permits(patterns, path):
            message = f"reads {path!r}, which the manifest does not declare"
            yield finding("undeclared-file", file.path, message, "add it to files", line=use.line)


def _path_of(use: Use, file: References) -> str:
    first = next(iter(_arguments(use.call)), None)
    if isinstance(first, ast.Call) and file.name_of(first.func) in (
        "os.path.expanduser",
        "os.path.join",
        "pathlib.Path",
    ):
        first = next(iter(first.args), None)
    text = text_of(first, file.module.constants)
    return text if _ABSOLUTE.match(text) else ""


def _writes(call: ast.Call, method: str, file: References) -> bool:
    """By the mode of ``open``, or by the method that is called on a ``Path(...)``."""
    name = file.name_of(call.func)
    if name.startswith("pathlib."):
        return method in _WRITE_METHODS
    words = {word.arg: word.value for word in call.keywords}
    mode = words.get("mode", call.args[1] if len(call.args) > 1 else None)
    if name == "os.open":
        return mode is not None and any(
            flag in ast.unparse(mode) for flag in ("O_WRONLY", "O_RDWR", "O_CREAT", "O_APPEND")
        )
    return name in abilities.READING and bool(_WRITE_MODES & set(text_of(mode, file.module.constants)))


# ---------------------------------------------------------------------- code


def code_issues(file: References) -> Iterator[Issue]:
    """Code that cannot be read because it is made at run time."""
    for use in file.uses:
        if use.call is not None and use.name in abilities.EXECUTING and _decodes(use.call, file):
            message = f"{use.name} executes what is decoded here"
            yield finding("hidden-code", file.path, message, "write the code down as it is", line=use.line)
        elif is_of(use.name, abilities.EVALUATING) and use.name != "compile":
            hint = "write it without: nobody can review what is made at run time"
            yield finding("dynamic-code", file.path, f"uses {use.name}", hint, line=use.line)
        elif use.call is not None and _looks_up(use, file):
            message = f"{use.name} looks a name up that is only known at run time"
            yield finding("dynamic-code", file.path, message, "import or name it literally", line=use.line)
        elif is_of(use.name, abilities.LOADING) or _loads_yaml(use):
            message = f"{use.name} can execute what the data says"
            yield finding("unsafe-load", file.path, message, "use JSON, or yaml.safe_load", line=use.line)
    yield from _first_of(file, abilities.NATIVE, "native-code", "uses {}", "do it in Python, or by a program")


def _decodes(call: ast.Call, file: References) -> bool:
    return any(
        is_of(file.name_of(node.func), abilities.DECODING) or _is_unhex(node)
        for argument in call.args
        for node in ast.walk(argument)
        if isinstance(node, ast.Call)
    )


def _is_unhex(node: ast.Call) -> bool:
    return isinstance(node.func, ast.Attribute) and node.func.attr == "fromhex"


def _looks_up(use: Use, file: References) -> bool:
    call = use.call
    if call is None or not call.args:
        return False
    if use.name in ("__import__", "importlib.import_module", "importlib.__import__"):
        return not file.imported_by(call)
    if use.name == "getattr" and len(call.args) > 1 and not isinstance(call.args[1], ast.Constant):
        # Of a module only: objects of their own may be asked for whatever they like.
        return file.name_of(call.args[0]) in {
            "os",
            "sys",
            "subprocess",
            "builtins",
            "__builtins__",
            "socket",
            "importlib",
        }
    return False


def _loads_yaml(use: Use) -> bool:
    if use.name not in ("yaml.load", "yaml.load_all") or use.call is None:
        return False
    words = {word.arg: word.value for word in use.call.keywords}
    loader = words.get("Loader", use.call.args[1] if len(use.call.args) > 1 else None)
    return loader is None or "Safe" not in ast.unparse(loader)


def _first_of(file: References, names: Collection[str], rule: str, message: str, hint: str) -> Iterator[Issue]:
    use = next((use for use in file.uses if is_of(use.name, names)), None)
    if use:
        yield finding(rule, file.path, message.format(use.name), hint, line=use.line)
