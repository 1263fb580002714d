"""Packages that code imports, against those that the manifest requires."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from repertory.content.checks.requirements import LOCK_FILE, PINNED, REQUIREMENT, logical_lines, normal_name
from repertory.content.checks.rules import finding

if TYPE_CHECKING:
    from repertory.content.checks.issue import Issue
    from repertory.content.checks.references import References
    from repertory.content.git.tree import Tree
    from repertory.content.items.found import FoundItem

# Imports whose package has quite another name.
_PACKAGES = {
    "attr": "attrs", "bs4": "beautifulsoup4", "crypto": "pycryptodome", "cv2": "opencv-python", "dateutil": "python-dateutil",
    "dns": "dnspython", "docx": "python-docx", "dotenv": "python-dotenv", "fitz": "pymupdf", "git": "gitpython",
    "jose": "python-jose", "jwt": "pyjwt", "ldap": "python-ldap", "magic": "python-magic", "mysqldb": "mysqlclient",
    "openssl": "pyopenssl", "pil": "pillow", "serial": "pyserial", "skimage": "scikit-image", "sklearn": "scikit-learn",
    "socks": "pysocks", "suds": "suds-community", "winrm": "pywinrm", "yaml": "pyyaml", "zmq": "pyzmq",
}  # fmt: skip
_ALWAYS = frozenset({"repertory_sdk", "pluggy", "__future__"})
_NAMESPACES = ("google", "azure", "zope", "ruamel", "backports")
_AFFIX = re.compile(r"^(python|py)-?|-?(python|py)?\d*$")


def package_issues(tree: Tree, item: FoundItem, files: Iterable[References]) -> Iterator[Issue]:
    """Imports that fail where only what is required is installed; one finding for each package."""
    present = _required(tree, item)
    local = _local_modules(tree, item)
    told: set[str] = set()
    for file in files:
        for name, line in _imported(file):
            if name in told or name in local or name in _ALWAYS or name in sys.stdlib_module_names:
                continue
            if not _is_provided(name, present):
                told.add(name)
                hint = "add its package to requires" if item.kind == "app" else "a playbook has the SDK and Python only"
                message = f"imports {name}, which nothing required brings"
                yield finding("import-unrequired", file.path, message, hint, line=line)


def _required(tree: Tree, item: FoundItem) -> set[str]:
    found = {
        normal_name(match["name"])
        for text in (item.app.requires if item.app else ())
        if (match := REQUIREMENT.match(text))
    }
    path = item.below(LOCK_FILE)
    if item.app and path in tree.files:
        lines = [line for _, line in logical_lines(tree.read(path).decode("utf-8", errors="replace"))]
        found |= {normal_name(match["name"]) for line in lines if (match := PINNED.match(line))}
    return found


def _local_modules(tree: Tree, item: FoundItem) -> set[str]:
    start = len(item.folder) + 1 if item.folder else 0
    parts = [path[start:].split("/") for path in tree.files if item.holds(path) and path.endswith(".py")]
    return {part.removesuffix(".py") for names in parts for part in names}


def _imported(file: References) -> Iterator[tuple[str, int]]:
    optional = {id(inner) for node in file.module.each(ast.Try) for part in node.body for inner in ast.walk(part)}
    for node in file.module.each(ast.Import):
        if id(node) not in optional:
            yield from ((alias.name.partition(".")[0], node.lineno) for alias in node.names)
    for source in file.module.each(ast.ImportFrom):
        if id(source) not in optional and source.module and not source.level:
            yield source.module.partition(".")[0], source.lineno


def _is_provided(name: str, packages: Iterable[str]) -> bool:
    wanted = normal_name(name)
    named = _PACKAGES.get(wanted, wanted)
    core = _AFFIX.sub("", wanted)
    within = f"{wanted}-" if wanted in _NAMESPACES else "-"
    return any(
        package in (wanted, named) or _AFFIX.sub("", package) == core or package.startswith(within)
        for package in packages
    )


# -------------------------------------------------------- other requirements

_FILES = re.compile(r"(requirements|constraints)[\w.-]*\.(txt|in)|pip\.conf|pip\.ini")
_ELSEWHERE = re.compile(
    r"(?:^|\s)(-e|--editable|-i|--index-url|--extra-index-url|--trusted-host|-f|--find-links)\b|://|@\s*\S+[:/]|^\.{0,2}/"
)


def source_issues(tree: Tree, item: FoundItem) -> Iterator[Issue]:
    """Requirements files that are not installed from, but lead people who do so by hand elsewhere."""
    for path in tree.files:
        if item.holds(path) and _FILES.fullmatch(path.rpartition("/")[2]) and tree.files[path].size < 200_000:
            text = tree.read(path).decode("utf-8", errors="replace")
            yield from _elsewhere(path, logical_lines(text))


def _elsewhere(path: str, lines: Iterable[tuple[int, str]]) -> Iterator[Issue]:
    for number, line in lines:
        if _ELSEWHERE.search(line[:1000]):
            message = f"{line[:60]!r} takes a package from elsewhere"
            yield finding("requirement-source", path, message, "name packages and versions only", line=number)


def unbounded(item: FoundItem, requires: Sequence[str]) -> Iterator[Issue]:
    """Requirements that the next major version fulfils, too, whatever it changes."""
    for requirement in requires:
        match = REQUIREMENT.fullmatch(requirement.partition(";")[0].strip())
        if match and not match["rest"].strip():
            message = f"{requirement!r} permits every version"
            yield finding("requirement-unbounded", item.path, message, "say at least the lowest: requests>=2.31,<3")
