"""The files of an item: everything installed must be readable, and nothing may run that nobody named."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from repertory.content.checks.characters import merge_markers, source_characters
from repertory.content.checks.leaks import text_leaks
from repertory.content.checks.rules import finding
from repertory.content.items.hookspecs import hookimpl

if TYPE_CHECKING:
    from repertory.content.checks.issue import Issue
    from repertory.content.git.tree import Tree, TreeEntry
    from repertory.content.items.found import FoundItem

LARGE_BYTES = 1_000_000
ARCHIVES = (".7z", ".bz2", ".egg", ".gz", ".jar", ".rar", ".tar", ".tbz", ".tgz", ".whl", ".xz", ".zip", ".zst")
COMPILED = (
    ".bin",
    ".class",
    ".com",
    ".dll",
    ".dylib",
    ".elf",
    ".exe",
    ".msi",
    ".o",
    ".pyc",
    ".pyd",
    ".scr",
    ".so",
    ".wasm",
)
SCRIPTS = (".bash", ".bat", ".cmd", ".fish", ".hta", ".js", ".pl", ".ps1", ".rb", ".sh", ".vbs", ".zsh")
STARTUP = ("sitecustomize.py", "usercustomize.py", "sitecustomize", "usercustomize")
TEXTS = (
    ".cfg",
    ".csv",
    ".html",
    ".ini",
    ".json",
    ".lock",
    ".md",
    ".pem",
    ".key",
    ".rst",
    ".toml",
    ".txt",
    ".yaml",
    ".yml",
    ".env",
)
USUAL_HIDDEN = re.compile(
    r"\.(git(ignore|attributes|keep|hub)|editorconfig|[a-z-]+rc|[a-z0-9-]+\.(ya?ml|toml|cfg|json))"
)
# Begins of files: ELF, PE, Mach-O, WebAssembly, Java.
_MAGIC = (b"\x7fELF", b"MZ", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe", b"\0asm")
_LFS = b"version https://git-lfs.github.com/spec/"
_OWN_NAMES = frozenset({"repertory", "repertory_sdk", "pluggy"})
_README = re.compile(r"(?i)readme(\.(md|rst|txt|html?))?")
LICENSE_NAME = re.compile(r"(?i)(licen[cs]e|copying|notice)(\..*)?")
_VERSIONED = re.compile(r"\.so\.\d")


@hookimpl
def repertory_check_item(tree: Tree, item: FoundItem) -> Sequence[Issue]:
    """Names, sizes and characters of every file."""
    entries = [entry for path, entry in tree.files.items() if item.holds(path)]
    issues: list[Issue] = []
    for entry in entries:
        issues += _name_issues(item, entry)
        if entry.size > LARGE_BYTES:
            size = f"{entry.size / 1e6:.1f} MB"
            issues.append(finding("large-file", entry.path, size, "load it when it is needed, or make it smaller"))
        else:
            issues += _content_issues(entry.path, tree.read(entry.path))
    paths = [entry.path for entry in entries]
    return [*issues, *_archives(paths), *_missing(tree, item, paths)]


def _archives(paths: Sequence[str]) -> Iterator[Issue]:
    """One finding for a folder: the second archive says nothing new."""
    by_folder: dict[str, list[str]] = {}
    for path in paths:
        if path.lower().endswith(ARCHIVES):
            by_folder.setdefault(path.rpartition("/")[0], []).append(path)
    for several in by_folder.values():
        more = f" (and {len(several) - 1} more beside it)" if len(several) > 1 else ""
        yield finding(
            "archive", several[0], f"is an archive, which cannot be reviewed{more}", "unpack it, or require a package"
        )


def _relative(item: FoundItem, path: str) -> str:
    return path[len(item.folder) + 1 :] if item.folder else path


def _name_issues(item: FoundItem, entry: TreeEntry) -> Iterator[Issue]:
    path, name = entry.path, entry.path.rpartition("/")[2]
    lower = name.lower()
    if lower.endswith(COMPILED) or _VERSIONED.search(lower):
        yield finding("compiled-code", path, "is compiled code", "require a package that brings it")
    elif lower.endswith(SCRIPTS):
        yield finding("script", path, "is a script for another interpreter", "write it in Python, or declare a program")
    if (
        lower.endswith(".pth")
        or lower in STARTUP
        or f"/{_relative(item, path)}".startswith(("/sitecustomize/", "/usercustomize/"))
    ):
        yield finding("startup-file", path, "Python runs it at every start", "do at the first use what it does")
    yield from _shadowing(item, path)
    hidden = next((part for part in _relative(item, path).split("/") if part.startswith(".")), "")
    if hidden and not USUAL_HIDDEN.fullmatch(hidden):
        yield finding(
            "hidden-file", path, f"{hidden} is hidden in most listings", "remove it, or give it a name that is seen"
        )


def _shadowing(item: FoundItem, path: str) -> Iterator[Issue]:
    if item.manifest is None:
        return
    folder = f"{item.below(item.manifest.main).rpartition('/')[0]}/".removeprefix("/")
    if not path.startswith(folder) or not path.endswith(".py"):
        return
    first, _, rest = path[len(folder) :].partition("/")
    name = first.removesuffix(".py")
    if (not rest or rest == "__init__.py") and (name in sys.stdlib_module_names or name in _OWN_NAMES):
        whose = "the SDK" if name in _OWN_NAMES else "Python"
        yield finding("shadowing", path, f"replaces the module {name} of {whose}", "give it another name")


def _content_issues(path: str, content: bytes) -> Iterator[Issue]:
    if content.startswith(_LFS) and len(content) < 1024:
        yield finding(
            "lfs-pointer", path, "is a pointer to a file elsewhere", "commit the file itself: git lfs migrate export"
        )
    elif content.startswith(_MAGIC) and b"\0" in content and not path.lower().endswith(COMPILED):
        yield finding("compiled-code", path, "is compiled code", "require a package that brings it")
    elif path.endswith(".py"):
        yield from source_characters(path, content)
        yield from _text_issues(path, content, mild=False)
    elif path.lower().endswith(TEXTS):
        yield from _text_issues(path, content, mild=not path.endswith(".json"))


def _text_issues(path: str, content: bytes, *, mild: bool) -> Iterator[Issue]:
    text = content.decode("utf-8", errors="replace")
    yield from text_leaks(path, text)
    yield from merge_markers(path, text, mild=mild)


def _missing(tree: Tree, item: FoundItem, paths: Sequence[str]) -> Iterator[Issue]:
    names = [_relative(item, path) for path in paths]
    if item.format == "native" and not any(_README.fullmatch(name) for name in names):
        yield finding("readme-missing", item.path, "the item has no README.md", "say what it does and what it needs")
    licensed = bool(item.manifest and item.manifest.license)
    at_the_top = [path for path in tree.files if "/" not in path]
    if not licensed and not any(LICENSE_NAME.fullmatch(name) for name in [*names, *at_the_top]):
        yield finding("license-missing", item.path, "no license is named", 'name it: license="Apache-2.0"')
