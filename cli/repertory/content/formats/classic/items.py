"""The classic format: items of an arranged tree, with the manifests that were derived for them."""

from __future__ import annotations

import ast
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from repertory.content.checks.issue import Issue
from repertory.content.checks.source import parse_source
from repertory.content.formats.classic.arrangement import PROBLEM
from repertory.content.items.found import FoundItem
from repertory.content.items.hookspecs import hookimpl
from repertory_sdk.classic import FORMAT
from repertory_sdk.errors import ConversionError
from repertory_sdk.manifest import APP_FILE, PLAYBOOK_FILE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from repertory.content.git.tree import Tree

_PYTHON2 = frozenset({
    "BaseHTTPServer", "ConfigParser", "HTMLParser", "Queue", "StringIO", "cPickle", "cStringIO", "cookielib", "httplib",
    "urllib2", "urlparse",
})  # fmt: skip
_KINDS: dict[str, Literal["app", "playbook"]] = {APP_FILE: "app", PLAYBOOK_FILE: "playbook"}


def has_derived(content: bytes) -> bool:
    """Whether the bytes of a manifest are one that was derived."""
    try:
        plain = json.loads(content) if b'"classic"' in content else None
    except (ValueError, RecursionError):
        return False
    return isinstance(plain, dict) and plain.get("format") == FORMAT


@hookimpl
def repertory_find_items(tree: Tree) -> Sequence[FoundItem]:
    """One item for each derived manifest."""
    found = []
    for path, entry in tree.files.items():
        folder, _, file_name = path.rpartition("/")
        if entry.derived and file_name in _KINDS:
            name = folder.rpartition("/")[2]
            found.append(FoundItem(kind=_KINDS[file_name], name=name, format=FORMAT, folder=folder, path=path))
    return found


@hookimpl
def repertory_read_item(tree: Tree, item: FoundItem) -> FoundItem | None:
    """Derive the manifest, and look whether this Python can read the code."""
    if item.format != FORMAT:
        return None
    try:
        plain = {key: value for key, value in json.loads(tree.read(item.path)).items() if key != "$schema"}
        if PROBLEM in plain:
            raise ValueError(plain[PROBLEM])
        read = replace(item, name=str(plain["name"]), plain_manifest=plain)
        manifest = read.manifest
    except (ConversionError, KeyError, TypeError, ValueError, RecursionError, AttributeError) as error:
        issue = Issue(path=item.path, rule="classic-manifest", message=f"its manifest cannot be understood: {error}")
        return replace(item, plain_manifest=None).with_issues([issue])
    assert manifest is not None
    return read.with_record(manifest).with_issues(_code_issues(tree, read, manifest.main))


def _code_issues(tree: Tree, item: FoundItem, main: str) -> list[Issue]:
    path = item.below(main)
    parsed = parse_source(path, tree.read(path).expandtabs(8), python="")
    if isinstance(parsed, Issue):
        line, message = parsed.line, f"written for Python 2, or broken: {parsed.message}"
    else:
        line, module = next(_imports_of_python2(tree, item, parsed.tree), (0, ""))
        message = f"written for Python 2: it imports {module}"
    found = Issue(path=path, line=line, rule="python2-only", message=message, hint="look for a newer version of it")
    return [found] if line else []


def _imports_of_python2(tree: Tree, item: FoundItem, module: ast.Module) -> Iterator[tuple[int, str]]:
    """Lines that import, without an alternative, what Python 3 calls otherwise."""
    for node in module.body:
        names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
        yield from ((node.lineno, name) for name in names if name in _PYTHON2 and item.below(f"{name}.py") not in tree.files)
