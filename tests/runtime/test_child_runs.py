"""Playbooks that run playbooks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from repertory.runtime.kept import runs
from runtime_lab import until

if TYPE_CHECKING:
    from runtime_lab import Lab


def test_a_child_is_a_run_of_its_own_with_inputs_and_outputs(either_lab: Lab) -> None:
    lab = either_lab
    lab.add_lab()
    lab.add_playbook(
        "return {'verdict': play.act('ip reputation', ip=ip).required().values('verdict')[0], 'name': event.name}",
        inputs=", *, ip: str", name="look",
    )  # fmt: skip
    run = lab.run("return {'found': [play.run('look', ip='192.0.2.6'), play.run('test/look', ip='192.0.2.7')]}")
    assert run.message == ""
    assert run.outputs == {"found": [{"verdict": "malicious", "name": "scan"}, {"verdict": "benign", "name": "scan"}]}
    children = runs.children_of(lab.database, run.id)
    assert [(child.playbook, child.state, child.depth, child.event) for child in children] == [
        ("test/look", "succeeded", 1, run.event)
    ] * 2
    assert [child.parent_key for child in children] == ["1", "2"]


def test_children_in_branches_run_at_the_same_time(lab: Lab) -> None:
    lab.add_lab()
    lab.add_playbook(
        "return play.act('wait for file', path=path, mark=mark, timeout=20).required()[0].data[0]",
        inputs=", *, path: str, mark: str", name="meet",
    )  # fmt: skip
    a, b = str(lab.folder / "a"), str(lab.folder / "b")
    run = lab.run(
        f"""
        return {{"found": play.parallel(lambda: play.run("meet", path={a!r}, mark={b!r}),
                                        lambda: play.run("meet", path={b!r}, mark={a!r}))}}
        """
    )
    assert run.state == "succeeded", run.message
    assert run.outputs == {"found": [{"verdict": "there"}] * 2}


def said(lab: Lab, request: str, **options: object) -> str:
    run = lab.run(f"try:\n    {request}\nexcept PlaybookError as error:\n    return {{'said': str(error)}}", **options)  # type: ignore[arg-type]
    assert run.state == "succeeded", run.message
    return str(run.outputs["said"])


def test_a_child_that_fails_or_cannot_be_started_says_why(lab: Lab) -> None:
    lab.add_playbook("raise ValueError('no')", name="fail")
    lab.add_playbook("pass", inputs=", *, depth: int", name="look")
    assert said(lab, "play.run('fail')") == "test/fail failed: ValueError: no (playbook.py, line 5)"
    assert said(lab, "play.run('lock')") == "lock: no such playbook is installed; did you mean test/look?"
    assert said(lab, "play.run('look')") == "look: look needs the input 'depth'"
    assert said(lab, "play.run('look', depht=1)").startswith("look: no input of look is called 'depht'")
    assert "depth" in said(lab, "play.run('look', depth='deep')")
    assert said(lab, "play.run('look', event=Event('x', id=99), depth=1)").startswith("look: no event is called '99'")
    refused = said(lab, "play.run('look', depth=1)", playbooks=["fail"])
    assert refused == "look: the playbook does not declare in its manifest that it runs this one"
    assert "no (playbook.py" in said(lab, "play.run('fail')", playbooks=["*"])
    failed = lab.run("play.run('fail')")
    assert (failed.state, failed.message) == ("failed", "test/fail failed: ValueError: no (playbook.py, line 5) (playbook.py, line 5)")


def test_a_refused_child_stays_refused_in_a_replay(lab: Lab) -> None:
    run = lab.run(
        """
        try:
            play.run("later")
            said = "ran"
        except PlaybookError as error:
            said = str(error)
        play.ask("Go on?")
        return {"said": said}
        """
    )
    lab.add_playbook("pass", name="later")
    lab.answer("yes")
    assert lab.attempt(run.id).outputs == {"said": "later: no such playbook is installed"}


def test_a_child_that_asks_makes_both_wait_and_both_go_on(either_lab: Lab) -> None:
    lab = either_lab
    lab.add_playbook("return {'said': play.ask('Well?')}", name="asking")
    run = lab.run("return {'child': play.run('asking')}")
    (child,) = runs.children_of(lab.database, run.id)
    assert (run.state, child.state) == ("waiting", "waiting")
    lab.answer("yes")
    assert runs.find_run(lab.database, run.id).state == "waiting"
    assert lab.attempt(child.id).state == "succeeded"
    assert lab.attempt(run.id).outputs == {"child": {"said": "yes"}}
    assert len(runs.children_of(lab.database, run.id)) == 1


def test_a_woken_parent_takes_its_child_along(lab: Lab) -> None:
    """Whoever comes first continues the child; the other one does not do it again."""
    lab.add_lab()
    lab.add_playbook("play.ask('Well?')\nplay.act('count up', name='child').required()", name="asking")
    run = lab.run("play.run('asking')")
    (child,) = runs.children_of(lab.database, run.id)
    lab.answer("yes")
    lab.database.query("update run set woken = 1 where id = ?", run.id)
    assert lab.attempt(run.id).state == "succeeded"
    assert runs.find_run(lab.database, child.id).state == "succeeded"
    assert lab.happened() == ["count child 1"]


def test_answers_given_at_the_start_hold_for_children(lab: Lab) -> None:
    lab.add_playbook("return {'said': play.ask('Well?')}", name="asking")
    assert lab.run("return play.run('asking')", answers={"*": "yes"}).outputs == {"said": "yes"}


def test_recursion_has_an_end(lab: Lab) -> None:
    lab.limit(child_depth=3)
    run = lab.run("play.run('play')")
    assert run.state == "failed"
    assert "playbooks call each other more than 3 levels deep" in run.message
    assert len(runs.list_runs(lab.database)) == 4


def test_cancelling_a_run_cancels_its_children(lab: Lab) -> None:
    lab.add_playbook("play.ask('Well?')", name="asking")
    run = lab.run("play.run('asking')")
    runs.request_cancel(lab.database, run.id)
    (child,) = runs.children_of(lab.database, run.id)
    assert (runs.find_run(lab.database, run.id).state, child.state) == ("cancelled", "cancelled")
    assert runs.open_prompts(lab.database) == []


def test_a_child_does_not_outlive_a_parent_that_breaks_down(lab: Lab) -> None:
    lab.unconfine()
    lab.add_lab()
    started, never = lab.folder / "started", lab.folder / "never"
    lab.add_playbook(
        f"play.act('wait for file', path={str(never)!r}, mark={str(started)!r}, timeout=1)\nplay.ask('Well?')", name="slow"
    )
    lab.limit(retries=0)
    run = lab.run(
        f"""
        import os, time
        def die():
            while not os.path.exists({str(started)!r}):
                time.sleep(0.01)
            os._exit(7)
        play.parallel(lambda: play.run("slow"), lambda: (play.now(), die()))
        """
    )
    assert (run.state, run.message) == ("failed", "the playbook's process ended before it was done (exit status 7)")
    child = until(lambda: next((one for one in runs.children_of(lab.database, run.id) if one.ended), None))
    assert child.state == "cancelled"
