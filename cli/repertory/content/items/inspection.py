"""Everything that can be said about a tree without running it: its items and all findings."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from repertory.content.checks.configuration import CONFIGURATION_FILE, read_configuration
from repertory.content.checks.declarations import Module
from repertory.content.checks.files import LICENSE_NAME
from repertory.content.checks.issue import Issue, sort_issues
from repertory.content.checks.names import name_issues
from repertory.content.checks.needs import Offers, need_issues
from repertory.content.checks.source import own_modules, parse_item
from repertory.content.git.paths import Refused
from repertory.content.git.tree import Files, entries_below, tree_digest
from repertory.content.items.opening import content_of
from repertory.content.items.plugins import all_rules, content_plugins

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    import pluggy

    from repertory.content.git.tree import Tree
    from repertory.content.items.found import FoundItem

    Known = Callable[[FoundItem], FoundItem | None]

# Findings that depend on more than the files of the item.
SURROUNDING_RULES = ("item-name", "left-out", "need-child", "need-offered", "need-parameter", "need-path")


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """Items by name, each with its findings, and findings that belong to no item."""

    items: Sequence[FoundItem]
    issues: Sequence[Issue]

    @property
    def all_issues(self) -> list[Issue]:
        """Every finding, sorted."""
        return sort_issues([*self.issues, *(issue for item in self.items for issue in item.issues)])


def inspect_tree(
    tree: Tree,
    plugins: pluggy.PluginManager | None = None,
    known: Known = lambda _: None,
    offered: Sequence[FoundItem] | None = None,
) -> Inspection:
    """Find the items of every format, read and check each of them; ``known`` answers for unchanged ones.

    With ``offered``, what others are known to offer, the needs of playbooks are checked against those and the tree's own.
    """
    plugins = plugins or content_plugins()
    configuration = read_configuration(tree, all_rules(plugins))
    places: list[FoundItem] = [place for found in plugins.hook.repertory_find_items(tree=tree) for place in found]
    items = [known(place) or _examine(tree, place, plugins) for place in places]
    shared = list(name_issues(items))
    if offered is not None:
        shared += _unmet(tree, items, offered)
    stray, owned = _owners(tree.issues, items)
    for one, issue in shared:
        owned[id(one)].append(issue)
    items = [item.with_issues(owned[id(item)]) for item in items]
    items = [replace(item, issues=tuple(configuration.filtered(item.issues))) for item in items]
    return Inspection(
        items=sorted(items, key=lambda item: (item.name, item.path)),
        issues=sort_issues(configuration.filtered([*stray, *configuration.issues])),
    )


def _owners(issues: Sequence[Issue], items: Sequence[FoundItem]) -> tuple[list[Issue], dict[int, list[Issue]]]:
    """Findings about files that belong to no item, and those of each item; there may be thousands of both."""
    by_folder: dict[str, list[FoundItem]] = {}
    for item in items:
        by_folder.setdefault(item.folder, []).append(item)
    stray: list[Issue] = []
    owned: dict[int, list[Issue]] = {id(item): [] for item in items}
    for issue in issues:
        steps = issue.path.split("/")
        owners = [item for length in range(len(steps)) for item in by_folder.get("/".join(steps[:length]), ())]
        for item in owners:
            owned[id(item)].append(issue)
        if not owners:
            stray.append(issue)
    return stray, owned


def _examine(tree: Tree, place: FoundItem, plugins: pluggy.PluginManager) -> FoundItem:
    once = _OwnFiles(tree, place)
    item: FoundItem = plugins.hook.repertory_read_item(tree=once, item=place) or place
    found = plugins.hook.repertory_check_item(tree=once, item=item)
    return item.with_issues(issue for issues in found for issue in issues)


class _OwnFiles:
    """An item's part of a tree, and what lies at the top: all that checks look at. It remembers what was read."""

    def __init__(self, tree: Tree, item: FoundItem) -> None:
        top = tree.files.top if isinstance(tree.files, Files) else Files(tree.files).top
        self.files = Files((entry.path, entry) for entry in [*top, *entries_below(tree, item.folder)])
        self.issues = tree.issues
        self._tree = tree
        self._read: dict[str, bytes] = {}

    def read(self, path: str) -> bytes:
        """The bytes of an accepted file."""
        if path not in self._read:
            self._read[path] = self._tree.read(path)
        return self._read[path]


def _unmet(tree: Tree, items: Sequence[FoundItem], offered: Sequence[FoundItem]) -> Iterator[tuple[FoundItem, Issue]]:
    offers = Offers([*items, *offered])
    for item in items:
        if item.playbook and item.format == "native":
            parsed = [one for one in parse_item(tree, item) if isinstance(one, Module)]
            main = next((module for module in parsed if module.path == item.below(item.playbook.main)), None)
            if main:
                with suppress(RecursionError):  # the check of the code has told of it
                    yield from [(item, issue) for issue in need_issues(item, own_modules(item, main, parsed), offers)]


def outside_of_items(tree: Tree) -> str:
    """Changes with those files outside of items that findings about items depend on."""
    names = [
        path for path in tree.files if "/" not in path and (path == CONFIGURATION_FILE or LICENSE_NAME.fullmatch(path))
    ]
    return tree_digest([tree.files[path] for path in sorted(names)], "")


def own_issues(item: FoundItem) -> tuple[Issue, ...]:
    """Findings that stay as long as the files of the item do."""
    return tuple(issue for issue in item.issues if issue.rule not in SURROUNDING_RULES)


def inspect_folder(root: Path, offered: Sequence[FoundItem] | None = None) -> Inspection:
    """The same for a local folder; a folder that would be refused as a whole is one finding."""
    try:
        tree = content_of(root)
    except Refused as refusal:
        issue = Issue(path=refusal.path, rule="refused", message=refusal.problem, hint=refusal.hint)
        return Inspection(items=[], issues=[issue])
    return inspect_tree(tree, offered=offered)
