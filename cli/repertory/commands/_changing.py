"""Review, ask, do: the way of every command that changes what is installed; shared by ``install`` and ``update``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from repertory.commands._output import ask_line, can_ask, emit, note, say
from repertory.commands._reviewview import review_json, tell_review
from repertory.content.changes.consent import Consent, agree
from repertory.content.changes.install import carry_out
from repertory.content.changes.planning import Request, make_plan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from repertory.content.changes.install import InstallReport
    from repertory.content.changes.review import Review
    from repertory.settings import Settings

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Agree, as far as install.allow in config.toml permits.")]
Reviewed = Annotated[str, typer.Option("--reviewed", help="Agree to exactly this review; --dry-run prints its digest.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the review, and change nothing.")]


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """How the command was called; ``always`` asks even about what may do nothing new."""

    yes: bool = False
    reviewed: str = ""
    dry_run: bool = False
    json: bool = False
    always: bool = False


def change_installed(settings: Settings, request: Request, wishes: Wishes) -> None:
    """Show what would change, get consent, and do exactly that."""
    review = make_plan(settings.home, request).review
    if may_change(settings, review, wishes):
        tell = _silent if wishes.json else _tell_step
        tell_done(review, carry_out(settings.home, request, reviewed=review.digest, progress=tell), wishes)


def may_change(settings: Settings, review: Review, wishes: Wishes) -> bool:
    """Show what would change and get consent; False if it was only to be shown. Raises UserError without consent."""
    if wishes.dry_run and wishes.json:
        emit(review_json(review))
    elif not wishes.json:
        tell_review(review)
    if wishes.dry_run:
        return False
    ask = _ask if can_ask() and not wishes.json else None
    agree(review, Consent(yes=wishes.yes, reviewed=wishes.reviewed, ask=ask, always=wishes.always), settings.install)
    return True


def tell_done(review: Review, reports: Sequence[InstallReport], wishes: Wishes) -> None:
    """What became of it."""
    if wishes.json:
        emit({"review": review.digest, "items": [_as_json(report) for report in reports], "notes": list(review.notes)})
        return
    for report in reports:
        _tell(report)
    if not reports:
        say("everything is as it was synced last")


def _ask() -> bool:
    return ask_line("Agree to all of this? Type yes", default="no").strip().lower() in ("y", "yes")


def _silent(_name: str, _step: str) -> None:
    """Programs read the report."""


def _tell_step(name: str, step: str) -> None:
    note(f"{name}: {step}")


def _tell(report: InstallReport) -> None:
    before = f" (was {report.previous})" if report.previous and report.previous != report.version else ""
    say(f"{report.name} {report.version}: {report.state}{before}")


def _as_json(report: InstallReport) -> dict[str, Any]:
    return {
        "name": report.name, "kind": report.kind, "version": report.version, "state": report.state,
        "hash": report.hash, "previous": report.previous or None, "permissions": list(report.permissions),
        "added_permissions": list(report.added_permissions),
        "unmet": [{"action": need.action, "offered_by": list(need.offered_by)} for need in report.unmet],
    }  # fmt: skip
