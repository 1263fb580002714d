"""``repertory prompts``: what waits for a human."""

from __future__ import annotations

from repertory.commands._output import JSON, emit, moment, single_command, table
from repertory.commands._runview import prompt_json
from repertory.commands._session import session
from repertory.runtime.kept import runs

app = single_command()


@app.command("prompts")
def command(json: bool = JSON) -> None:
    """List the questions that wait for an answer.

    Example:

      repertory prompts --json
    """
    with session() as opened:
        found = runs.open_prompts(opened.database)
    if json:
        emit({"prompts": [prompt_json(prompt) for prompt in found]})
    else:
        table(
            ["prompt", "run", "kind", "to", "deadline", "options", "question"],
            [
                [one.id, one.run, one.kind, one.recipient, moment(one.deadline_at), " / ".join(one.options), one.question]
                for one in found
            ],
            empty="nothing waits for an answer",
        )  # fmt: skip
