"""``repertory answer``: what a human decides."""

from __future__ import annotations

from typing import Annotated

import typer

from repertory.commands._following import follow
from repertory.commands._output import JSON, emit, say, single_command
from repertory.commands._runview import prompt_json
from repertory.commands._session import Session, Unsandboxed, able_to_execute, session
from repertory.runtime.engines.foreground import is_served
from repertory.runtime.kept import runs
from repertory.runtime.records import Run
from repertory.settings import user_name

app = single_command()


@app.command("answer")
def command(
    prompt: Annotated[int, typer.Argument(help="The prompt's number.")],
    answer: Annotated[str, typer.Argument(help="One of its options, or any text where it has none.")],
    detach: Annotated[bool, typer.Option("--detach", help="Only answer; leave the run to a worker.")] = False,
    allow_unsandboxed: Unsandboxed = False,
    json: bool = JSON,
) -> None:
    """Answer a question, and go on with its run.

    The run goes on in a worker if one is alive, else here. Of a run that has ended, only doubts can be settled.

    Examples:

      repertory answer 3 escalate

      repertory answer 4 "it did not happen"
    """
    with session() as opened:
        given = runs.answer_prompt(opened.database, runs.find_prompt(opened.database, prompt), answer, by=user_name())
        run = _root(opened, given.run)
        is_over = runs.find_run(opened.database, given.run).ended  # it was in doubt, and the record is complete now
        if detach or is_over or is_served(opened.settings, opened.database):
            emit(prompt_json(given)) if json else say(f"prompt {given.id} of run {given.run}: {given.answer}")
            return
        follow(able_to_execute(opened, allow_unsandboxed=allow_unsandboxed), run, json=json, wait=False)


def _root(opened: Session, run_id: str) -> Run:
    """A child's answer moves the run that started it, too."""
    run = runs.find_run(opened.database, run_id)
    while run.parent:
        run = runs.find_run(opened.database, run.parent)
    return run
