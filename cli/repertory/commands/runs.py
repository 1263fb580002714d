"""``repertory runs``: what has run, and what may be forgotten."""

from __future__ import annotations

from typing import Annotated, get_args

import typer

from repertory.commands._output import JSON, duration, emit, moment, say, table, timestamp
from repertory.commands._runview import simulation_json, title
from repertory.commands._session import session
from repertory.errors import UsageError, counted
from repertory.runtime.engines.foreground import recover_interrupted
from repertory.runtime.kept import retention, runs
from repertory.runtime.kept.contacts import KeptContact, denied_contacts
from repertory.runtime.records import Run, RunState

app = typer.Typer(
    add_completion=False, rich_markup_mode=None, invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)  # fmt: skip


@app.callback()
def command(
    context: typer.Context,
    state: Annotated[str, typer.Option("--status", help=f"One of {', '.join(get_args(RunState))}.")] = "",
    playbook: Annotated[str, typer.Option("--playbook", help="Only runs of this playbook (full name).")] = "",
    event: Annotated[int | None, typer.Option("--event", help="Only runs on this event.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many.")] = 30,
    denied: Annotated[bool, typer.Option("--denied", help="Instead: who tried to reach what it never declared.")] = False,
    json: bool = JSON,
) -> None:
    """List runs.

    Examples:

      repertory runs --status waiting

      repertory runs --denied

      repertory runs prune --older-than 90
    """
    if context.invoked_subcommand:
        return
    if state and state not in get_args(RunState):
        raise UsageError(f"no run has the status {state!r}", f"use one of {', '.join(get_args(RunState))}")
    with session() as opened:
        recover_interrupted(opened.settings, opened.database)
        found = runs.list_runs(opened.database, state=state, playbook=playbook, event=event, limit=limit)
        refused = denied_contacts(opened.database, most=limit) if denied else []
    if denied:
        _tell_denied(refused, json=json)
        return
    if json:
        emit({"runs": [_as_json(run) for run in found]})
        return
    table(
        ["run", "status", "what", "event", "started", "took"],
        [[run.id, _status(run), title(run), run.event, moment(run.started_at), _took(run)] for run in found],
        empty="no run yet: repertory run PLAYBOOK --event FILE",
    )


def _tell_denied(refused: list[KeptContact], *, json: bool) -> None:
    if json:
        emit({"denied": [_denied_json(one) for one in refused]})
        return
    table(
        ["run", "app", "asset", "action", "wanted", "why not", "when"],
        [
            [
                one.run, one.app, one.asset, one.action, f"{one.contact.host}:{one.contact.port}", one.contact.reason,
                moment(one.noted_at),
            ]
            for one in refused
        ],
        empty="nobody tried to reach what it never declared",
    )


def _denied_json(one: KeptContact) -> dict[str, object]:
    return {
        "run": one.run, "key": one.key, "app": one.app, "asset": one.asset, "action": one.action, "host": one.contact.host,
        "port": one.contact.port, "reason": one.contact.reason, "at": timestamp(one.noted_at),
    }  # fmt: skip


def _status(run: Run) -> str:
    return "interrupted" if run.state == "queued" and run.epoch else run.state


def _took(run: Run) -> str:
    return duration(run.ended_at - run.started_at) if run.ended_at and run.started_at else ""


def _as_json(run: Run) -> dict[str, object]:
    return {
        "run": run.id, "status": run.state, "playbook": run.playbook or None, "event": run.event,
        **simulation_json(run), "message": run.message, "started_by": run.started_by, "parent": run.parent or None,
        "created_at": timestamp(run.created_at), "started_at": timestamp(run.started_at), "ended_at": timestamp(run.ended_at),
    }  # fmt: skip


@app.command("prune")
def prune(
    older_than: Annotated[float, typer.Option("--older-than", min=0, help="Days since the run ended.")],
    json: bool = JSON,
) -> None:
    """Forget runs that ended long ago; events and the notes on them stay.

    The copies of events that simulated runs worked on go with them.

    Example:

      repertory runs prune --older-than 90
    """
    with session() as opened:
        gone = retention.prune_runs(opened.database, older_than_s=older_than * 86400)
    emit({"pruned": gone}) if json else say(f"{counted(gone, 'run is', 'runs are')} forgotten")
