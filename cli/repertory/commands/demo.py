"""``repertory demo``: the whole way, in a throw-away home, with every command shown."""

from __future__ import annotations

import os
import shlex
import shutil
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from repertory.commands._output import note, say, single_command
from repertory.commands._session import session
from repertory.content.changes.planning import Request, make_plan
from repertory.content.offered.community import make_repository
from repertory.errors import UserError
from repertory.main import run
from repertory.runtime.kept import runs
from repertory.runtime.processes.simulators import simulator
from repertory.runtime.sandbox.probing import strongest
from repertory.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

app = single_command()

APPS = ("blocklist", "dns", "whois")
PLAYBOOK = "community/investigate_recon"
SAMPLES = Path("community/community_playbooks/investigate_recon/samples")


@app.command("demo")
def command(
    keep: Annotated[
        Path | None, typer.Option("--keep", help="Work in this new folder, and leave it for you to explore.")
    ] = None,
) -> None:
    """See it work: from a Git repository to a finished run, in a throw-away home.

    The shipped content becomes a real Git repository, which is followed, checked and installed; a real Suricata alert of
    a scan is investigated with block lists, DNS and WHOIS servers that the apps simulate on this machine.

    Examples:

      repertory demo

      repertory demo --keep lab
    """
    with _folder(keep) as folder, _home(folder / "home"):
        _permit_this_machine()
        make_repository(folder / "community")
        _demonstrate(folder)
        if keep:
            say(f"Everything is in {folder}. Go on there: export REPERTORY_HOME={shlex.quote(str(folder / 'home'))}")


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        if keep.exists():
            raise UserError(f"{keep} exists already", "name a folder that does not exist")
        keep.mkdir(parents=True)
        yield keep.absolute()
        return
    folder = Path(tempfile.mkdtemp(prefix="repertory-demo-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _permit_this_machine() -> None:
    """What is shown is shipped with the tool, and its home is thrown away: it also runs where nothing can be isolated."""
    home = load_settings().home
    home.prepare()
    if strongest(home, "process") == "process":
        home.config.write_text('[isolation]\nminimum_level = "process"\n', encoding="utf-8")


@contextmanager
def _home(home: Path) -> Iterator[None]:
    """Every command of the demonstration works in its home, and relative to its folder."""
    before, here = os.environ.get("REPERTORY_HOME"), Path.cwd()
    os.environ["REPERTORY_HOME"] = str(home)
    os.chdir(home.parent)
    try:
        yield
    finally:
        os.chdir(here)
        os.environ.pop("REPERTORY_HOME")
        if before is not None:
            os.environ["REPERTORY_HOME"] = before


def _demonstrate(folder: Path) -> None:
    say("The community's content, shipped with Repertory, is now a Git repository:")
    _command("repo", "add", "community", "./community")
    _command("sync")
    _command("validate", "community")
    say("Install a playbook, and apps that offer the actions it asks for, agreeing to a review of what they may do:")
    names = [PLAYBOOK, *(f"community/{name}" for name in APPS)]
    _command("install", *names, "--reviewed", make_plan(load_settings().home, Request(command="demo", names=names)).review.digest)
    with ExitStack() as stack:
        places = {name: stack.enter_context(simulator(_installed(name))) for name in APPS[1:]}
        _configure(places)
        _investigate()


def _installed(name: str) -> Any:
    with session() as opened:
        return opened.library.installed().apps[f"community/{name}"]


def _configure(places: Mapping[str, Mapping[str, Any]]) -> None:
    say("Configure assets: two block lists, and DNS and WHOIS servers that these apps simulate here:")
    feeds = SAMPLES / "feeds"
    _command("asset", "add", "scanners", "community/blocklist", f"feeds={(feeds / 'scanners.netset').absolute()}")
    _command("asset", "add", "hosts", "community/blocklist", f"feeds={(feeds / 'hosts.txt').absolute()}")
    for name, place in places.items():
        _command("asset", "add", name, f"community/{name}", f"server={place['host']}", f"port={place['port']}")
    _command("asset", "test", "scanners")


def _investigate() -> None:
    say("A real alert of a reconnaissance scan comes in, and the playbook investigates it:")
    _command("event", "add", str(SAMPLES / "ssh_scan.eve.json"))
    _command("run", PLAYBOOK, "--event", "1")
    with session() as opened:
        newest = runs.list_runs(opened.database, limit=1)[0]
    say("Everything it did is on record:")
    _command("show", newest.id)
    _command("event", "show", "1")


def _command(*words: str) -> None:
    """Show a command, and execute it as if it had been typed."""
    say(f"$ repertory {shlex.join(words)}")
    try:
        run(words)
    except SystemExit as ended:
        if ended.code:
            note(f"`repertory {shlex.join(words)}` failed; the demonstration ends here")
            raise
    say()
