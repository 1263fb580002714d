"""``repertory validate``: check content without running it."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from repertory import VERSION
from repertory.commands._output import emit, note, say, single_command
from repertory.content.checks.issue import Issue, render_issues, sort_issues
from repertory.content.checks.rules import RULES
from repertory.content.checks.sarif import sarif_log
from repertory.content.checks.selection import Selection, unknown_rules
from repertory.content.items.inspection import inspect_folder
from repertory.content.items.plugins import all_rules, content_plugins
from repertory.content.offered.catalog import catalog_items
from repertory.errors import EXIT_NOT_DONE, NotFound, UsageError, counted
from repertory.settings import load_settings
from repertory_sdk.convert import to_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from repertory.content.checks.rules import Rule
    from repertory.content.items.inspection import Inspection

app = single_command()


class Format(Enum):
    """How findings are written."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"


def complete_rule(incomplete: str) -> list[tuple[str, str]]:
    """Rules and what they say."""
    known = [(rule.id, rule.sentence) for rule in RULES] + [(rule.group, "a group of rules") for rule in RULES]
    return [pair for pair in dict.fromkeys(known) if pair[0].startswith(incomplete.rpartition(",")[2])]


@app.command("validate")
def command(
    paths: Annotated[list[Path] | None, typer.Argument(help="Folders of items or repositories; here without.")] = None,
    select: Annotated[
        list[str] | None,
        typer.Option(help="Only these rules, groups or patterns.", metavar="RULES", autocompletion=complete_rule),
    ] = None,
    ignore: Annotated[
        list[str] | None,
        typer.Option(help="Without these rules, groups or patterns.", metavar="RULES", autocompletion=complete_rule),
    ] = None,
    output: Annotated[
        Format, typer.Option("--format", help="How to write findings: text, json or sarif.", show_default=False)
    ] = Format.TEXT,
    json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
) -> None:
    """Check content without running it: manifests, code, what it reaches for, what it needs, and its files.

    Each finding is one line: path:line: severity rule message (hint). Errors keep an item from being installed, also
    those that are ignored here. RULES are separated by commas; docs/reference/rules.md lists them.

    Examples:

      repertory validate

      repertory validate community_apps/whois --json

      repertory validate --select reach,secret-in-code --ignore 'undeclared-*'

      repertory validate --format sarif > findings.sarif
    """
    rules = all_rules(content_plugins())
    selection = Selection(select=_split(select, rules), ignore=_split(ignore, rules))
    form = Format.JSON if json else output
    found = _inspect(paths or [Path()])
    items = sum(len(inspection.items) for inspection in found.values())
    kept = [
        (path, issue) for path, inspection in found.items() for issue in inspection.all_issues if selection.keeps(issue)
    ]
    issues = [issue for _, issue in kept]
    errors = sum(issue.is_error for issue in issues)
    if form is Format.JSON:
        emit({"items": items, "errors": errors, "issues": [to_json(issue) for issue in issues]})
    elif form is Format.SARIF:
        emit(sarif_log(sort_issues(_from_here(path, issue) for path, issue in kept), VERSION, rules))
    else:
        _tell(issues, items=items, errors=errors)
    if errors or not items:
        raise typer.Exit(EXIT_NOT_DONE)


def _split(texts: Sequence[str] | None, rules: Sequence[Rule]) -> list[str]:
    """What was given, separated by commas, too; refuses what fits no rule: nothing would be found, and nobody told."""
    patterns = [part for text in texts or [] for part in text.split(",") if part]
    if texts and not patterns:
        raise UsageError("no rule is named", "docs/reference/rules.md lists them")
    for name in unknown_rules(patterns, rules):
        raise NotFound("rule", name, [rule.id for rule in rules], "docs/reference/rules.md lists them")
    return patterns


def _inspect(paths: Sequence[Path]) -> dict[Path, Inspection]:
    """Every folder; what one of them and the followed repositories offer counts for the playbooks of all."""
    offered = catalog_items(load_settings().home)
    if len(paths) > 1:
        beside = {path: inspect_folder(path).items for path in paths}
        around = {path: [item for other, items in beside.items() if other != path for item in items] for path in paths}
        return {path: inspect_folder(path, [*around[path], *offered]) for path in paths}
    return {path: inspect_folder(path, offered) for path in paths}


def _from_here(path: Path, issue: Issue) -> Issue:
    """The same with its path relative to the current folder, where it lies below it."""
    whole = (path / issue.path).resolve()
    here = Path.cwd()
    return replace(issue, path=whole.relative_to(here).as_posix()) if whole.is_relative_to(here) else issue


def _tell(issues: Sequence[Issue], *, items: int, errors: int) -> None:
    if issues:
        say(render_issues(issues))
    note(f"{counted(items, 'item')}, {counted(errors, 'error')}, {counted(len(issues) - errors, 'warning')}")
    if not items and not issues:
        note("  → an item is a folder with app.json or playbook.json; `repertory manifest FOLDER` writes it")
