"""A run as people and programs see it."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from repertory.commands._output import duration, timestamp
from repertory.runtime.kept import events, runs
from repertory.runtime.kept.contacts import contacts_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from repertory.runtime.kept.contacts import KeptContact
    from repertory.runtime.kept.runs import AttemptRow, LogLine, OutputPart, Step
    from repertory.runtime.records import Prompt, Run
    from repertory.runtime.sandbox.confinement import Contact
    from repertory.runtime.storage.database import Database

# From worst to best: an action with several results has the status of the worst one.
_WORST_FIRST = ("in_doubt", "running", "planned", "failed", "denied", "cancelled", "succeeded")


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """Everything that is known of a run, read at one time."""

    run: Run
    event_name: str
    steps: Sequence[Step]
    prompts: Sequence[Prompt]
    notes: Sequence[events.Note]
    attempts: Sequence[AttemptRow]
    log: Sequence[LogLine]
    output: Sequence[OutputPart]
    contacts: Sequence[KeptContact]
    children: Sequence[RunRecord]


def read_record(database: Database, run: Run) -> RunRecord:
    """Read it, with its child runs."""
    names = database.query("select name from event where id = ?", run.event) if run.event else []
    return RunRecord(
        run=run,
        event_name=names[0]["name"] if names else "",
        steps=runs.steps_of(database, run.id),
        prompts=runs.prompts_of(database, run.id),
        notes=events.notes_of(database, run=run.id),
        attempts=runs.attempts_of(database, run.id),
        log=runs.log_of(database, run.id),
        output=runs.output_of(database, run.id),
        contacts=contacts_of(database, run.id),
        children=[read_record(database, child) for child in runs.children_of(database, run.id)],
    )


def title(run: Run) -> str:
    """What was run."""
    what = run.playbook or f"{run.inputs.get('action', '')} (by hand)"
    return f"{what} (simulated)" if run.simulation else what


def groups(steps: Sequence[Step]) -> list[list[Step]]:
    """Action runs of one request on one asset belong together."""
    found: dict[tuple[str, str], list[Step]] = {}
    for step in steps:
        found.setdefault((step.call.act_key, step.call.asset), []).append(step)
    return list(found.values())


def took(step: Step) -> float | None:
    """Seconds from its intent to its outcome."""
    if step.started_at is None or step.ended_at is None:
        return None
    return max(0.0, step.ended_at - step.started_at)


def status_of(steps: Sequence[Step]) -> str:
    """The worst of several."""
    return min((step.call.state for step in steps), key=_WORST_FIRST.index)


# ---------------------------------------------------------------- programs


def as_json(record: RunRecord) -> dict[str, Any]:
    """The published form: ``repertory schema run``."""
    run = record.run
    return {
        "run": run.id,
        "status": run.state,
        "playbook": run.playbook or None,
        "version": run.version,
        "content_hash": run.content_hash,
        "event": run.event,
        **simulation_json(run),
        "started_by": run.started_by,
        "parent": run.parent or None,
        "message": run.message,
        "inputs": dict(run.inputs),
        "outputs": dict(run.outputs),
        "created_at": timestamp(run.created_at),
        "started_at": timestamp(run.started_at),
        "ended_at": timestamp(run.ended_at),
        "actions": [_action_json(group, record.contacts) for group in groups(record.steps)],
        "prompts": [prompt_json(prompt) for prompt in record.prompts],
        "notes": [
            {"title": note.title, "text": note.text, "author": note.author, "created_at": timestamp(note.created_at)}
            for note in record.notes
        ],
        "attempts": [
            {
                "attempt": row.epoch, "worker": row.worker, "outcome": row.outcome,
                "started_at": timestamp(row.started_at), "ended_at": timestamp(row.ended_at),
            }
            for row in record.attempts
        ],
        "log": [{"key": line.key, "text": line.text, "at": timestamp(line.at)} for line in record.log],
        "output": [
            {"attempt": part.epoch, "source": part.source, "stream": part.stream, "text": part.text}
            for part in record.output
        ],
        "children": [as_json(child) for child in record.children],
    }  # fmt: skip


def simulation_json(run: Run) -> dict[str, Any]:
    """Whether all of it is made up, and of what."""
    made = run.simulation
    return {
        "simulated": made is not None, "seed": made.seed if made else None, "scenario": (made.source or None) if made else None,
    }  # fmt: skip


def _action_json(steps: Sequence[Step], contacts: Sequence[KeptContact]) -> dict[str, Any]:
    first = steps[0].call
    return {
        "key": first.act_key,
        "action": first.action,
        "app": first.app,
        "asset": first.asset,
        "type": first.type,
        "status": status_of(steps),
        "message": next((step.call.message for step in steps if step.call.message), ""),
        "results": [_result_json(step, [one for one in contacts if one.key == step.call.key]) for step in steps],
    }


def _result_json(step: Step, contacts: Sequence[KeptContact]) -> dict[str, Any]:
    call = step.call
    seconds = took(step)
    return {
        "key": call.key,
        "status": call.state,
        "message": call.message,
        "parameters": dict(call.parameters),
        "data": list(call.data),
        "summary": dict(call.summary),
        "attachments": list(call.attachments),
        "tries": call.tries,
        "level": step.level,
        "peak_memory_bytes": step.peak_memory or None,
        "contacts": [contact_json(one.contact) for one in contacts],
        "started_at": timestamp(step.started_at),
        "ended_at": timestamp(step.ended_at),
        "duration_s": None if seconds is None else round(seconds, 6),
    }


def contact_json(contact: Contact) -> dict[str, Any]:
    """Whom an action reached, or tried to, for programs."""
    return dict(contact.__dict__)


def contact_words(contact: Contact) -> str:
    """The same in one line for people."""
    where = f"{contact.host}:{contact.port}"
    if contact.verdict == "allowed":
        return f"{where}, {size_words(contact.sent)} sent, {size_words(contact.received)} received"
    return f"{where} {contact.verdict}: {contact.reason}"


def size_words(size: int) -> str:
    """A number of bytes for people."""
    return f"{size} B" if size < 1000 else f"{size / 1000:.1f} kB" if size < 1_000_000 else f"{size / 1_000_000:.1f} MB"


def prompt_json(prompt: Prompt) -> dict[str, Any]:
    """A prompt for programs."""
    return {
        "id": prompt.id,
        "run": prompt.run,
        "key": prompt.key,
        "kind": prompt.kind,
        "question": prompt.question,
        "options": list(prompt.options),
        "to": prompt.recipient,
        "default": prompt.default,
        "deadline": timestamp(prompt.deadline_at),
        "answer": prompt.answer,
        "answered_by": prompt.answered_by,
        "answered_at": timestamp(prompt.answered_at),
        "timed_out": prompt.timed_out,
    }


# ------------------------------------------------------------------ people


def headline(record: RunRecord) -> str:
    """What ran on what."""
    run = record.run
    on = f' on "{record.event_name}" (event {run.event})' if run.event else ""
    return f"{title(run)}{on}"


def ending(run: Run) -> str:
    """How it stands, in one line."""
    if run.ended and run.ended_at:
        seconds = duration(run.ended_at - (run.started_at or run.created_at))
        return f"{run.state} in {seconds}" + (f": {run.message}" if run.message and run.state != "cancelled" else "")
    if run.state == "queued" and run.epoch:
        return f"interrupted; `repertory resume {run.id}` goes on with it"
    return run.state


def standing(run: Run) -> tuple[str, str]:
    """What came of it, and how it stands; the first may be empty."""
    if not run.ended or not run.ended_at:
        return "", ending(run)
    outputs = ", ".join(f"{name}: {_short(value)}" for name, value in run.outputs.items() if isinstance(value, (str, int, float)))
    said = run.message if run.message != run.state else ""
    return said or outputs, f"{run.state} in {duration(run.ended_at - (run.started_at or run.created_at))}"


def answer_command(prompt: Prompt) -> str:
    """What to type to answer it."""
    return f"repertory answer {prompt.id} {' | '.join(map(shlex.quote, prompt.options)) or 'TEXT'}"


def shown_parameters(step: Step) -> str:
    """The values that tell one result from the next."""
    return ", ".join(_short(value) for value in step.call.parameters.values())


def shown_result(step: Step) -> str:
    """The first few fields of the first row, or why there is none."""
    call = step.call
    if call.state != "succeeded":
        said = f": {call.message}" if call.message else ""
        return f"{call.state.replace('_', ' ')}{said}" if call.state != "running" else step.progress or "running"
    if not call.data:
        return call.message or "done"
    same = set(map(str, call.parameters.values()))
    fields = [
        _short(value)
        for value in call.data[0].values()
        if value not in (None, "", [], {}) and not isinstance(value, (dict, bool)) and str(value) not in same
    ]
    more = f" (+{len(call.data) - 1} rows)" if len(call.data) > 1 else ""
    return ", ".join(fields[:3]) + more or call.message or "done"


def _short(value: Any) -> str:
    if isinstance(value, list):
        value = ", ".join(str(item.get("value", item)) if isinstance(item, dict) else str(item) for item in value[:3])
    text = " ".join(str(value).split())
    return text if len(text) <= 48 else f"{text[:47]}…"
