"""Names: one item of one name in a repository."""

from __future__ import annotations

from typing import TYPE_CHECKING

from repertory.content.checks.issue import Issue

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from repertory.content.items.found import FoundItem

SHOWN = 5  # of thousands, each named by each, there would be millions of names


def name_issues(items: Iterable[FoundItem]) -> Iterator[tuple[FoundItem, Issue]]:
    """For every item whose name another one has, too: the item and the finding that names the other's path."""
    by_name: dict[str, list[FoundItem]] = {}
    for item in items:
        by_name.setdefault(item.name, []).append(item)
    for name, sharing in by_name.items():
        for item in sharing if len(sharing) > 1 else ():
            others = [other.path for other in sharing[: SHOWN + 1] if other is not item][:SHOWN]
            more = len(sharing) - 1 - len(others)
            message = f"{name!r} is also the name of {', '.join(others)}" + (f" and {more} more" if more else "")
            yield item, Issue(path=item.path, rule="item-name", message=message, hint="rename one of them")
