"""Take back what remediate_exfiltration did for an event, the last step first."""

from __future__ import annotations

from typing import Any, Dict, List

from repertory_sdk import Event, Play, playbook

DONE = "remediations"
UNDO = {"stop service": "start service", "block port": "unblock port"}


@playbook(version="1.0.0", actions=["start service", "unblock port"])
def undo_remediation(event: Event, play: Play) -> Dict[str, Any]:
    done = play.list(DONE)
    steps = [row for row in done.rows() if row[0] == str(event.id)]
    undone: List[Any] = []
    for step in reversed(steps):
        _, action, asset, *given = step
        result = play.act(UNDO[action], asset=asset, **parameters(given))[0]
        undone.append((UNDO[action], asset, ", ".join(given), result.status, result.message))
        if result.succeeded:
            done.remove(*step)

    left = [row for row in undone if row[3] != "succeeded"]
    report = play.table(undone, columns=["action", "asset", "what", "status", "message"])
    play.note("Not all of it could be taken back" if left else "Taken back", report or "There was nothing to take back.")
    if undone:
        play.update(event, status="open")
    return {"undone": len(undone) - len(left), "left": len(left)}


def parameters(given: List[str]) -> Dict[str, Any]:
    """``["port=23", "protocol=tcp"]`` as what an action takes."""
    named = dict(text.split("=", 1) for text in given)
    return {name: int(value) if name == "port" else value for name, value in named.items()}
