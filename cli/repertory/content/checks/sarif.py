"""Findings as SARIF 2.1.0, the form that code hosts and editors show (OASIS, sarif-schema-2.1.0)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from repertory.content.checks.rules import RULES, Rule

if TYPE_CHECKING:
    from repertory.content.checks.issue import Issue

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
ROOT = "%SRCROOT%"


def sarif_log(issues: Sequence[Issue], version: str, rules: Sequence[Rule] = RULES) -> dict[str, Any]:
    """A log with one run of this version of the tool; paths are those of the issues, relative to where it was made."""
    described = {rule.id: _describe(rule) for rule in rules}
    described |= {issue.rule: {"id": issue.rule} for issue in issues if issue.rule not in described}
    order = {name: index for index, name in enumerate(described)}
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "repertory", "version": version, "rules": list(described.values())}},
                "columnKind": "unicodeCodePoints",
                "results": [_result(issue, order) for issue in issues],
            }
        ],
    }


def _describe(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "shortDescription": {"text": rule.sentence},
        "defaultConfiguration": {"level": rule.severity},
        "properties": {"tags": [rule.group]},
    }


def _result(issue: Issue, order: Mapping[str, int]) -> dict[str, Any]:
    place: dict[str, Any] = {"artifactLocation": {"uri": quote(issue.path or "."), "uriBaseId": ROOT}}
    if issue.line:
        place["region"] = {"startLine": issue.line}
    hint = f" ({issue.hint})" if issue.hint else ""
    return {
        "ruleId": issue.rule,
        "ruleIndex": order[issue.rule],
        "level": issue.severity,
        "message": {"text": f"{issue.message}{hint}"},
        "locations": [{"physicalLocation": place}],
        # Without the line, so that a finding is still the same one when something is written above it.
        "partialFingerprints": {"findingHash/v1": _fingerprint(issue)},
    }


def _fingerprint(issue: Issue) -> str:
    return hashlib.sha256("\0".join([issue.rule, issue.path, issue.message]).encode(errors="replace")).hexdigest()[:32]
