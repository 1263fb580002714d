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
from repertory.content.changes.progress import silent
from repertory.errors import EXIT_NOT_DONE
from repertory_sdk.convert import to_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from repertory.content.changes.install import InstallReport
    from repertory.content.changes.review import LeftOut, Review
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
    """Show what would change, get consent, and do exactly that; exits with 1 where an item had to be left out."""
    review = make_plan(settings.home, request).review
    left = list(review.left_out)
    if may_change(settings, review, wishes):
        reports = carry_out(
            settings.home, request, reviewed=review.digest, progress=silent if wishes.json else _tell_step,
            leave_out=left.append if request.update else None,
        )  # fmt: skip
        tell_done(review, reports, wishes, left)
    for one in () if wishes.json else left:
        note(f"{one.name} is left as it is: {one.message}" + (f"\n  → {one.hint}" if one.hint else ""))
    if left:
        raise typer.Exit(EXIT_NOT_DONE)


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


def tell_done(review: Review, reports: Sequence[InstallReport], wishes: Wishes, left: Sequence[LeftOut] = ()) -> None:
    """What became of it."""
    emit(_all_as_json(review, reports, left)) if wishes.json else _tell_all(reports, left)


def _ask() -> bool:
    return ask_line("Agree to all of this? Type yes", default="no").strip().lower() in ("y", "yes")


def _tell_step(name: str, step: str) -> None:
    note(f"{name}: {step}")


def _tell_all(reports: Sequence[InstallReport], left: Sequence[LeftOut]) -> None:
    for report in reports:
        _tell(report)
    if not reports and not left:
        say("everything is as it was synced last")


def _all_as_json(review: Review, reports: Sequence[InstallReport], left: Sequence[LeftOut]) -> dict[str, Any]:
    return {
        "review": review.digest, "items": [_as_json(report) for report in reports], "notes": list(review.notes),
        "left_out": [to_json(one) for one in left],
    }  # fmt: skip


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
