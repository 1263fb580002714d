"""Whatever old and new attempts do, and in whatever order: no effect twice, none without a trace."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from repertory.runtime.execution.journal import Journal
from repertory.runtime.kept import runs
from repertory.runtime.records import CallOutcome, Fenced, PlannedCall, Question

if TYPE_CHECKING:
    from collections.abc import Callable

    from repertory.runtime.records import Call
    from repertory.runtime.storage.database import Database

KEYS = ("1", "2", "3")


class Attempt:
    """One executor, which may be paused at any point and go on when it is outdated."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.begun: dict[str, Call] = {}  # intents of this attempt whose effect has not happened yet
        self.done: dict[str, Call] = {}  # effects of this attempt whose outcome has not been recorded yet
        self.number = journal.last_number()


class Interleavings(RuleBasedStateMachine):
    """The world counts effects; attempts are stepped at random."""

    def __init__(self, database: Database) -> None:
        super().__init__()
        self.database = database
        with database.transaction() as transaction:
            self.run = runs.create_run(transaction, runs.NewRun(event=None, act={}))
        self.world: Counter[str] = Counter()
        self.records: Counter[str] = Counter()
        self.answers: dict[str, str] = {}
        self.attempts = [self._begin()]

    def _begin(self) -> Attempt:
        found = runs.find_run(self.database, self.run)
        return Attempt(Journal.begin(self.database, self.run, found.attempt, worker=f"w{found.attempt}", level="process"))

    def _step(self, which: int, step: Callable[[Attempt], None]) -> None:
        attempt = self.attempts[which % len(self.attempts)]
        try:
            step(attempt)
        except Fenced:
            assert attempt is not self.attempts[-1], "the newest attempt owns the run"

    @rule()
    def a_worker_is_believed_dead(self) -> None:
        found = runs.find_run(self.database, self.run)
        if found.state == "running":
            runs.forget_worker(self.database, found.worker)
            self.attempts.append(self._begin())

    @rule(which=st.integers(0, 3), key=st.sampled_from(KEYS), at_once=st.booleans())
    def plan_or_take_over(self, which: int, key: str, at_once: bool) -> None:
        def step(attempt: Attempt) -> None:
            call = PlannedCall(key=f"{key}#0", action="block")
            (found,) = attempt.journal.calls(key) or attempt.journal.plan(key, "d", [call], at_once=at_once)
            if found.settled is not None or found.key in attempt.begun or found.key in attempt.done:
                return
            if found.state == "planned":
                found = attempt.journal.begin_call(found)
            elif found.state == "running" and found.epoch != attempt.journal.epoch:
                attempt.journal.mark_in_doubt(found, "interrupted")
                return
            if found.state == "running":
                attempt.begun[found.key] = found

        self._step(which, step)

    @rule(which=st.integers(0, 3), key=st.sampled_from(KEYS))
    def the_effect_happens(self, which: int, key: str) -> None:
        def step(attempt: Attempt) -> None:
            if f"{key}#0" in attempt.begun:
                self.world[key] += 1
                attempt.done[f"{key}#0"] = attempt.begun.pop(f"{key}#0")

        self._step(which, step)

    @rule(which=st.integers(0, 3), key=st.sampled_from(KEYS))
    def give_up_before_the_effect(self, which: int, key: str) -> None:
        def step(attempt: Attempt) -> None:
            if f"{key}#0" in attempt.begun:
                attempt.journal.take_back(attempt.begun.pop(f"{key}#0"))

        self._step(which, step)

    @rule(which=st.integers(0, 3), key=st.sampled_from(KEYS))
    def record_the_outcome(self, which: int, key: str) -> None:
        def step(attempt: Attempt) -> None:
            call = attempt.done.pop(f"{key}#0", None)
            if call is not None:
                attempt.number += 1
                attempt.journal.settle_call(call, CallOutcome(status="succeeded"), attempt.number)

        self._step(which, step)

    @rule(which=st.integers(0, 3), key=st.sampled_from(KEYS))
    def record_an_own_effect(self, which: int, key: str) -> None:
        def step(attempt: Attempt) -> None:
            if attempt.journal.recorded(f"r{key}", "list_add", "d") is None:
                attempt.number += 1
                insert = "insert into list_row (list, cells) values (?, '[]')"
                attempt.journal.record(
                    f"r{key}", "list_add", "d", lambda tx: tx.query(insert, f"{self.run}{key}"), attempt.number
                )
                self.records[key] += 1

        self._step(which, step)

    @rule(which=st.integers(0, 3), key=st.sampled_from(KEYS))
    def ask(self, which: int, key: str) -> None:
        def step(attempt: Attempt) -> None:
            prompt = attempt.journal.ask(Question(key=f"p{key}", kind="question", text="?"))
            assert prompt.answer == self.answers.get(f"p{key}")

        self._step(which, step)

    @rule(key=st.sampled_from(KEYS), answer=st.sampled_from(["yes", "no"]))
    def answer(self, key: str, answer: str) -> None:
        for prompt in runs.prompts_of(self.database, self.run):
            if prompt.key == f"p{key}" and prompt.answer is None:
                runs.answer_prompt(self.database, prompt, answer, by="ann")
                self.answers[f"p{key}"] = answer
        self._resume()

    @rule(which=st.integers(0, 3))
    def park(self, which: int) -> None:
        """Only an attempt with nothing under way parks; an unseen answer forbids it."""

        def step(attempt: Attempt) -> None:
            if attempt.begun or attempt.done:
                return
            if attempt.journal.park(None):
                assert attempt is self.attempts[-1]
                with self.database.transaction() as transaction:
                    runs.wake_run(transaction, self.run)
            else:
                attempt.journal.awake()

        self._step(which, step)
        self._resume()

    def _resume(self) -> None:
        if runs.find_run(self.database, self.run).state == "queued":
            self.attempts.append(self._begin())

    @invariant()
    def no_effect_twice_and_none_without_a_row(self) -> None:
        rows = {call.act_key: call for call in (step.call for step in runs.steps_of(self.database, self.run))}
        for key, count in self.world.items():
            assert count == 1, f"{key} happened {count} times"
            assert rows[key].state in ("running", "in_doubt", "succeeded")
        for key, call in rows.items():
            if call.state == "succeeded":
                assert self.world[key] == 1

    def teardown(self) -> None:
        for key, count in self.records.items():
            rows = self.database.query("select id from list_row where list = ?", f"{self.run}{key}")
            assert len(rows) == count == 1
        numbers = [call.settled for call in (step.call for step in runs.steps_of(self.database, self.run)) if call.settled]
        numbers += [row["settled"] for row in self.database.query("select settled from record where run = ?", self.run)]
        assert len(numbers) == len(set(numbers)), "two replies have the same place"


def test_no_interleaving_repeats_or_loses_an_effect(database: Any) -> None:
    run_state_machine_as_test(
        lambda: Interleavings(database),
        settings=settings(
            max_examples=40, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck), database=None
        ),
    )
