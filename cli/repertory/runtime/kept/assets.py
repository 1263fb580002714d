"""Configured assets: a name, an app, settings; and the state that their actions keep."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from repertory.errors import NotFound, UsageError, UserError
from repertory.runtime.records import as_text
from repertory.runtime.secrets import references
from repertory.runtime.storage.database import insert
from repertory_sdk.convert import conform, from_text
from repertory_sdk.errors import ConversionError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from repertory.runtime.secrets.store import SecretStore
    from repertory.runtime.storage.database import Database, Row, Transaction
    from repertory_sdk.manifest import AppManifest, Setting

ASSET_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


@dataclass(frozen=True, kw_only=True)
class AssetConfig:
    """One asset. ``settings`` are without secrets; ``app`` is the app's full name."""

    name: str
    app: str
    settings: Mapping[str, Any]
    created_at: float


def list_assets(database: Transaction) -> list[AssetConfig]:
    """All assets by name."""
    return [_asset_of(row) for row in database.query("select * from asset order by name")]


def get_asset(database: Transaction, name: str) -> AssetConfig:
    """One asset."""
    rows = database.query("select * from asset where name = ?", name)
    if not rows:
        known = [asset.name for asset in list_assets(database)]
        raise NotFound("asset", name, known, "`repertory asset list` shows them, `repertory asset add` makes one")
    return _asset_of(rows[0])


def _asset_of(row: Row) -> AssetConfig:
    return AssetConfig(
        name=row["name"], app=row["app"], settings=json.loads(row["settings"]), created_at=row["created_at"]
    )


def read_settings(manifest: AppManifest, texts: Mapping[str, str]) -> dict[str, Any]:
    """What a person typed, checked against the app's manifest; every problem at once."""
    known = {setting.name: setting for setting in manifest.settings}
    problems = [f"{name}: is not a setting of {manifest.name}" for name in texts if name not in known]
    values: dict[str, Any] = {}
    for name, setting in known.items():
        try:
            if name in texts:
                values[name] = _read_setting(setting, texts[name])
            elif setting.required:
                problems.append(f"{name}: is missing ({setting.description or 'no description'})")
        except ConversionError as error:
            problems.append(_unfit(setting) if setting.secret else str(error))
    if problems:
        listed = ", ".join(f"{name}{'' if setting.required else ' (optional)'}" for name, setting in known.items())
        raise UsageError("; ".join(problems), f"settings of {manifest.name}: {listed or 'none'}; write name=value")
    return values


def _unfit(setting: Setting) -> str:
    return f"{setting.name}: has not the form that the app wants ({setting.schema.get('type', 'see its manifest')})"


def _read_setting(setting: Setting, text: str) -> Any:
    if setting.secret and references.is_reference(text):
        return references.checked(setting.name, text)
    return from_text(setting.schema, text, setting.name)


def add_asset(
    database: Database, secrets: SecretStore, manifest: AppManifest, asset: AssetConfig, *, replace: bool
) -> None:
    """Keep an asset: its secrets in their store, the rest in the database."""
    if not ASSET_NAME.fullmatch(asset.name):
        raise UsageError(
            f"{asset.name!r} cannot be the name of an asset", "use small letters, digits, dots, dashes; up to 63 characters"
        )
    is_secret = {setting.name for setting in manifest.settings if setting.secret}
    secret = {name: references.given(asset.settings[name]) for name in sorted(is_secret & set(asset.settings))}
    _require_free(database, asset.name, replace=replace)
    if secret:
        secrets.prepare()  # before the database is locked: somebody may have to be asked for a passphrase
    with database.transaction() as transaction:
        _require_free(transaction, asset.name, replace=replace)
        transaction.query("delete from asset where name = ?", asset.name)
        open_settings = {name: value for name, value in asset.settings.items() if name not in is_secret}
        insert_asset(transaction, AssetConfig(name=asset.name, app=asset.app, settings=open_settings, created_at=asset.created_at))
        secrets.keep(asset.name, secret)


def insert_asset(transaction: Transaction, asset: AssetConfig) -> None:
    """Record a new asset, whose settings hold no secrets."""
    values = {
        "name": asset.name, "app": asset.app, "settings": as_text(asset.settings), "state": "{}",
        "checkpoint": "{}", "created_at": time.time(),
    }  # fmt: skip
    insert(transaction, "asset", values)


def _require_free(database: Transaction, name: str, *, replace: bool) -> None:
    if not replace and database.query("select 1 as known from asset where name = ?", name):
        raise UserError(f"there is an asset called {name} already", "give --replace to change it")


def remove_asset(database: Database, secrets: SecretStore, name: str) -> None:
    """Forget an asset and its secrets."""
    get_asset(database, name)
    with database.transaction() as transaction:
        transaction.query("delete from asset where name = ?", name)
        secrets.keep(name, {})


def full_settings(secrets: SecretStore, manifest: AppManifest, asset: AssetConfig) -> dict[str, Any]:
    """Settings with secrets and resolved references, just before an action; raises UserError naming what lacks."""
    values = {**asset.settings, **secrets.looked_up(asset.name, [setting.name for setting in manifest.settings])}
    for setting in manifest.settings:
        if setting.required and setting.name not in values:
            raise UserError(
                f"asset {asset.name} lacks the setting {setting.name}",
                f"`repertory asset add {asset.name} {asset.app} --replace {setting.name}=…`",
            )
        if setting.name in values:
            _conform(asset, setting, values[setting.name])
    return values


def _conform(asset: AssetConfig, setting: Setting, value: Any) -> None:
    try:
        if value is not None:
            conform(setting.schema, value, setting.name)
    except ConversionError as error:
        reason = _unfit(setting) if setting.secret else str(error)
        raise UserError(f"asset {asset.name}: {reason}", f"`repertory asset add {asset.name} … --replace` sets it anew") from None


# --------------------------------------------------------- state and cursor


def asset_memory(database: Transaction, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """State and poll checkpoint of an asset."""
    rows = database.query("select state, checkpoint from asset where name = ?", name)
    if not rows:
        return {}, {}
    return json.loads(rows[0]["state"]), json.loads(rows[0]["checkpoint"])


def keep_state(database: Transaction, name: str, state: Mapping[str, Any]) -> None:
    """What an action wants to find next time."""
    database.query("update asset set state = ? where name = ?", as_text(state), name)


def keep_checkpoint(transaction: Transaction, name: str, checkpoint: Mapping[str, Any]) -> None:
    """How far polling has come."""
    transaction.query("update asset set checkpoint = ? where name = ?", as_text(checkpoint), name)
