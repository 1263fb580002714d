"""``repertory demo``: the whole way, in a throw-away home, with every command shown."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from repertory.commands._incidents import Incident, filled, incident
from repertory.commands._output import note, say, single_command
from repertory.commands._session import session
from repertory.commands._simulators import asset_words
from repertory.content.changes.planning import Request, make_plan
from repertory.content.offered.community import make_repository
from repertory.errors import UserError
from repertory.main import run
from repertory.runtime.kept import runs
from repertory.runtime.processes.simulators import simulator
from repertory.runtime.sandbox.probing import strongest
from repertory.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from repertory.items import Installed

app = single_command()


@app.command("demo")
def command(
    number: Annotated[int, typer.Option("--incident", min=1, help="Which incident to show, from 1 to 5.")] = 1,
    keep: Annotated[
        Path | None, typer.Option("--keep", help="Work in this new folder, and leave it for you to explore.")
    ] = None,
) -> None:
    """See it work: from a Git repository to a finished run, in a throw-away home.

    The shipped content becomes a real Git repository, which is followed, checked and installed; then an incident is dealt
    with, on products that the apps simulate on this machine. Incidents: 1 a reconnaissance scan, 2 a way out for data that a
    breach simulation found, 3 a new service on the Internet, 4 a suspicious connection, 5 a domain used for phishing.

    Examples:

      repertory demo

      repertory demo --incident 2

      repertory demo --keep lab
    """
    shown = incident(number)
    with _folder(keep) as folder, _home(folder / "home"):
        _permit_this_machine()
        make_repository(folder / "community")
        _demonstrate(folder, shown)
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


def _demonstrate(folder: Path, shown: Incident) -> None:
    say(f"Incident {shown.number}: {shown.title}\n")
    say("The community's content, shipped with Repertory, is now a Git repository:")
    _command("repo", "add", "community", "./community")
    _command("sync")
    _command("validate", "community")
    names = [f"community/{name}" for name in (shown.playbook, *shown.more, *shown.apps)]
    say("Install a playbook, and apps that offer the actions it asks for, agreeing to a review of what they may do:")
    _command("install", *names, "--reviewed", make_plan(load_settings().home, Request(command="demo", names=names)).review.digest)
    with ExitStack() as stack:
        _configure(stack, folder, shown)
        _deal_with(shown)


def _configure(stack: ExitStack, folder: Path, shown: Incident) -> None:
    say("Configure assets, for products that these apps simulate on this machine:")
    samples = _samples(shown)
    places: dict[str, Any] = {}
    for asset in shown.assets:
        item, settings = _installed(asset.app), filled(asset.settings, places, samples)
        if asset.simulated:
            state = folder / f"{asset.name}.json"
            state.write_text(json.dumps(filled(asset.state, places, samples)), "utf-8")
            place = stack.enter_context(simulator(load_settings().home, item, state=state if asset.state else None))
            places[asset.name.replace("-", "_")] = place
            settings = {**place["settings"], **settings}
        _command(*shlex.split(asset_words(item, asset.name, settings)))


def _samples(shown: Incident) -> Path:
    return Path("community/community_playbooks") / shown.playbook / "samples"


def _installed(name: str) -> Installed:
    with session() as opened:
        return opened.library.installed().apps[f"community/{name}"]


def _deal_with(shown: Incident) -> None:
    say("It begins with an event, and the playbook deals with it:")
    _command("event", "add", str(_samples(shown) / shown.event))
    inputs = [word for name, value in shown.inputs.items() for word in ("--input", f"{name}={value}")]
    _command("run", f"community/{shown.playbook}", "--event", "1", *inputs, waits=True)
    _answer(shown)
    with session() as opened:
        newest = next(one for one in runs.list_runs(opened.database, limit=100) if not one.parent)
    say("Everything it did is on record:")
    _command("show", newest.id)
    _command("event", "show", "1")


def _answer(shown: Incident) -> None:
    """Say what people would say, as long as somebody is asked."""
    while True:
        with session() as opened:
            waiting = runs.open_prompts(opened.database)
        answers = [(prompt, shown.answer_to(prompt.question, prompt.options)) for prompt in waiting]
        prompt, answer = next(((prompt, answer) for prompt, answer in answers if answer), (None, None))
        if prompt is None or answer is None:
            return
        say("Somebody is asked, and answers:")
        _command("answer", str(prompt.id), answer, waits=True)


def _command(*words: str, waits: bool = False) -> None:
    """Show a command, and execute it as if it had been typed; one that ``waits`` for people may end before its run does."""
    say(f"$ repertory {shlex.join(words)}")
    try:
        run(words)
    except SystemExit as ended:
        if ended.code and not waits:
            note(f"`repertory {shlex.join(words)}` failed; the demonstration ends here")
            raise
    say()
