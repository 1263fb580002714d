"""Execute a run here and show it; shared by ``run``, ``resume`` and ``answer``."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from repertory.commands._output import ask_line, can_ask, emit, note, say
from repertory.commands._runlive import watching
from repertory.commands._runview import answer_command, as_json, read_record
from repertory.commands._session import resumable, stopping_told, unlock_secrets
from repertory.errors import EXIT_NOT_DONE, UserError
from repertory.runtime.engines.foreground import foreground
from repertory.runtime.kept import runs
from repertory.settings import user_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from repertory.commands._session import Session
    from repertory.runtime.engines.foreground import Foreground
    from repertory.runtime.records import Prompt, Run


def follow(opened: Session, run: Run, *, json: bool, wait: bool) -> None:
    """Execute a run until it has ended or waits for a human; ask the human if one is here, or ``wait`` for an answer.

    Prints the run and exits with 1 unless it succeeded.
    """
    try:
        if not run.simulation:
            unlock_secrets(opened)
        with resumable(run.id), foreground(opened.settings, opened.database, opened.library) as here:
            ended = _follow(opened, here, run, json=json, wait=wait)
    except typer.Abort:
        _tell_waiting(opened, run)
        raise
    if json:
        for prompt in waiting_prompts(opened, run.id) if ended.state == "waiting" else ():
            _tell_misfit(run, prompt)
        emit(as_json(read_record(opened.database, ended)))
    elif ended.state == "waiting":
        _tell_waiting(opened, ended)
    if ended.state != "succeeded":
        raise typer.Exit(EXIT_NOT_DONE)


def _follow(opened: Session, here: Foreground, run: Run, *, json: bool, wait: bool) -> Run:
    while True:
        with stopping_told(here), _shown(opened, run, json=json) as look:
            current = here.run(run.id, watch=lambda one: _looked(look) and _goes_on(opened, run, wait=wait))
        prompts = waiting_prompts(opened, run.id)
        if current.ended or json or not prompts or not can_ask():
            return current
        for prompt in prompts:
            _tell_misfit(run, prompt)
            _ask(opened, prompt)


@contextmanager
def _shown(opened: Session, run: Run, *, json: bool) -> Iterator[Callable[[], None]]:
    if json:
        yield lambda: None
        return
    with watching(opened.database, run) as look:
        yield look


def _looked(look: Callable[[], None]) -> bool:
    look()
    return True


def waiting_prompts(opened: Session, run_id: str) -> list[Prompt]:
    """Open questions of a run and of those it started; nobody waits for what is in doubt of one that has ended."""
    ended = runs.find_run(opened.database, run_id).ended
    found = [prompt for prompt in runs.prompts_of(opened.database, run_id) if prompt.answer is None and not ended]
    for child in runs.children_of(opened.database, run_id):
        found += waiting_prompts(opened, child.id)
    return found


def _goes_on(opened: Session, run: Run, *, wait: bool) -> bool:
    """Whether anything but an answer from here can go on; nobody waits for others where a wrong one was given."""
    prompts = waiting_prompts(opened, run.id)
    return not prompts or (wait and not any(_misfit(run, prompt) for prompt in prompts))


def _misfit(run: Run, prompt: Prompt) -> str:
    """What is to be said of an answer that was given in advance, and that the question does not permit."""
    name = next((name for name in (prompt.key, prompt.kind, "*") if name in run.answers), "")
    if not name or not prompt.options:
        return ""
    return f"--answer {name}={run.answers[name]} is refused: answer one of: {', '.join(prompt.options)}"


def _ask(opened: Session, prompt: Prompt) -> None:
    options = f" [{'/'.join(prompt.options)}]" if prompt.options else ""
    while True:
        answer = ask_line(f"{prompt.question}{options}")
        try:
            runs.answer_prompt(opened.database, prompt, answer, by=user_name())
        except UserError as error:
            note(f"{error.message}; {error.hint}")
            if runs.find_prompt(opened.database, prompt.id).answer is None:
                continue
        return


def _tell_misfit(run: Run, prompt: Prompt) -> None:
    said = _misfit(run, prompt)
    if said:
        note(said)


def _tell_waiting(opened: Session, run: Run) -> None:
    say(f"run {run.id} waits for an answer:")
    for prompt in waiting_prompts(opened, run.id):
        _tell_misfit(run, prompt)
        say(f"  {prompt.question}\n  → {answer_command(prompt)}")
