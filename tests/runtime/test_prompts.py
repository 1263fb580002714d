"""Questions to humans: asked once, waited for without a process, answered by the first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from repertory.errors import UserError
from repertory.runtime.kept import runs
from repertory.settings import Policy, Rule
from runtime_lab import content_processes, until

if TYPE_CHECKING:
    from runtime_lab import Lab

ASK = """
before = play.act("ip reputation", ip="192.0.2.6").required().values("verdict")
answer = play.ask("Escalate?", options=["yes", "no"], to="soc")
after = play.act("ip reputation", ip="192.0.2.7").required().values("verdict")
return {"before": before, "answer": answer, "by": answer.by, "timed_out": answer.timed_out, "after": after}
"""


def test_a_question_parks_the_run_until_it_is_answered(either_lab: Lab) -> None:
    lab = either_lab
    lab.add_lab()
    lab.template = None
    executor = lab.executor()
    run = lab.attempt(lab.start(lab.add_playbook(ASK)), executor)
    assert (run.state, run.worker) == ("waiting", "")
    prompt = lab.open_prompt(run)
    assert (prompt.question, prompt.options, prompt.recipient) == ("Escalate?", ["yes", "no"], "soc")
    until(lambda: len(content_processes(lab)) == 2, "only the template and a warm app are left")
    executor.close()
    assert runs.wake_due_runs(lab.database) == []
    lab.answer("yes")
    run = lab.attempt(run.id)
    assert run.outputs == {"before": ["malicious"], "answer": "yes", "by": "ann", "timed_out": False, "after": ["benign"]}
    assert lab.happened() == ["reputation 192.0.2.6", "reputation 192.0.2.7"]
    assert [attempt.outcome for attempt in runs.attempts_of(lab.database, run.id)] == ["waiting", "succeeded"]


@pytest.mark.parametrize(
    ("answers", "state"),
    [
        ({"2": "yes"}, "succeeded"),
        ({"question": "yes"}, "succeeded"),
        ({"*": "yes"}, "succeeded"),
        ({"2": "yes", "*": "no"}, "succeeded"),
        ({"approval": "yes", "3": "yes"}, "waiting"),
        ({"*": "perhaps"}, "waiting"),
    ],
)
def test_answers_can_be_given_at_the_start(lab: Lab, answers: dict[str, str], state: str) -> None:
    lab.add_lab()
    run = lab.run(ASK, answers=answers)
    assert run.state == state
    if state == "succeeded":
        assert (run.outputs["answer"], run.outputs["by"]) == ("yes", "given when the run was started")


def test_free_text_and_several_questions_at_once(lab: Lab) -> None:
    run = lab.run(
        """
        first, second = play.parallel(lambda: play.ask("Who?"), lambda: play.ask("Why?"))
        return {"said": [first, second]}
        """
    )
    for prompt, answer in zip(runs.open_prompts(lab.database), ["me", "because"], strict=True):
        run = lab.attempt(run.id) if run.state == "queued" else run
        runs.answer_prompt(lab.database, prompt, answer, by="ann")
    assert lab.attempt(run.id).outputs == {"said": ["me", "because"]}


def test_a_question_with_a_deadline_takes_its_default(lab: Lab) -> None:
    run = lab.run(
        """
        answer = play.ask("Escalate?", options=["yes", "no"], within=0.05, default="no")
        return {"answer": answer, "by": answer.by, "timed_out": answer.timed_out}
        """
    )
    assert run.outputs == {"answer": "no", "by": "deadline", "timed_out": True}


def test_a_long_deadline_wakes_the_parked_run(lab: Lab) -> None:
    run = lab.run("return {'answer': play.ask('Well?', within='1h', default='no')}")
    assert run.state == "waiting"
    assert runs.wake_due_runs(lab.database) == []
    lab.database.query("update run set wake_at = 1")
    lab.database.query("update prompt set deadline_at = 1")
    assert runs.wake_due_runs(lab.database) == [run.id]
    assert lab.attempt(run.id).outputs == {"answer": "no"}


BLOCK = "return {'all': [[one.status, one.message] for one in play.act('block ip', ip=['192.0.2.1', '192.0.2.2'])]}"


def test_containment_asks_first(lab: Lab) -> None:
    lab.add_lab()
    lab.configure(policy=Policy(approvers="chief"))
    run = lab.run(BLOCK)
    prompt = lab.open_prompt(run)
    assert (prompt.kind, prompt.options, prompt.recipient) == ("approval", ["approve", "deny"], "chief")
    assert prompt.question == "May block ip (contain) run 2 times? lab-1: ip=192.0.2.1; lab-1: ip=192.0.2.2"
    assert lab.happened() == []
    lab.answer("approve")
    run = lab.attempt(run.id)
    assert run.outputs == {"all": [["succeeded", ""]] * 2}
    assert sorted(lab.happened()) == ["block 192.0.2.1", "block 192.0.2.2"]


def test_a_denied_action_is_a_result(lab: Lab) -> None:
    lab.add_lab()
    run = lab.run(BLOCK)
    lab.answer("deny", by="bob")
    assert lab.attempt(run.id).outputs == {"all": [["denied", "denied by bob"]] * 2}
    assert lab.happened() == []


def test_an_approval_that_nobody_gives_in_time_counts_as_denied(lab: Lab) -> None:
    lab.add_lab()
    lab.configure(policy=Policy(approve_within_s=0.05))
    assert lab.run(BLOCK).outputs == {"all": [["denied", "denied by deadline"]] * 2}


def test_an_approval_after_its_deadline_does_not_count(lab: Lab) -> None:
    """The deadline passed while no worker was there to notice."""
    lab.add_lab()
    lab.configure(policy=Policy(approve_within_s=3600))
    run = lab.run(BLOCK)
    prompt = lab.open_prompt(run)
    lab.database.query("update prompt set deadline_at = 1 where id = ?", prompt.id)
    with pytest.raises(UserError, match="its default counts: 'deny'"):
        runs.answer_prompt(lab.database, prompt, "approve", by="ann")
    assert lab.attempt(run.id).outputs == {"all": [["denied", "denied by deadline"]] * 2}
    assert lab.happened() == []


def test_an_approved_request_that_was_interrupted_half_way_is_not_asked_again(lab: Lab) -> None:
    """The second of two approved calls had not begun when the process died."""
    lab.add_lab()
    run = lab.run(BLOCK)
    lab.answer("approve")
    lab.database.query(
        "update action_run set state = 'succeeded', settled = 1 where run = ? and call_key = '1#0'", run.id
    )
    run = lab.attempt(run.id)
    assert run.state == "succeeded"
    assert lab.happened() == ["block 192.0.2.2"]
    assert len(runs.prompts_of(lab.database, run.id)) == 1


SEND = """
import json, os, stat
def send(**message):
    for number in range(3, 64):
        try:
            if stat.S_ISFIFO(os.fstat(number).st_mode):
                os.write(number, json.dumps(message).encode() + b"\\n")
        except OSError:
            pass
"""
FORGED = ["1?approve", "1#0", "1#0?doubt1", "0", "01", "1.0", "1/1", "1.0/0", "1.0/1.1", "\uff11", "1\n", " 1", "", "1.0/" * 200 + "1"]


@pytest.mark.parametrize("key", FORGED)
def test_a_playbook_cannot_approve_for_a_human(lab: Lab, key: str) -> None:
    """Its own question, under the key that the approval would have, is answered by its own default."""
    lab.add_lab()
    lab.configure(policy=Policy(approve_within_s=3600))
    body = f"""
        send(op="ask", key={key!r}, question="May I?", options=["approve", "deny"], to="", within_s=0.0, default="approve")
        return {{'status': play.act('block ip', ip='192.0.2.1')[0].status}}
        """
    run = lab.run(body, header=SEND)
    assert (run.state, run.message.startswith("the playbook's process sent a request with the key ")) == ("failed", True)
    assert len(run.message) < 200
    assert lab.happened() == []
    assert runs.prompts_of(lab.database, run.id) == []


@pytest.mark.parametrize("op", ["act", "ask", "record", "sleep", "run"])
def test_no_request_has_a_key_of_ours(lab: Lab, op: str) -> None:
    run = lab.run(f"send(op={op!r}, key='1?approve')\nplay.ask('Well?')", header=SEND)
    assert run.message.startswith("the playbook's process sent a request with the key '1?approve'")


def test_an_approval_of_something_else_does_not_count(lab: Lab) -> None:
    lab.add_lab()
    run = lab.run(BLOCK)
    lab.answer("approve")
    lab.database.query("update prompt set question = 'May ip reputation run?' where run = ?", run.id)
    run = lab.attempt(run.id)
    assert run.state == "failed"
    assert run.message.startswith("prompt 1?approve asked 'May ip reputation run?' (approval), now it asks 'May block ip")
    assert lab.happened() == []


RULES = [
    (Rule(decision="allow", action="block *"), "allow"),
    (Rule(decision="allow", action="unblock *"), "ask"),
    (Rule(decision="allow", app="lab"), "allow"),
    (Rule(decision="allow", app="test/lab"), "allow"),
    (Rule(decision="deny", asset="lab-*"), "deny"),
    (Rule(decision="deny", asset="prod-*"), "ask"),
    (Rule(decision="deny", type="contain"), "deny"),
    (Rule(decision="allow", severity=("medium",)), "allow"),
    (Rule(decision="deny", severity=("high", "critical")), "ask"),
]


@pytest.mark.parametrize(("rule", "decision"), RULES)
def test_rules_of_the_policy(lab: Lab, rule: Rule, decision: str) -> None:
    lab.add_lab()
    lab.configure(policy=Policy(rules=(rule, Rule(decision="deny", action="nothing"))))
    run = lab.run(BLOCK)
    expected = {"allow": "succeeded", "deny": "denied", "ask": "planned"}[decision]
    assert [call.state for call in lab.calls(run)] == [expected] * 2
    if decision == "deny":
        assert run.outputs["all"][0] == ["denied", "the policy forbids it"]


def test_the_severity_is_that_of_the_event_when_the_action_is_asked_for(lab: Lab) -> None:
    lab.add_lab()
    lab.configure(policy=Policy(rules=(Rule(decision="deny", severity=("critical",)),)))
    run = lab.run("play.update(severity='critical')\nreturn {'said': play.act('ip reputation', ip='1')[0].status}")
    assert run.outputs == {"said": "denied"}


def test_types_of_actions_can_be_decided_as_a_whole(lab: Lab) -> None:
    lab.add_lab()
    lab.configure(policy=Policy(types={"contain": "allow", "investigate": "deny"}))
    assert lab.run("return {'said': play.act('block ip', ip='1')[0].status}").outputs == {"said": "succeeded"}
    assert lab.run("return {'said': play.act('ip reputation', ip='1')[0].status}").outputs == {"said": "denied"}
    by_hand = lab.attempt(lab.start_act("ip reputation", ip="1"))
    assert (by_hand.state, by_hand.message) == ("failed", "the policy forbids it")
