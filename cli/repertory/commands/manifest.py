"""``repertory manifest``: from code to manifest, for authors."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Annotated

import typer

from repertory.commands._output import JSON, emit, say, single_command
from repertory.content.environments.environments import LOCK_FILE, lock_requirements, provide_environment
from repertory.content.environments.required import literal_python, literal_requires
from repertory.errors import EXIT_NOT_DONE, UserError
from repertory.home import Home, write_atomically
from repertory.runtime.processes.author import describe
from repertory.settings import load_settings
from repertory_sdk.describe import APP_MAIN, PLAYBOOK_MAIN
from repertory_sdk.manifest import APP_FILE, PLAYBOOK_FILE

app = single_command()


@app.command("manifest")
def command(
    folder: Annotated[Path, typer.Argument(help="The folder with app.py or playbook.py.")] = Path(),
    check: Annotated[bool, typer.Option("--check", help="Write nothing; fail if the manifest is not current.")] = False,
    lock: Annotated[bool, typer.Option("--lock", help="First lock the app's requirements into requirements.lock.")] = False,
    json: bool = JSON,
) -> None:
    """Write an item's manifest from its code.

    The module is imported in a process of its own, in the environment that its requirements.lock describes. Commit the
    manifest beside the code.

    Examples:

      repertory manifest community_apps/whois

      repertory manifest --lock apps/dns

      repertory manifest --check playbooks/triage
    """
    home = load_settings().home
    target = folder.absolute() / _manifest_file(folder)
    if lock:
        _lock(folder.absolute())
    text = describe(home, folder.absolute(), python=_python(home, folder.absolute()))
    before = target.read_text(encoding="utf-8") if target.is_file() else ""
    if before != text and not check:
        write_atomically(target, text.encode(), mode=0o644)
    state = "current" if before == text else "outdated" if check else "written"
    if json:
        emit({"path": str(target), "state": state})
    else:
        say(f"{folder / target.name}: {state}")
    if state == "outdated":
        if not json:
            say("".join(difflib.unified_diff(before.splitlines(True), text.splitlines(True), "committed", "generated")))
        raise typer.Exit(EXIT_NOT_DONE)


def _manifest_file(folder: Path) -> str:
    for code, manifest in ((APP_MAIN, APP_FILE), (PLAYBOOK_MAIN, PLAYBOOK_FILE)):
        if (folder / code).is_file():
            return manifest
    raise UserError(f"{folder} has neither {APP_MAIN} nor {PLAYBOOK_MAIN}", "name the folder of an app or playbook")


def _lock(folder: Path) -> None:
    requires = literal_requires(folder / APP_MAIN)
    if not requires:
        raise UserError(f"{APP_MAIN} names no requirements", 'write them as a list of texts: App(…, requires=["dnspython>=2.6"])')
    text = lock_requirements(requires, literal_python(folder / APP_MAIN))
    write_atomically(folder / LOCK_FILE, text.encode(), mode=0o644)


def _python(home: Home, folder: Path) -> Path | None:
    if not (folder / LOCK_FILE).is_file():
        return None
    return provide_environment(home, folder, literal_python(folder / APP_MAIN), name=folder.name).python
