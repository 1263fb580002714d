"""Paths of strangers: what may be written to a disk."""

from __future__ import annotations

import unicodedata
from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repertory.content.git.paths import NameLedger, Refused, TreeLimits, check_path
from repertory.content.git.tree import TreeEntry, judge

LIMITS = TreeLimits()


@pytest.mark.parametrize(
    "path", ["app.py", "a/b/c.txt", "übung/ß.md", "no extension", ".gitignore", ".github/x", "con5"]
)
def test_ordinary_paths(path: str) -> None:
    check_path(path, LIMITS)


@pytest.mark.parametrize(
    "path",
    [
        "", "/etc/passwd", "../x", "a/../b", "a/./b", "a//b", "a/", ".git/hooks/x", ".GIT/x", "a/.Git", "git~1/x",
        "．git/x", "a.", "a ", "a/b./c", "back\\slash", "c:x", "a*", 'quote"', "pi|pe", "tab\there", "new\nline",
        "nul\0", "zero\u200cwidth", ".g\u200cit/x", "right\u202eleft", "con", "a/NUL.txt", "com1", "x" * 401,
        "/".join("a" * 21), "\ud800",
    ],
)  # fmt: skip
def test_refused_paths(path: str) -> None:
    with pytest.raises(Refused):
        check_path(path, LIMITS)


@given(st.lists(st.text(alphabet=st.sampled_from("a.G~1i t/\\:\u0301é\u200bcon"), max_size=12), max_size=4))
def test_accepted_trees_mean_the_same_everywhere(paths: list[str]) -> None:
    try:
        files = judge([TreeEntry(path=path, size=1) for path in dict.fromkeys(paths)], LIMITS).files
    except Refused:
        return
    spellings = set()
    for path in files:
        for pure in (PurePosixPath(path), PureWindowsPath(path)):
            assert not pure.is_absolute()
            assert not pure.drive
            assert ".." not in pure.parts
        assert ".git" not in path.casefold().split("/")
        spellings.add(unicodedata.normalize("NFD", path).casefold())
    assert len(spellings) == len(files)


@pytest.mark.parametrize(
    ("one", "other"),
    [("README.md", "readme.MD"), ("Lib/a", "lib/b"), ("é", "e\u0301"), ("a", "A/b"), ("straße", "STRASSE")],
)
def test_collisions(one: str, other: str) -> None:
    ledger = NameLedger()
    ledger.add(one)
    with pytest.raises(Refused, match="collides"):
        ledger.add(other)


@pytest.mark.parametrize(
    ("limits", "what"),
    [
        (TreeLimits(files=2), "files"),
        (TreeLimits(total_bytes=20), "bytes"),
        (TreeLimits(file_bytes=9), "bytes in one file"),
    ],
)
def test_limits(limits: TreeLimits, what: str) -> None:
    entries = [TreeEntry(path=f"f{number}", size=10) for number in range(3)]
    with pytest.raises(Refused, match=f"more than [0-9]+ {what}"):
        judge(entries, limits)
