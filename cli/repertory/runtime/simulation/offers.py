"""Which of the apps on offer a simulated run takes an action from, where none that is installed has it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from repertory_sdk.manifest import ActionManifest, AppManifest

_SHORTEST = 3


def offered_action(action: str, offered: Sequence[AppManifest], *, app: str | None, asset: str) -> ActionManifest | None:
    """As it is described by the app that is meant: named so, or called like the asset; or by the only one there is.

    Assets are mostly called like what they are of: ``virustotal_v3`` is of VirusTotal.
    """
    if app:
        offered = [one for one in offered if _plain(app) in (_plain(one.name), _plain(one.product))]
    alike = [one for one in offered if asset and _is_alike(asset, one)]
    meant = alike[0] if alike else offered[0] if len(offered) == 1 and (app or not asset) else None
    return meant.action(action) if meant else None


def _is_alike(asset: str, app: AppManifest) -> bool:
    name = _plain(asset)
    names = [plain for plain in (_plain(app.name), _plain(app.product)) if len(plain) >= _SHORTEST]
    return any(one in name or name in one for one in names) if len(name) >= _SHORTEST else False


def _plain(name: str) -> str:
    return re.sub(r"[^a-z]+", "", name.rpartition("/")[2].lower())
