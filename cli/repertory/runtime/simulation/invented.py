"""What a simulated run takes for existing: assets that nobody configured, and actions that no app offers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from repertory.items import Installed, InstalledSet
from repertory.runtime.kept.assets import AssetConfig
from repertory.runtime.simulation.offers import offered_action
from repertory.runtime.simulation.scenario import SIMULATED
from repertory_sdk.manifest import ActionManifest, AppManifest, Parameter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from repertory.runtime.execution.planning import Circumstances
    from repertory.runtime.records import ActRequest


def completed(
    request: ActRequest, around: Circumstances, offered: Callable[[str], Sequence[AppManifest]]
) -> tuple[ActRequest, Circumstances]:
    """The same request where it can run: with an app that offers the action, and an asset for it.

    Configured assets come first. Where no app offers the action, one called ``simulated`` does; what kind of action it is tells
    whoever has it on offer.
    """
    offering = [app for app in around.installed.apps.values() if _offers(app, request)]
    if not offering:
        asset = request.assets[0] if request.assets else ""
        made = _made_app(request, offered_action(request.action, offered(request.action), app=request.app, asset=asset))
        apps = {**around.installed.apps, made.name: made}
        around = replace(around, installed=InstalledSet(apps=apps, playbooks=around.installed.playbooks), assets=())
        request, offering = replace(request, app=None), [made]
    return request, replace(around, assets=[*around.assets, *_made_assets(request, around, offering)])


def _offers(app: Installed, request: ActRequest) -> bool:
    is_meant = request.app in (None, app.name, app.short_name)
    return is_meant and isinstance(app.manifest, AppManifest) and app.manifest.action(request.action) is not None


def _made_assets(request: ActRequest, around: Circumstances, offering: list[Installed]) -> list[AssetConfig]:
    known = {asset.name: asset for asset in around.assets}
    if request.assets is not None:
        return [_made_asset(name, offering[0]) for name in request.assets if name not in known]
    names = {app.name for app in offering}
    if any(asset.app in names for asset in around.assets):
        return []
    # Another app's asset may have the name of this app.
    return [_made_asset(app.short_name if app.short_name not in known else app.name, app) for app in offering]


def _made_asset(name: str, app: Installed) -> AssetConfig:
    return AssetConfig(name=name, app=app.name, settings={}, created_at=0.0)


def _made_app(request: ActRequest, known: ActionManifest | None) -> Installed:
    parameters = [Parameter(name, _any_single(value), required=False) for name, value in request.parameters.items()]
    named = {name for one in request.parameter_sets or () for name in one}
    parameters += [Parameter(name, {}, required=False) for name in sorted(named - set(request.parameters))]
    action = ActionManifest(
        request.action, known.type if known else "generic", read_only=known.read_only if known else False, parameters=parameters
    )  # fmt: skip
    manifest = AppManifest(SIMULATED, "", actions=[action])
    return Installed(
        name=SIMULATED, kind="app", version="", hash="", folder=Path(), python=Path(), manifest=manifest
    )  # fmt: skip


def _any_single(value: object) -> dict[str, object]:
    """A list means many values here, as it mostly does."""
    return {"type": None} if isinstance(value, list) else {}
