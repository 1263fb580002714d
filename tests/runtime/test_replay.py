"""Runs whose process is killed: what had happened is not repeated, and the playbook cannot tell."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING

import pytest

from repertory.runtime.engines.foreground import recover_interrupted
from repertory.runtime.kept import runs
from repertory.runtime.processes import pipe
from runtime_lab import processes_of, spawn, until

if TYPE_CHECKING:
    from runtime_lab import Lab

# An action during which the process of the executor is killed the first time: before its effect, after it, or not at all.
MORE = """
@app.action("deadly", type="generic")
def deadly(lab: Lab, job: Job, when: str, name: str = "x") -> Verdict:
    return kill(lab, when, name)

@app.action("deadly look")
def deadly_look(lab: Lab, job: Job, when: str, name: str = "x") -> Verdict:
    return kill(lab, when, name)

def kill(lab, when, name):
    first = when != "never" and not exists(lab.log + ".killed")
    if when == "after" or not first:
        note(lab, f"deadly {name}")
    if first:
        touch(lab.log + ".killed")
        time.sleep(60)
    return Verdict(verdict=name)
"""


def killed(lab: Lab, run_id: str) -> None:
    """Execute a run in a process of its own that does not survive it."""
    process = spawn(lab, run_id)
    until(lab.effects.with_name("effects.log.killed").exists, "the deadly action has begun")
    process.kill()
    assert process.wait(30) == -signal.SIGKILL
    assert runs.find_run(lab.database, run_id).state == "running"
    until(lambda: not processes_of(str(lab.settings.home.sdk)), "a child process outlives its parent")


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_interrupted_action_is_in_doubt_and_not_repeated(either_lab: Lab, when: str) -> None:
    lab = either_lab
    lab.add_lab(MORE)
    run_id = lab.start(lab.add_playbook(f"return {{'status': play.act('deadly', when={when!r})[0].status}}"))
    killed(lab, run_id)
    assert recover_interrupted(lab.settings, lab.database) == [run_id]
    assert recover_interrupted(lab.settings, lab.database) == []
    assert lab.attempt(run_id).state == "waiting"
    assert "interrupted while it ran" in lab.open_prompt().question
    lab.answer("it happened" if when == "after" else "run it again")
    assert lab.attempt(run_id).outputs == {"status": "succeeded"}
    assert lab.happened() == ["deadly x"]
    assert [attempt.outcome for attempt in runs.attempts_of(lab.database, run_id)] == ["worker died", "waiting", "succeeded"]


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_interrupted_look_is_done_again_without_asking(lab: Lab, when: str) -> None:
    lab.add_lab(MORE)
    run_id = lab.start(lab.add_playbook(f"return {{'status': play.act('deadly look', when={when!r})[0].status}}"))
    killed(lab, run_id)
    recover_interrupted(lab.settings, lab.database)
    assert lab.attempt(run_id).outputs == {"status": "succeeded"}
    assert lab.happened() == ["deadly x"] * (2 if when == "after" else 1)


def test_what_had_ended_before_is_not_done_again(lab: Lab) -> None:
    lab.add_lab(MORE)
    body = """
    first = play.act("count up", name="first").required()
    play.log("one")
    second = play.act("deadly look", when="before", name="second").required()
    third = play.act("count up", name="third").required()
    return {"all": (first + second + third).values("verdict")}
    """
    run_id = lab.start(lab.add_playbook(body))
    killed(lab, run_id)
    recover_interrupted(lab.settings, lab.database)
    assert lab.attempt(run_id).outputs == {"all": ["1", "second"]}
    assert lab.happened() == ["count first 1", "deadly second", "count third 1"]
    assert len(runs.log_of(lab.database, run_id)) == 1


def test_actions_that_only_waited_for_their_turn_are_not_in_doubt(lab: Lab) -> None:
    """Two workers at most: of twenty requests two were begun when the process died."""
    lab.add_lab(MORE)
    body = "names = [str(number) for number in range(20)]\nreturn {'n': len(play.act('deadly', when='before', name=names))}"
    run_id = lab.start(lab.add_playbook(body))
    killed(lab, run_id)
    states = [call.state for call in lab.calls(run_id)]
    assert 1 <= states.count("running") <= 2
    assert states.count("running") + states.count("planned") == 20
    recover_interrupted(lab.settings, lab.database)
    run = lab.attempt(run_id)
    while run.state == "waiting":
        prompt = runs.open_prompts(lab.database)[0]
        runs.answer_prompt(lab.database, prompt, "run it again", by="ann")
        run = lab.attempt(run_id)
    assert run.outputs == {"n": 20}
    assert len(lab.happened()) == len(set(lab.happened())) == 20


def test_a_run_that_is_killed_with_a_child_goes_on_with_the_same_child(lab: Lab) -> None:
    lab.add_lab(MORE)
    lab.add_playbook("play.act('count up', name='in').required()\nplay.act('deadly look', when='before').required()", name="inner")
    run_id = lab.start(lab.add_playbook("play.run('inner')\nplay.act('count up', name='out').required()"))
    killed(lab, run_id)
    assert len(recover_interrupted(lab.settings, lab.database)) == 2
    assert lab.attempt(run_id).state == "succeeded"
    assert len(runs.children_of(lab.database, run_id)) == 1
    assert lab.happened() == ["count in 1", "deadly x", "count out 1"]


def test_a_playbook_that_takes_another_path_is_stopped(lab: Lab) -> None:
    """Its code cannot change, but what it reads beside ``play`` can."""
    lab.unconfine()
    lab.add_lab()
    switch = lab.folder / "switch"
    bodies = {
        "act": "play.act('count up', name=word).required()",
        "other act": "play.act('count up' if word == 'a' else 'ip reputation', **({'name': 'a'} if word == 'a' else {'ip': 'b'}))",
        "note": "play.note(word)",
        "kind of record": "play.note('x') if word == 'a' else play.log('x')",
        "question": "play.ask(word + '?', within='1h', default='a') if word == 'b' else play.ask('a?')",
        "sleep": "play.sleep(0.001 if word == 'a' else 0.002)",
    }
    for body in bodies.values():
        switch.write_text("a")
        waits = "" if "play.ask" in body else "\nplay.ask('Go on?')"
        item = lab.add_playbook(f"word = open({str(switch)!r}).read()\n{body}{waits}", actions=["count up", "ip reputation"])
        run = lab.attempt(lab.start(item))
        assert run.state == "waiting", run.message
        switch.write_text("b")
        lab.answer("yes")
        run = lab.attempt(run.id)
        assert run.state == "failed"
        assert "now it" in run.message
        assert run.message.startswith(("call ", "prompt "))


def test_a_request_that_had_nothing_to_do_stays_so(lab: Lab) -> None:
    """The playbook was told so, whatever could be done by now."""
    body = """
    told = play.notify("Look here")
    found = play.act("count up", name=[])
    play.log(f"{len(told)} {len(found)}")
    play.ask("Go on?")
    return {"told": len(told), "found": len(found)}
    """
    run = lab.run(body, actions=["send message", "count up"])
    assert run.state == "waiting"
    lab.add_lab(
        """
        @app.action("send message", type="generic")
        def send_message(lab: Lab, message: str) -> None:
            note(lab, message)
        """
    )
    lab.answer("yes")
    assert lab.attempt(run.id).outputs == {"told": 0, "found": 0}
    assert (lab.calls(run), lab.happened()) == ([], [])
    records = lab.database.query("select call_key, what, settled from record where run = ? order by settled", run.id)
    assert [tuple(dict(row).values()) for row in records] == [("1", "act", 1), ("2", "act", 2), ("3", "log", 3)]


def test_another_action_in_place_of_one_that_had_nothing_to_do_is_stopped(lab: Lab) -> None:
    lab.unconfine()
    lab.add_lab()
    switch = lab.folder / "switch"
    switch.write_text("[]")
    item = lab.add_playbook(f"import json\nplay.act('count up', name=json.load(open({str(switch)!r})))\nplay.ask('Go on?')")
    run = lab.attempt(lab.start(item))
    switch.write_text('["a"]')
    lab.answer("yes")
    run = lab.attempt(run.id)
    assert (run.state, run.message) == ("failed", "call 1 was act, now it is act, or its arguments differ")
    assert lab.happened() == []


def test_replies_come_in_the_recorded_order(lab: Lab) -> None:
    """Two branches share a list; the order in which they append depends on who was served first, the first time."""
    lab.add_lab(
        """
        @app.action("take", concurrency=None) if False else app.action("take")
        def take(lab: Lab, name: str) -> Verdict:
            time.sleep(int(name[-1]) % 3 / 200)
            return Verdict(verdict=name)
        """
    )
    run = lab.run(
        """
        seen = []
        def branch(name):
            for number in range(5):
                play.act("take", name=f"{name}{(number * 7 + len(seen)) % 10}").required()
                seen.append(f"{name}{number}")
                if number % 2:
                    play.log(f"{name} {len(seen)}")
        play.parallel(lambda: branch("a"), lambda: branch("b"), lambda: branch("c"))
        play.note("Order", ",".join(seen))
        play.ask("Go on?")
        return {"seen": seen}
        """
    )
    (order,) = [row["body"] for row in lab.database.query("select body from note where run = ?", run.id)]
    executor = lab.executor()
    try:
        for _ in range(20):
            lab.database.query("update run set woken = 1 where id = ?", run.id)
            run = lab.attempt(run.id, executor)
            assert run.state == "waiting", run.message
        lab.answer("yes")
        run = lab.attempt(run.id, executor)
    finally:
        executor.close()
    assert run.outputs["seen"] == order.split(",")
    assert len(lab.calls(run)) == 15


def test_a_partly_answered_request_is_completed(lab: Lab) -> None:
    """One of three calls had ended when the process died; its result is not asked for again."""
    lab.add_lab(MORE)
    run_id = lab.start(lab.add_playbook("return {'n': play.act('deadly look', when=['never', 'before', 'never']).values('verdict')}"))
    killed(lab, run_id)
    settled = {call.key for call in lab.calls(run_id) if call.is_settled}
    done_before = len(lab.happened())
    recover_interrupted(lab.settings, lab.database)
    run = lab.attempt(run_id)
    assert run.state == "succeeded"
    assert len(lab.happened()) - done_before <= 3 - len(settled)
    assert json.dumps(run.outputs) == '{"n": ["x"]}'


def test_requests_and_replies_may_fill_both_pipes_also_in_a_replay(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipe holds 64 kB, which neither the requests nor the replies of this run fit into."""
    monkeypatch.setattr(pipe, "WRITE_S", 5.0)
    lab.limit(playbook_silence_s=5.0)
    lab.add_lab()
    run = lab.run(
        """
        asked = [play.act("count up", name=f"{number} " + "x" * 4000) for number in range(200)]
        said = [one.required().values("verdict") for one in asked]
        play.ask("Go on?")
        return {"n": len(said)}
        """
    )
    assert run.state == "waiting", run.message
    lab.answer("yes")
    assert lab.attempt(run.id).outputs == {"n": 200}
    assert len(lab.happened()) == 200
