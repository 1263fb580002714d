"""Configured assets: a name, an app, settings; and the state that their actions keep."""

from __future__ import annotations

import json
import os
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repertory.errors import NotFound, UsageError, UserError
from repertory.home import write_atomically
from repertory.runtime.records import as_text
from repertory.runtime.storage.database import insert
from repertory_sdk.convert import conform, from_text
from repertory_sdk.errors import ConversionError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from repertory.home import Home
    from repertory.runtime.storage.database import Database, Row, Transaction
    from repertory_sdk.manifest import AppManifest, Setting

ASSET_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_REFERENCES = ("env:", "file:")


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
            problems.append(str(error))
    if problems:
        listed = ", ".join(f"{name}{'' if setting.required else ' (optional)'}" for name, setting in known.items())
        raise UsageError("; ".join(problems), f"settings of {manifest.name}: {listed or 'none'}; write name=value")
    return values


def _read_setting(setting: Setting, text: str) -> Any:
    if setting.secret and text.startswith(_REFERENCES):
        return text
    return from_text(setting.schema, text, setting.name)


def add_asset(database: Database, home: Home, manifest: AppManifest, asset: AssetConfig, *, replace: bool) -> None:
    """Keep an asset: its secrets in a file of their own that only its owner can read, the rest in the database."""
    if not ASSET_NAME.fullmatch(asset.name):
        raise UsageError(
            f"{asset.name!r} cannot be the name of an asset", "use small letters, digits, dots, dashes; up to 63 characters"
        )
    secret = {setting.name for setting in manifest.settings if setting.secret}
    open_settings = {name: value for name, value in asset.settings.items() if name not in secret}
    with database.transaction() as transaction:
        if transaction.query("select 1 as known from asset where name = ?", asset.name):
            if not replace:
                raise UserError(f"there is an asset called {asset.name} already", "give --replace to change it")
            transaction.query("delete from asset where name = ?", asset.name)
        values = {
            "name": asset.name, "app": asset.app, "settings": as_text(open_settings), "state": "{}",
            "checkpoint": "{}", "created_at": time.time(),
        }  # fmt: skip
        insert(transaction, "asset", values)
        _keep_secrets(home, asset.name, {name: asset.settings[name] for name in secret & set(asset.settings)})


def remove_asset(database: Database, home: Home, name: str) -> None:
    """Forget an asset and its secrets."""
    get_asset(database, name)
    with database.transaction() as transaction:
        transaction.query("delete from asset where name = ?", name)
        _keep_secrets(home, name, {})


def _keep_secrets(home: Home, asset: str, secrets: Mapping[str, str]) -> None:
    with home.exclusive():
        kept = _all_secrets(home)
        if not secrets and asset not in kept:
            return
        kept.pop(asset, None)
        if secrets:
            kept[asset] = dict(secrets)
        write_atomically(home.secrets, json.dumps(kept, indent=1).encode())


def _all_secrets(home: Home) -> dict[str, dict[str, str]]:
    try:
        kept: dict[str, dict[str, str]] = json.loads(home.secrets.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise UserError(f"{home.secrets} is damaged: {error}", "restore it, or move it away and add the secrets again") from error
    return kept


def full_settings(home: Home, manifest: AppManifest, asset: AssetConfig) -> dict[str, Any]:
    """Settings with secrets and resolved references, just before an action; raises UserError naming what lacks."""
    values = {**asset.settings, **_all_secrets(home).get(asset.name, {})}
    for setting in manifest.settings:
        if setting.secret and isinstance(values.get(setting.name), str):
            values[setting.name] = _resolve(asset.name, setting.name, values[setting.name])
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
        raise UserError(f"asset {asset.name}: {error}", f"`repertory asset add {asset.name} … --replace` sets it anew") from error


def _resolve(asset: str, setting: str, value: str) -> str:
    kind, _, name = value.partition(":")
    if kind == "env" and value.startswith(_REFERENCES):
        if name not in os.environ:
            raise UserError(f"asset {asset}: {setting} refers to the variable {name}, which is not set", "set it and try again")
        return os.environ[name]
    if kind == "file" and value.startswith(_REFERENCES):
        try:
            return Path(name).read_text(encoding="utf-8").rstrip("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(f"asset {asset}: {setting} refers to the file {name}: {error}", "make it readable") from error
    return value


def secret_names(home: Home, asset: str) -> Sequence[str]:
    """Which secrets are kept for an asset; never their values."""
    return sorted(_all_secrets(home).get(asset, {}))


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
