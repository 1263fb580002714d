"""The rules of the journal, on both databases."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest

from repertory.errors import UserError
from repertory.home import Home
from repertory.runtime.execution.journal import Journal
from repertory.runtime.kept import runs
from repertory.runtime.kept.doubts import doubt_about
from repertory.runtime.records import (
    CallOutcome,
    Cancelled,
    Diverged,
    Fenced,
    NothingToDo,
    PlannedCall,
    Question,
)
from repertory.runtime.storage.database import open_database
from repertory.settings import Settings
from runtime_lab import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from postgres_server import PostgresServer
    from repertory.runtime.records import Prompt
    from repertory.runtime.storage.database import Database

DIGEST = "d1"


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """One for all tests of this module: each makes runs of its own."""
    url = request.getfixturevalue("postgres").new_schema() if request.param == "postgres" else ""
    opened = open_database(Settings(home=Home(tmp_path_factory.mktemp("home")), database_url=url))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def postgres_database(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    opened = open_database(Settings(home=Home(tmp_path_factory.mktemp("home")), database_url=postgres.new_schema()))
    yield opened
    opened.close()


def new_run(database: Database) -> str:
    with database.transaction() as transaction:
        return runs.create_run(transaction, runs.NewRun(event=None, act={"action": "x"}))


def begin(database: Database, run: str, worker: str = "w1") -> Journal:
    return Journal.begin(database, run, runs.find_run(database, run).attempt, worker=worker, level="process")


def take_over(database: Database, run: str) -> Journal:
    """The process of the attempt before is dead, or believed to be."""
    runs.forget_worker(database, runs.find_run(database, run).worker)
    return begin(database, run, "w2")


def planned(*keys: str, **more: Any) -> list[PlannedCall]:
    return [PlannedCall(key=key, action="block ip", parameters={"ip": "192.0.2.1"}, **more) for key in keys]


def question(key: str, text: str = "Well?", **more: Any) -> Question:
    return Question(key=key, kind="question", text=text, **more)


def test_an_attempt_begins_only_once(database: Database) -> None:
    run = new_run(database)
    begin(database, run)
    with pytest.raises(NothingToDo):
        Journal.begin(database, run, 1, worker="w2", level="process")
    assert runs.find_run(database, run).worker == "w1"


def test_of_many_that_begin_an_attempt_at_once_one_wins(database: Database) -> None:
    run = new_run(database)
    barrier, won, lost = threading.Barrier(6), [], []

    def compete(name: str) -> None:
        barrier.wait()
        try:
            won.append(Journal.begin(database, run, 1, worker=name, level="process"))
        except NothingToDo:
            lost.append(name)

    threads = [threading.Thread(target=compete, args=(f"w{number}",)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(won), len(lost)) == (1, 5)


def test_a_single_call_is_begun_with_its_plan_only_if_nothing_is_in_the_way(database: Database) -> None:
    journal = begin(database, new_run(database))
    states = [
        journal.plan("1", DIGEST, planned("1#0"), at_once=True)[0].state,
        journal.plan("2", DIGEST, planned("2#0"))[0].state,
        journal.plan("3", DIGEST, planned("3#0", decision="ask"), at_once=True)[0].state,
        journal.plan("4", DIGEST, planned("4#0", problem="no asset"), at_once=True)[0].state,
        *[call.state for call in journal.plan("5", DIGEST, planned("5#0", "5#1"), at_once=True)],
    ]
    assert states == ["running", "planned", "planned", "planned", "planned", "planned"]
    assert journal.plan("6", DIGEST, []) == []


def test_a_call_cannot_be_begun_twice_in_one_attempt(database: Database) -> None:
    journal = begin(database, new_run(database))
    (call,) = journal.plan("1", DIGEST, planned("1#0"))
    assert journal.begin_call(call).tries == 1
    with pytest.raises(Fenced):
        journal.begin_call(call)


def test_an_outdated_attempt_may_neither_begin_nor_record_anything(database: Database) -> None:
    run = new_run(database)
    old = begin(database, run)
    (call, other) = old.plan("1", DIGEST, planned("1#0", "1#1"))
    old.begin_call(call)
    new = take_over(database, run)
    forbidden: list[Any] = [
        lambda: old.begin_call(other),
        lambda: old.settle_call(call, CallOutcome(status="succeeded"), 1),
        lambda: old.mark_in_doubt(call, "why"),
        lambda: old.try_again(call),
        lambda: old.plan("2", DIGEST, planned("2#0")),
        lambda: old.record("3", "now", DIGEST, lambda _: 1, 1),
        lambda: old.ask(question("4")),
        old.look,
        lambda: old.finish("succeeded", "", {}),
    ]
    for change in forbidden:
        with pytest.raises(Fenced):
            change()
    assert not old.park(None)
    old.release(held=True)
    old.take_back(call)
    assert [(one.state, one.epoch, one.settled) for one in new.calls("1")] == [("running", 1, None), ("planned", 1, None)]
    assert runs.find_run(database, run).state == "running"
    assert not runs.find_run(database, run).held


@contextmanager
def changing(database: Database, run: str) -> Iterator[None]:
    """A take-over that has not been committed yet: with it, the attempt before is outdated."""
    with database.transaction() as transaction:
        transaction.query("update run set epoch = epoch + 1 where id = ?", run)
        yield


def blocked(database: Database) -> int:
    """How many statements wait for another transaction (PostgreSQL)."""
    (row,) = database.query(
        """select count(*) as n from pg_stat_activity
           where datname = current_database() and wait_event_type = 'Lock' and state = 'active'"""
    )
    return int(row["n"])


def in_thread(work: Callable[[], object]) -> Future[object]:
    future: Future[object] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future


WRITES: dict[str, Any] = {
    "begin": lambda old, _, other: old.begin_call(other),
    "plan": lambda old, _, __: old.plan("2", DIGEST, planned("2#0")),
    "settle": lambda old, call, _: old.settle_call(call, CallOutcome(status="succeeded"), 1),
    "doubt": lambda old, call, _: old.mark_in_doubt(call, "why"),
    "try again": lambda old, call, _: old.try_again(call),
    "record": lambda old, _, __: old.record("3", "now", DIGEST, lambda _: 1, 1),
    "settle record": lambda old, _, __: old.settle_record("8", 1),
    "ask": lambda old, _, __: old.ask(question("4")),
    "settle prompt": lambda old, _, __: old.settle_prompt("9", 1),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=list(WRITES))
def test_what_an_attempt_writes_while_another_takes_over_does_not_count(postgres_database: Database, write: Any) -> None:
    """PostgreSQL: both are under way at the same time, and neither sees what the other has not committed."""
    database = postgres_database
    run = new_run(database)
    old = begin(database, run)
    (call, other) = old.plan("1", DIGEST, planned("1#0", "1#1"))
    old.begin_call(call)
    old.record("8", "sleep", DIGEST, lambda _: None, None)
    old.ask(question("9"))
    with changing(database, run):
        written = in_thread(lambda: write(old, call, other))
        until(lambda: written.done() or blocked(database), "the write waits, or is over")
    with pytest.raises(Fenced):
        written.result(20)
    assert [(one.state, one.settled, one.tries) for one in old.calls("1")] == [("running", None, 1), ("planned", None, 0)]
    assert old.calls("2") == []
    assert runs.prompts_of(database, run)[1:] == []
    numbers = database.query("select settled from record where run = ? union all select settled from prompt where run = ?", run, run)
    assert [row["settled"] for row in numbers] == [None, None]


def test_another_attempt_waits_for_what_is_being_written(postgres_database: Database) -> None:
    """What it then reads is complete."""
    database = postgres_database
    run = new_run(database)
    old = begin(database, run)
    database.query("update run set state = 'queued', attempt = attempt + 1, worker = '' where id = ?", run)
    taking: list[Future[object]] = []

    def effect(_: object) -> str:
        taking.append(in_thread(lambda: begin(database, run, "w2").recorded("1", "now", DIGEST)))
        until(lambda: taking[0].done() or blocked(database), "the take-over waits, or is over")
        return "written"

    assert old.record("1", "now", DIGEST, effect, 1) == "written"
    found: Any = taking[0].result(20)
    assert found is not None
    assert found["value"] == '"written"'


def test_answers_and_endings_do_not_block_each_other_for_ever(postgres_database: Database) -> None:
    """Both change a run and its prompts; whoever took them in the other order would be ended by PostgreSQL."""
    database = postgres_database
    for _ in range(30):
        run = new_run(database)
        journal = begin(database, run)
        prompt = journal.ask(question("1"))
        barrier = threading.Barrier(2)

        def answer(prompt: Prompt = prompt, barrier: threading.Barrier = barrier) -> None:
            barrier.wait()
            with suppress(UserError):
                runs.answer_prompt(database, prompt, "yes", by="ann")

        def finish(journal: Journal = journal, barrier: threading.Barrier = barrier) -> None:
            barrier.wait()
            journal.finish("failed", "", {})

        both = [in_thread(answer), in_thread(finish)]
        for one in both:
            one.result(20)
        assert runs.find_prompt(database, prompt.id).answer in ("yes", "")


def test_an_effect_of_an_outdated_attempt_leaves_no_trace(database: Database) -> None:
    run = new_run(database)
    old = begin(database, run)
    take_over(database, run)
    insert = "insert into list_row (list, cells) values (?, '[]')"
    with pytest.raises(Fenced):
        old.record("1", "list_add", DIGEST, lambda transaction: transaction.query(insert, run), 1)
    assert database.query("select * from list_row where list = ?", run) == []


def test_a_new_attempt_finds_the_intent_of_the_one_before(database: Database) -> None:
    run = new_run(database)
    (call,) = begin(database, run).plan("1", DIGEST, planned("1#0"), at_once=True)
    new = take_over(database, run)
    (found,) = new.calls("1")
    assert (found.state, found.epoch < new.epoch, found.tries) == ("running", True, 1)
    assert new.mark_in_doubt(found, "interrupted").state == "in_doubt"
    again = new.begin_call(found)
    assert (again.state, again.epoch, again.tries) == ("running", new.epoch, 2)
    settled = new.settle_call(again, CallOutcome(status="succeeded", message="ok", data=[{"a": 1}], summary={"n": 1}), 7)
    assert (settled.settled, settled.data, settled.summary, settled.state) == (7, [{"a": 1}], {"n": 1}, "succeeded")
    with pytest.raises(Fenced):
        new.settle_call(again, CallOutcome(status="failed"), 8)
    assert call.key == found.key


def test_nothing_begins_once_the_run_is_to_stop(database: Database) -> None:
    journal = begin(database, new_run(database))
    (first, second) = journal.plan("1", DIGEST, planned("1#0", "1#1"))
    begun = journal.begin_call(first)
    runs.request_cancel(database, journal.run)
    for beginning in (
        lambda: journal.begin_call(second),
        lambda: journal.try_again(begun),
        lambda: journal.plan("2", DIGEST, planned("2#0"), at_once=True),
    ):
        with pytest.raises(Cancelled):
            beginning()
    assert journal.settle_call(begun, CallOutcome(status="succeeded"), 1).tries == 1


def test_what_was_begun_and_not_sent_is_taken_back(database: Database) -> None:
    journal = begin(database, new_run(database))
    (call,) = journal.plan("1", DIGEST, planned("1#0"), at_once=True)
    journal.take_back(call)
    (found,) = journal.calls("1")
    assert (found.state, found.tries) == ("planned", 0)


def test_a_record_and_its_effect_happen_together_or_not_at_all(database: Database) -> None:
    journal = begin(database, new_run(database))

    def add(transaction: Any) -> str:
        transaction.query("insert into list_row (list, cells) values (?, '[]')", journal.run)
        return "added"

    def fail(transaction: Any) -> None:
        add(transaction)
        raise ValueError("after the effect")

    assert journal.record("1", "list_add", DIGEST, add, 1) == "added"
    with pytest.raises(ValueError, match="after the effect"):
        journal.record("2", "list_add", DIGEST, fail, 2)
    assert len(database.query("select * from list_row where list = ?", journal.run)) == 1
    known = journal.recorded("1", "list_add", DIGEST)
    assert known is not None
    assert (known["value"], known["settled"], known["refusal"]) == ('"added"', 1, "")
    assert journal.recorded("2", "list_add", DIGEST) is None


def test_another_request_under_a_known_key_is_a_divergence(database: Database) -> None:
    journal = begin(database, new_run(database))
    journal.record("1", "now", DIGEST, lambda _: 1, 1)
    with pytest.raises(Diverged, match="call 1 was now, now it is random"):
        journal.recorded("1", "random", "d2")
    journal.ask(question("2", "Shall we?"))
    with pytest.raises(Diverged, match=r"Shall we\?.*Must we\?"):
        journal.ask(question("2", "Must we?"))


def test_a_prompt_of_another_kind_is_a_divergence(database: Database) -> None:
    """What the playbook asked, and was answered, is no approval."""
    journal = begin(database, new_run(database))
    journal.ask(question("1"), given="approve")
    with pytest.raises(Diverged, match=r"\(question\), now it asks 'Well\?' \(approval\)"):
        journal.ask(Question(key="1", kind="approval", text="Well?"))
    journal.ask(Question(key="2", kind="approval", text="May it run?"), given="approve")
    with pytest.raises(Diverged, match="May it run.*May another run"):
        journal.ask(Question(key="2", kind="approval", text="May another run?"))
    journal.ask(Question(key="3", kind="in_doubt", text="One reason."))
    assert journal.ask(Question(key="3", kind="in_doubt", text="In other words.")).question == "One reason."


def test_the_first_answer_wins(database: Database) -> None:
    run = new_run(database)
    prompt = begin(database, run).ask(question("1", options=["yes", "no"]))
    with pytest.raises(UserError, match="'perhaps' is no answer"):
        runs.answer_prompt(database, prompt, "perhaps", by="ann")
    assert runs.answer_prompt(database, prompt, "yes", by="ann").answered_by == "ann"
    with pytest.raises(UserError, match="answered already: 'yes' by ann"):
        runs.answer_prompt(database, prompt, "no", by="bob")


def test_an_answer_keeps_a_run_from_parking_and_wakes_a_parked_one(database: Database) -> None:
    run = new_run(database)
    journal = begin(database, run)
    first, second = journal.ask(question("1")), journal.ask(question("2"))
    runs.answer_prompt(database, first, "a", by="ann")
    assert not journal.park(None)
    journal.awake()
    assert [prompt.key for prompt in journal.answered(["1", "2"])] == ["1"]
    assert journal.park(None)
    assert (runs.find_run(database, run).state, runs.find_run(database, run).attempt) == ("waiting", 1)
    runs.answer_prompt(database, second, "b", by="ann")
    assert (runs.find_run(database, run).state, runs.find_run(database, run).attempt) == ("queued", 2)
    assert begin(database, run).ask(question("2")).answer == "b"


def test_a_deadline_answers_with_the_default_and_wakes_the_run(database: Database) -> None:
    run = new_run(database)
    journal = begin(database, run)
    journal.ask(question("1", within_s=0.0, default="no"))
    journal.ask(question("2", within_s=3600, default="no"))
    assert journal.park(1.0)  # a time that has passed long ago
    assert run in runs.wake_due_runs(database)
    assert run not in runs.wake_due_runs(database)
    (prompt,) = begin(database, run).answered(["1", "2"])
    assert (prompt.answer, prompt.timed_out, prompt.answered_by) == ("no", True, "deadline")


def test_an_answer_after_the_deadline_is_refused_and_the_default_counts(database: Database) -> None:
    """Nobody has looked at the deadline meanwhile."""
    run = new_run(database)
    journal = begin(database, run)
    late = journal.ask(question("1", within_s=0.0, default="no", options=["yes", "no"]))
    early = journal.ask(question("2", within_s=3600, default="no"))
    assert journal.park(None)
    assert late.id not in [prompt.id for prompt in runs.open_prompts(database)]
    for _ in range(2):
        with pytest.raises(UserError, match=f"the deadline of prompt {late.id} has passed; its default counts: 'no'"):
            runs.answer_prompt(database, late, "yes", by="ann")
    kept = runs.find_prompt(database, late.id)
    assert (kept.answer, kept.timed_out, kept.answered_by) == ("no", True, "deadline")
    assert runs.find_run(database, run).state == "queued"  # what waited for it goes on
    assert runs.answer_prompt(database, early, "yes", by="ann").answer == "yes"


def test_replies_are_numbered_once_all_calls_of_a_request_are_settled(database: Database) -> None:
    run = new_run(database)
    journal = begin(database, run)
    calls = journal.plan("1", DIGEST, planned("1#0", "1#1"))
    journal.settle_call(calls[1], CallOutcome(status="failed"), 1)
    journal.record("2", "now", DIGEST, lambda _: 0, 2)
    assert journal.earlier_replies() == {"2": 2}
    journal.settle_call(calls[0], CallOutcome(status="failed"), 3)
    journal.ask(question("3"), given="yes")
    journal.settle_prompt("3", 4)
    journal.record("4", "sleep", DIGEST, lambda _: None, None, due_at=5.0)
    new = take_over(database, run)
    assert (new.earlier_replies(), new.last_number()) == ({"1": 3, "2": 2, "3": 4}, 4)


def open_of(database: Database, run: str) -> list[Prompt]:
    return [prompt for prompt in runs.open_prompts(database) if prompt.run == run]


def test_the_end_of_a_run_leaves_nothing_open(database: Database) -> None:
    run = new_run(database)
    journal = begin(database, run)
    calls = journal.plan("1", DIGEST, planned("1#0", "1#1", "1#2", type="investigate"))
    journal.begin_call(calls[1])
    journal.settle_call(calls[2], CallOutcome(status="succeeded"), 1)
    prompt = journal.ask(question("2"))
    approval = journal.ask(Question(key="3?approve", kind="approval", text="May it?", options=["approve", "deny"]))
    journal.finish("failed", "because", {})
    assert [call.state for call in journal.calls("1")] == ["cancelled", "in_doubt", "succeeded"]
    assert [runs.find_prompt(database, one.id).answered_by for one in (prompt, approval)] == ["the run ended"] * 2
    assert open_of(database, run) == []
    assert [attempt.outcome for attempt in runs.attempts_of(database, run)] == ["failed"]
    for one in (prompt, approval):
        with pytest.raises(UserError, match=f"nobody needs an answer to prompt {one.id} any more: run {run} has ended"):
            runs.answer_prompt(database, one, "approve", by="ann")


@pytest.mark.parametrize(("answer", "state"), [("it happened", "succeeded"), ("it did not happen", "failed")])
@pytest.mark.parametrize("asked", [True, False], ids=["asked before", "asked at the end"])
def test_a_human_can_say_what_became_of_a_doubt_after_the_run(database: Database, asked: bool, answer: str, state: str) -> None:
    run = new_run(database)
    journal = begin(database, run)
    (call,) = journal.plan("1", DIGEST, planned("1#0", type="contain", asset="fw"), at_once=True)
    if asked:
        call = journal.mark_in_doubt(call, "no answer within 5 s")
        journal.ask(doubt_about(call, "no answer within 5 s"))
    journal.finish("cancelled", "cancelled", {})
    (found,), (prompt,) = journal.calls("1"), open_of(database, run)
    reason = "no answer within 5 s" if asked else "the run ended before its outcome was known"
    assert (found.state, found.message, prompt.kind) == ("in_doubt", reason, "in_doubt")
    assert prompt.question == f"block ip ip=192.0.2.1 on fw: {reason}. Nobody knows whether it happened. Did it?"
    assert prompt.options == ["it happened", "it did not happen"]
    with pytest.raises(UserError, match="'run it again' is no answer"):
        runs.answer_prompt(database, prompt, "run it again", by="ann")
    runs.answer_prompt(database, prompt, answer, by="ann")
    (found,) = journal.calls("1")
    assert (found.state, found.message) == (state, f"{reason}; ann says: {answer}")
    assert (runs.find_run(database, run).state, runs.find_run(database, run).attempt) == ("cancelled", 1)
    assert open_of(database, run) == []
    with pytest.raises(UserError, match="answered already"):
        runs.answer_prompt(database, prompt, answer, by="bob")


@pytest.mark.parametrize(
    ("answer", "state", "open_ones"), [("it happened", "succeeded", 0), ("it did not happen", "failed", 0), ("run it again", "in_doubt", 1)]
)
def test_an_answer_that_no_attempt_has_read_counts_at_the_end(database: Database, answer: str, state: str, open_ones: int) -> None:
    run = new_run(database)
    journal = begin(database, run)
    (call,) = journal.plan("1", DIGEST, planned("1#0", type="generic"), at_once=True)
    call = journal.mark_in_doubt(call, "why")
    prompt = journal.ask(doubt_about(call, "why"))
    assert journal.park(None)
    runs.answer_prompt(database, prompt, answer, by="ann")
    runs.request_cancel(database, run)
    assert [call.state for call in journal.calls("1")] == [state]
    assert [one.options for one in open_of(database, run)] == [["it happened", "it did not happen"]] * open_ones


def test_a_released_run_goes_on_with_another_attempt(database: Database) -> None:
    run = new_run(database)
    begin(database, run).release(held=True)
    found = runs.find_run(database, run)
    assert (found.state, found.attempt, found.held) == ("queued", 2, True)
    assert (run, 2) not in runs.queued_attempts(database)
    runs.requeue(database, run, held=False)
    assert (run, 3) in runs.queued_attempts(database)


def test_an_attempt_that_broke_off_is_given_back_by_its_own_worker_only(database: Database) -> None:
    run = new_run(database)
    begin(database, run)
    runs.give_back(database, run, 1, worker="another")
    assert runs.find_run(database, run).state == "running"
    runs.give_back(database, run, 1, worker="w1")
    assert (runs.find_run(database, run).state, runs.find_run(database, run).attempt) == ("queued", 2)
    runs.give_back(database, run, 1, worker="w1")
    assert runs.find_run(database, run).attempt == 2


def test_cancelling_ends_a_queued_or_waiting_run_at_once(database: Database) -> None:
    queued, waiting, running = new_run(database), new_run(database), new_run(database)
    journal = begin(database, waiting)
    prompt = journal.ask(question("1"))
    assert journal.park(None)
    working = begin(database, running)
    for run in (queued, waiting, running):
        runs.request_cancel(database, run)
    assert [runs.find_run(database, run).state for run in (queued, waiting, running)] == ["cancelled", "cancelled", "running"]
    assert runs.find_prompt(database, prompt.id).answered_by == "the run ended"
    assert working.look()["cancel_requested"]
    assert not working.park(None)
    with pytest.raises(UserError, match="has ended already: cancelled"):
        runs.request_cancel(database, queued)
    with pytest.raises(NothingToDo):
        begin(database, queued)


def test_awkward_text_survives(database: Database) -> None:
    journal = begin(database, new_run(database))
    text = "ä\U0001f600 100% ? %s ' \" \\ \n\t\x7f"
    (call,) = journal.plan("1", DIGEST, [PlannedCall(key="1#0", action="a", parameters={"ip": text}, timeout_s=5)])
    settled = journal.settle_call(call, CallOutcome(status="failed", message=text, data=[{text: "\0"}]), 1)
    assert (settled.message, settled.parameters, settled.data) == (text, {"ip": text}, [{text: "\0"}])
    journal.keep_output("app", "output", "a\0b")
    assert [part.text for part in runs.output_of(database, journal.run)] == ["a\ufffdb"]


def test_runs_are_found_by_the_beginning_of_their_id(database: Database) -> None:
    with database.transaction() as transaction:
        for name in ("xyz1", "xyw1"):
            runs.create_run(transaction, runs.NewRun(event=None, act={}), run_id=name)
    assert runs.find_run(database, "xyz").id == "xyz1"
    with pytest.raises(UserError, match="more than one run begins with 'xy'"):
        runs.find_run(database, "xy")
    with pytest.raises(UserError, match="no run is called 'xyx1'"):
        runs.find_run(database, "xyx1")
    with pytest.raises(UserError, match="no run is called ''"):
        runs.find_run(database, "")
