"""Simulated runs in the runtime: no effects, own copies, the same again in every attempt."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from repertory.runtime.kept import effects, events, runs
from repertory.runtime.kept.retention import prune_runs
from repertory.runtime.simulation.scenario import GivenAnswer, GivenResult, Scenario, Simulation
from repertory.runtime.simulation.subject import copy_event
from repertory.settings import Policy
from runtime_lab import until

if TYPE_CHECKING:
    from repertory.runtime.records import Run
    from runtime_lab import Lab

BLOCK = 'return {"status": [r.status for r in play.act("block ip", ip=event.values("sourceAddress"))]}'


def simulate(lab: Lab, body: str, *, scenario: Scenario | None = None, seed: int = 0, **options: Any) -> Run:
    event = lab.event(sourceAddress="192.0.2.6")
    with lab.database.transaction() as transaction:
        copy = copy_event(transaction, event)
    simulation = Simulation(seed=seed, scenario=scenario or Scenario())
    return lab.attempt(lab.start(lab.add_playbook(body, **options), copy, simulation=simulation))


def test_nothing_happens_and_approvals_are_given(lab: Lab) -> None:
    lab.add_lab()
    run = simulate(lab, BLOCK)

    (prompt,) = runs.prompts_of(lab.database, run.id)
    assert (run.state, run.outputs, lab.happened()) == ("succeeded", {"status": ["succeeded"]}, [])
    assert (prompt.kind, prompt.answer, prompt.answered_by) == ("approval", "approve", "the simulation")
    assert [step.level for step in runs.steps_of(lab.database, run.id)] == ["simulated"]


def test_no_app_process_starts(lab: Lab) -> None:
    item = lab.add_lab()
    (item.folder / "app.py").write_text("raise SystemExit(1)")

    assert simulate(lab, BLOCK).outputs == {"status": ["succeeded"]}


def test_what_the_policy_denies_stays_denied(lab: Lab) -> None:
    lab.add_lab()
    lab.configure(policy=Policy(types={"contain": "deny"}))

    assert simulate(lab, BLOCK).outputs == {"status": ["denied"]}


def test_a_scenario_denies_an_approval(lab: Lab) -> None:
    lab.add_lab()
    scenario = Scenario(prompts=[GivenAnswer(question="May block ip*", answer="deny")])

    assert simulate(lab, BLOCK, scenario=scenario).outputs == {"status": ["denied"]}


def test_an_answer_that_the_prompt_does_not_permit_fails_the_run(lab: Lab) -> None:
    scenario = Scenario(prompts=[GivenAnswer(question="*", answer="perhaps")])
    run = simulate(lab, 'play.ask("Sure?", options=["yes", "no"])', scenario=scenario)

    assert run.state == "failed"
    assert "perhaps" in run.message


def test_assets_are_invented_where_none_is_configured(lab: Lab) -> None:
    lab.add_lab(asset="")
    run = simulate(lab, 'play.act("ip reputation", ip="192.0.2.1")\nplay.act("ip reputation", ip="192.0.2.1", asset="elsewhere")')

    assert [(call.app, call.asset, call.state) for call in lab.calls(run)] == [("test/lab", "lab", "succeeded"), ("test/lab", "elsewhere", "succeeded")]


def test_what_no_app_offers_has_no_rows_unless_the_scenario_has(lab: Lab) -> None:
    body = 'return {"rows": [len(r.data) for r in play.act("frobnicate", what=["a", "b"])]}'
    scenario = Scenario(actions=[GivenResult(action="frob*", parameters={"what": "b"}, data=[{"x": 1}])])

    assert simulate(lab, body).outputs == {"rows": [0, 0]}
    run = simulate(lab, body, scenario=scenario)
    assert run.outputs == {"rows": [0, 1]}
    assert {call.app for call in lab.calls(run)} == {"simulated"}


def test_an_entry_counts_as_often_as_it_says(lab: Lab) -> None:
    lab.add_lab()
    body = 'return {"s": [r.status for r in play.act("ip reputation", ip=["192.0.2.1", "192.0.2.2", "192.0.2.3"])]}'
    scenario = Scenario(actions=[GivenResult(action="ip reputation", failure="down", times=2)])

    assert simulate(lab, body, scenario=scenario).outputs == {"s": ["failed", "failed", "succeeded"]}


def test_examples_of_the_app_come_before_its_manifest(lab: Lab) -> None:
    item = lab.add_lab()
    (item.folder / "examples.json").write_text('{"actions": [{"action": "ip reputation", "data": [{"verdict": "shipped"}]}]}')
    body = 'return {"v": play.act("ip reputation", ip="192.0.2.1").values("verdict")}'

    assert simulate(lab, body).outputs == {"v": ["shipped"]}
    scenario = Scenario(actions=[GivenResult(action="ip*", data=[{"verdict": "given"}])])
    assert simulate(lab, body, scenario=scenario).outputs == {"v": ["given"]}


def test_examples_that_cannot_be_understood_fail_the_action(lab: Lab) -> None:
    item = lab.add_lab()
    (item.folder / "examples.json").write_text("[]")
    run = simulate(lab, 'play.act("ip reputation", ip="192.0.2.1")')

    (call,) = lab.calls(run)
    assert (call.state, "examples.json of test/lab" in call.message) == ("failed", True)


def test_changes_stay_on_copies(either_lab: Lab) -> None:
    lab = either_lab
    with lab.database.transaction() as transaction:
        transaction.query("insert into list_row (list, cells) values ('bad', '[\"old\"]')")
    body = """
play.list("bad").add("new")
removed = play.list("bad").remove("old")
play.close(reason="done")
play.note("seen")
return {"removed": removed, "rows": play.list("bad").rows()}
"""
    run = simulate(lab, body)

    assert run.outputs == {"removed": 1, "rows": [["new"]]}
    original, copy = events.get_event(lab.database, 1), events.get_event(lab.database, 2)
    assert (original.status, copy.status, copy.tags) == ("new", "closed", ("simulated",))
    assert effects.list_rows(lab.database, "bad") == [["old"]]
    assert [note.author for note in events.notes_of(lab.database, run=run.id)] == [f"test/play (simulated run {run.id})"]


def test_another_event_is_left_alone(lab: Lab) -> None:
    run = simulate(lab, "import dataclasses\nplay.note('x', event=dataclasses.replace(event, id=1))")

    assert run.state == "failed"
    assert events.notes_of(lab.database, event=1) == []


def test_the_clock_moves_only_where_the_playbook_sleeps(lab: Lab) -> None:
    run = simulate(lab, "before = play.now()\nplay.sleep(86400)\nreturn {'s': (play.now() - before).total_seconds()}")

    assert (run.state, run.outputs) == ("succeeded", {"s": 86400.0})


def test_branches_do_not_move_the_clock_of_each_other(lab: Lab) -> None:
    body = """
start = play.now()
def branch(seconds):
    play.sleep(seconds)
    return (play.now() - start).total_seconds()
return {"in": play.parallel(lambda: branch(10), lambda: branch(20)), "after": (play.now() - start).total_seconds()}
"""
    assert simulate(lab, body).outputs == {"in": [10.0, 20.0], "after": 30.0}


def test_a_loop_that_only_real_results_end_is_ended(lab: Lab) -> None:
    run = simulate(lab, "while True:\n    play.sleep(60)")

    assert (run.state, "loop" in run.message) == ("failed", True)


def test_chance_is_the_same_for_the_same_seed(lab: Lab) -> None:
    body = "return {'r': play.random(), 'u': play.uuid(), 'n': str(play.now())}"
    first, again, other = (simulate(lab, body, seed=seed).outputs for seed in (1, 1, 2))

    assert first == again != other


def test_child_runs_are_simulated_too(either_lab: Lab) -> None:
    lab = either_lab
    lab.add_lab()
    lab.add_playbook(BLOCK, name="child")
    run = simulate(lab, 'return play.run("child")')

    (child,) = runs.children_of(lab.database, run.id)
    assert (run.state, run.outputs, lab.happened()) == ("succeeded", {"status": ["succeeded"]}, [])
    assert (child.simulation, child.event) == (Simulation(seed=0, place="1:"), run.event)


STEPS = """
verdicts = []
for name in ["a", "b", "c"]:
    verdicts += play.act("count up", name=name).values("verdict")
return {"verdicts": verdicts, "chance": play.random()}
"""


def test_what_goes_on_stays_simulated_and_the_same(lab: Lab) -> None:
    lab.add_lab()
    item = lab.add_playbook(STEPS)
    slow = Scenario(actions=(GivenResult(action="count up", parameters={"name": "b"}, delay_s=600.0),))
    run_id = lab.start(item, simulation=Simulation(seed=3, scenario=slow))
    executor = lab.executor()
    thread = threading.Thread(target=executor.attempt, args=(run_id, 1))
    thread.start()
    until(lambda: len(lab.calls(run_id)) == 2, "the second action has begun, and takes long")
    executor.stop()
    thread.join()
    executor.close()
    stopped = runs.find_run(lab.database, run_id)

    assert (stopped.state, stopped.simulation) == ("queued", Simulation(seed=3, scenario=slow))
    resumed = lab.attempt(run_id)
    quick = Scenario(actions=(replace(slow.actions[0], delay_s=0.0),))
    at_once = lab.attempt(lab.start(item, simulation=Simulation(seed=3, scenario=quick)))
    assert (resumed.state, resumed.epoch, resumed.outputs) == ("succeeded", 2, at_once.outputs)
    assert {step.level for step in runs.steps_of(lab.database, run_id)} == {"simulated"}
    assert lab.happened() == []


def test_copies_of_events_take_no_identity(lab: Lab) -> None:
    event = replace(lab.event(), source="sensor", source_id="a1")
    with lab.database.transaction() as transaction:
        copy = copy_event(transaction, event)

    kept = events.get_event(lab.database, copy.id)
    assert (copy.source_id, kept.source_id, kept.source) == ("a1", "", "sensor")


def test_pruning_takes_the_copies(either_lab: Lab) -> None:
    lab = either_lab
    run = simulate(lab, 'play.list("bad").add("new")\nplay.note("seen")\nplay.attach("a.txt", b"x")')

    assert lab.database.query("select * from list_row") != []
    lab.database.query("update run set ended_at = 0 where id = ?", run.id)
    assert prune_runs(lab.database, older_than_s=1) == 1
    assert lab.database.query("select * from list_row") == []
    assert [event.id for event in events.list_events(lab.database)] == [1]
    assert lab.database.query("select id from note") == lab.database.query("select id from attachment") == []
