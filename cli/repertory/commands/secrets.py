"""``repertory secrets``: what protects the secrets of assets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from repertory.commands._output import JSON, command_group, emit, say, table
from repertory.commands._secrets import passphrase_from
from repertory.commands._session import session
from repertory.errors import UserError
from repertory.runtime.secrets import keys, transfer
from repertory.runtime.secrets.store import SecretStore

app = command_group("See what protects the secrets of assets, move them, change their keys.")

File = Annotated[Path, typer.Argument(help="An encrypted file, under a passphrase.")]
PassphraseFile = Annotated[
    Path | None,
    typer.Option("--passphrase-file", help="Take the passphrase from the first line of this file; -: standard input."),
]


@app.command("where")
def where(json: bool = JSON) -> None:
    """Show where secrets are, and which key protects them.

    Also which assets have which; nothing secret is shown.

    Example:

      repertory secrets where
    """
    with session() as opened:
        settings = opened.settings
        found = SecretStore(settings).whereabouts()
    key = found.key.key if found.key else None
    if json:
        emit(
            {
                "store": str(found.store) if found.key else None,
                "key": key,
                "at": keys.place(settings, found.key) if found.key else None,
                "protection": keys.protection(key) if key else None,
                "configured": settings.secrets.key or None,
                "in_clear_text": found.in_clear_text,
                "assets": found.sources,
            }
        )
        return
    say(f"store       {found.store if found.key else 'none yet; the first secret makes it'}")
    if found.key:
        say(f"key         {keys.place(settings, found.key)}")
        say(f"protection  {keys.protection(found.key.key)}")
    if found.key and settings.secrets.key not in ("", key):
        say(f"            config.toml wants {settings.secrets.key}: `repertory secrets rotate` changes it")
    if found.in_clear_text:
        say(f"CLEAR TEXT  {settings.home.clear_secrets}, until the next change: `repertory secrets rotate` is one")
    say()
    rows = [[asset, name, source] for asset, sources in found.sources.items() for name, source in sources.items()]
    table(["asset", "secret", "from"], rows, empty="no asset has a secret")


@app.command("export")
def export(file: File, passphrase_file: PassphraseFile = None, json: bool = JSON) -> None:
    """Write all secrets into a file, under a passphrase.

    Their assets go with them.

    It is for another machine; `repertory secrets import` reads it there. References stay references.

    Examples:

      repertory secrets export lab.secrets

      repertory secrets export lab.secrets --passphrase-file - < passphrase
    """
    transfer.require_new(file)
    with session() as opened:
        carried = transfer.collect(opened.database, SecretStore(opened.settings))
    transfer.write_export(file, carried, passphrase_from(passphrase_file, f"Passphrase for {file}", new=True))
    names = [one.name for one in carried]
    if json:
        emit({"file": str(file), "assets": names})
    else:
        say(f"{file}: secrets of {', '.join(names)}; there: repertory secrets import {file.name}")


@app.command("import")
def import_(
    file: File,
    replace: Annotated[bool, typer.Option("--replace", help="Also change secrets that are others here.")] = False,
    passphrase_file: PassphraseFile = None,
    json: bool = JSON,
) -> None:
    """Keep the secrets of an exported file.

    Assets that are not here are made as they were there.

    Examples:

      repertory secrets import lab.secrets

      repertory secrets import lab.secrets --replace
    """
    if not file.is_file():
        raise UserError(f"{file} is no file", "name a file that `repertory secrets export` wrote")
    carried = transfer.read_export(file, passphrase_from(passphrase_file, f"Passphrase of {file}", new=False))
    with session() as opened:
        made = transfer.take(opened.database, SecretStore(opened.settings), carried, replace=replace)
    if json:
        emit({"assets": [{"name": one.name, "new": one.name in made, "secrets": one.sources} for one in carried]})
        return
    for one in carried:
        listed = ", ".join(f"{name} ({source})" for name, source in one.sources.items())
        say(f"asset {one.name} of {one.app}{' is made, and' if one.name in made else ''} has {listed}")


@app.command("rotate")
def rotate(json: bool = JSON) -> None:
    """Seal all secrets anew, under new keys.

    What protects them from now on is what config.toml says under [secrets] key; without that it stays as it is. A key file
    or credential that you made yourself stays the same one.

    Example:

      repertory secrets rotate
    """
    with session() as opened:
        key = SecretStore(opened.settings).rotate()
        place = keys.place(opened.settings, key)
    if json:
        emit({"key": key.key, "at": place, "protection": keys.protection(key.key)})
    else:
        say(f"secrets are sealed anew, with {keys.protection(key.key)}")
