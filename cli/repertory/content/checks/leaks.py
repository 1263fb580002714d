"""Secrets that stand in files, and secret settings that code shows."""

from __future__ import annotations

import ast
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from repertory.content.checks.rules import finding

if TYPE_CHECKING:
    from repertory.content.checks.issue import Issue
    from repertory.content.checks.references import References
    from repertory_sdk.manifest import AppManifest

# Forms that nothing else has, each as its issuer documents it, with the texts that every one of them begins with.
_FORMS = (
    (
        "a private key",
        ("-----BEGIN ",),
        re.compile(r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----\s*(?:\\n)?[A-Za-z0-9+/=]{40}"),
    ),
    ("an AWS access key", ("AKIA", "ASIA"), re.compile(r"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b")),
    (
        "a GitHub token",
        ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
        re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{60,})\b"),
    ),
    ("a GitLab token", ("glpat-",), re.compile(r"\bglpat-[A-Za-z0-9_-]{20,}\b")),
    ("a Slack token", ("xox",), re.compile(r"\bxox[abeoprs]-[A-Za-z0-9-]{20,}\b")),
    ("a Google API key", ("AIza",), re.compile(r"\bAIza[A-Za-z0-9_-]{35}\b")),
    ("a Stripe key", ("k_live_",), re.compile(r"\b[rs]k_live_[A-Za-z0-9]{20,}\b")),
    ("a web token", ("eyJ",), re.compile(r"\beyJ[A-Za-z0-9_-]{15,}\.eyJ[A-Za-z0-9_-]{15,}\.[A-Za-z0-9_-]{20,}")),
    (
        "a password in a URL",
        ("https://", "http://"),
        re.compile(
            r"https?://[^\s/:@{}<>$%'\"]+:(?!pass|secret|xxx|\*)[^\s/:@{}<>$%'\"]{6,}@[A-Za-z0-9.-]+\.[a-z]{2,}"
        ),
    ),
)
_EXAMPLE = re.compile(
    r"EXAMPLE|(.)\1{7,}|1234567|abcdef|placeholder|your|dummy|changeme|redacted|sample|test", re.IGNORECASE
)
_SECRET_NAME = re.compile(r"(?i)(?:^|_)(?:password|passwd|secret|token|(?:api|private|auth|access)_?key)$")
_RANDOM = re.compile(r"[A-Za-z0-9+/=_.~-]{20,200}")
_ENTROPY = 3.7  # bits a character; words in any language stay below, hexadecimal keys are above 3.5 but have digits
_SHOWING = ("print", "pprint.pprint", "logging.")
_SHOWING_METHODS = (
    "log",
    "progress",
    "debug",
    "info",
    "warning",
    "error",
    "critical",
    "exception",
    "note",
    "notify",
    "write",
)
_SHOWING_ERRORS = ("ActionFailed", "PlaybookError", "ValueError", "RuntimeError", "Exception")


def text_leaks(path: str, text: str) -> Iterator[Issue]:
    """Keys and tokens by their form, in any text file; the first of each kind."""
    for what, beginnings, form in _FORMS:
        # Looking for a plain text first: most files have none of them, and this is several times as fast.
        found = form.finditer(text) if any(beginning in text for beginning in beginnings) else iter(())
        places = [match.start() for match in found if not _EXAMPLE.search(match[0])]
        if places:
            more = f" (and {len(places) - 1} more)" if len(places) > 1 else ""
            line = text.count("\n", 0, places[0]) + 1
            yield finding("secret-in-code", path, f"looks like {what}{more}", _HINT, line=line)


_HINT = "revoke it, and make it a setting of type Secret"


def assigned_leaks(files: Iterable[References]) -> Iterator[Issue]:
    """Random-looking texts under names such as ``token`` or ``api_key``."""
    for file in files:
        for name, value in _assignments(file):
            text = value.value if isinstance(value, ast.Constant) else None
            if isinstance(text, str) and value and _SECRET_NAME.search(name) and _is_random(text):
                message = f"{name} is given a text that looks like a real one"
                yield finding("secret-in-code", file.path, message, _HINT, line=value.lineno)


def _assignments(file: References) -> Iterator[tuple[str, ast.expr | None]]:
    each = file.module.each
    for node in each(ast.Assign):
        yield from ((_name_of(target), node.value) for target in node.targets)
    yield from ((_name_of(node.target), node.value) for node in each(ast.AnnAssign))
    yield from ((node.arg, node.value) for node in each(ast.keyword) if node.arg)
    for table in each(ast.Dict):
        for key, value in zip(table.keys, table.values, strict=True):
            if isinstance(key, ast.Constant):
                yield str(key.value).replace("-", "_"), value


def _name_of(target: ast.expr) -> str:
    if isinstance(target, ast.Attribute):
        return target.attr
    return target.id if isinstance(target, ast.Name) else ""


def _is_random(text: str) -> bool:
    if not _RANDOM.fullmatch(text) or _EXAMPLE.search(text):
        return False
    mixed = any(char.isdigit() for char in text) and any(char.isalpha() for char in text)
    return mixed and not re.search(r"[/_.-][a-z]{3,}[/_.-]", text) and _entropy(text) >= _ENTROPY


def _entropy(text: str) -> float:
    counts = Counter(text).values()
    return -sum(count / len(text) * math.log2(count / len(text)) for count in counts)


# -------------------------------------------------------------------- shown


def shown_secrets(app: AppManifest, files: Iterable[References]) -> Iterator[Issue]:
    """Secret settings in what is printed, logged, or said in an error."""
    names = {setting.name for setting in app.settings if setting.secret}
    for file in files if names else ():
        for node in file.module.each(ast.Call):
            if _shows(node, file):
                for name in sorted(_named(node, names)):
                    message = f"shows the secret setting {name!r}"
                    hint = "leave it out: messages and logs are kept and read by others"
                    yield finding("secret-shown", file.path, message, hint, line=node.lineno)


def _shows(call: ast.Call, file: References) -> bool:
    name = file.name_of(call.func)
    if name in _SHOWING or name.startswith(_SHOWING[-1]) or name.rpartition(".")[2] in _SHOWING_ERRORS:
        return True
    return isinstance(call.func, ast.Attribute) and call.func.attr in _SHOWING_METHODS


def _named(call: ast.Call, names: set[str]) -> set[str]:
    """Secrets that are an argument themselves or a part of its text; what a function makes of them is another thing."""
    found = set()
    waiting: list[ast.AST] = [*call.args, *(word.value for word in call.keywords)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Attribute) and node.attr in names and isinstance(node.value, ast.Name):
            found.add(node.attr)
        elif isinstance(node, ast.JoinedStr | ast.FormattedValue | ast.BinOp | ast.Tuple | ast.List | ast.Dict):
            waiting += ast.iter_child_nodes(node)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format":
            waiting += [*node.args, *(word.value for word in node.keywords)]
    return found
