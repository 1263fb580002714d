"""From a request to action runs: which assets, which parameter sets, and whether they may run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from repertory.errors import nearest_names
from repertory.runtime.execution.approvals import decide
from repertory.runtime.records import PlannedCall
from repertory_sdk import classic
from repertory_sdk.convert import conform
from repertory_sdk.errors import ConversionError
from repertory_sdk.manifest import AppManifest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from repertory.items import Installed, InstalledSet
    from repertory.runtime.kept.assets import AssetConfig
    from repertory.runtime.records import ActRequest
    from repertory.settings import Decision, Policy
    from repertory_sdk.manifest import ActionManifest

MOST_CALLS = 10_000


@dataclass(frozen=True, kw_only=True)
class Target:
    """An action on an asset."""

    app: Installed
    action: ActionManifest
    asset: AssetConfig


@dataclass(frozen=True, kw_only=True)
class Circumstances:
    """What a plan depends on besides the request. ``by_hand``: the person at the keyboard is the one to ask."""

    installed: InstalledSet
    assets: Sequence[AssetConfig]
    policy: Policy
    severity: str = ""
    permitted: Sequence[str] | None = None
    by_hand: bool = False


class Impossible(Exception):
    """Why a request can run nowhere, in one sentence."""


def plan(request: ActRequest, around: Circumstances) -> list[PlannedCall]:
    """Action runs for every asset and every parameter set.

    What cannot run becomes one call with a ``problem``; no values to act upon means no calls at all.
    """
    try:
        if around.permitted is not None and request.action not in around.permitted:
            raise Impossible(f"the playbook does not declare the action {request.action!r} in its manifest")
        targets = _targets_if_needed(request, around)
        planned = [call for target in targets for call in _calls_on(request, target, around)]
    except Impossible as problem:
        return [_problem(request, str(problem))]
    if len(planned) > MOST_CALLS:
        return [_problem(request, f"{len(planned)} action runs in one request; at most {MOST_CALLS} are permitted")]
    return [_numbered(call, f"{request.key}#{number}") for number, call in enumerate(planned)]


def _targets_if_needed(request: ActRequest, around: Circumstances) -> list[Target]:
    """Without values to act upon it does not matter that nobody could."""
    try:
        return find_targets(request, around)
    except Impossible:
        if any(value == [] for value in request.parameters.values()):
            return []
        raise


def _problem(request: ActRequest, sentence: str) -> PlannedCall:
    app = request.app or ""
    asset = ", ".join(request.assets or ())
    return PlannedCall(
        key=f"{request.key}#0", action=request.action, app=app, asset=asset, parameters=request.parameters,
        problem=sentence,
    )  # fmt: skip


def _numbered(call: PlannedCall, key: str) -> PlannedCall:
    return PlannedCall(**{**call.__dict__, "key": key})


# ------------------------------------------------------------------ targets


def find_targets(request: ActRequest, around: Circumstances) -> list[Target]:
    """The named assets, else every asset (of the named app) whose app offers the action."""
    candidates = [asset for asset in around.assets if _wanted(asset, request)]
    if request.assets is not None:
        _require_assets(request, around)
    targets = []
    for asset in candidates:
        app = around.installed.apps.get(asset.app)
        action = app.manifest.action(request.action) if app and isinstance(app.manifest, AppManifest) else None
        if app and action:
            targets.append(Target(app=app, action=action, asset=asset))
        elif request.assets is not None:
            raise Impossible(_why_not(asset, app, request.action))
    if not targets and not request.optional:
        raise Impossible(_nobody_offers(request, around))
    return targets


def _wanted(asset: AssetConfig, request: ActRequest) -> bool:
    if request.assets is not None and asset.name not in request.assets:
        return False
    return request.app is None or request.app in (asset.app, asset.app.rpartition("/")[2])


def _require_assets(request: ActRequest, around: Circumstances) -> None:
    known = {asset.name: asset for asset in around.assets}
    for name in request.assets or ():
        if name not in known:
            near = nearest_names(name, known)
            raise Impossible(f"no asset is called {name!r}" + (f"; did you mean {' or '.join(near)}?" if near else ""))
        if not _wanted(known[name], request):
            raise Impossible(f"asset {name} belongs to {known[name].app}, not to {request.app}")


def _why_not(asset: AssetConfig, app: Installed | None, action: str) -> str:
    if app is None:
        return f"asset {asset.name} belongs to {asset.app}, which is not installed"
    near = nearest_names(action, [known.name for known in app.manifest.actions])  # type: ignore[union-attr]
    meant = f"; did you mean {' or '.join(near)}?" if near else ""
    return f"{asset.app} has no action {action!r}{meant}"


def _nobody_offers(request: ActRequest, around: Circumstances) -> str:
    offered = {
        action.name: app.name
        for app in around.installed.apps.values()
        if isinstance(app.manifest, AppManifest) and request.app in (None, app.name, app.short_name)
        for action in app.manifest.actions
    }
    if request.action in offered:
        app = offered[request.action]
        return f"{app} offers {request.action!r}, but no asset is configured for it: `repertory asset add NAME {app}` does"
    near = nearest_names(request.action, offered)
    meant = f"; did you mean {' or '.join(near)}?" if near else ""
    where = f"the app {request.app}" if request.app else "no installed app"
    return f"{where} {'does not offer' if request.app else 'offers'} {request.action!r}{meant}"


# --------------------------------------------------------------- parameters


def _calls_on(request: ActRequest, target: Target, around: Circumstances) -> list[PlannedCall]:
    decision = _decision(target, around)
    planned = []
    sets = request.parameter_sets
    for parameters in parameter_sets(target.action, request.parameters) if sets is None else sets:
        problem = check_parameters(target.action, parameters, lenient=target.app.manifest.format == classic.FORMAT)
        call = PlannedCall(
            key="", action=target.action.name, type=target.action.type, app=target.app.name, app_hash=target.app.hash,
            asset=target.asset.name, parameters=parameters, timeout_s=request.timeout_s or target.action.timeout_s,
            decision="allow" if problem else decision,  # nobody is asked about what cannot run
            problem=problem,
        )  # fmt: skip
        planned.append(call)
    return planned


def _decision(target: Target, around: Circumstances) -> Decision:
    decision = decide(
        around.policy, target.action, app=target.app.name, asset=target.asset.name, severity=around.severity
    )
    return "allow" if around.by_hand and decision == "ask" else decision


def parameter_sets(action: ActionManifest, given: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One set for each value of the lists given to parameters that take single values; several lists are paired."""
    takes_list = {parameter.name: parameter.takes_list for parameter in action.parameters}
    lists = {
        name: list(value) for name, value in given.items() if isinstance(value, list) and not takes_list.get(name, False)
    }
    lengths = sorted({len(values) for values in lists.values()})
    if len(lengths) > 1:
        raise Impossible(f"the lists given to {', '.join(lists)} have different lengths: {', '.join(map(str, lengths))}")
    count = lengths[0] if lengths else 1
    return [{**given, **{name: values[index] for name, values in lists.items()}} for index in range(count)]


def check_parameters(action: ActionManifest, given: Mapping[str, Any], *, lenient: bool = False) -> str:
    """What is wrong with a parameter set; empty if nothing is. ``lenient``: the app ignores parameters that it does not know."""
    known = {parameter.name: parameter for parameter in action.parameters}
    for name in () if lenient else given:
        if name not in known:
            near = nearest_names(name, known)
            meant = f"; did you mean {near[0]}?" if near else f" (it has {', '.join(known) or 'none'})"
            return f"{action.name!r} has no parameter {name!r}{meant}"
    for name, parameter in known.items():
        if given.get(name) is None:
            if parameter.required:
                return f"{action.name!r} needs the parameter {name!r}"
            continue
        try:
            conform(parameter.schema, given[name], f"parameter {name}")
        except ConversionError as error:
            return str(error)
    return ""
