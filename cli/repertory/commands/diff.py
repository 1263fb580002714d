"""``repertory diff``: what an update of an item would change."""

from __future__ import annotations

from json import dumps
from typing import TYPE_CHECKING, Annotated, Any

import typer

from repertory.commands._complete import complete_installed
from repertory.commands._output import JSON, emit, one_line, say, single_command
from repertory.content.changes.differences import difference
from repertory.content.changes.permissions import sentence_of
from repertory.settings import load_settings
from repertory_sdk.convert import to_json

if TYPE_CHECKING:
    from repertory.content.changes.differences import Difference

app = single_command()


@app.command("diff")
def command(
    item: Annotated[str, typer.Argument(help="An installed item.", autocompletion=complete_installed)],
    json: bool = JSON,
) -> None:
    """Show what an update of an item would change, permissions first.

    Then come the manifest, the dependencies and the code.

    Example:

      repertory diff community/whois
    """
    found = difference(load_settings().home, item)
    emit(_as_json(found)) if json else _tell(found)


def _tell(found: Difference) -> None:
    review = found.review
    say(f"{found.before.name} {found.before.version} → {review.version}  ({found.before.commit[:12]} → {review.commit[:12]})")
    if review.change == "unchanged":
        say("no difference")
        return
    _tell_permissions(found)
    if found.fields:
        say("\nmanifest")
    for field in found.fields:
        say(f"  {one_line(field.path)}: {_value(field.before)} → {_value(field.after)}")
    if found.dependencies:
        say("\ndependencies")
    for one in found.dependencies:
        hashes = " (other hashes)" if one.before == one.after else ""
        say(f"  {one.name}: {one.before or 'none'} → {one.after or 'none'}{hashes}")
    for file in found.files:
        say(f"\n{file.path}: {file.change}{f' ({file.note})' if file.note else ''}")
        if file.diff:
            say(file.diff)


def _tell_permissions(found: Difference) -> None:
    harmless = [grant for grant in found.gained if grant not in found.review.added]
    if found.review.added:
        say(f"NOW MAY ALSO {one_line(sentence_of(found.review.added))}")
    if found.review.goes_back:
        say(f"IS OLDER: it {found.review.goes_back}")
    if found.review.moved_from:
        say(f"COMES FROM {found.review.url}, and not {found.review.moved_from} any more")
    if found.review.signed_before:
        say(f"IS SIGNED BY {found.review.signer}, and not {found.review.signed_before} any more")
    if harmless:
        say(f"now also has {one_line(sentence_of(harmless))}")
    if found.dropped:
        say(f"may no longer {one_line(sentence_of(found.dropped))}")
    if not found.gained and not found.dropped:
        say("may do nothing new")


def _value(value: Any) -> str:
    return "none" if value is None else dumps(value, ensure_ascii=False)


def _as_json(found: Difference) -> dict[str, Any]:
    review = found.review
    return {
        "name": found.before.name, "change": review.change,
        "before": {"version": found.before.version, "commit": found.before.commit, "hash": found.before.hash},
        "after": {"version": review.version, "commit": review.commit, "hash": review.hash},
        "added": list(review.added), "gained": list(found.gained), "dropped": list(found.dropped), "asks": review.asks,
        "manifest": [to_json(one) for one in found.fields],
        "dependencies": [to_json(one) for one in found.dependencies],
        "files": [to_json(one) for one in found.files],
    }  # fmt: skip
