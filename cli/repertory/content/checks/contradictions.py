"""Actions whose manifest contradicts itself: what it says of reading, repeating, checking and taking back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from repertory_sdk.vocabulary import shortcomings

if TYPE_CHECKING:
    from repertory_sdk.manifest import ActionManifest, AppManifest

CHANGING_TYPES = ("contain", "correct")
# First words of names that nobody gives to an action which only looks.
CHANGING_WORDS = frozenset({
    "ban", "block", "close", "contain", "create", "deactivate", "delete", "deny", "disable", "enable", "expire",
    "isolate", "kill", "lock", "modify", "move", "pause", "purge", "quarantine", "reboot", "release", "remove",
    "reset", "restart", "revoke", "set", "shutdown", "suspend", "terminate", "trigger", "unban", "unblock",
    "uncontain", "unisolate", "unlock", "unquarantine", "update", "upload", "write",
})  # fmt: skip


Actions = Mapping[str, "ActionManifest"]


class Contradiction(NamedTuple):
    """Something wrong at a place inside a manifest."""

    place: Sequence[str | int]
    rule: str
    message: str
    hint: str = ""


def contradictions(app: AppManifest) -> Iterator[Contradiction]:
    """Every contradiction of every action, with its place in the manifest."""
    actions = {action.name: action for action in reversed(app.actions)}
    for index, action in enumerate(app.actions):
        place = ("actions", index)
        yield from _flags(action, place)
        yield from _check(actions, action, place)
        yield from _undo(actions, action, place)
        yield from _test(action, place)
        yield from _vocabulary(action, place)


def _flags(action: ActionManifest, place: Sequence[str | int]) -> Iterator[Contradiction]:
    if not action.read_only:
        return
    if action.type in CHANGING_TYPES:
        message = f"action {action.name!r} has type {action.type} and says that it is read_only"
        yield Contradiction([*place, "read_only"], "action-flags", message, "what only reads has type investigate")
    elif action.name.partition(" ")[0] in CHANGING_WORDS:
        message = f"action {action.name!r} says that it is read_only"
        hint = "set read_only to false, or give it a name that says what it reads"
        yield Contradiction([*place, "read_only"], "action-verb", message, hint)
    elif not action.idempotent and action.type != "ingest":
        message = f"action {action.name!r} is read_only, but not idempotent"
        yield Contradiction([*place, "idempotent"], "action-repeat", message, "what only reads may be repeated")
    for link, target in (("check", action.check), ("undo", action.undo)):
        if target and action.type not in CHANGING_TYPES:
            message = f"action {action.name!r} is read_only and has {link} {target!r}"
            hint = f"leave {link} out, or set read_only to false"
            yield Contradiction([*place, link], "action-repeat", message, hint)


def _check(actions: Actions, action: ActionManifest, place: Sequence[str | int]) -> Iterator[Contradiction]:
    if not action.check:
        return
    target = actions.get(action.check)
    if target is None:
        yield _missing(action, "check", action.check, place)
    elif not target.read_only:
        message = f"{action.check!r} checks {action.name!r} but is not read_only"
        yield Contradiction([*place, "check"], "action-link", message, "a check only looks")


def _undo(actions: Actions, action: ActionManifest, place: Sequence[str | int]) -> Iterator[Contradiction]:
    if not action.undo:
        return
    target = actions.get(action.undo)
    if target is None:
        yield _missing(action, "undo", action.undo, place)
    elif target.read_only:
        message = f"{action.undo!r} undoes {action.name!r} but is read_only"
        yield Contradiction([*place, "undo"], "action-link", message, "what only reads takes nothing back")
    elif target is action and action.idempotent:
        message = f"action {action.name!r} undoes itself, and is idempotent"
        yield Contradiction([*place, "undo"], "action-link", message, "doing it twice cannot be both once and never")
    else:
        known = {parameter.name for parameter in action.parameters}
        lacking = [one.name for one in target.parameters if one.required and one.name not in known]
        if lacking:
            message = (
                f"{action.undo!r} undoes {action.name!r}, but needs {', '.join(lacking)}, which that one does not have"
            )
            yield Contradiction([*place, "undo"], "action-undo", message, "let both have the same parameters")


def _missing(action: ActionManifest, link: str, name: str, place: Sequence[str | int]) -> Contradiction:
    message = f"{link} of action {action.name!r} names {name!r}, which the app does not have"
    return Contradiction([*place, link], "action-link", message, "name another action of this app")


def _test(action: ActionManifest, place: Sequence[str | int]) -> Iterator[Contradiction]:
    if action.type != "test":
        return
    required = [parameter.name for parameter in action.parameters if parameter.required]
    if required:
        message = f"action {action.name!r} is a test, but needs {', '.join(required)}"
        yield Contradiction(
            [*place, "parameters"], "action-test", message, "give them defaults: nobody is there to fill them in"
        )
    if not action.read_only:
        message = f"action {action.name!r} is a test, but not read_only"
        yield Contradiction(
            [*place, "type"], "action-test", message, "a test changes nothing; else its type is generic"
        )


def _vocabulary(action: ActionManifest, place: Sequence[str | int]) -> Iterator[Contradiction]:
    hint = "see docs/reference/actions.md, or give the action a name of its own"
    for problem in shortcomings(action):
        yield Contradiction([*place, "name"], "action-vocabulary", f"action {action.name!r}: {problem}", hint)
