"""Trees as everything but Git itself sees them: with classic items arranged like native ones."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from repertory.content.formats.classic.arrangement import ArrangedTree
from repertory.content.git import commits
from repertory.content.git.tree import FolderTree

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def open_content(bare: Path, commit: str) -> Iterator[ArrangedTree]:
    """The content of a commit."""
    with commits.open_tree(bare, commit) as tree:
        yield ArrangedTree(tree)


def content_of(root: Path) -> ArrangedTree:
    """The content of a local folder."""
    return ArrangedTree(FolderTree(root))
