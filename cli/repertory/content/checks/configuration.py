"""``repertory.toml`` of a repository: where it has no items, and which warnings do not concern it."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from repertory.content.checks.issue import Issue
from repertory.content.checks.rules import RULES, Rule, finding
from repertory.content.checks.selection import Selection, matches, unknown_rules

if TYPE_CHECKING:
    from repertory.content.git.tree import Tree

CONFIGURATION_FILE = "repertory.toml"
FILE_BYTES = 20_000
MOST_PATHS = 100
_KEYS = ("select", "ignore", "per-path")


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """What a repository says about its own warnings; errors are not its to ignore."""

    selection: Selection = field(default_factory=Selection)
    per_path: Mapping[str, Sequence[str]] = field(default_factory=dict)
    issues: Sequence[Issue] = ()

    def keeps(self, issue: Issue) -> bool:
        """Whether a finding is told."""
        if issue.is_error:
            return True
        here = [rules for pattern, rules in self.per_path.items() if _fits(issue.path, pattern)]
        return self.selection.keeps(issue) and not any(matches(rules, issue.rule) for rules in here)

    def filtered(self, issues: Iterable[Issue]) -> list[Issue]:
        """Those findings that are told."""
        return [issue for issue in issues if self.keeps(issue)]


def _fits(path: str, pattern: str) -> bool:
    folder = pattern.removesuffix("/**").removesuffix("/")
    return fnmatchcase(path, pattern) or path.startswith(f"{folder}/")


def read_configuration(tree: Tree, rules: Sequence[Rule] = RULES) -> Configuration:
    """The configuration of a tree, which may name these rules; what is wrong with it is a finding, and then nothing is ignored."""
    try:
        plain = _plain(tree)
        _exclusions(plain)
        return _configuration(plain.get("checks", {}), rules)
    except _Malformed as error:
        return Configuration(issues=[_issue(str(error))])


def exclusion(tree: Tree) -> Callable[[str], bool] | None:
    """Whether a path is in no item, because the repository says so; None where it says nothing that can be read."""
    try:
        patterns = _exclusions(_plain(tree))
    except _Malformed:
        return None
    if not patterns:
        return None
    return lambda path: path != CONFIGURATION_FILE and any(_fits(path, pattern) for pattern in patterns)


def _plain(tree: Tree) -> Mapping[str, Any]:
    entry = tree.files.get(CONFIGURATION_FILE)
    if entry is None:
        return {}
    if entry.size > FILE_BYTES:
        raise _Malformed("more than 20 kB")
    try:
        return tomllib.loads(tree.read(CONFIGURATION_FILE).decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _Malformed(str(error) or type(error).__name__) from error


def _exclusions(plain: Mapping[str, Any]) -> Sequence[str]:
    table = plain.get("items", {})
    if not isinstance(table, dict):
        raise _Malformed("items must be a table")
    patterns = table.get("exclude", [])
    for unknown in sorted(set(table) - {"exclude"}):
        raise _Malformed(f"items.{unknown} is not known; known is exclude")
    if not isinstance(patterns, list) or not all(isinstance(text, str) for text in patterns):
        raise _Malformed("items.exclude must be a list of paths")
    if len(patterns) > MOST_PATHS:
        raise _Malformed(f"items.exclude has more than {MOST_PATHS} paths")
    return patterns


class _Malformed(ValueError):
    """A table or list that has another form."""


def _configuration(plain: Any, rules: Sequence[Rule]) -> Configuration:
    if not isinstance(plain, dict):
        raise _Malformed("checks must be a table")
    per_path = plain.get("per-path", {})
    if not isinstance(per_path, dict):
        raise _Malformed("checks.per-path must be a table of paths")
    if len(per_path) > MOST_PATHS:
        raise _Malformed(f"checks.per-path has more than {MOST_PATHS} paths")
    selection = Selection(select=_texts(plain, "select"), ignore=_texts(plain, "ignore"))
    paths = {pattern: _texts(per_path, pattern) for pattern in per_path}
    named = [*selection.select, *selection.ignore, *(rule for rules in paths.values() for rule in rules)]
    ignored = {*selection.ignore, *(rule for rules in paths.values() for rule in rules)}
    errors = [rule.id for rule in rules if rule.severity == "error" and rule.id in ignored]
    issues = [
        *(
            _issue(f"checks.{key} is not known", f"known are {', '.join(_KEYS)}")
            for key in sorted(set(plain) - set(_KEYS))
        ),
        *(_issue(f"there is no rule {name!r}") for name in unknown_rules(named, rules)),
        *(_issue(f"{name} is an error and cannot be ignored by a repository") for name in errors),
    ]
    return Configuration(selection=selection, per_path=paths, issues=issues)


def _texts(table: Mapping[str, Any], key: str) -> list[str]:
    value = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise _Malformed(f"{key} must be a list of rules")
    return value


def _issue(message: str, hint: str = "see docs/reference/rules.md") -> Issue:
    return finding("checks-configuration", CONFIGURATION_FILE, message, hint)
