"""Hooks for plug-ins of the tool that concern content (entry-point group ``repertory``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from repertory.content.checks.issue import Issue
    from repertory.content.checks.rules import Rule
    from repertory.content.git.tree import Tree
    from repertory.content.items.found import FoundItem

PROJECT = "repertory"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def repertory_find_items(tree: Tree) -> Sequence[FoundItem]:  # type: ignore[empty-body]
    """Find the items of one content format by their paths; their manifests are read by ``repertory_read_item``."""


@hookspec(firstresult=True)
def repertory_read_item(tree: Tree, item: FoundItem) -> FoundItem | None:
    """Read the manifest of an item of this format (None for others), with what is wrong with it; never import."""


@hookspec
def repertory_check_item(tree: Tree, item: FoundItem) -> Sequence[Issue]:  # type: ignore[empty-body]
    """Check one found item without running it; return everything that is wrong."""


@hookspec
def repertory_rules() -> Sequence[Rule]:  # type: ignore[empty-body]
    """Describe the rules of a plug-in's own checks, so that they can be selected, ignored and explained."""
