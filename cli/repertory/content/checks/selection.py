"""Which findings somebody wants to see: rules, groups and patterns of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from repertory.content.checks.rules import RULES

if TYPE_CHECKING:
    from repertory.content.checks.issue import Issue
    from repertory.content.checks.rules import Rule

_GROUPS = {rule.id: rule.group for rule in RULES}


@dataclass(frozen=True, kw_only=True)
class Selection:
    """``select`` empty means every rule; ``ignore`` wins."""

    select: Sequence[str] = field(default=())
    ignore: Sequence[str] = field(default=())

    def keeps(self, issue: Issue) -> bool:
        """Whether the finding is wanted."""
        wanted = not self.select or matches(self.select, issue.rule)
        return wanted and not matches(self.ignore, issue.rule)


def matches(patterns: Iterable[str], rule: str) -> bool:
    """Whether a rule is one of these ids, is in one of these groups, or fits a pattern (``action-*``)."""
    group = _GROUPS.get(rule, "")
    return any(pattern in (rule, group) or fnmatchcase(rule, pattern) for pattern in patterns)


def unknown_rules(patterns: Iterable[str], rules: Sequence[Rule] = RULES) -> list[str]:
    """Patterns that fit no rule: misspelled, or of a plug-in that is not installed."""
    return [
        pattern
        for pattern in patterns
        if not any(pattern in (rule.id, rule.group) or fnmatchcase(rule.id, pattern) for rule in rules)
    ]
