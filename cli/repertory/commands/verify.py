"""``repertory verify``: is everything what it was when it was installed?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from repertory.commands._complete import complete_installed
from repertory.commands._output import JSON, emit, note, say, single_command
from repertory.content.installed.verification import HINT, LOCK_HINT, verify
from repertory.errors import EXIT_NOT_DONE, counted
from repertory.settings import load_settings
from repertory_sdk.convert import to_json

if TYPE_CHECKING:
    from repertory.content.installed.verification import Deviation, Verified

app = single_command()


@app.command("verify")
def command(
    names: Annotated[
        list[str] | None, typer.Argument(help="Installed items; all without.", autocompletion=complete_installed)
    ] = None,
    json: bool = JSON,
) -> None:
    """Compare everything installed with its hashes and signers, without a network.

    Every file that was changed, added or removed is named. Exits with 1 if there is one.

    Example:

      repertory verify --json
    """
    found = verify(load_settings().home, names or [])
    wrong = [one for one in found if one.deviations]
    if json:
        emit({"intact": not wrong, "items": [_as_json(one) for one in found]})
    else:
        _tell(found)
    if wrong:
        raise typer.Exit(EXIT_NOT_DONE)


def _tell(found: list[Verified]) -> None:
    for one in found:
        for deviation in one.deviations:
            say(f"{one.item.name}: {_said(deviation)}")
    for text in dict.fromkeys(text for one in found for text in one.notes):
        note(text)
    wrong = sum(bool(one.deviations) for one in found)
    say(f"{counted(len(found), 'item')}, {wrong} of them not as they were installed")
    wrongs = {deviation.what for one in found for deviation in one.deviations}
    if wrongs - {"signature", "permissions"}:
        note(f"  → {HINT}")
    if wrongs & {"signature", "permissions"}:
        note(f"  → {LOCK_HINT}")


def _said(deviation: Deviation) -> str:
    if not deviation.path:
        return f"{deviation.what}: {deviation.message}"
    return f"{deviation.what}: {deviation.path}" + (f" ({deviation.message})" if deviation.message else "")


def _as_json(one: Verified) -> dict[str, Any]:
    deviations = [to_json(deviation) for deviation in one.deviations]
    return {
        "name": one.item.name, "version": one.item.version, "hash": one.item.hash, "deviations": deviations,
        "notes": list(one.notes),
    }  # fmt: skip
