"""Policy: which actions run at once, which ask a human, which never run."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from repertory.settings import DEFAULT_DECISIONS

if TYPE_CHECKING:
    from repertory.settings import Decision, Policy, Rule
    from repertory_sdk.manifest import ActionManifest


def decide(policy: Policy, action: ActionManifest, *, app: str, asset: str, severity: str) -> Decision:
    """The first rule that matches, else what holds for the action's type."""
    for rule in policy.rules:
        if _matches(rule, action, app, asset, severity):
            return rule.decision
    return policy.types.get(action.type, DEFAULT_DECISIONS.get(action.type, "ask"))


def _matches(rule: Rule, action: ActionManifest, app: str, asset: str, severity: str) -> bool:
    short = app.rpartition("/")[2]
    return (
        fnmatchcase(action.name, rule.action)
        and (fnmatchcase(app, rule.app) or fnmatchcase(short, rule.app))
        and fnmatchcase(asset, rule.asset)
        and fnmatchcase(action.type, rule.type)
        and (not rule.severity or severity in rule.severity)
    )
