"""``repo signers`` and ``repo trust``: whom a repository may be signed by."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from repertory.commands._complete import complete_repository
from repertory.commands._output import JSON, emit, say, table
from repertory.content.offered.follows import find_repository
from repertory.content.trust.signers import kept_signers, parse_signers, read_signers_file
from repertory.content.trust.trust import accept_signer, forget_signers, known_signers, set_signers
from repertory.errors import UsageError
from repertory.home import Home
from repertory.settings import load_settings
from repertory_sdk.convert import to_json

NAME = Annotated[str, typer.Argument(help="The repository.", autocompletion=complete_repository)]


def signers(
    name: NAME,
    file: Annotated[
        Path | None, typer.Option("--set", help="An allowed_signers file of ssh-keygen, or armoured OpenPGP keys.")
    ] = None,
    forget: Annotated[bool, typer.Option("--forget", help="Let anybody sign again who is known.")] = False,
    json: bool = JSON,
) -> None:
    """Show or change who may sign a repository.

    With a file of signers, nobody else may.

    Examples:

      repertory repo signers community

      repertory repo signers community --set allowed_signers
    """
    home = load_settings().home
    find_repository(home, name)
    if file and forget:
        raise UsageError("--set and --forget contradict each other", "give one of them")
    if file or forget:
        set_signers(home, name, read_signers_file(file) if file else b"")
    content = kept_signers(home, name)
    found = parse_signers(content, str(home.signers(name))) if content else None
    if json:
        emit({"name": name, "keys": to_json(found.keys) if found else [], "openpgp": bool(found and found.openpgp)})
    elif found is None:
        say(f"{name} has no file of signers: whoever signs it first is remembered, see `repertory repo trust {name}`")
    else:
        rows = [[key.principals, key.fingerprint, key.options] for key in found.keys]
        rows += [["OpenPGP keys", "", ""]] if found.openpgp else []
        table(["who", "key", "restrictions"], rows, empty="")


def trust(
    name: NAME,
    signer: Annotated[str, typer.Option("--signer", help="Accept this key too: SHA256:…")] = "",
    forget: Annotated[
        bool, typer.Option("--forget", help="Forget all known keys; the next signer, or none, is the first.")
    ] = False,
    json: bool = JSON,
) -> None:
    """Show who signs a repository, or accept a new signer.

    Examples:

      repertory repo trust community

      repertory repo trust community --signer SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU
    """
    home = load_settings().home
    find_repository(home, name)
    if signer and forget:
        raise UsageError("--signer and --forget contradict each other", "forget first, then accept")
    if forget:
        forget_signers(home, name)
    if signer:
        accept_signer(home, name, signer)
    _tell_known(home, name, json=json)


def _tell_known(home: Home, name: str, *, json: bool) -> None:
    known = known_signers(home, name)
    if json:
        emit({"name": name, "signers": to_json(known)})
    else:
        rows = [[one.principal, one.fingerprint, one.since, one.origin] for one in known]
        table(["who", "key", "known since", "by"], rows, empty=f"{name} is not known to be signed by anybody")
