"""Actions, functions, playbooks and questions."""

from __future__ import annotations

import json
from typing import Any

from repertory_classic.playbook import starting
from repertory_classic.playbook.state import current

Answered = tuple[bool, str, Any]

def act(
    action: Any, parameters: Any = None, assets: Any = None, tags: Any = None, callback: Any = None, reviewer: Any = None,
    handle: Any = None, start_time: Any = None, name: str | None = None, asset_type: Any = None, app: Any = None,
    parent_action: Any = None, loop_state: Any = None, **_ignored: Any,
) -> Answered:  # fmt: skip
    """Start an action."""
    number = starting.act(
        current().engine, str(action), parameters, assets=assets, app=app, name=name, callback=callback, handle=handle,
        loop_state=loop_state,
    )  # fmt: skip
    return True, "started", number


def custom_function(
    custom_function: Any = None, parameters: Any = None, name: str | None = None, callback: Any = None, loop_state: Any = None,
    **_ignored: Any,
) -> int:  # fmt: skip
    """Call a custom function."""
    return starting.call_function(
        current().engine, str(custom_function), parameters, block=name, callback=callback, loop_state=loop_state
    )


def playbook(
    playbook: Any = None, container: Any = None, name: str | None = None, callback: Any = None, inputs: Any = None,
    show_debug: Any = False, handle: Any = None, loop_state: Any = None, **_ignored: Any,
) -> int:  # fmt: skip
    """Start another playbook; the number of its run."""
    everything = current()
    number = starting.run_playbook(
        everything.engine, str(playbook), name=name, callback=callback, inputs=inputs, handle=handle, loop_state=loop_state
    )
    block = name or f"playbook_{playbook}_{number}"
    everything.children[number] = {"name": block, "playbook": str(playbook), "inputs": dict(inputs or {})}
    return number


def prompt(
    container: Any = None, user: Any = None, message: Any = "", respond_in_mins: Any = None, name: str | None = None,
    parameters: Any = None, options: Any = None, callback: Any = None, handle: Any = None, **_ignored: Any,
) -> int:  # fmt: skip
    """Ask one question."""
    return starting.ask_people(
        current().engine, [{"prompt": "", "options": options or {"type": "message"}}], message=str(message),
        parameters=parameters or [], to=str(user or ""), minutes=respond_in_mins, name=name, callback=callback, handle=handle,
        separator=", ",
    )  # fmt: skip


def prompt2(
    container: Any = None, user: Any = None, role: Any = None, message: Any = "", respond_in_mins: Any = None,
    name: str | None = None, parameters: Any = None, response_types: Any = None, separator: str = ", ", callback: Any = None,
    handle: Any = None, **_ignored: Any,
) -> int:  # fmt: skip
    """Ask several questions."""
    questions = [one for one in response_types or () if isinstance(one, dict)] or [{"options": {"type": "message"}}]
    return starting.ask_people(
        current().engine, questions, message=str(message), parameters=parameters or [], to=str(user or role or ""),
        minutes=respond_in_mins, name=name, callback=callback, handle=handle, separator=separator,
    )  # fmt: skip


def task(
    user: Any = None, message: Any = "", respond_in_mins: Any = None, name: str | None = None, callback: Any = None,
    handle: Any = None, **_ignored: Any,
) -> int:  # fmt: skip
    """Ask somebody to do something and say so."""
    done = [{"options": {"type": "list", "choices": ["done"]}}]
    return starting.ask_people(
        current().engine, done, message=str(message), parameters=[], to=str(user or ""), minutes=respond_in_mins, name=name,
        callback=callback, handle=handle, separator=", ",
    )  # fmt: skip


def completed(
    action_names: Any = None, custom_function_names: Any = None, playbook_names: Any = None, **_ignored: Any
) -> bool:
    """Whether all of these blocks have been started and have ended."""
    names = [*(action_names or ()), *(custom_function_names or ()), *(playbook_names or ())]
    return all(current().engine.is_completed(name) for name in names)


def actions_done(names: Any = None, **_ignored: Any) -> bool:
    """The same for actions."""
    return completed(action_names=names)


def get_assets(action: Any = None, tags: Any = None, types: Any = None, **_ignored: Any) -> list[dict[str, Any]]:
    """Assets whose apps offer an action; their names, not their settings."""
    return current().installed.offering(action)


def save_playbook_output_data(output: Any = None, **_ignored: Any) -> None:
    """What whoever started this playbook is given."""
    current().engine.output.update(json.loads(json.dumps(output or {}, default=str)))
