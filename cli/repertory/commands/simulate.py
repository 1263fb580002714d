"""``repertory simulate``: products to try things on, on this machine."""

from __future__ import annotations

import signal
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from repertory.commands._complete import complete_installed
from repertory.commands._configuring import configure
from repertory.commands._output import JSON, command_group, emit, note, say, table
from repertory.commands._session import Session, Unsandboxed, installed_item, session
from repertory.commands._simulators import asset_words, require_shipped
from repertory.errors import UsageError
from repertory.runtime.kept import assets
from repertory.runtime.processes.simulators import FILE, simulator
from repertory.runtime.secrets.store import SecretStore

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from repertory.items import Installed

app = command_group("Simulate products on this machine, to try apps and playbooks on.")


@app.command("up")
def up(
    items: Annotated[list[str], typer.Argument(help="Installed apps.", autocompletion=complete_installed)],
    *,
    add: Annotated[bool, typer.Option("--add", help="Configure an asset for each, as long as it runs.")] = False,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port to listen on; 0: any. For one app.")] = 0,
    state: Annotated[Path | None, typer.Option("--state", help="JSON file with what it knows at the start. For one app.")] = None,
    allow_unsandboxed: Unsandboxed = False,
    json: bool = JSON,
) -> None:
    """Start the simulators that apps bring, and keep them until Ctrl-C.

    Each says which asset reaches it. A simulator is a program that comes with the app and is not isolated: those of other
    content than what is shipped with Repertory start only with --allow-unsandboxed.

    Examples:

      repertory simulate up community/servicenow

      repertory simulate up shodan greynoise --add
    """
    if len(items) > 1 and (port or state):
        raise UsageError("--port and --state are for one app", "start each of them by a command of its own")
    with session() as opened, ExitStack() as stack:
        running = [_start(opened, stack, name, port=port, state=state, trusted=allow_unsandboxed) for name in items]
        for one in running if add else ():
            configure(opened, one.app, one.asset, one.place["settings"], replace=True)
            stack.callback(assets.remove_asset, opened.database, SecretStore(opened.settings), one.asset)
        if json:
            emit({"simulated": [{"app": one.app.name, "asset": one.asset, "added": add, **one.place} for one in running]})
        else:
            _tell(running, added=add)
        _wait()


class _Running(NamedTuple):
    """A simulator that was started: what it says of itself, and what an asset for it is called."""

    app: Installed
    place: Mapping[str, Any]
    asset: str


def _start(
    opened: Session, stack: ExitStack, name: str, *, port: int, state: Path | None, trusted: bool
) -> _Running:
    item = installed_item(opened.library.installed(), "app", name)
    if not trusted:
        require_shipped(item)
    place = stack.enter_context(simulator(opened.settings.home, item, port=port, state=state))
    return _Running(item, place, f"{item.short_name}-simulated".replace("_", "-"))


@app.command("list")
def list_(json: bool = JSON) -> None:
    """List installed apps that bring a simulator.

    Example:

      repertory simulate list
    """
    with session() as opened:
        found = [item for item in opened.library.installed().apps.values() if (item.folder / FILE).is_file()]
    if json:
        emit({"apps": [item.name for item in found]})
        return
    rows = [[item.name, item.manifest.summary] for item in found]
    table(["app", "what it is"], rows, empty="no installed app brings a simulator")


def _tell(running: Sequence[_Running], *, added: bool) -> None:
    for one in running:
        say(f"{one.app.name} is simulated on {one.place['host']}:{one.place['port']}")
        words = asset_words(one.app, one.asset, one.place["settings"])
        say(f"  asset {one.asset} reaches it" if added else f"  $ repertory {words}")
    say("Ctrl-C ends it." if len(running) == 1 else "Ctrl-C ends them.")


def _wait() -> None:
    """Until Ctrl-C, or SIGTERM."""
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    try:
        while not ended.wait(3600):
            pass
    except KeyboardInterrupt:
        note("")
