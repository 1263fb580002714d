"""``repertory asset``: configured products."""

from __future__ import annotations

from typing import Annotated

import typer

from repertory.commands._acting import act_by_hand
from repertory.commands._complete import complete_asset, complete_installed
from repertory.commands._configuring import configure
from repertory.commands._output import JSON, command_group, emit, moment, note, say, table
from repertory.commands._runview import shown_result
from repertory.commands._secrets import ask_for_secrets, without_dashes
from repertory.commands._session import Unsandboxed, able_to_execute, installed_item, pairs, session
from repertory.errors import EXIT_NOT_DONE
from repertory.runtime.kept import assets
from repertory.runtime.secrets import keys
from repertory.runtime.secrets.store import SecretStore
from repertory_sdk.manifest import TEST_CONNECTIVITY, AppManifest

app = command_group("Configure assets: which product, where, with which credentials.")

Name = Annotated[str, typer.Argument(help="The asset's name.", autocompletion=complete_asset)]


@app.command("add")
def add(
    name: Annotated[str, typer.Argument(help="A name of your own, such as virustotal-lab.")],
    app_name: Annotated[
        str, typer.Argument(metavar="APP", help="An installed app.", autocompletion=complete_installed)
    ],
    settings: Annotated[list[str] | None, typer.Argument(help="Settings, name=value each.")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Change an asset that exists.")] = False,
    json: bool = JSON,
) -> None:
    """Configure an asset.

    On a terminal you are asked for secrets that are not given, without echo; NAME=- reads one from standard input. A secret
    can also be a reference, which is looked up just before each action: env:NAME, file:PATH, keyring:SERVICE/USER, or
    cmd:PROGRAM ARGUMENT… for what a program prints (no shell is involved).

    Examples:

      repertory asset add lists community/blocklist feeds=/etc/feeds/drop.txt,/etc/feeds/hosts

      repertory asset add vt community/virustotal api_key=env:VT_KEY

      repertory asset add vt community/virustotal "api_key=cmd:pass show vt"

      repertory asset add vt community/virustotal api_key=- < key.txt
    """
    with session() as opened:
        item = installed_item(opened.library.installed(), "app", app_name)
        assert isinstance(item.manifest, AppManifest)
        texts = without_dashes(item.manifest, pairs(settings or [], "settings as"))
        ask_for_secrets(item.manifest, texts)
        values = assets.read_settings(item.manifest, texts)
        secrets = SecretStore(opened.settings)
        before = secrets.whereabouts().key
        configure(opened, item, name, values, replace=replace)
        after = secrets.whereabouts().key
    if after != before and after and not json:
        note(f"secrets are sealed with {keys.protection(after.key)} (`repertory secrets where`)")
    if json:
        emit({"asset": name, "app": item.name})
        return
    tested = item.manifest.action(TEST_CONNECTIVITY) is not None
    say(f"asset {name} of {item.name} is configured" + (f"; `repertory asset test {name}` tries it" if tested else ""))


@app.command("list")
def list_(json: bool = JSON) -> None:
    """List assets.

    Example:

      repertory asset list
    """
    with session() as opened:
        found = assets.list_assets(opened.database)
        installed = opened.library.installed().apps
    if json:
        emit({"assets": [{"name": one.name, "app": one.app, "installed": one.app in installed} for one in found]})
    else:
        table(
            ["asset", "app", "app installed", "since"],
            [[one.name, one.app, "yes" if one.app in installed else "NO", moment(one.created_at)] for one in found],
            empty="no asset is configured yet: repertory asset add NAME APP setting=value",
        )


@app.command("show")
def show(name: Name, json: bool = JSON) -> None:
    """Show an asset's settings, and where its secrets come from.

    Example:

      repertory asset show lists
    """
    with session() as opened:
        asset = assets.get_asset(opened.database, name)
        sources = SecretStore(opened.settings).sources(name)
    if json:
        emit({"name": asset.name, "app": asset.app, "settings": asset.settings, "secrets": sources})
        return
    say(f"{asset.name}  ({asset.app})")
    for key, value in asset.settings.items():
        say(f"  {key} = {value}")
    for key, source in sources.items():
        say(f"  {key}: a secret, {source}")


@app.command("test")
def test(name: Name, allow_unsandboxed: Unsandboxed = False, json: bool = JSON) -> None:
    """Try an asset: can its product be reached with these settings?

    Example:

      repertory asset test lists
    """
    with session() as opened:
        asset = assets.get_asset(opened.database, name)
        ready = able_to_execute(opened, allow_unsandboxed=allow_unsandboxed)
        record = act_by_hand(ready, app_name=asset.app, action=TEST_CONNECTIVITY, parameters={}, names=[name], shown=not json)
    call = record.steps[0].call
    if json:
        emit({"asset": name, "status": call.state, "message": call.message})
    else:
        said = call.message or (shown_result(record.steps[0]) if call.state == "succeeded" else "")
        say(f"{name}: {call.state}" + (f": {said}" if said else ""))
    if call.state != "succeeded":
        raise typer.Exit(EXIT_NOT_DONE)


@app.command("remove")
def remove(name: Name, json: bool = JSON) -> None:
    """Forget an asset and its secrets.

    Example:

      repertory asset remove lists
    """
    with session() as opened:
        assets.remove_asset(opened.database, SecretStore(opened.settings), name)
    emit({"removed": name}) if json else say(f"asset {name} is removed")
