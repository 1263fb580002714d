"""The one review of a change, as people and programs see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from repertory.commands._output import fold, line_width, one_line, say
from repertory.content.changes.permissions import sentence_of
from repertory.errors import counted
from repertory_sdk.convert import to_json
from repertory_sdk.manifest import ANY

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from repertory.content.changes.resolution import UnmetNeed
    from repertory.content.changes.review import Review, ReviewedAction, ReviewedItem
    from repertory.content.environments.dependencies import Dependency

_INDENT = 4
_NAMES = 16


def tell_review(review: Review) -> None:
    """Everything that the items may do, the grave first; what does not change is not told."""
    for item in sorted(review.changing, key=lambda one: not one.destructive):
        _tell_item(item)
    for need in review.unmet:
        say(one_line(_unmet(need)))
    for text in review.notes:
        say(one_line(text))
    if review.changing:
        say(f"review {review.digest}")


def review_json(review: Review) -> dict[str, Any]:
    """The same for programs; ``review`` is what ``--reviewed`` takes."""
    return {
        "review": review.digest,
        "asks": bool(review.asking),
        "items": [_item_json(item) for item in sorted(review.items, key=lambda one: one.name)],
        "unmet": [to_json(need) for need in review.unmet],
        "notes": list(review.notes),
        "left_out": [to_json(one) for one in review.left_out],
    }


def _item_json(item: ReviewedItem) -> dict[str, Any]:
    plain = {**to_json(item), "permissions": to_json(item.permissions), "asks": item.asks, "goes_back": bool(item.goes_back)}
    return {**plain, "previous": item.previous or None, "repository": item.name.partition("/")[0]}


# ------------------------------------------------------------------ for people


def _tell_item(item: ReviewedItem) -> None:
    before = f"update from {item.previous}" if item.change == "update" else item.change
    say(f"{item.name} {item.version}  ({item.kind}, {before})")
    for name, text in _lines(item):
        first, *others = fold(one_line(text), max(line_width() - _INDENT - _NAMES, 40))
        say(f"{'':{_INDENT}}{name:<{_NAMES}}{first}")
        for line in others:
            say(f"{'':{_INDENT + _NAMES}}{line}")
    say()


def _lines(item: ReviewedItem) -> Iterator[tuple[str, str]]:
    if item.goes_back:
        yield "OLDER", f"{item.goes_back}: what was mended since then is undone"
    if item.added:
        yield "NEW, may also", sentence_of(item.added)
    if item.moved_from:
        yield "NEW: from", f"{item.url}, and not {item.moved_from} any more"
    if item.signed_before:
        yield "NEW: signer", f"{item.signer}, and not {item.signed_before} any more"
    for action in item.actions:
        if action.destructive:
            yield "CHANGES THINGS", _action(action)
    for use in item.graver_uses:
        yield "CHANGES THINGS", f"for {use.playbook}, which asks for {use.action}: no app here changed anything by that until now"
    yield from _filled("only reads", [_action(action) for action in item.actions if not action.destructive])
    for name in item.changing_uses:
        yield "CHANGES THINGS", f"by asking for {name}"
    for name in item.unknown_uses:
        yield "asks for", f"{name}: MAY CHANGE THINGS: nobody here says what it does"
    told = [*item.changing_uses, *item.unknown_uses]
    yield from _filled("asks for", [name for name in item.uses if name not in told])
    yield from _filled("starts", ["any that is installed" if name == ANY else name for name in item.starts])
    yield from _filled("connects to", item.permissions.hosts)
    yield from _filled("looks up", [f"{'any name' if name == '*' else name} in the DNS" for name in item.permissions.lookups])
    yield from _filled("reads", item.permissions.files)
    yield from _filled("runs", item.permissions.programs)
    yield from _filled("brings", map(_dependency, item.dependencies))
    for issue in item.findings:
        yield "finding", str(issue)
    yield "from", f"{item.url} at {item.commit[:12]}"
    yield "signed by", item.signer_known


def _filled(name: str, texts: Iterable[str]) -> Iterator[tuple[str, str]]:
    said = ", ".join(texts)
    if said:
        yield name, said


def _dependency(one: Dependency) -> str:
    return f"{one.name} {one.version} ({counted(one.hashes, 'hash', 'hashes')})"


def _action(action: ReviewedAction) -> str:
    if not action.destructive:
        return f"{action.name} ({action.type})"
    undo = f"undone by {action.undo}" if action.undo else "cannot be undone"
    return f"{action.name} ({action.type}, {undo})"


def _unmet(need: UnmetNeed) -> str:
    if not need.offered_by:
        return f"{need.action!r} is missing: no installed app has it, and no followed repository offers it"
    offers = ", ".join(need.offered_by)
    return f"{need.action!r} is missing: no installed app has it; choose one with --with: {offers}"
