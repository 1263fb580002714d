"""One action by hand, as a run of its own; shared by ``act`` and ``asset test``."""

from __future__ import annotations

import time
from contextlib import nullcontext
from itertools import chain, count
from typing import TYPE_CHECKING, Any

from repertory.commands._output import note
from repertory.commands._runlive import growing
from repertory.commands._runview import RunRecord, read_record
from repertory.commands._session import resumable, stopping_told, unlock_secrets
from repertory.errors import UserError
from repertory.runtime.engines.foreground import foreground
from repertory.runtime.kept import assets, events, runs
from repertory.runtime.secrets.store import SecretStore
from repertory.settings import user_name
from repertory_sdk.manifest import AppManifest
from repertory_sdk.models import Event

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from repertory.commands._session import Session
    from repertory.items import Installed


def act_by_hand(
    opened: Session, *, app_name: str | None, action: str, parameters: Mapping[str, Any], names: Sequence[str] | None,
    event: int | None = None, timeout_s: float | None = None, shown: bool = False,
) -> RunRecord:  # fmt: skip
    """Run it here and now; the record of the run. ``shown``: a person at a terminal sees how it goes, until it is over."""
    subject: Event | None = events.get_event(opened.database, event) if event else None
    act = {
        "action": action, "app": app_name, "assets": list(names) if names else None,
        "parameters": dict(parameters), "timeout_s": timeout_s,
    }  # fmt: skip
    unlock_secrets(opened)
    new = runs.NewRun(event=subject, act=act, started_by=user_name(), held=True)
    with opened.database.transaction() as transaction:
        run_id = runs.create_run(transaction, new)
    seen = growing(opened.database, run_id) if shown else nullcontext(lambda: None)
    with (
        resumable(run_id), foreground(opened.settings, opened.database, opened.library) as here, stopping_told(here), seen as look,
    ):  # fmt: skip
        run = here.run(run_id, watch=lambda _: _looked(look))
    return read_record(opened.database, run)


def asset_needed(opened: Session, item: Installed) -> None:
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
    config = assets.AssetConfig(name=name, app=item.name, settings={}, created_at=time.time())
    assets.add_asset(opened.database, SecretStore(opened.settings), item.manifest, config, replace=False)
    note(f"asset {name} of {item.name} is configured: it needs no settings")


def _looked(look: Callable[[], None]) -> bool:
    look()
    return False
