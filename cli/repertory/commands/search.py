"""``repertory search``: what is on offer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from repertory.commands._output import JSON, emit, note, single_command, table
from repertory.content.installed.lock import read_lock
from repertory.content.offered.search import Hit, Query, search
from repertory.errors import UsageError, counted
from repertory.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

app = single_command()
FEW = 50
EMPTY = "nothing fits; `repertory repo add` follows more, `repertory sync` fetches it"


@app.command("search")
def command(
    words: Annotated[list[str] | None, typer.Argument(help="All of them must occur; everything without.")] = None,
    *,
    action: Annotated[str, typer.Option("--action", help="Offers or asks for this action: 'block ip'.")] = "",
    type_: Annotated[str, typer.Option("--type", help="Has an action of this type: contain.")] = "",
    product: Annotated[str, typer.Option("--product", help="Is for a product or vendor of this name.")] = "",
    input_: Annotated[str, typer.Option("--input", help="Takes a parameter of this name or content: ip.")] = "",
    kind: Annotated[str, typer.Option("--kind", help="app or playbook.")] = "",
    limit: Annotated[int, typer.Option("--limit", help="At most so many; 0 for all.")] = FEW,
    json: bool = JSON,
) -> None:
    """Find apps and playbooks in everything that is followed.

    The best ones come first. The last word may be the beginning of one.
    Needs no network.

    Examples:

      repertory search reputation

      repertory search --action "block ip" --kind app

      repertory search firewall --type contain --input ip --json
    """
    if limit < 0:
        raise UsageError(f"--limit {limit} is less than nothing", "0 shows all")
    home = load_settings().home
    query = Query(words=words or (), action=action, type=type_, product=product, input=input_, kind=kind, limit=limit)
    found = search(home, query, with_records=json)
    installed = {item.name: item.version for item in read_lock(home).items}
    if json:
        emit({"items": _as_json(found.hits, installed), "total": found.total})
        return
    table(
        ["item", "kind", "version", "installed", "summary"],
        [[hit.full_name, hit.kind, hit.version, installed.get(hit.full_name, ""), _summary(hit)] for hit in found.hits],
        empty=found.hint or EMPTY,
    )
    if found.total > len(found.hits):
        note(f"{found.total - len(found.hits)} more: say more words, or --limit 0")


def _summary(hit: Hit) -> str:
    return hit.summary if hit.version else f"broken: {counted(hit.errors, 'error')}"


def _as_json(hits: Sequence[Hit], installed: Mapping[str, str]) -> list[dict[str, object]]:
    """Whole manifests; only programs wait for what makes records of them."""
    from repertory.commands._itemview import item_json
    from repertory.content.offered.catalog import item_from_record

    return [item_json(item_from_record(hit.plain), installed) for hit in hits]
