"""``repertory run``: a playbook on an event."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from repertory.commands._complete import complete_installed
from repertory.commands._following import follow
from repertory.commands._output import JSON, emit, say, single_command
from repertory.commands._session import Unsandboxed, able_to_execute, installed_item, pairs, session
from repertory.errors import UsageError, UserError, counted
from repertory.runtime.execution.actions import OPTIONS_OF_KIND
from repertory.runtime.execution.inputs import read_inputs
from repertory.runtime.ingest import read_events
from repertory.runtime.kept import events, runs
from repertory.runtime.simulation.scenario import Scenario, Simulation
from repertory.runtime.simulation.scenario_file import read_scenario
from repertory.runtime.simulation.subject import copy_event
from repertory.settings import user_name
from repertory_sdk.manifest import PlaybookManifest

if TYPE_CHECKING:
    from repertory.items import Installed
    from repertory.runtime.records import Run
    from repertory.runtime.storage.database import Database
    from repertory_sdk.models import Event

app = single_command()
ScenarioFile = Annotated[
    Path | None, typer.Option("--scenario", help="YAML file that says what comes of actions and prompts; implies --simulate.")
]
Seed = Annotated[int | None, typer.Option("--seed", help="Of what is made up: the same seed makes up the same again. 0 without.")]


@app.command("run")
def command(
    playbook: Annotated[str, typer.Argument(help="An installed playbook.", autocompletion=complete_installed)],
    *,
    event: Annotated[str, typer.Option("--event", help="An event's number, or a file with one event.")] = "",
    inputs: Annotated[list[str] | None, typer.Option("--input", help="name=value, once for each input.")] = None,
    answers: Annotated[
        list[str] | None,
        typer.Option("--answer", help="KEY=ANSWER given in advance; KEY is a prompt's key, approval, question, in_doubt or *."),
    ] = None,
    simulate: Annotated[
        bool, typer.Option("--simulate", help="Make everything up: no app is started, nothing is changed, nobody is asked.")
    ] = False,
    scenario: ScenarioFile = None,
    seed: Seed = None,
    wait: Annotated[bool, typer.Option("--wait", help="Also wait for answers that others give.")] = False,
    detach: Annotated[bool, typer.Option("--detach", help="Only queue it, for a worker.")] = False,
    allow_unsandboxed: Unsandboxed = False,
    json: bool = JSON,
) -> None:
    """Run a playbook on an event.

    Without --wait it ends with status "waiting" where a human has to answer; on a terminal you are asked here.

    Examples:

      repertory run community/investigate_recon --event alert.json

      repertory run investigate_recon --event 12 --answer approval=approve --json

      repertory run investigate_recon --event 12 --detach

      repertory run investigate_recon --event alert.json --simulate

      repertory run investigate_recon --event alert.json --scenario worst-case.yaml --seed 7
    """
    simulation = _simulation(scenario, seed, simulate=simulate)
    if wait and detach:
        raise UsageError("--wait and --detach exclude each other", "give one of them")
    with session() as opened:
        if not detach:
            opened = able_to_execute(opened, allow_unsandboxed=allow_unsandboxed)  # noqa: PLW2901
        item = installed_item(opened.library.installed(), "playbook", playbook)
        run = _create(opened.database, item, event, inputs or [], answers or [], simulation=simulation, held=not detach)
        if not detach:
            follow(opened, run, json=json, wait=wait)
        elif json:
            emit({"run": run.id, "status": run.state})
        else:
            say(f"run {run.id} is queued; a `repertory worker` serves it, `repertory show {run.id}` tells how it stands")


def _create(
    database: Database, item: Installed, event: str, inputs: list[str], answers: list[str], *,
    simulation: Simulation | None, held: bool,
) -> Run:  # fmt: skip
    """The run; everything that was typed is read before it is there."""
    assert isinstance(item.manifest, PlaybookManifest)
    new = runs.NewRun(
        playbook=item,
        inputs=read_inputs(item.manifest, pairs(inputs, "inputs as --input")),
        answers=_answers(answers),
        event=_find_event(database, event, simulated=simulation is not None) if event else None,
        started_by=user_name(),
        held=held,
        simulation=simulation,
    )
    with database.transaction() as transaction:
        run_id = runs.create_run(transaction, new)
    return runs.find_run(database, run_id)


def _answers(texts: list[str]) -> dict[str, str]:
    """Answers in advance; what no prompt of a kind permits is refused before anything runs."""
    given = pairs(texts, "answers as --answer")
    for kind, options in OPTIONS_OF_KIND.items():
        if kind in given and given[kind] not in options:
            raise UsageError(f"--answer {kind}: {given[kind]!r} is no answer", f"answer one of: {', '.join(options)}")
    return given


def _simulation(scenario: Path | None, seed: int | None, *, simulate: bool) -> Simulation | None:
    if not simulate and scenario is None:
        if seed is not None:
            raise UsageError("--seed says nothing about a real run", "give --simulate, or --scenario FILE, too")
        return None
    given = read_scenario(scenario) if scenario else Scenario()
    return Simulation(seed=seed or 0, scenario=given, source=str(scenario or ""))


def _find_event(database: Database, text: str, *, simulated: bool) -> Event:
    """The event as it is kept; for a simulated run a copy of it."""
    if text.isdigit():
        found = events.get_event(database, int(text))
        return _copy(database, found) if simulated else found
    read = read_events(Path(text))
    if len(read) != 1:
        hint = f"`repertory event add {text}` adds them; then --event NUMBER"
        raise UserError(f"{text} holds {counted(len(read), 'event')}, a run is about one", hint)
    if simulated:
        return _copy(database, read[0].event)
    stored = events.add_events(database, [(read[0].event, read[0].raw)])
    return events.get_event(database, stored[0].id)


def _copy(database: Database, event: Event) -> Event:
    with database.transaction() as transaction:
        return copy_event(transaction, event)
