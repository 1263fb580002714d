"""``repertory act``: one action by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from repertory.commands._acting import act_by_hand
from repertory.commands._complete import complete_asset, complete_installed
from repertory.commands._configuring import ensure_asset
from repertory.commands._output import JSON, emit, single_command
from repertory.commands._runtree import print_record
from repertory.commands._runview import as_json
from repertory.commands._session import Unsandboxed, able_to_execute, installed_item, pairs, session
from repertory.errors import EXIT_NOT_DONE, NotFound, UsageError
from repertory.runtime.execution.planning import Impossible, check_parameters, parameter_sets
from repertory.runtime.kept.assets import get_asset
from repertory_sdk.convert import from_text
from repertory_sdk.errors import ConversionError
from repertory_sdk.manifest import AppManifest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from repertory.items import Installed
    from repertory_sdk.manifest import ActionManifest

app = single_command()


@app.command("act")
def command(
    app_name: Annotated[str, typer.Argument(metavar="APP", help="An installed app.", autocompletion=complete_installed)],
    action: Annotated[str, typer.Argument(help="Its action.")],
    parameters: Annotated[list[str] | None, typer.Argument(help="Parameters, name=value each.")] = None,
    *,
    asset: Annotated[
        list[str] | None,
        typer.Option("--asset", help="Only on these assets; all of the app's without.", autocompletion=complete_asset),
    ] = None,
    event: Annotated[int | None, typer.Option("--event", help="Keep the result on this event.")] = None,
    timeout: Annotated[float | None, typer.Option("--timeout", help="Seconds; the app's own limit without.")] = None,
    allow_unsandboxed: Unsandboxed = False,
    json: bool = JSON,
) -> None:
    """Run one action by hand.

    You are the human who approves it; only what the policy denies is refused. An app that needs no settings gets an asset if
    it has none.

    Examples:

      repertory act blocklist "ip reputation" ip=198.51.100.7

      repertory act dns "lookup domain" domain=example.net type=MX --asset dns-lab --json
    """
    with session() as opened:
        opened = able_to_execute(opened, allow_unsandboxed=allow_unsandboxed)  # noqa: PLW2901
        item = installed_item(opened.library.installed(), "app", app_name)
        assert isinstance(item.manifest, AppManifest)
        manifest = item.manifest.action(action)
        if manifest is None:
            known = [one.name for one in item.manifest.actions]
            raise NotFound(f"action of {item.name}", action, known, f"it has: {', '.join(known)}")
        values = _read(item, manifest, pairs(parameters or [], "parameters as"))
        for name in asset or ():
            get_asset(opened.database, name)
        if not asset:
            ensure_asset(opened, item)
        record = act_by_hand(
            opened, app_name=item.name, action=action, parameters=values, names=asset, event=event, timeout_s=timeout,
            shown=not json,
        )  # fmt: skip
    emit(as_json(record)) if json else print_record(record)
    if record.run.state != "succeeded":
        raise typer.Exit(EXIT_NOT_DONE)


def _read(app_item: Installed, action: ActionManifest, texts: Mapping[str, str]) -> dict[str, Any]:
    hint = f"`repertory info {app_item.name}` shows the parameters"
    schemas = {parameter.name: parameter.schema for parameter in action.parameters}
    try:
        values = {name: from_text(schemas.get(name, {}), text, f"parameter {name}") for name, text in texts.items()}
        problems = [check_parameters(action, parameters) for parameters in parameter_sets(action, values)]
    except (ConversionError, Impossible) as error:
        problems = [str(error)]
    for problem in filter(None, problems):
        raise UsageError(problem, hint)
    return values
