"""What ``doctor --item`` looks at: everything that one installed item needs before it can do its work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from repertory.commands._symptoms import Finding
from repertory.content.installed.lacking import lacking
from repertory.content.installed.verification import verify
from repertory.errors import NotFound, counted
from repertory.runtime.kept import assets
from repertory.runtime.storage.database import open_database
from repertory_sdk.manifest import AppManifest, PlaybookManifest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from repertory.commands._session import HomeLibrary
    from repertory.items import Installed, InstalledSet
    from repertory.runtime.kept.assets import AssetConfig
    from repertory.settings import Settings

_CURES = {
    "package": "tell whoever keeps it, or install a version that asks for it",
    "symbol": "the block that uses it will fail; tell us what you need it for",
    "Python": "install a version of it for Python 3",
}


def examine_item(settings: Settings, library: HomeLibrary, name: str) -> list[Finding]:
    """Look at one item; raises NotFound where nothing installed is called so."""
    found = library.installed()
    fitting = [*found.named("app", name), *found.named("playbook", name)]
    if not fitting:
        known = [*found.apps, *found.playbooks]
        raise NotFound("installed item", name, known, f"`repertory search {name}` looks for it, `repertory install` brings it")
    database = open_database(settings)
    try:
        configured = assets.list_assets(database)
    finally:
        database.close()
    return [finding for item in fitting for finding in _of_item(settings, item, found, configured)]


def _of_item(
    settings: Settings, item: Installed, found: InstalledSet, configured: Sequence[AssetConfig]
) -> Iterator[Finding]:
    (verified,) = verify(settings.home, [item.name])
    yield Finding(
        what=f"{item.name}: files", found="were changed, or are missing" if verified.deviations else f"as locked, {item.version}",
        fine=not verified.deviations, cure="repertory install --locked",
    )  # fmt: skip
    for lack in lacking(item):
        yield Finding(
            what=f"{item.name}: {lack.what}", found=f"{lack.name} is not there ({lack.where})", fine=False, cure=_CURES[lack.what]
        )
    if isinstance(item.manifest, AppManifest):
        yield _asset_finding(item, configured)
    else:
        yield from _action_findings(item, item.manifest, found, configured)
        yield from _child_findings(item, item.manifest, found)


def _asset_finding(item: Installed, configured: Sequence[AssetConfig]) -> Finding:
    names = [asset.name for asset in configured if asset.app == item.name]
    return Finding(
        what=f"{item.name}: assets", found=", ".join(names) or "none is configured", fine=bool(names),
        cure=f"repertory asset add NAME {item.name}",
    )  # fmt: skip


def _action_findings(
    item: Installed, manifest: PlaybookManifest, found: InstalledSet, configured: Sequence[AssetConfig]
) -> Iterator[Finding]:
    for action in manifest.actions:
        apps = [one for one in found.apps.values() if isinstance(one.manifest, AppManifest) and one.manifest.action(action)]
        ready = [asset.name for asset in configured if asset.app in {one.name for one in apps}]
        missing = "no installed app has it" if not apps else f"{', '.join(one.name for one in apps)}, but no asset"
        cure = f'repertory search "{action}"' if not apps else f"repertory asset add NAME {apps[0].name}"
        yield Finding(
            what=f"{item.name}: action {action}", found=f"on {', '.join(ready)}" if ready else missing, fine=bool(ready), cure=cure
        )


def _child_findings(item: Installed, manifest: PlaybookManifest, found: InstalledSet) -> Iterator[Finding]:
    for name in manifest.named_playbooks:
        there = found.named("playbook", name)
        number = counted(len(there), "playbook")
        yield Finding(
            what=f"{item.name}: playbook {name}", found=there[0].name if len(there) == 1 else f"{number} of this name",
            fine=bool(there), cure=f"repertory search {name}",
        )  # fmt: skip
