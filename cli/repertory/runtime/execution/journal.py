"""The journal of one attempt of one run: what it has done to the outside world.

* The key is ``(run, call key)``: the place in the playbook's branches, not the order of arrival.
* An *intent* (state ``running``) is committed before the effect and the outcome after it. An intent of an older attempt
  means that somebody died in between: the effect is in doubt and never repeated, unless the action is repeatable.
* Every attempt raises the run's *epoch*. A worker that was only paused finds its epoch outdated and may neither
  start nor record anything.
* A *digest* of the request detects a replay that took another path.
* ``settled`` numbers the replies in the order in which the playbook got them; a replay delivers them in that order.

At-most-once rests on the primary key and on the step from ``planned`` to ``running``. The epoch keeps an outdated worker
from writing anything: whoever takes the run over waits for what is being written, and finds it complete.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from repertory.runtime.kept.endings import close_open_parts
from repertory.runtime.kept.prompts import AT_START, prompt_values, take_defaults
from repertory.runtime.records import Cancelled, Diverged, Fenced, NothingToDo, as_text
from repertory.runtime.simulation.scenario import SIMULATED
from repertory.runtime.storage.database import insert, insert_where
from repertory.runtime.storage.rows import call_of, prompt_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from repertory.runtime.records import Call, CallOutcome, PlannedCall, Prompt, Question, RunState
    from repertory.runtime.storage.database import Database, Row, Transaction

KILLED = "process killed"
# The run cannot be taken over between the look at it and the end of what is written.
_MINE = "exists (select 1 from run where id = ? and epoch = ? for share)"
_MINE_AND_WANTED = "exists (select 1 from run where id = ? and epoch = ? and cancel_requested = 0 for share)"


class Journal:
    """Every change is made only while this attempt owns the run."""

    def __init__(self, database: Database, run: str, epoch: int, level: str) -> None:
        self._database = database
        self._level = level
        self.run = run
        self.epoch = epoch

    @classmethod
    def begin(cls, database: Database, run: str, attempt: int, *, worker: str, level: str) -> Journal:
        """Take the run over. One attempt begins once: whoever finds its process gone makes a new attempt of it."""
        now = time.time()
        with database.transaction() as transaction:
            rows = transaction.query(
                """update run set epoch = epoch + 1, state = 'running', worker = ?, held = 0, woken = 0,
                          started_at = coalesce(started_at, ?)
                   where id = ? and attempt = ? and state = 'queued' returning epoch, simulation""",
                worker, now, run, attempt,
            )  # fmt: skip
            if not rows:
                raise NothingToDo(run)
            epoch = rows[0]["epoch"]
            level = SIMULATED if rows[0]["simulation"] else level  # nothing real is reached
            values = {"run": run, "epoch": epoch, "worker": worker, "started_at": now, "outcome": "running"}
            insert(transaction, "attempt", values)
        return cls(database, run, epoch, level)

    # ------------------------------------------------------------- actions

    def calls(self, act_key: str) -> list[Call]:
        """The action runs of one request, in order; empty if it was never planned."""
        rows = self._database.query(
            "select * from action_run where run = ? and act_key = ? order by position", self.run, act_key
        )
        return [call_of(row) for row in rows]

    def plan(self, act_key: str, digest: str, planned: Sequence[PlannedCall], *, at_once: bool = False) -> list[Call]:
        """Write down where a request will run, before any of it does; all or nothing.

        ``at_once``: nothing is in the way, so a request that is a single permitted call is begun in the same statement.
        """
        if not planned:
            return []
        if len(planned) == 1:
            begin = at_once and _may_begin(planned[0])
            return [self._insert_call(self._database, act_key, digest, 0, planned[0], begin=begin)]
        with self._database.transaction() as transaction:
            return [
                self._insert_call(transaction, act_key, digest, position, call, begin=False)
                for position, call in enumerate(planned)
            ]

    def _insert_call(
        self, transaction: Transaction, act_key: str, digest: str, position: int, call: PlannedCall, *, begin: bool
    ) -> Call:
        now = time.time()
        values: dict[str, object] = {
            "run": self.run, "call_key": call.key, "act_key": act_key, "position": position,
            "action": call.action, "type": call.type, "app": call.app, "app_hash": call.app_hash, "asset": call.asset,
            "parameters": as_text(call.parameters), "digest": digest, "timeout_s": call.timeout_s,
            "decision": call.decision, "epoch": self.epoch, "state": "running" if begin else "planned",
            "message": call.problem, "progress": "", "data": "[]", "summary": "{}", "attachments": "[]",
            "tries": int(begin), "level": self._level, "created_at": now, "started_at": now if begin else None,
        }  # fmt: skip
        rows = insert_where(transaction, "action_run", values, _MINE_AND_WANTED, self.run, self.epoch)
        self._require_wanted(transaction, rows)
        return call_of(rows[0])

    def begin_call(self, call: Call) -> Call:
        """The intent: from here on the effect may happen. Also takes over what an older attempt had begun."""
        rows = self._database.query(
            f"""update action_run set state = 'running', epoch = ?, tries = tries + 1, level = ?,
                       started_at = coalesce(started_at, ?)
                where run = ? and call_key = ? and settled is null and (state <> 'running' or epoch < ?)
                  and {_MINE_AND_WANTED} returning *""",
            self.epoch, self._level, time.time(), self.run, call.key, self.epoch, self.run, self.epoch,
        )  # fmt: skip
        self._require_wanted(self._database, rows)
        return call_of(rows[0])

    def take_back(self, call: Call) -> None:
        """It was begun, but its effect was not: nobody had time for it."""
        self._database.query(
            f"""update action_run set state = 'planned', tries = tries - 1
                where run = ? and call_key = ? and state = 'running' and epoch = ? and {_MINE}""",
            self.run, call.key, self.epoch, self.run, self.epoch,
        )  # fmt: skip

    def try_again(self, call: Call) -> None:
        """One more try of a repeatable action that failed in passing."""
        rows = self._database.query(
            f"""update action_run set tries = tries + 1 where run = ? and call_key = ? and {_MINE_AND_WANTED}
                returning call_key""",
            self.run, call.key, self.run, self.epoch,
        )  # fmt: skip
        self._require_wanted(self._database, rows)

    def mark_in_doubt(self, call: Call, reason: str) -> Call:
        """The effect may or may not have happened."""
        rows = self._database.query(
            f"""update action_run set state = 'in_doubt', message = ?, epoch = ?
                where run = ? and call_key = ? and settled is null and {_MINE} returning *""",
            reason, self.epoch, self.run, call.key, self.run, self.epoch,
        )  # fmt: skip
        self._require(rows)
        return call_of(rows[0])

    def progress(self, call: Call, message: str) -> None:
        """What the action says of itself while it runs."""
        self._database.query(
            "update action_run set progress = ? where run = ? and call_key = ?", message[:500], self.run, call.key
        )

    def settle_call(self, call: Call, outcome: CallOutcome, number: int) -> Call:
        """The outcome, and its place in the order of replies."""
        rows = self._database.query(
            f"""update action_run set state = ?, message = ?, data = ?, summary = ?, attachments = ?,
                       peak_memory = ?, settled = ?, ended_at = ?
                where run = ? and call_key = ? and settled is null and {_MINE} returning *""",
            outcome.status, outcome.message, as_text(outcome.data), as_text(outcome.summary),
            as_text(outcome.attachments), outcome.peak_memory, number, time.time(), self.run, call.key, self.run, self.epoch,
        )  # fmt: skip
        self._require(rows)
        return call_of(rows[0])

    # ------------------------------------------------------------- records

    def recorded(self, key: str, what: str, digest: str) -> Row | None:
        """What an earlier attempt recorded under this key."""
        rows = self._database.query("select * from record where run = ? and call_key = ?", self.run, key)
        if rows and rows[0]["digest"] != digest:
            raise Diverged(f"call {key} was {rows[0]['what']}, now it is {what}, or its arguments differ")
        return rows[0] if rows else None

    def record(
        self, key: str, what: str, digest: str, effect: Callable[[Transaction], Any], number: int | None,
        *, due_at: float | None = None, refusal: str = "",
    ) -> Any:  # fmt: skip
        """An effect inside this database and the record of it, in one transaction: exactly once."""
        with self._database.transaction() as transaction:
            rows = transaction.query("select 1 as mine from run where id = ? and epoch = ? for share", self.run, self.epoch)
            self._require(rows)
            value = effect(transaction)
            values = {
                "run": self.run, "call_key": key, "what": what, "digest": digest, "value": as_text(value),
                "refusal": refusal, "due_at": due_at, "settled": number, "created_at": time.time(),
            }  # fmt: skip
            insert(transaction, "record", values)
        return value

    def settle_record(self, key: str, number: int) -> None:
        """A sleep or a child run is over, and the playbook is told."""
        rows = self._database.query(
            f"update record set settled = ? where run = ? and call_key = ? and {_MINE} returning call_key",
            number, self.run, key, self.run, self.epoch,
        )  # fmt: skip
        self._require(rows)

    def earlier_replies(self) -> dict[str, int]:
        """The replies that earlier attempts delivered: key and number."""
        found: dict[str, int] = {}
        rows = self._database.query(
            """select act_key, max(settled) as settled from action_run where run = ?
               group by act_key having count(settled) = count(*)""",
            self.run,
        )  # fmt: skip
        found.update({row["act_key"]: row["settled"] for row in rows})
        for table in ("record", "prompt"):
            rows = self._database.query(
                f"select call_key, settled from {table} where run = ? and settled is not null", self.run
            )
            found.update({row["call_key"]: row["settled"] for row in rows})
        return found

    def last_number(self) -> int:
        """The number of the last reply that any attempt delivered."""
        tables = ("action_run", "record", "prompt")
        parts = " union all ".join(f"select max(settled) as settled from {table} where run = ?" for table in tables)
        rows = self._database.query(parts, self.run, self.run, self.run)
        return max((row["settled"] for row in rows if row["settled"] is not None), default=0)

    # ------------------------------------------------------------- prompts

    def ask(self, question: Question, *, given: str | None = None, by: str = AT_START) -> Prompt:
        """Register a question once; ``given`` answers it at once, in the name of ``by``. Returns it as it is kept."""
        rows = self._asked(question.key) or self._insert_prompt(question, given, by)
        self._require(rows)
        known = prompt_of(rows[0])
        # What was answered must be what is asked now. The reason of a doubt may be told in other words.
        if known.kind != question.kind or (known.question != question.text and question.kind != "in_doubt"):
            was, now = f"{known.question!r} ({known.kind})", f"{question.text!r} ({question.kind})"
            raise Diverged(f"prompt {question.key} asked {was}, now it asks {now}")
        return known

    def was_asked(self, key: str) -> bool:
        """Whether this prompt is there, answered or not."""
        return bool(self._asked(key))

    def _asked(self, key: str) -> list[Row]:
        return self._database.query("select * from prompt where run = ? and call_key = ?", self.run, key)

    def _insert_prompt(self, question: Question, given: str | None, by: str) -> list[Row]:
        values = prompt_values(self.run, question, given=given, by=by)
        rows = insert_where(self._database, "prompt", values, _MINE, self.run, self.epoch)
        return rows or self._asked(question.key)

    def answered(self, keys: Sequence[str]) -> list[Prompt]:
        """Those of these prompts that have an answer; a deadline that has passed answers with the default."""
        take_defaults(self._database, self.run)
        rows = self._database.query("select * from prompt where run = ? and answer is not null", self.run)
        return [prompt_of(row) for row in rows if row["call_key"] in keys]

    def settle_prompt(self, key: str, number: int) -> None:
        """The playbook is told the answer."""
        rows = self._database.query(
            f"update prompt set settled = ? where run = ? and call_key = ? and {_MINE} returning call_key",
            number, self.run, key, self.run, self.epoch,
        )  # fmt: skip
        self._require(rows)

    # ------------------------------------------------------------ the run

    def look(self) -> Row:
        """Whether somebody wants this run to stop, or has answered it; raises Fenced if it is no longer ours."""
        return self._look(self._database)

    def _look(self, transaction: Transaction) -> Row:
        rows = transaction.query(
            "select cancel_requested, woken from run where id = ? and epoch = ?", self.run, self.epoch
        )
        self._require(rows)
        return rows[0]

    def awake(self) -> None:
        """All answers that woke the run have been seen."""
        self._database.query("update run set woken = 0 where id = ? and epoch = ?", self.run, self.epoch)

    def park(self, wake_at: float | None) -> bool:
        """Give the run up until something happens; False if it has happened already."""
        with self._database.transaction() as transaction:
            rows = transaction.query(
                """update run set state = 'waiting', wake_at = ?, worker = ''
                   where id = ? and epoch = ? and state = 'running' and woken = 0 and cancel_requested = 0
                   returning id""",
                wake_at, self.run, self.epoch,
            )  # fmt: skip
            if rows:
                self._end_attempt(transaction, "waiting")
        return bool(rows)

    def release(self, *, held: bool, outcome: str = "interrupted") -> None:
        """Stop half way, to be continued; ``held`` keeps workers from doing so by themselves."""
        with self._database.transaction() as transaction:
            transaction.query(
                """update run set state = 'queued', attempt = attempt + 1, worker = '', held = ?
                   where id = ? and epoch = ?""",
                int(held), self.run, self.epoch,
            )  # fmt: skip
            self._end_attempt(transaction, outcome)

    def times_killed(self) -> int:
        """How many attempts of this run ended because the playbook's process was killed."""
        rows = self._database.query("select count(*) as n from attempt where run = ? and outcome = ?", self.run, KILLED)
        return int(rows[0]["n"])

    def finish(self, state: RunState, message: str, outputs: Any) -> None:
        """The end of the run; nothing of it stays open but doubts, and a waiting parent is woken."""
        with self._database.transaction() as transaction:
            rows = transaction.query(
                """update run set state = ?, message = ?, outputs = ?, ended_at = ?, worker = ''
                   where id = ? and epoch = ? returning parent""",
                state, message, as_text(outputs), time.time(), self.run, self.epoch,
            )  # fmt: skip
            self._require(rows)
            close_open_parts(transaction, self.run)
            transaction.query("update run set woken = 1 where id = ?", rows[0]["parent"])
            self._end_attempt(transaction, state)

    def _end_attempt(self, transaction: Transaction, outcome: str) -> None:
        transaction.query(
            "update attempt set ended_at = ?, outcome = ? where run = ? and epoch = ?",
            time.time(), outcome, self.run, self.epoch,
        )  # fmt: skip

    def keep_output(self, source: str, stream: str, text: str) -> None:
        """What a child process printed."""
        if text:
            values = {
                "run": self.run, "epoch": self.epoch, "source": source, "stream": stream,
                "body": text.replace("\0", "\ufffd"), "created_at": time.time(),
            }  # fmt: skip
            insert(self._database, "output", values)

    def _require_wanted(self, transaction: Transaction, rows: Sequence[Row]) -> None:
        """Nothing begins any more once somebody has asked the run to stop."""
        if not rows and self._look(transaction)["cancel_requested"]:
            raise Cancelled
        self._require(rows)

    def _require(self, rows: Sequence[Row]) -> None:
        if not rows:
            raise Fenced(f"{self.run}: attempt {self.epoch} is outdated")


def _may_begin(call: PlannedCall) -> bool:
    return not call.problem and call.decision == "allow"
