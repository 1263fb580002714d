"""``repertory explore``: what a playbook could do at most."""

from __future__ import annotations

import re
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from repertory.commands._complete import complete_installed
from repertory.commands._output import JSON, emit, say, single_command, table
from repertory.commands._session import Unsandboxed, able_to_execute, installed_item, pairs, session
from repertory.errors import UserError, counted
from repertory.runtime.execution.inputs import read_inputs
from repertory.runtime.ingest import read_events
from repertory.runtime.kept import events
from repertory.runtime.simulation.exploring import Exploration, SeenAction, Subject, explore
from repertory.runtime.simulation.scenario import Scenario
from repertory.runtime.simulation.scenario_file import read_scenario
from repertory_sdk.manifest import PlaybookManifest

if TYPE_CHECKING:
    from repertory.runtime.storage.database import Database
    from repertory_sdk.models import Event

app = single_command()


@app.command("explore")
def command(
    playbook: Annotated[str, typer.Argument(help="An installed playbook.", autocompletion=complete_installed)],
    *,
    event: Annotated[str, typer.Option("--event", help="A number, or a file with one event; without, events are made up.")] = "",
    inputs: Annotated[list[str] | None, typer.Option("--input", help="name=value, once for each; others are made up.")] = None,
    scenario: Annotated[Path | None, typer.Option("--scenario", help="YAML file with what is certain; the rest varies.")] = None,
    times: Annotated[int, typer.Option("--runs", min=1, max=1000, help="How many simulated runs.")] = 50,
    seed: Annotated[int, typer.Option("--seed", help="Of the first run; each further one has the next.")] = 0,
    allow_unsandboxed: Unsandboxed = False,
    json: bool = JSON,
) -> None:
    """Simulate a playbook many times, and tell which actions it could take.

    Actions succeed, fail or find nothing, values and answers vary, towards what the playbook compares them with; what changes
    things comes first. Nothing of it is kept.

    Examples:

      repertory explore community/investigate_recon --event alert.json

      repertory explore investigate_recon --event 12 --runs 200 --json
    """
    with session() as opened:
        ready = able_to_execute(opened, allow_unsandboxed=allow_unsandboxed)
        item = installed_item(opened.library.installed(), "playbook", playbook)
        assert isinstance(item.manifest, PlaybookManifest)
        subject = Subject(
            playbook=item,
            event=_event(opened.database, event) if event else None,
            inputs=read_inputs(item.manifest, pairs(inputs or [], "inputs as --input"), complete=False),
            scenario=read_scenario(scenario) if scenario else Scenario(),
            seed=seed,
        )
        seen = explore(ready.settings, opened.database, opened.library, subject, times=times)
    emit(_as_json(item.name, seen)) if json else _tell(item.name, seen)


def _event(database: Database, text: str) -> Event:
    if text.isdigit():
        return events.get_event(database, int(text))
    read = read_events(Path(text))
    if len(read) != 1:
        hint = f"`repertory event add {text}` adds them; then --event NUMBER"
        raise UserError(f"{text} holds {counted(len(read), 'event')}, a run is about one", hint)
    return read[0].event


def _as_json(playbook: str, seen: Exploration) -> dict[str, Any]:
    return {
        "playbook": playbook,
        "runs": seen.runs,
        "actions": [
            {
                "action": one.action, "type": one.type, "app": one.app, "asset": one.asset, "policy": one.decision,
                "changes": one.changes, "runs": len(one.runs), "parameters": list(one.parameters.values()),
            }
            for one in seen.most_dangerous_first()
        ],
        "endings": [{"status": state, "message": said, "runs": count} for (state, said), count in seen.endings.most_common()],
        "prompts": [{"question": text, "answers": dict(answers)} for text, answers in seen.prompts.items()],
        "coverage": [
            {"path": name, "lines": len(seen.lines[name]), "missed": missed} for name, missed in sorted(seen.missed().items())
        ],
    }  # fmt: skip


def _tell(playbook: str, seen: Exploration) -> None:
    say(f"{playbook}: {counted(seen.runs, 'simulated run')}; what changes things comes first\n")
    table(
        ["action", "type", "asset", "policy", "runs", "with"],
        [[one.action, one.type, one.asset, one.decision, len(one.runs), _shown(one)] for one in seen.most_dangerous_first()],
        empty="it took no action at all",
    )
    for (state, said), count in seen.endings.most_common():
        say(f"{counted(count, 'run')} {state}" + (f": {said}" if said else ""))
    for text, answers in seen.prompts.items():
        say(f"? {text} → " + ", ".join(f"{answer} ({count})" for answer, count in answers.items()))
    for name, missed in sorted(seen.missed().items()):
        total = len(seen.lines[name])
        never = f"; never reached: {_ranges(missed)}" if missed else ""
        say(f"{name}: {total - len(missed)} of {counted(total, 'line')} reached{never}")


def _shown(one: SeenAction) -> str:
    sets = [", ".join(f"{name}={value}" for name, value in given.items()) for given in one.parameters.values()]
    shown = "; ".join(sets[:3]) + ("; …" if len(sets) > 3 else "")
    return re.sub(r"\s+", " ", shown)[:100]


def _ranges(lines: list[int]) -> str:
    """``3, 7-9``: consecutive numbers differ from their position by the same."""
    found = []
    for _, group in groupby(enumerate(lines), key=lambda pair: pair[1] - pair[0]):
        numbers = [number for _, number in group]
        found.append(str(numbers[0]) if len(numbers) == 1 else f"{numbers[0]}-{numbers[-1]}")
    return ", ".join(found)
