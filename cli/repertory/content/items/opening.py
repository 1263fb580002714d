"""Trees as everything but Git itself sees them: without what is no content, and with classic items arranged like native ones."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from repertory.content.checks.configuration import exclusion
from repertory.content.formats.classic.arrangement import ArrangedTree
from repertory.content.git import commits
from repertory.content.git.commits import GitTree
from repertory.content.git.tree import Files, FolderTree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from repertory.content.git.tree import Tree


@contextmanager
def open_content(bare: Path, commit: str) -> Iterator[ArrangedTree]:
    """The content of a commit."""
    with commits.open_tree(bare, commit) as tree:
        yield ArrangedTree(_content(tree))


def content_of(root: Path) -> ArrangedTree:
    """The content of a local folder."""
    return ArrangedTree(_content(FolderTree(root)))


def _content(tree: GitTree | FolderTree) -> Tree:
    """Without what its repository excludes, where it excludes anything."""
    excluded = exclusion(tree)
    return _Content(tree, excluded) if excluded else tree


class _Content:
    """A tree without some paths: tests, examples, drafts."""

    def __init__(self, tree: GitTree | FolderTree, excluded: Callable[[str], bool]) -> None:
        self._tree = tree
        self.files = Files((path, entry) for path, entry in tree.files.items() if not excluded(path))
        self.issues = [issue for issue in tree.issues if not excluded(issue.path)]

    def read(self, path: str) -> bytes:
        """The bytes of a file."""
        return self._tree.read(path)

    def read_ahead(self, *endings: str) -> None:
        """As for commits: fetch small files at once."""
        if isinstance(self._tree, GitTree):
            self._tree.read_ahead(*endings)
