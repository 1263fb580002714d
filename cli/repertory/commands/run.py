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
from repertory.settings import user_name
from repertory_sdk.manifest import PlaybookManifest

if TYPE_CHECKING:
    from repertory.runtime.storage.database import Database
    from repertory_sdk.models import Event

app = single_command()


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
    """
    if wait and detach:
        raise UsageError("--wait and --detach exclude each other", "give one of them")
    with session() as opened:
        if not detach:
            opened = able_to_execute(opened, allow_unsandboxed=allow_unsandboxed)  # noqa: PLW2901
        item = installed_item(opened.library.installed(), "playbook", playbook)
        assert isinstance(item.manifest, PlaybookManifest)
        new = runs.NewRun(
            event=_find_event(opened.database, event) if event else None,
            playbook=item,
            inputs=read_inputs(item.manifest, pairs(inputs or [], "inputs as --input")),
            answers=_answers(answers or []),
            started_by=user_name(),
            held=not detach,
        )
        with opened.database.transaction() as transaction:
            run_id = runs.create_run(transaction, new)
        run = runs.find_run(opened.database, run_id)
        if not detach:
            follow(opened, run, json=json, wait=wait)
        elif json:
            emit({"run": run.id, "status": run.state})
        else:
            say(f"run {run.id} is queued; a `repertory worker` serves it, `repertory show {run.id}` tells how it stands")


def _answers(texts: list[str]) -> dict[str, str]:
    """Answers in advance; what no prompt of a kind permits is refused before anything runs."""
    given = pairs(texts, "answers as --answer")
    for kind, options in OPTIONS_OF_KIND.items():
        if kind in given and given[kind] not in options:
            raise UsageError(f"--answer {kind}: {given[kind]!r} is no answer", f"answer one of: {', '.join(options)}")
    return given


def _find_event(database: Database, text: str) -> Event:
    if text.isdigit():
        return events.get_event(database, int(text))
    read = read_events(Path(text))
    if len(read) != 1:
        hint = f"`repertory event add {text}` adds them; then --event NUMBER"
        raise UserError(f"{text} holds {counted(len(read), 'event')}, a run is about one", hint)
    stored = events.add_events(database, [(read[0].event, read[0].raw)])
    return events.get_event(database, stored[0].id)
