"""Playbooks from start to end, with real processes."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from repertory.errors import UserError
from repertory.runtime.kept import assets, events, runs
from repertory.settings import AssetLimit

if TYPE_CHECKING:
    from pathlib import Path

    from runtime_lab import Lab


def test_a_playbook_acts_decides_and_returns_outputs(either_lab: Lab) -> None:
    lab = either_lab
    lab.add_lab()
    run = lab.run(
        """
        found = play.act("ip reputation", ip=event.values("sourceAddress"))
        play.note("Findings", play.table(found.rows("ip", "verdict")))
        if "malicious" in found.values("verdict"):
            play.update(event, severity="high")
        return {"verdicts": found.rows("ip", "verdict")}
        """,
        event=lab.event(sourceAddress="192.0.2.6"),
    )
    assert (run.state, run.message) == ("succeeded", "")
    assert run.outputs == {"verdicts": [["192.0.2.6", "malicious"]]}
    assert events.get_event(lab.database, run.event or 0).severity == "high"
    assert [note.title for note in events.notes_of(lab.database, run=run.id)] == ["Findings"]
    assert lab.happened() == ["reputation 192.0.2.6"]
    steps = runs.steps_of(lab.database, run.id)
    assert [(step.call.key, step.call.state, step.call.asset) for step in steps] == [("1#0", "succeeded", "lab-1")]
    assert steps[0].started_at is not None
    assert steps[0].ended_at is not None
    assert steps[0].started_at <= steps[0].ended_at


def test_a_playbook_without_event_or_actions(lab: Lab) -> None:
    run = lab.run("return {'name': event.name, 'run': play.run_id}")
    assert run.outputs == {"name": "scan", "run": run.id}


def test_inputs_reach_the_playbook_typed(lab: Lab) -> None:
    item = lab.add_playbook(
        "return {'a': depth + 1, 'b': names[0].upper(), 'c': more}", inputs=", *, depth: int, names: list, more: str = 'x'"
    )
    run = lab.attempt(lab.start(item, inputs={"depth": 2, "names": ["a"]}))
    assert run.outputs == {"a": 3, "b": "A", "c": "x"}


def test_acts_that_nobody_waits_for_are_finished_before_the_run_ends(lab: Lab) -> None:
    lab.add_lab()
    run = lab.run("for number in range(5):\n    play.act('ip reputation', ip=f'192.0.2.{number}')")
    assert run.state == "succeeded"
    assert sorted(lab.happened()) == [f"reputation 192.0.2.{number}" for number in range(5)]


def test_consecutive_acts_and_branches_run_at_the_same_time(lab: Lab) -> None:
    """Each of the two waits for a file that the other one makes: one after the other they would never end."""
    lab.add_lab()
    a, b, c, d = (str(lab.folder / name) for name in "abcd")
    run = lab.run(
        f"""
        first = play.act("wait for file", path={a!r}, mark={b!r}, timeout=20)
        second = play.act("wait for file", path={b!r}, mark={a!r}, timeout=20)
        both = first.required() + second.required()
        third, fourth = play.parallel(
            lambda: play.act("wait for file", path={c!r}, mark={d!r}, timeout=20).required(),
            lambda: play.act("wait for file", path={d!r}, mark={c!r}, timeout=20).required(),
        )
        return {{"all": (both + third + fourth).rows("verdict")}}
        """
    )
    assert (run.message, run.outputs) == ("", {"all": [["there"]] * 4})
    assert [call.key for call in lab.calls(run)] == ["1#0", "2#0", "3.0/1#0", "3.1/1#0"]


def test_concurrency_and_rate_of_an_asset_are_kept(lab: Lab) -> None:
    lab.add_lab(
        """
        @app.action("take time", idempotent=True)
        def take_time(lab: Lab, name: str) -> None:
            note(lab, "begins")
            time.sleep(0.1)
            note(lab, "ends")
        """
    )
    lab.configure(assets={"lab-1": AssetLimit(concurrency=1, per_minute=600)})
    run = lab.run("play.act('take time', name=['a', 'b', 'c', 'd']).required()")
    assert run.state == "succeeded"
    began = sorted(step.started_at or 0 for step in runs.steps_of(lab.database, run.id))
    assert began[-1] - (run.started_at or 0) >= 0.3  # four actions, a tenth of a second between two
    assert lab.happened() == ["begins", "ends"] * 4


def test_results_progress_and_attachments_are_kept(lab: Lab) -> None:
    lab.add_lab(
        """
        @app.action("detonate")
        def detonate(lab: Lab, job: Job) -> Output[dict]:
            job.progress("half way", 0.5)
            report = job.attach("report.txt", b"all fine", "text/plain")
            lab.state["count"] = lab.state.get("count", 0) + 1
            assert job.read(report) == b"all fine"
            print("detonating")
            return Output([{"count": lab.state["count"], "key": job.key}], message="done", summary={"bad": 0})
        """
    )
    run = lab.run(
        """
        first = play.act("detonate").required()
        second = play.act("detonate").required()
        kept = play.attachments()
        return {"counts": (first + second).values("count"), "files": [file.name for file in kept],
                "text": play.read(first[0].attachments[0]).decode(), "summary": first[0].summary, "said": first[0].message}
        """
    )
    assert run.message == ""
    assert run.outputs == {
        "counts": [1, 2], "files": ["report.txt"], "text": "all fine", "summary": {"bad": 0}, "said": "done",
    }  # fmt: skip
    steps = runs.steps_of(lab.database, run.id)
    assert [step.progress for step in steps] == ["half way", "half way"]
    assert [step.call.data[0]["key"] for step in steps] == [f"{run.id}/1#0", f"{run.id}/2#0"]
    assert assets.asset_memory(lab.database, "lab-1")[0] == {"count": 2}
    assert "detonating" in "".join(part.text for part in runs.output_of(lab.database, run.id))


POLL = """
@app.poll
def alerts(asset: Lab, checkpoint: dict, job: Job):
    last = checkpoint.get("last", 0)
    for number in range(max(1, last), last + 3):
        yield Event(f"alert {number}", source="lab", source_id=str(number),
                    artifacts=[Artifact(cef={"sourceAddress": "192.0.2.1"}, source_id="a")])
    checkpoint["last"] = last + 2
"""


def test_polling_stores_events_once_and_moves_the_checkpoint(either_lab: Lab) -> None:
    lab = either_lab
    lab.add_lab(POLL)
    said = []
    for _ in range(2):
        run = lab.attempt(lab.start_act("on poll"))
        said += [call.message for call in lab.calls(run)]
    assert said == ["2 new of 2 events", "2 new of 3 events"]  # the last one of the first poll comes again
    assert assets.asset_memory(lab.database, "lab-1")[1] == {"last": 4}
    found = events.list_events(lab.database)
    assert sorted(event.name for event in found) == ["alert 1", "alert 2", "alert 3", "alert 4"]
    assert len(events.get_event(lab.database, found[0].id).artifacts) == 1


def test_a_poll_that_finds_nonsense_stores_nothing_and_keeps_its_checkpoint(lab: Lab) -> None:
    lab.add_lab(
        """
        @app.poll
        def alerts(asset: Lab, checkpoint: dict, job: Job):
            checkpoint["last"] = 9
            yield Event("fine")
            yield {"nam": "wrong"}
        """
    )
    run = lab.attempt(lab.start_act("on poll"))
    assert run.state == "failed"
    assert "events[1]" in run.message
    assert events.list_events(lab.database) == []
    assert assets.asset_memory(lab.database, "lab-1")[1] == {}


def test_an_action_by_hand(lab: Lab) -> None:
    lab.add_lab()
    run = lab.attempt(lab.start_act("block ip", ip=["192.0.2.1", "192.0.2.2"]))
    assert (run.kind, run.state, run.message) == ("act", "succeeded", "")  # by hand: nobody else is asked
    assert sorted(lab.happened()) == ["block 192.0.2.1", "block 192.0.2.2"]
    failed = lab.attempt(lab.start_act("blok ip", ip="192.0.2.1"))
    assert (failed.state, failed.message) == ("failed", "no installed app offers 'blok ip'; did you mean block ip or unblock ip?")
    assert lab.attempt(lab.start_act("block ip", ip=[])).state == "succeeded"


def test_what_an_action_prints_is_kept_with_its_own_run(lab: Lab) -> None:
    """Two runs share one worker: as soon as one has its result, the other's action is sent."""
    lab.add_lab(
        """
        @app.action("speak")
        def speak(lab: Lab, word: str) -> None:
            print(word)
        """
    )
    lab.configure(assets={"lab-1": AssetLimit(concurrency=1)})
    item = lab.add_playbook(
        "for number in range(60):\n    play.act('speak', word=f'{word} {number}').required()", inputs=", *, word: str"
    )
    ids = {word: lab.start(item, inputs={"word": word}) for word in ("red", "blue")}
    executor = lab.executor()
    threads = [threading.Thread(target=executor.attempt, args=(run_id, 1)) for run_id in ids.values()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    executor.close()
    for word, run_id in ids.items():
        assert runs.find_run(lab.database, run_id).state == "succeeded"
        parts = [part.text for part in runs.output_of(lab.database, run_id)]
        assert parts == [f"{word} {number}\n" for number in range(60)]


def test_what_a_dying_app_prints_last_is_kept(lab: Lab) -> None:
    lab.add_lab(
        """
        @app.action("die", type="generic")
        def die(lab: Lab) -> None:
            print("last words", flush=True)
            os._exit(1)
        """
    )
    run = lab.run("play.act('die')")
    (part,) = [part for part in runs.output_of(lab.database, run.id) if part.epoch == run.epoch]
    assert part.text.startswith("last words")


SECRET = "s3cr3t-Ä-value"


@pytest.mark.parametrize("way", ["plain", "env", "file"])
def test_secrets_reach_the_app_and_nothing_else(lab: Lab, way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    item = lab.add_lab(
        """
        @app.action("tell")
        def tell(lab: Lab, job: Job, how: str) -> dict:
            token = str(lab.token)
            assert len(token) == 14
            print(token)
            job.progress(f"using {token}")
            if how == "fail":
                raise ActionFailed(f"bad token {token}")
            if how == "crash":
                raise ValueError(token)
            return {"nested": [{token: f"it is {token}"}]}
        """
    )
    token = {"plain": SECRET, "env": "env:LAB_TOKEN", "file": f"file:{tmp_path / 'token'}"}[way]
    monkeypatch.setenv("LAB_TOKEN", SECRET)
    (tmp_path / "token").write_text(SECRET + "\n")
    lab.add_asset(item, "lab-1", token=token)
    run = lab.run("return {'all': [[one.message, list(one.data)] for one in play.act('tell', how=['ok', 'fail', 'crash'])]}")
    assert run.message == ""
    assert "bad token ***" in str(run.outputs)
    assert "it is ***" in str(run.outputs)
    dump = "\n".join(
        str([dict(row) for row in lab.database.query(f"select * from {table}")])
        for table in ("action_run", "output", "run", "record", "asset", "attempt")
    )
    assert SECRET not in dump
    assert SECRET.encode("unicode_escape").decode() not in dump
    if way != "plain":
        assert SECRET not in lab.settings.home.secrets.read_text()


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        ("env:NOT_SET", "asset lab-1: token refers to the variable NOT_SET, which is not set"),
        ("file:/nowhere/token", "asset lab-1: token refers to the file /nowhere/token"),
    ],
)
def test_a_secret_that_cannot_be_found_fails_the_action(lab: Lab, token: str, reason: str) -> None:
    item = lab.add_lab()
    lab.add_asset(item, "lab-1", token=token)
    run = lab.run("return {'said': play.act('ip reputation', ip='1')[0].message}")
    assert str(run.outputs["said"]).startswith(reason)
    assert lab.happened() == []


def test_workers_are_kept_warm_and_retired(lab: Lab) -> None:
    lab.add_lab("""
        @app.action("who")
        def who(lab: Lab) -> dict:
            return {"name": NAME}

        NAME = os.urandom(8).hex()
        """)
    body = "return {'names': [play.act('who').values('name')[0] for _ in range(3)]}"
    assert len(set(lab.run(body).outputs["names"])) == 1
    lab.limit(idle_worker_s=-1.0)
    assert len(set(lab.run(body).outputs["names"])) == 3


def test_time_and_chance_are_in_the_record(lab: Lab) -> None:
    before = time.time()
    run = lab.run("return {'now': play.now().timestamp(), 'random': play.random(), 'uuid': play.uuid()}")
    assert before <= run.outputs["now"] <= time.time()
    assert 0 <= run.outputs["random"] < 1
    assert len(run.outputs["uuid"]) == 36


def test_a_run_is_found_by_the_beginning_of_its_id_without_looking_at_the_others(either_lab: Lab) -> None:
    lab = either_lab
    asked: list[tuple[str, tuple[object, ...]]] = []

    class Listening:
        def query(self, sql: str, *parameters: object) -> list[Any]:
            asked.append((sql, parameters))
            return lab.database.query(sql, *parameters)

    with lab.database.transaction() as transaction:
        for name in ("ab12", "ab1", "ab9z", "a%2", "zz"):
            runs.create_run(transaction, runs.NewRun(event=None, act={}), run_id=name)
    found = {text: runs.find_run(Listening(), text).id for text in ("ab12", "ab1", "ab9", "a%", "z", "zz")}
    assert found == {"ab12": "ab12", "ab1": "ab1", "ab9": "ab9z", "a%": "a%2", "z": "zz", "zz": "zz"}
    assert len(asked) == len(found), "one question is enough"
    sql, parameters = asked[2]
    with lab.database.transaction() as transaction:
        if lab.settings.database_url:
            transaction.query("set local enable_seqscan = off")  # so small a table is read as a whole
            plan = str(transaction.query(f"explain {sql}", *parameters))
            assert "Index Cond: ((id >=" in plan
        else:
            (row,) = transaction.query(f"explain query plan {sql}", *parameters)
            assert row["detail"].startswith("SEARCH run USING INDEX")
            assert "id>? AND id<?" in row["detail"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ab", "more than one run begins with 'ab'"),
        ("AB1", "no run is called 'AB1'"),
        ("ab1_", "no run is called 'ab1_'"),
        ("%", "no run is called '%'"),
        ("ab12345", "no run is called 'ab12345'"),
        ("\U0010ffff", "no run is called "),
        ("", "no run is called ''"),
    ],
)
def test_what_names_no_run_or_several_is_refused(either_lab: Lab, text: str, said: str) -> None:
    with either_lab.database.transaction() as transaction:
        for name in ("ab12", "ab13"):
            runs.create_run(transaction, runs.NewRun(event=None, act={}), run_id=name)
    with pytest.raises(UserError) as refusal:
        runs.find_run(either_lab.database, text)
    assert refusal.value.message.startswith(said)
    assert refusal.value.hint
