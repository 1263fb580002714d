"""Which items a request means, and what they will miss."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from repertory.content.checks.issue import render_issues
from repertory.content.offered.catalog import names_of_child
from repertory.errors import UserError

if TYPE_CHECKING:
    from repertory.content.changes.offers import Offers
    from repertory.content.installed.lock import Lock
    from repertory.content.offered.catalog import CatalogItem


@dataclass(frozen=True, kw_only=True)
class UnmetNeed:
    """An action that a playbook asks for and no installed app has, with apps on offer that would."""

    action: str
    offered_by: Sequence[str]


def resolve(offers: Offers, names: Sequence[str]) -> list[CatalogItem]:
    """The named items and, for playbooks, all that they start, each once, children first."""
    chosen: dict[str, CatalogItem] = {}
    waiting = [offers.one(name) for name in names]
    while waiting:
        item = waiting.pop()
        if item.full_name not in chosen:
            chosen[item.full_name] = item
            waiting += _children(offers, item)
    return list(reversed(chosen.values()))


def _children(offers: Offers, parent: CatalogItem) -> list[CatalogItem]:
    """Classic playbooks name others that only their authors have, and are written to go on without."""
    found = []
    for name in parent.playbook.named_playbooks if parent.playbook else ():
        try:
            found.append(_child(offers, parent, name))
        except UserError:
            if parent.format == "native":
                raise
    return found


def _child(offers: Offers, parent: CatalogItem, name: str) -> CatalogItem:
    beside, anywhere = names_of_child(parent.full_name, name)
    try:
        return offers.one(beside if offers.named(beside, "playbook") else anywhere, "playbook")
    except UserError as error:
        raise UserError(f"{parent.full_name} starts the playbook {name!r}: {error.message}", error.hint) from error


def choose_apps(offers: Offers, chosen: Sequence[CatalogItem], present: Collection[str]) -> list[CatalogItem]:
    """Apps for the actions that these playbooks ask for: where exactly one is offered, it comes along.

    Actions that are ``present`` have an installed app. Where several apps offer one, a person has to name theirs.
    """
    apps = [item for item in chosen if item.app]
    found: list[CatalogItem] = []
    wanted = {action for item in chosen if item.playbook for action in item.playbook.actions}
    for action in sorted(wanted - set(present)):
        offered = offers.with_action(action)
        if not any(app in offered for app in [*apps, *found]) and len(offered) == 1:
            found += offered
    return found


def known_actions(chosen: Sequence[CatalogItem], lock: Lock) -> dict[str, bool]:
    """Actions that apps here will have once the chosen items are installed, and whether all of these apps only read by it.

    What is merely on offer says nothing: anybody can offer an app whose action of that name does no harm.
    """
    changing = {item.full_name for item in chosen}
    said = [
        (action_of(grant), grant.startswith("query:")) for item in lock.items if item.name not in changing for grant in item.grants
    ]
    said += [(one.name, one.read_only) for item in chosen if item.app for one in item.app.actions]
    known: dict[str, bool] = {}
    for action, reads in said:
        known[action] = known.get(action, True) and reads
    return known


@dataclass(frozen=True, kw_only=True)
class GraverUse:
    """An installed playbook asks for an ``action`` that only read until now, or that nobody had."""

    playbook: str
    action: str


def graver_uses(item: CatalogItem, lock: Lock) -> list[GraverUse]:
    """What installed playbooks will be able to change through an app, and could not by what is installed now."""
    changes_now = {action_of(grant) for one in lock.items for grant in one.grants if grant.startswith("action:")}
    new = [one.name for one in item.app.actions if not one.read_only and one.name not in changes_now] if item.app else []
    return [
        GraverUse(playbook=one.name, action=action) for action in new for one in lock.items if f"use:{action}" in one.grants
    ]


def action_of(grant: str) -> str:
    """The action that an app's grant is about; empty for any other."""
    kind, _, what = grant.partition(":")
    return what.partition(" [")[0] if kind in ("query", "action") else ""


def refuse_broken(items: Iterable[CatalogItem]) -> None:
    """Raise UserError with every error of these items."""
    broken = [item for item in items if item.errors or item.manifest is None]
    if broken:
        names = ", ".join(item.full_name for item in broken)
        issues = render_issues(issue for item in broken for issue in item.errors)
        raise UserError(f"{names} cannot be installed:\n{issues}", "tell whoever keeps it, or name another version")


def unmet_needs(wanted: Iterable[str], offers: Offers, present: Collection[str]) -> list[UnmetNeed]:
    """Of actions that something asks for, those that no app here has."""
    return [
        UnmetNeed(action=name, offered_by=[one.full_name for one in offers.with_action(name)])
        for name in wanted
        if name not in present
    ]


def present_actions(lock: Lock) -> set[str]:
    """Actions of all apps in the lock."""
    return {action_of(grant) for item in lock.items for grant in item.grants} - {""}
