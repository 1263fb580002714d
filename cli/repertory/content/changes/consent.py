"""Who agreed to a change: a person at the terminal, the policy, or the digest of what was reviewed elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from repertory.errors import UserError

if TYPE_CHECKING:
    from repertory.content.changes.review import Review, ReviewedItem
    from repertory.settings import InstallPolicy


@dataclass(frozen=True, kw_only=True)
class Consent:
    """What the command line says. ``ask`` asks a person, None where nobody is there.

    ``always``: even what may do nothing new has to be agreed to, as nothing but a file says where it comes from.
    """

    yes: bool = False
    reviewed: str = ""
    ask: Callable[[], bool] | None = None
    always: bool = False


def agree(review: Review, consent: Consent, policy: InstallPolicy) -> None:
    """Return if the change may happen; raises UserError otherwise."""
    if consent.reviewed and consent.reviewed != review.digest:
        message = f"this is not what was reviewed: it is {review.digest}"
        raise UserError(message, "look at it with --dry-run, and give the digest that it prints")
    asking = review.items if consent.always else review.asking
    if consent.reviewed or not asking:
        return
    if consent.yes:
        _hold_policy(review, asking, policy)
    elif consent.ask is None:
        raise UserError(f"{_names(asking)}: nobody is here to agree to it", _ways(review))
    elif not consent.ask():
        raise UserError("nothing was changed", "the answer was not yes")


def _hold_policy(review: Review, asking: Sequence[ReviewedItem], policy: InstallPolicy) -> None:
    """What ``--yes`` may not agree to needs a person."""
    if policy.allow == "anything":
        return
    beyond = [item.name for item in asking if item.destructive or policy.allow == "nothing"]
    changed = [item.name for item in asking if item.moved_from or item.signed_before]
    if beyond or changed:
        what = "may change things" if policy.allow == "investigate" else "would be installed"
        what = what if beyond else "comes from somebody else than before"
        message = f"{', '.join(beyond or changed)} {what}: --yes is not enough, install.allow is {policy.allow!r}"
        raise UserError(message, _ways(review))


def _ways(review: Review) -> str:
    return f"run it in a terminal and answer, or look with --dry-run and give --reviewed {review.digest}"


def _names(items: Sequence[ReviewedItem]) -> str:
    names = [item.name for item in items]
    return ", ".join(names[:5]) + (" …" if len(names) > 5 else "")
