"""Actions of which nobody knows whether they happened: the app is asked, then a human, and nothing is repeated blindly."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from repertory.runtime.kept import runs
from repertory.settings import AssetLimit, Policy
from runtime_lab import until

if TYPE_CHECKING:
    from runtime_lab import Lab

# The effect depends on "how": before the process dies, not at all, or after the second try only.
MORE = """
@app.action("risk", type="generic", check="{check}", timeout_s=5)
def risk(lab: Lab, how: str) -> Verdict:
    tried = exists(lab.log + ".tried")
    touch(lab.log + ".tried")
    if how == "done":
        note(lab, "risk")
    if how != "later" or not tried:
        os._exit(1)
    note(lab, "risk")
    return Verdict(verdict="took it")

@app.action("was risked")
def was_risked(lab: Lab, how: str) -> bool:
    return exists(lab.log) and "risk\\n" in read(lab.log)

@app.action("cannot tell")
def cannot_tell(lab: Lab) -> bool:
    raise ActionFailed("no idea")
"""
PLAY = "return {'all': [[one.status, one.message] for one in play.act('risk', how='%s')]}"
REASON = "the app's process ended during the action (exit status 1)"


def add(lab: Lab, check: str) -> None:
    lab.add_lab(MORE.replace("{check}", check).replace(', check=""', ""))


def test_an_app_that_says_yes_settles_it(lab: Lab) -> None:
    add(lab, "was risked")
    run = lab.run(PLAY % "done")
    assert run.outputs == {"all": [["succeeded", f"{REASON}; it had happened, says the app"]]}
    assert lab.happened() == ["risk"]


def test_an_app_that_says_no_lets_it_be_done(lab: Lab) -> None:
    add(lab, "was risked")
    assert lab.run(PLAY % "later").outputs == {"all": [["succeeded", ""]]}
    assert lab.happened() == ["risk"]


def test_what_never_happens_is_not_tried_for_ever(lab: Lab) -> None:
    add(lab, "was risked")
    run = lab.run(PLAY % "never")
    assert run.outputs == {"all": [["failed", f"{REASON}; it had not happened, says the app"]]}
    assert [call.tries for call in lab.calls(run)] == [3]


@pytest.mark.parametrize("check", ["", "cannot tell"])
@pytest.mark.parametrize(
    ("how", "answer", "expected"),
    [
        ("done", "it happened", ["succeeded", f"{REASON}; ann says: it happened"]),
        ("never", "it did not happen", ["failed", f"{REASON}; ann says: it did not happen"]),
        ("later", "run it again", ["succeeded", ""]),
    ],
)
def test_a_human_settles_it(lab: Lab, check: str, how: str, answer: str, expected: list[str]) -> None:
    add(lab, check)
    run = lab.run(PLAY % how)
    prompt = lab.open_prompt(run)
    assert (run.state, prompt.kind) == ("waiting", "in_doubt")
    assert prompt.options == ["it happened", "it did not happen", "run it again"]
    assert prompt.question == f"risk how={how} on lab-1: {REASON}. Nobody knows whether it happened. Did it?"
    lab.answer(answer)
    assert lab.attempt(run.id).outputs == {"all": [expected]}
    assert lab.happened() == ([] if how == "never" else ["risk"])


def test_another_doubt_about_the_same_action_is_asked_anew(lab: Lab) -> None:
    add(lab, "")
    run = lab.run(PLAY % "never")
    lab.answer("run it again")
    run = lab.attempt(run.id)
    assert run.state == "waiting"
    lab.answer("it did not happen")
    assert lab.attempt(run.id).state == "succeeded"
    assert [prompt.answer for prompt in runs.prompts_of(lab.database, run.id)] == ["run it again", "it did not happen"]


def test_a_stopping_process_asks_nobody(lab: Lab) -> None:
    """Where the question to the app had to wait for its turn: a human is asked only if the app cannot tell."""
    add(lab, "was risked")
    lab.configure(assets={"lab-1": AssetLimit(per_minute=1)})
    run_id = lab.start(lab.add_playbook(PLAY % "done"))
    executor = lab.executor()
    thread = threading.Thread(target=executor.attempt, args=(run_id, 1))
    thread.start()
    until(lambda: [call.state for call in lab.calls(run_id)] == ["in_doubt"])
    executor.stop()
    thread.join(20)
    executor.close()
    assert runs.prompts_of(lab.database, run_id) == []
    lab.configure(assets={})
    assert lab.attempt(run_id).outputs["all"] == [["succeeded", f"{REASON}; it had happened, says the app"]]


# The app cannot tell until somebody has made a file; then it says what is wrong.
LATE = """
@app.action("later on")
def later_on(lab: Lab) -> bool:
    note(lab, "asked")
    if not exists(lab.log + ".known"):
        raise ActionFailed("no idea yet")
    return {says}
"""


@pytest.mark.parametrize(("says", "answer", "status"), [(False, "it happened", "succeeded"), (True, "it did not happen", "failed")])
def test_what_a_human_has_said_is_not_overruled_by_the_app(lab: Lab, says: bool, answer: str, status: str) -> None:
    """The answer came, and no outcome was written before the next attempt."""
    lab.add_lab(MORE.replace("{check}", "later on") + LATE.format(says=says))
    run = lab.run(PLAY % "never")
    (lab.folder / "effects.log.known").touch()
    lab.answer(answer)
    assert lab.attempt(run.id).outputs == {"all": [[status, f"{REASON}; ann says: {answer}"]]}
    assert lab.happened() == ["asked"]
    assert [call.tries for call in lab.calls(run)] == [1]


def test_whoever_was_asked_decides_alone(lab: Lab) -> None:
    """An app that knows better later on would take the answer from a human who is just giving it."""
    lab.add_lab(MORE.replace("{check}", "later on") + LATE.format(says=True))
    run = lab.run(PLAY % "never")
    (lab.folder / "effects.log.known").touch()
    lab.database.query("update run set woken = 1 where id = ?", run.id)
    assert lab.attempt(run.id).state == "waiting"
    lab.answer("it did not happen")
    assert lab.attempt(run.id).outputs["all"][0][0] == "failed"
    assert lab.happened() == ["asked"]


def test_a_doubt_outlives_its_run(either_lab: Lab) -> None:
    lab = either_lab
    add(lab, "")
    run = lab.run(PLAY % "done")
    assert runs.request_cancel(lab.database, run.id).state == "cancelled"
    assert [call.state for call in lab.calls(run)] == ["in_doubt"]
    lab.answer("it happened")
    assert [(call.state, call.message) for call in lab.calls(run)] == [("succeeded", f"{REASON}; ann says: it happened")]
    assert runs.wake_due_runs(lab.database) == []
    assert runs.find_run(lab.database, run.id).state == "cancelled"


def test_the_doubt_of_a_child_that_ended_does_not_end_with_it(lab: Lab) -> None:
    add(lab, "")
    lab.add_playbook("play.act('risk', how='done')\nraise ValueError('on its own')", name="inner", actions=["risk"])
    run = lab.run("try:\n    play.run('inner')\nexcept PlaybookError as error:\n    return {'said': str(error)}")
    while run.state == "queued":
        run = lab.attempt(run.id)
    assert run.state == "succeeded"
    lab.answer("it happened")
    (child,) = runs.children_of(lab.database, run.id)
    assert [call.state for call in lab.calls(child)] == ["succeeded"]


def test_the_policy_may_leave_doubts_to_the_playbook(lab: Lab) -> None:
    add(lab, "")
    lab.configure(policy=Policy(in_doubt="report"))
    assert lab.run(PLAY % "never").outputs == {"all": [["in_doubt", REASON]]}


def test_doubts_can_be_settled_by_answers_given_at_the_start(lab: Lab) -> None:
    add(lab, "")
    run = lab.run(PLAY % "never", answers={"in_doubt": "it did not happen"})
    assert run.outputs["all"][0][0] == "failed"


def test_a_doubt_about_an_action_by_hand_waits_too(lab: Lab) -> None:
    add(lab, "")
    run = lab.attempt(lab.start_act("risk", how="done"))
    assert run.state == "waiting"
    lab.answer("it happened")
    assert lab.attempt(run.id).state == "succeeded"


def test_a_doubt_in_one_branch_does_not_hold_up_another(lab: Lab) -> None:
    add(lab, "")
    run = lab.run(
        """
        doubtful = play.act("risk", how="never")
        play.act("count up", name="other").required()
        play.log("went on")
        return {"status": doubtful[0].status}
        """
    )
    assert run.state == "waiting"
    assert [line.text for line in runs.log_of(lab.database, run.id)] == ["went on"]
    lab.answer("it did not happen")
    assert lab.attempt(run.id).outputs == {"status": "failed"}
    assert lab.happened() == ["count other 1"]


def test_an_action_whose_app_is_gone_is_left_to_a_human(lab: Lab) -> None:
    add(lab, "was risked")
    run_id = lab.start(lab.add_playbook(PLAY % "done"))
    lab.database.query("update run set state = 'running', worker = 'w', epoch = 1 where id = ?", run_id)
    from repertory.runtime.execution.journal import Journal
    from repertory.runtime.records import ActRequest, PlannedCall

    request = ActRequest(key="1", action="risk", parameters={"how": "done"})
    planned = PlannedCall(key="1#0", action="risk", app="test/lab", app_hash="gone", asset="lab-1", parameters={"how": "done"})
    Journal(lab.database, run_id, 1, "process").plan("1", request.digest, [planned], at_once=True)
    runs.forget_worker(lab.database, "w")
    run = lab.attempt(run_id)
    assert run.state == "waiting"
    assert "interrupted while it ran; test/lab gone is gone. Nobody knows" in lab.open_prompt(run).question
