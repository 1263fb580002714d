"""Cancelling, stopping and going on."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from far_files import far
from repertory.runtime.engines.foreground import foreground, recover_interrupted
from repertory.runtime.kept import runs
from repertory.settings import AssetLimit
from runtime_lab import processes_of, spawn, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from repertory.runtime.execution.executor import Executor
    from repertory.runtime.records import Run
    from runtime_lab import Lab

# An action whose effect happens when a file appears, after it said that it has begun.
MORE = """
@app.action("hold", type="generic", timeout_s=20)
def hold(lab: Lab, name: str) -> Verdict:
    touch(lab.log + ".held")
    wait_for(lab.log + ".go")
    note(lab, f"held {name}")
    return Verdict(verdict="held")
"""
PLAY = "first = play.act('hold', name='a').required()\nplay.act('count up', name='b').required()"


@contextmanager
def running(lab: Lab, run_id: str) -> Iterator[tuple[Executor, threading.Thread]]:
    """An attempt whose first action is under way."""
    executor = lab.executor()
    number = runs.find_run(lab.database, run_id).attempt
    thread = threading.Thread(target=executor.attempt, args=(run_id, number))
    thread.start()
    try:
        until((lab.folder / "effects.log.held").exists, "the action has begun")
        yield executor, thread
    finally:
        go_on(lab)
        thread.join(20)
        executor.close()
    assert not thread.is_alive()
    assert processes_of(str(lab.settings.home.sdk)) == []


def go_on(lab: Lab) -> None:
    (lab.folder / "effects.log.go").touch()


def found(lab: Lab, run_id: str) -> Run:
    return runs.find_run(lab.database, run_id)


def test_cancelling_records_the_action_in_flight_and_begins_no_other(either_lab: Lab) -> None:
    lab = either_lab
    lab.add_lab(MORE)
    run_id = lab.start(lab.add_playbook(PLAY))
    with running(lab, run_id) as (_, thread):
        assert runs.request_cancel(lab.database, run_id).state == "running"
        go_on(lab)
        thread.join(20)
    assert (found(lab, run_id).state, found(lab, run_id).message) == ("cancelled", "cancelled")
    assert [call.state for call in lab.calls(run_id)] == ["succeeded"]
    assert lab.happened() == ["held a"]


def test_cancelling_does_not_work_off_what_waits_for_its_turn(lab: Lab) -> None:
    lab.add_lab(MORE)
    run_id = lab.start(lab.add_playbook("play.act('hold', name=[str(number) for number in range(20)]).required()"))
    with running(lab, run_id) as (_, thread):
        until(lambda: sum(call.state == "running" for call in lab.calls(run_id)) == 2)
        runs.request_cancel(lab.database, run_id)
        until(lambda: any(call.state == "running" for call in lab.calls(run_id)))
        # The executor has seen the request once it hands out no more turns.
        until(lambda: lab.database.query("select 1 from run where id = ? and cancel_requested = 1", run_id))
        threading.Event().wait(0.5)  # longer than it takes to notice
        go_on(lab)
        thread.join(20)
    states = sorted(call.state for call in lab.calls(run_id))
    assert states == ["cancelled"] * 18 + ["succeeded"] * 2
    assert len(lab.happened()) == 2


@contextmanager
def attempting(lab: Lab, run_id: str) -> Iterator[Executor]:
    """An attempt that ends inside of the block, or soon after it."""
    executor = lab.executor()
    thread = threading.Thread(target=executor.attempt, args=(run_id, found(lab, run_id).attempt))
    thread.start()
    try:
        yield executor
    finally:
        thread.join(20)
        executor.close()
    assert not thread.is_alive()


@pytest.mark.parametrize("how", ["cancel", "stop"])
@pytest.mark.parametrize(
    "body",
    ["for name in 'ab':\n    play.act('count up', name=name).required()", "play.act('count up', name=['a', 'b']).required()"],
    ids=["one by one", "together"],
)
def test_what_waits_for_the_rate_of_its_asset_does_not_begin(lab: Lab, body: str, how: str) -> None:
    """The next turn is a minute away. A single action's intent is written together with its plan."""
    lab.add_lab()
    lab.configure(assets={"lab-1": AssetLimit(per_minute=1)})
    run_id = lab.start(lab.add_playbook(body))
    with attempting(lab, run_id) as executor:
        until(lambda: [call.is_settled for call in lab.calls(run_id)] in ([True, False], [False, True]))
        runs.request_cancel(lab.database, run_id) if how == "cancel" else executor.stop()
    run = found(lab, run_id)
    (left,) = [call for call in lab.calls(run_id) if call.state != "succeeded"]
    assert (run.state, left.state) == (("cancelled", "cancelled") if how == "cancel" else ("queued", "planned"))
    assert (left.tries, len(lab.happened())) == (0, 1)


def add_slow_to_load(lab: Lab) -> None:
    """From now on the app is loaded when a file appears."""
    item = lab.add_lab()
    source = (item.folder / "app.py").read_text()
    loading, go = f"{lab.far_effects}.loading", f"{lab.far_effects}.go"
    (item.folder / "app.py").write_text(f"{source}\ntouch({loading!r})\nwait_for({go!r})\n")


def test_what_waits_for_its_app_to_be_loaded_does_not_begin(lab: Lab) -> None:
    add_slow_to_load(lab)
    run_id = lab.start(lab.add_playbook("play.act('count up', name='a')"))
    with attempting(lab, run_id):
        until((lab.folder / "effects.log.loading").exists)
        runs.request_cancel(lab.database, run_id)
        go_on(lab)
    assert found(lab, run_id).state == "cancelled"
    assert [(call.state, call.tries) for call in lab.calls(run_id)] == [("cancelled", 0)]
    assert lab.happened() == []


def test_a_run_that_was_cancelled_while_nobody_executed_it_does_nothing_more(lab: Lab) -> None:
    lab.add_lab()
    run_id = lab.start(lab.add_playbook("play.act('count up', name='a')"))
    lab.database.query("update run set cancel_requested = 1 where id = ?", run_id)
    assert lab.attempt(run_id).state == "cancelled"
    assert lab.happened() == []


def test_stopping_records_the_action_in_flight_and_the_run_goes_on_later(either_lab: Lab) -> None:
    lab = either_lab
    lab.add_lab(MORE)
    run_id = lab.start(lab.add_playbook(PLAY))
    with running(lab, run_id) as (executor, thread):
        executor.stop()
        go_on(lab)
        thread.join(20)
        assert found(lab, run_id).state == "queued"
        executor.attempt(run_id, found(lab, run_id).attempt)  # a stopping executor hands on what it is given
    run = found(lab, run_id)
    assert (run.state, run.held, run.worker) == ("queued", False, "")
    assert runs.queued_attempts(lab.database) == [(run_id, run.attempt)]
    assert lab.attempt(run_id).state == "succeeded"
    assert lab.happened() == ["held a", "count b 1"]
    outcomes = [attempt.outcome for attempt in runs.attempts_of(lab.database, run_id)]
    assert outcomes == ["interrupted", "interrupted", "succeeded"]


def test_stopping_waits_for_the_actions_of_children(lab: Lab) -> None:
    lab.add_lab(MORE)
    lab.add_playbook(PLAY, name="inner")
    run_id = lab.start(lab.add_playbook("play.run('inner')"))
    with running(lab, run_id) as (executor, thread):
        executor.stop()
        go_on(lab)
        thread.join(20)
        (child,) = runs.children_of(lab.database, run_id)
        assert (child.state, found(lab, run_id).state) == ("queued", "queued")
    assert lab.attempt(run_id).state == "succeeded"
    assert lab.happened() == ["held a", "count b 1"]


def test_ctrl_c_holds_the_run_until_somebody_goes_on_with_it(lab: Lab) -> None:
    lab.add_lab(MORE)
    run_id = lab.start(lab.add_playbook(PLAY), held=True)
    process = spawn(lab, run_id)
    until((lab.folder / "effects.log.held").exists)
    process.send_signal(signal.SIGINT)
    go_on(lab)
    assert process.wait(20) == 130
    run = found(lab, run_id)
    assert (run.state, run.held) == ("queued", True)
    assert runs.queued_attempts(lab.database) == []
    assert recover_interrupted(lab.settings, lab.database) == []
    assert [call.state for call in lab.calls(run_id) if call.state != "planned"] == ["succeeded"]
    with foreground(lab.settings, lab.database, lab.library) as runner:
        assert runner.run(run_id, watch=lambda _: True).state == "succeeded"
    assert lab.happened() == ["held a", "count b 1"]
    assert list(lab.settings.home.workers.iterdir()) == []


# One that hears nothing: neither signals nor the end of its pipe, for no other thread of its process gets a turn.
DEAF = """
@app.action("go deaf", type="generic", timeout_s=120)
def go_deaf(lab: Lab) -> Verdict:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    if exists(lab.log + ".deaf"):
        return Verdict(verdict="heard")
    touch(lab.log + ".deaf")
    return Verdict(verdict=str(sum(range(10 ** 13))))
"""


def test_ctrl_c_waits_for_an_action_that_hears_nothing_and_a_second_one_does_not(lab: Lab) -> None:
    lab.add_lab(DEAF)
    run_id = lab.start(lab.add_playbook("return {'said': play.act('go deaf').required().values('verdict')}"), held=True)
    process = spawn(lab, run_id)
    until((lab.folder / "effects.log.deaf").exists)
    process.send_signal(signal.SIGINT)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(1)
    assert found(lab, run_id).state == "running"
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 130
    assert (found(lab, run_id).state, found(lab, run_id).held) == ("queued", True)
    until(lambda: processes_of(str(lab.settings.home.sdk)) == [], "an app's process is left over")
    assert recover_interrupted(lab.settings, lab.database) == []
    assert runs.queued_attempts(lab.database) == []
    assert lab.attempt(run_id).state == "waiting"
    assert lab.open_prompt().kind == "in_doubt"
    lab.answer("run it again")
    assert lab.attempt(run_id).outputs == {"said": ["heard"]}


def test_ctrl_c_does_not_wait_for_an_app_to_be_loaded(lab: Lab) -> None:
    """Nothing was asked of it yet, so nothing is in doubt."""
    loading, go = lab.folder / "effects.log.loading", f"{lab.far_effects}.go"
    lab.add_lab()
    lab.library.edit_app(f"touch({far(loading)!r})\nwait_for({go!r})")
    run_id = lab.start(lab.add_playbook("play.act('count up', name='a').required()"), held=True)
    process = spawn(lab, run_id)
    until(loading.exists)
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 130
    assert (found(lab, run_id).state, found(lab, run_id).held) == ("queued", True)
    assert [call.state for call in lab.calls(run_id)] == ["planned"]
    until(lambda: processes_of(str(lab.settings.home.sdk)) == [], "an app's process is left over")
    go_on(lab)
    assert lab.attempt(run_id).state == "succeeded"
    assert lab.happened() == ["count a 1"]


def test_the_foreground_leaves_a_run_waiting_if_told_so(lab: Lab) -> None:
    lab.add_playbook("return {'said': play.ask('Well?')}", name="asking")
    run_id = lab.start(lab.add_playbook("return play.run('asking')"), held=True)
    states = []

    def watch(run: Run) -> bool:
        states.append(run.state)
        return False

    with foreground(lab.settings, lab.database, lab.library) as runner:
        assert runner.run(run_id, watch=watch).state == "waiting"
        lab.answer("yes")
        run = runner.run(run_id, watch=lambda _: True)
    assert (run.state, run.outputs) == ("succeeded", {"said": "yes"})
    assert "running" in states


def test_the_foreground_waits_for_an_answer_that_somebody_else_gives(lab: Lab) -> None:
    run_id = lab.start(lab.add_playbook("return {'said': play.ask('Well?')}"), held=True)
    answered = threading.Event()

    def watch(run: Run) -> bool:
        if run.state == "waiting" and not answered.is_set():
            answered.set()
            lab.answer("yes")
        return True

    with foreground(lab.settings, lab.database, lab.library) as runner:
        assert runner.run(run_id, watch=watch).outputs == {"said": "yes"}


def test_a_foreground_that_breaks_down_leaves_no_run_behind(lab: Lab) -> None:
    """Its lock is given back, so nobody would ever find a run that still claimed to be executed by it."""
    lab.add_lab(MORE)
    run_id = lab.start(lab.add_playbook("pass"), held=True)

    def fail(run: Run) -> bool:
        if run.state == "running":
            raise RuntimeError("shown by the command")
        return True

    lab.database.query("update run set inputs = '{}' where id = ?", run_id)
    with pytest.raises(RuntimeError), foreground(lab.settings, lab.database, lab.library) as runner:
        runner.run(run_id, watch=fail)
    until(lambda: found(lab, run_id).state != "running")
    assert list(lab.settings.home.workers.iterdir()) == []


def test_two_foregrounds_in_one_home(lab: Lab) -> None:
    lab.add_lab()
    item = lab.add_playbook("for number in range(20):\n    play.act('count up', name=play.run_id, by=number).required()")
    ids = [lab.start(item, held=True) for _ in range(2)]
    processes = [spawn(lab, run_id, stdout=subprocess.PIPE) for run_id in ids]
    assert [process.communicate(timeout=60)[0].strip() for process in processes] == ["succeeded", "succeeded"]
    assert len(lab.happened()) == len(set(lab.happened())) == 40


def test_two_foregrounds_for_one_run(lab: Lab) -> None:
    lab.add_lab(MORE)
    run_id = lab.start(lab.add_playbook(PLAY), held=True)
    with running(lab, run_id), foreground(lab.settings, lab.database, lab.library) as runner:
        go_on(lab)
        assert runner.run(run_id, watch=lambda _: True).state == "succeeded"
    assert lab.happened() == ["held a", "count b 1"]
    assert os.getpid()
