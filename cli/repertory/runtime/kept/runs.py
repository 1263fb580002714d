"""Runs from outside: create, list, answer, wake, cancel. Nothing here executes anything."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from repertory.errors import NotFound, UserError
from repertory.runtime.kept.endings import close_open_parts, settle_doubt
from repertory.runtime.kept.prompts import RUN_ENDED, take_answer, take_defaults
from repertory.runtime.records import ENDED, Call, Prompt, Run, as_text
from repertory.runtime.simulation.scenario import read_simulation, simulation_text
from repertory.runtime.storage.database import insert
from repertory.runtime.storage.rows import call_of, prompt_of
from repertory_sdk.convert import to_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from repertory.items import Installed
    from repertory.runtime.simulation.scenario import Simulation
    from repertory.runtime.storage.database import Database, Row, Transaction
    from repertory_sdk.models import Event


@dataclass(frozen=True, kw_only=True)
class NewRun:
    """What a run starts from. Event and code are fixed now: a replay must see the same."""

    event: Event | None
    playbook: Installed | None = None
    act: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, Any] = field(default_factory=dict)
    answers: Mapping[str, str] = field(default_factory=dict)
    started_by: str = ""
    parent: str = ""
    parent_key: str = ""
    depth: int = 0
    held: bool = False
    simulation: Simulation | None = None

    @property
    def kind(self) -> Literal["playbook", "act"]:
        """A playbook, or one action by hand."""
        return "playbook" if self.playbook else "act"


def create_run(transaction: Transaction, new: NewRun, *, run_id: str = "") -> str:
    """A queued run; its id. ``held`` keeps it from workers: the caller executes it."""
    identity = run_id or uuid.uuid4().hex[:12]
    item = new.playbook
    values: dict[str, object] = {
        "id": identity, "kind": new.kind, "playbook": item.name if item else "", "version": item.version if item else "",
        "content_hash": item.hash if item else "", "event": new.event.id if new.event else None,
        "snapshot": as_text(to_json(new.event)), "inputs": as_text(new.act or new.inputs),
        "answers": as_text(new.answers), "started_by": new.started_by, "state": "queued", "message": "",
        "outputs": "{}", "attempt": 1, "epoch": 0, "worker": "", "parent": new.parent, "parent_key": new.parent_key,
        "depth": new.depth, "held": int(new.held), "woken": 0, "cancel_requested": 0, "created_at": time.time(),
        "simulation": simulation_text(new.simulation),
    }  # fmt: skip
    insert(transaction, "run", values)
    return identity


# A range of the primary key, for this is asked all the time. Ids are small letters and digits, which every collation sorts
# alike; the rest of the condition is for whatever else a person types.
_BEGINS_SO = "select * from run where id >= ? and id < ? and substr(id, 1, ?) = ? order by id limit 2"
_LAST = "z" * 32


def find_run(database: Transaction, run_id: str) -> Run:
    """The run with this id, or the only one with an id that begins so."""
    rows = database.query(_BEGINS_SO, run_id, f"{run_id}{_LAST}", len(run_id), run_id) if run_id else []
    if len(rows) == 1 or (rows and rows[0]["id"] == run_id):
        return run_of(rows[0])
    known = [row["id"] for row in database.query("select id from run order by created_at desc limit 200")]
    if rows:
        raise UserError(f"more than one run begins with {run_id!r}", "give more of its id; `repertory runs` lists them")
    raise NotFound("run", run_id, known, "`repertory runs` lists them")


def snapshot_of(database: Transaction, run_id: str) -> Mapping[str, Any] | None:
    """The event as it was when the run was created."""
    rows = database.query("select snapshot from run where id = ?", run_id)
    plain: Mapping[str, Any] | None = json.loads(rows[0]["snapshot"])
    return plain


def list_runs(
    database: Transaction, *, state: str = "", playbook: str = "", event: int | None = None, limit: int = 50
) -> list[Run]:
    """The newest runs first."""
    conditions, values = ["1 = 1"], []
    if state:
        conditions.append("state = ?")
        values.append(state)
    if playbook:
        conditions.append("playbook = ?")
        values.append(playbook)
    sql = f"select * from run where {' and '.join(conditions)}"
    if event is not None:
        rows = database.query(f"{sql} and event = ? order by created_at desc limit ?", *values, event, limit)
    else:
        rows = database.query(f"{sql} order by created_at desc limit ?", *values, limit)
    return [run_of(row) for row in rows]


def children_of(database: Transaction, run_id: str) -> list[Run]:
    """Runs that this one started."""
    return [run_of(row) for row in database.query("select * from run where parent = ? order by created_at", run_id)]


def run_of(row: Row) -> Run:
    """A row of ``run``."""
    return Run(
        id=row["id"], kind=row["kind"], playbook=row["playbook"], version=row["version"],
        content_hash=row["content_hash"], event=row["event"], inputs=json.loads(row["inputs"]),
        answers=json.loads(row["answers"]), started_by=row["started_by"], state=row["state"], message=row["message"],
        outputs=json.loads(row["outputs"]), attempt=row["attempt"], epoch=row["epoch"], worker=row["worker"],
        parent=row["parent"], parent_key=row["parent_key"], depth=row["depth"], held=bool(row["held"]),
        cancel_requested=bool(row["cancel_requested"]), created_at=row["created_at"], started_at=row["started_at"],
        ended_at=row["ended_at"], simulation=read_simulation(row["simulation"]),
    )  # fmt: skip


# ------------------------------------------------------------ what it did


@dataclass(frozen=True, kw_only=True)
class Step:
    """One action run with its times, for the record."""

    call: Call
    progress: str
    level: str
    peak_memory: int
    started_at: float | None
    ended_at: float | None


@dataclass(frozen=True, kw_only=True)
class AttemptRow:
    """One attempt of a run."""

    epoch: int
    worker: str
    started_at: float
    ended_at: float | None
    outcome: str


@dataclass(frozen=True, kw_only=True)
class OutputPart:
    """What one process of one attempt printed."""

    epoch: int
    source: str
    stream: str
    text: str


@dataclass(frozen=True, kw_only=True)
class LogLine:
    """A line a playbook logged."""

    key: str
    text: str
    at: float


def steps_of(database: Transaction, run_id: str) -> list[Step]:
    """Every action run, in the order in which they were asked for."""
    rows = database.query("select * from action_run where run = ? order by created_at, position", run_id)
    return [
        Step(
            call=call_of(row), progress=row["progress"], level=row["level"], peak_memory=row["peak_memory"],
            started_at=row["started_at"], ended_at=row["ended_at"],
        )
        for row in rows
    ]  # fmt: skip


def attempts_of(database: Transaction, run_id: str) -> list[AttemptRow]:
    """Every attempt, the first one first."""
    rows = database.query("select * from attempt where run = ? order by epoch", run_id)
    return [
        AttemptRow(
            epoch=row["epoch"], worker=row["worker"], started_at=row["started_at"], ended_at=row["ended_at"],
            outcome=row["outcome"],
        )
        for row in rows
    ]  # fmt: skip


def output_of(database: Transaction, run_id: str) -> list[OutputPart]:
    """Everything its processes printed."""
    rows = database.query("select * from output where run = ? order by created_at", run_id)
    return [OutputPart(epoch=row["epoch"], source=row["source"], stream=row["stream"], text=row["body"]) for row in rows]


def log_of(database: Transaction, run_id: str) -> list[LogLine]:
    """What the playbook logged."""
    rows = database.query("select * from record where run = ? and what = 'log' order by created_at", run_id)
    return [LogLine(key=row["call_key"], text=json.loads(row["value"]) or "", at=row["created_at"]) for row in rows]


# ---------------------------------------------------------------- prompts


def prompts_of(database: Transaction, run_id: str) -> list[Prompt]:
    """Every question of a run."""
    return [prompt_of(row) for row in database.query("select * from prompt where run = ? order by id", run_id)]


def open_prompts(database: Transaction) -> list[Prompt]:
    """Everything that a human can answer, the oldest first."""
    rows = database.query(
        "select * from prompt where answer is null and (deadline_at is null or deadline_at > ?) order by id", time.time()
    )
    return [prompt_of(row) for row in rows]


def find_prompt(database: Transaction, number: int) -> Prompt:
    """The prompt with this number."""
    rows = database.query("select * from prompt where id = ?", number)
    if not rows:
        waiting = [str(prompt.id) for prompt in open_prompts(database)]
        raise NotFound("prompt", str(number), (), f"open ones: {', '.join(waiting) or 'none'}")
    return prompt_of(rows[0])


def answer_prompt(database: Database, prompt: Prompt, answer: str, *, by: str) -> Prompt:
    """The first answer in time wins; any other is refused. Wakes the run, or completes the record of one that has ended."""
    with database.transaction() as transaction:
        # The run before its prompts, as everybody does it: otherwise two could wait for each other.
        states = transaction.query("select state from run where id = ? for update", prompt.run)
        options = find_prompt(transaction, prompt.id).options
        if options and answer not in options:
            raise UserError(f"{answer!r} is no answer to prompt {prompt.id}", f"answer one of: {', '.join(options)}")
        rows = take_answer(transaction, prompt.id, answer, by=by)
        if rows and states[0]["state"] in ENDED:
            settle_doubt(transaction, prompt_of(rows[0]))
        elif rows or take_defaults(transaction, prompt.run):
            wake_run(transaction, prompt.run)
    if not rows:
        raise _refusal(find_prompt(database, prompt.id))
    return prompt_of(rows[0])


def _refusal(prompt: Prompt) -> UserError:
    if prompt.answered_by == RUN_ENDED:
        return UserError(
            f"nobody needs an answer to prompt {prompt.id} any more: run {prompt.run} has ended",
            f"`repertory show {prompt.run}` tells how",
        )
    if prompt.timed_out:
        return UserError(
            f"the deadline of prompt {prompt.id} has passed; its default counts: {prompt.answer!r}",
            f"`repertory show {prompt.run}` tells what became of it",
        )
    return UserError(
        f"prompt {prompt.id} was answered already: {prompt.answer!r} by {prompt.answered_by}", "the first answer counts"
    )


# -------------------------------------------------------- waking, stopping


def wake_run(transaction: Transaction, run_id: str) -> None:
    """Let a waiting run look at what has happened: its next attempt is due."""
    transaction.query("update run set woken = 1 where id = ?", run_id)
    transaction.query(
        """update run set state = 'queued', attempt = attempt + 1, woken = 0, wake_at = null
           where id = ? and state = 'waiting'""",
        run_id,
    )  # fmt: skip


def wake_due_runs(database: Database) -> list[str]:
    """Waiting runs that were woken, or whose time has come; they are queued now."""
    now = time.time()
    condition = "state = 'waiting' and (woken = 1 or wake_at <= ?)"
    if not database.query(f"select 1 as due from run where {condition} limit 1", now):
        return []  # an update would take SQLite's write lock even for nothing
    rows = database.query(
        f"""update run set state = 'queued', attempt = attempt + 1, woken = 0, wake_at = null
            where {condition} returning id""",
        now,
    )  # fmt: skip
    return [row["id"] for row in rows]


def request_cancel(database: Database, run_id: str) -> Run:
    """Stop a run: at once if nobody executes it, else as soon as the action in flight is recorded."""
    now = time.time()
    with database.transaction() as transaction:
        run = find_run(transaction, run_id)
        if run.ended:
            raise UserError(f"run {run.id} has ended already: {run.state}", "`repertory show` tells how")
        transaction.query("update run set cancel_requested = 1 where id = ?", run.id)  # locks it against parking meanwhile
        rows = transaction.query(
            """update run set state = 'cancelled', message = 'cancelled', ended_at = ?, epoch = epoch + 1, worker = ''
               where id = ? and state in ('queued', 'waiting') returning parent""",
            now, run.id,
        )  # fmt: skip
        if rows:
            close_open_parts(transaction, run.id)
            if rows[0]["parent"]:
                wake_run(transaction, rows[0]["parent"])
        cancelled = find_run(transaction, run.id)
    for child in children_of(database, run.id):
        if not child.ended:
            request_cancel(database, child.id)
    return cancelled


def requeue(database: Database, run_id: str, *, held: bool) -> Run:
    """Make an interrupted run executable again; ``held`` reserves it for the caller."""
    database.query(
        "update run set held = ?, attempt = attempt + 1 where id = ? and state = 'queued'", int(held), run_id
    )
    return find_run(database, run_id)


def forget_worker(database: Database, worker: str, *, held: bool = False, outcome: str = "worker died") -> list[str]:
    """A worker is dead, or as good as dead: its runs go back into the queue, and it can write to none of them any more.

    Their next attempt finds out what had happened; ``held`` keeps workers from beginning it by themselves. ``outcome``: of what it
    had begun.
    """
    rows = database.query(
        """update run set state = 'queued', attempt = attempt + 1, epoch = epoch + 1, worker = '', held = ?
           where state = 'running' and worker = ? returning id""",
        int(held), worker,
    )  # fmt: skip
    database.query(
        "update attempt set ended_at = ?, outcome = ? where worker = ? and ended_at is null",
        time.time(), outcome, worker,
    )  # fmt: skip
    return [row["id"] for row in rows]


def give_back(database: Database, run_id: str, number: int, *, worker: str) -> None:
    """An attempt broke off because of a failure of ours: let another try."""
    with database.transaction() as transaction:
        given = transaction.query(
            """update run set state = 'queued', attempt = attempt + 1, worker = ''
               where id = ? and attempt = ? and (state = 'queued' or (state = 'running' and worker = ?)) returning epoch""",
            run_id, number, worker,
        )  # fmt: skip
        for row in given:
            transaction.query(
                """update attempt set ended_at = ?, outcome = 'interrupted'
                   where run = ? and epoch = ? and ended_at is null""",
                time.time(), run_id, row["epoch"],
            )  # fmt: skip


def queued_attempts(database: Database, *, limit: int = 500) -> Sequence[tuple[str, int]]:
    """Attempts that any worker may execute, the oldest run first."""
    rows = database.query(
        "select id, attempt from run where state = 'queued' and held = 0 order by created_at limit ?", limit
    )
    return [(row["id"], row["attempt"]) for row in rows]
