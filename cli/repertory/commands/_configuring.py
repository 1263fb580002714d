"""Assets that commands configure by themselves."""

from __future__ import annotations

import time
from itertools import chain, count
from typing import TYPE_CHECKING, Any

from repertory.commands._output import note
from repertory.errors import UserError
from repertory.runtime.kept import assets
from repertory.runtime.secrets.store import SecretStore
from repertory_sdk.manifest import AppManifest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from repertory.commands._session import Session
    from repertory.items import Installed


def configure(opened: Session, item: Installed, name: str, settings: Mapping[str, Any], *, replace: bool) -> None:
    """Keep an asset of an app."""
    assert isinstance(item.manifest, AppManifest)
    config = assets.AssetConfig(name=name, app=item.name, settings=dict(settings), created_at=time.time())
    assets.add_asset(opened.database, SecretStore(opened.settings), item.manifest, config, replace=replace)


def ensure_asset(opened: Session, item: Installed) -> None:
    """Where the app has no asset, configure one that needs no settings, and say so; raises UserError where it needs some."""
    assert isinstance(item.manifest, AppManifest)
    existing = assets.list_assets(opened.database)
    if any(asset.app == item.name for asset in existing):
        return
    needed = [setting.name for setting in item.manifest.settings if setting.required]
    if needed:
        words = " ".join(f"{name}=…" for name in needed)
        raise UserError(f"no asset of {item.name} is configured yet", f"`repertory asset add NAME {item.name} {words}`")
    taken = {asset.name for asset in existing}
    plain = item.short_name.lower().replace("_", "-")[:60]
    name = next(one for one in chain([plain], (f"{plain}-{number}" for number in count(2))) if one not in taken)
    configure(opened, item, name, {}, replace=False)
    note(f"asset {name} of {item.name} is configured: it needs no settings")
