"""Secrets on their way to another machine: one file under a passphrase, with the assets they belong to."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from repertory.errors import UserError
from repertory.home import write_atomically
from repertory.runtime.kept import assets
from repertory.runtime.secrets import sealing
from repertory.runtime.secrets.references import Reference
from repertory.runtime.secrets.storefile import STORED, source_of
from repertory_sdk.convert import from_json
from repertory_sdk.errors import ConversionError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from repertory.runtime.secrets.store import SecretStore
    from repertory.runtime.storage.database import Database

FORMAT = "urn:repertory:secrets-export:1"
_WHICH = "name a file that `repertory secrets export` wrote"
_ANY_FORMAT = "urn:repertory:secrets-export:"


@dataclass(frozen=True, kw_only=True)
class Carried:
    """An asset with its secrets; ``sources`` says of each whether it is a reference, ``values`` holds the others."""

    name: str
    app: str
    settings: dict[str, Any]
    sources: dict[str, str]
    values: dict[str, Any]

    def held(self) -> dict[str, Any]:
        """What the store of the other machine is to keep."""
        return {name: self.values.get(name) if source == STORED else Reference(source) for name, source in self.sources.items()}


@dataclass(frozen=True, kw_only=True)
class _Envelope:
    format: str
    salt: str
    sealed: str


def collect(database: Database, secrets: SecretStore) -> list[Carried]:
    """Every asset that has a secret."""
    found = []
    for asset in assets.list_assets(database):
        held = secrets.held(asset.name)
        if held:
            sources = {name: source_of(value) for name, value in held.items()}
            values = {name: value for name, value in held.items() if sources[name] == STORED}
            found.append(Carried(name=asset.name, app=asset.app, settings=dict(asset.settings), sources=sources, values=values))
    if not found:
        raise UserError("no asset has a secret", "there is nothing to carry; `repertory asset list` shows the assets")
    return found


def write_export(path: Path, carried: Sequence[Carried], passphrase: str) -> None:
    """Write a file that opens with the passphrase alone; never over one that is there."""
    require_new(path)
    salt = sealing.random_salt()
    plain = json.dumps([asdict(one) for one in carried]).encode()
    sealed = sealing.seal(sealing.key_of_passphrase(passphrase, salt), plain, (FORMAT, salt))
    envelope = _Envelope(format=FORMAT, salt=salt, sealed=sealed)
    try:
        write_atomically(path, json.dumps(asdict(envelope), indent=1).encode())
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}", "name a place where you may write") from error


def require_new(path: Path) -> None:
    """Nobody's file is overwritten."""
    if path.exists():
        raise UserError(f"{path} exists already", "name a file that does not exist")


def read_export(path: Path, passphrase: str) -> list[Carried]:
    """What an export holds; raises UserError that names the file."""
    envelope = _envelope(path)
    try:
        key = sealing.key_of_passphrase(passphrase, envelope.salt)
        plain = json.loads(sealing.unseal(key, envelope.sealed, (FORMAT, envelope.salt)))
        found: list[Carried] = from_json(list[Carried], plain)
    except sealing.NotOpened:
        raise UserError(f"{path} does not open: the passphrase is another one, or the file was changed", "type it again") from None
    except (ConversionError, ValueError):
        raise UserError(f"{path} holds something else than secrets", "export them again") from None
    if not all(assets.ASSET_NAME.fullmatch(one.name) for one in found):
        raise UserError(f"{path} holds an asset whose name cannot be one", "export them again")
    return found


def _envelope(path: Path) -> _Envelope:
    try:
        plain = json.loads(path.read_bytes())
        said = plain.get("format") if isinstance(plain, dict) else None
        if isinstance(said, str) and said.startswith(_ANY_FORMAT) and said != FORMAT:
            raise UserError(f"{path} was written by a newer Repertory ({said})", "update Repertory on this machine")
        envelope: _Envelope = from_json(_Envelope, plain)
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}", _WHICH) from error
    except (ConversionError, ValueError, RecursionError):
        raise UserError(f"{path} is no export of secrets, or not whole", _WHICH) from None
    if envelope.format != FORMAT:
        raise UserError(f"{path} is no export of secrets", _WHICH)
    return envelope


def take(database: Database, secrets: SecretStore, carried: Sequence[Carried], *, replace: bool) -> list[str]:
    """Keep what was carried here; the names of assets that are made for it. Either all of it is kept or nothing."""
    known = {asset.name: asset for asset in assets.list_assets(database)}
    here = {one.name: secrets.held(one.name) for one in carried}
    _require_fitting(carried, {name: asset.app for name, asset in known.items()}, here, replace=replace)
    secrets.prepare()
    new = [one for one in carried if one.name not in known]
    with database.transaction() as transaction:
        for one in new:
            config = assets.AssetConfig(name=one.name, app=one.app, settings=one.settings, created_at=time.time())
            assets.insert_asset(transaction, config)
        secrets.keep_all({one.name: {**here[one.name], **one.held()} for one in carried})
    return [one.name for one in new]


def _require_fitting(
    carried: Sequence[Carried], apps: Mapping[str, str], here: Mapping[str, Mapping[str, Any]], *, replace: bool
) -> None:
    problems = [
        f"asset {one.name} is one of {apps[one.name]} here, and one of {one.app} there"
        for one in carried
        if apps.get(one.name, one.app) != one.app
    ]
    if problems:
        raise UserError("; ".join(problems), "remove or rename one of them; a secret is not given to another app")
    differing = [
        f"{name} of asset {one.name}"
        for one in carried
        for name, value in one.held().items()
        if name in here[one.name] and here[one.name][name] != value
    ]
    if differing and not replace:
        raise UserError(f"{', '.join(differing)} would become another here", "give --replace if what is imported is right")
