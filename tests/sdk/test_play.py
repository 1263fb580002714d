"""Everything a playbook can do, seen through the recorder."""

import datetime
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from repertory_sdk import (
    ActionFailed,
    Artifact,
    DefinitionError,
    Event,
    Play,
    PlaybookError,
    Result,
    param,
    playbook,
)
from repertory_sdk.playbook import seconds
from repertory_sdk.testing import PlayRecorder, Recording, UnansweredQuestion

SCAN = Event(
    "scan",
    artifacts=(
        Artifact(cef={"sourceAddress": "192.0.2.1"}, contains={"sourceAddress": ("ip",)}),
        Artifact(cef={"sourceAddress": ["192.0.2.2", "192.0.2.1"], "empty": ""}),
    ),
)


def record(body: Callable[[Event, Play], Any], **given: Any) -> Recording:
    """Run a function as a playbook on the scan."""

    @playbook("test")
    def made(event: Event, play: Play) -> Any:
        return body(event, play)

    return PlayRecorder().run(made, given.pop("event", SCAN), **given)


# ------------------------------------------------------------------ acting


def test_lists_fan_out_over_assets_and_parameter_sets() -> None:
    def body(event: Event, play: Play) -> Any:
        found = play.act("whois ip", ip=event.values("sourceAddress"), asset=["a", "b"], app="whois", days=3)
        return {"rows": found.rows("asset", "app", "ip", "days", "owner")}

    run = record(body, results={"whois ip": lambda parameters: {"owner": f"owner of {parameters['ip']}"}})
    assert run.outputs["rows"] == [
        ["a", "whois", "192.0.2.1", 3, "owner of 192.0.2.1"],
        ["a", "whois", "192.0.2.2", 3, "owner of 192.0.2.2"],
        ["b", "whois", "192.0.2.1", 3, "owner of 192.0.2.1"],
        ["b", "whois", "192.0.2.2", 3, "owner of 192.0.2.2"],
    ]
    assert run.actions == [("whois ip", "whois", ["a", "b"], {"ip": ["192.0.2.1", "192.0.2.2"], "days": 3})]


@pytest.mark.parametrize(
    ("parameters", "sets"),
    [
        ({}, [{}]),
        ({"ip": "a"}, [{"ip": "a"}]),
        ({"ip": []}, []),
        ({"ip": [], "days": 1}, []),
        ({"ip": [], "port": [1]}, []),
        ({"ip": ("a",)}, [{"ip": "a"}]),
        ({"ip": ["a", "b"], "port": [1, 2]}, [{"ip": "a", "port": 1}, {"ip": "b", "port": 2}]),
    ],
)
def test_parameter_sets(parameters: dict, sets: list) -> None:
    run = record(
        lambda _, play: {"sets": [result.parameters for result in play.act("x", **parameters)]}, results={"x": {}}
    )
    assert run.outputs == {"sets": sets}


def test_lists_of_unequal_length_can_run_nowhere() -> None:
    run = record(lambda _, play: play.act("x", ip=["a", "b"], port=[1]).required(), results={"x": {}})
    assert str(run.error) == "x on no asset: the lists given to ip, port have different lengths: 1, 2"


@dataclass
class Row:
    verdict: str


FAILED = ActionFailed("no answer")


def raising(parameters: Any) -> Any:
    raise FAILED


@pytest.mark.parametrize(
    ("canned", "expected"),
    [
        ({"verdict": "bad"}, [("succeeded", "", [{"verdict": "bad"}])]),
        (Row("bad"), [("succeeded", "", [{"verdict": "bad"}])]),
        ([{"verdict": "bad"}, Row("good")], [("succeeded", "", [{"verdict": "bad"}, {"verdict": "good"}])]),
        ([], [("succeeded", "", [])]),
        (None, [("succeeded", "", [])]),
        (FAILED, [("failed", "no answer", [])]),
        (raising, [("failed", "no answer", [])]),
        (lambda parameters: parameters, [("succeeded", "", [{"ip": "a"}])]),
        (Result("denied", "by policy"), [("denied", "by policy", [])]),
        ([Result("failed", "one"), Result("succeeded")], [("failed", "one", []), ("succeeded", "", [])]),
    ],
)
def test_results_that_a_test_gives(canned: Any, expected: list) -> None:
    seen: list[Any] = []

    def body(event: Event, play: Play) -> None:
        seen.extend(play.act("x", ip="a"))

    record(body, results={"x": canned})
    assert [(result.status, result.message, list(result.data)) for result in seen] == expected
    assert all((result.action, result.asset, result.parameters) == ("x", "test", {"ip": "a"}) for result in seen)


def test_action_without_a_result_fails_and_says_so() -> None:
    run = record(lambda _, play: play.act("x").required())
    assert str(run.error) == "x on no asset: no result was given for 'x'"
    assert isinstance(run.error, ActionFailed)


def test_optional_action_without_a_result_has_none() -> None:
    def body(event: Event, play: Play) -> Any:
        return {"optional": len(play.act("x", ip=["a", "b"], optional=True)), "notified": len(play.notify("done"))}

    run = record(body)
    assert run.outputs == {"optional": 0, "notified": 0}
    assert [action.action for action in run.actions] == ["x", "send message"]


def test_parameters_that_json_cannot_say() -> None:
    run = record(lambda _, play: play.act("x", it=object()))
    assert str(run.error).startswith("act: only JSON values can be passed")


def test_parallel_branches_in_branches() -> None:
    def body(event: Event, play: Play) -> Any:
        inner = lambda: play.parallel(lambda: play.act("a"), lambda: play.act("b"))  # noqa: E731
        play.parallel(inner, lambda: play.act("c"))
        play.act("d")
        return {"none": play.parallel(), "key": play.ask("go on?")}

    run = record(body, answers={"4": "by key"})
    assert [action.action for action in run.actions] == ["a", "b", "c", "d"]
    assert run.outputs == {"none": [], "key": "by key"}


def test_parallel_raises_the_first_failure_after_all_have_ended() -> None:
    ended: list[str] = []

    def fail(name: str) -> None:
        ended.append(name)
        raise PlaybookError(name)

    run = record(lambda _, play: play.parallel(lambda: fail("one"), lambda: ended.append("two"), lambda: fail("three")))
    assert (str(run.error), ended) == ("one", ["one", "two", "three"])


def test_child_playbooks() -> None:
    def body(event: Event, play: Play) -> Any:
        failed = ""
        try:
            play.run("broken")
        except PlaybookError as error:
            failed = str(error)
        return {**play.run("enrich", depth=2), **play.run("echo", a=[1]), "failed": failed}

    children = {"enrich": {"owner": "me"}, "broken": PlaybookError("it broke"), "echo": lambda inputs: inputs}
    run = record(body, children=children)
    assert run.outputs == {"owner": "me", "a": [1], "failed": "it broke"}
    assert run.children == [("broken", {}), ("enrich", {"depth": 2}), ("echo", {"a": [1]})]
    assert str(record(lambda _, play: play.run("x")).error) == "no outputs were given for the playbook 'x'"


# --------------------------------------------------------------- questions


def ask(event: Event, play: Play) -> Any:
    answer = play.ask("Escalate scan?", options=["yes", "no"], to="soc", within="4h", default="no")
    return {"answer": answer, "by": answer.by, "timed_out": answer.timed_out}


@pytest.mark.parametrize("answers", [{"Escalate scan?": "yes"}, {"1": "yes"}, {"Escalate": "yes"}, "yes"])
def test_answers(answers: Any) -> None:
    run = record(ask, answers=answers)
    assert run.outputs == {"answer": "yes", "by": "test", "timed_out": False}
    question = run.asked[0]
    assert (question.question, question.options, question.to) == ("Escalate scan?", ["yes", "no"], "soc")
    assert (question.within_s, question.default, question.answer) == (4 * 3600, "no", "yes")


def test_key_is_no_part_of_a_question() -> None:
    with pytest.raises(UnansweredQuestion, match=r"the playbook asked 'Block 192.0.2.1"):
        record(lambda _, play: play.ask("Block 192.0.2.1?"), answers={"2": "yes"})


def test_unanswered_question_takes_its_default_and_times_out() -> None:
    assert record(ask).outputs == {"answer": "no", "by": "", "timed_out": True}


def test_question_without_an_answer_is_a_mistake_of_the_test() -> None:
    with pytest.raises(UnansweredQuestion, match="the playbook asked 'Why\\?'"):
        record(lambda _, play: play.ask("Why?"), answers={"Where": "here"})
    with pytest.raises(UnansweredQuestion, match="'maybe' is not among the answers to 'Escalate scan\\?': yes, no"):
        record(ask, answers="maybe")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"within": "1h"}, "a question with a deadline needs a default answer"),
        ({"options": ["a"], "default": "b"}, "the default 'b' is not one of the options"),
        ({"within": "soon", "default": "a"}, "'soon' is not a duration; write for example 90s, 15m, 4h or 1d 12h"),
    ],
)
def test_questions_that_cannot_be(options: dict, said: str) -> None:
    assert str(record(lambda _, play: play.ask("Why?", **options)).error) == said


@pytest.mark.parametrize(
    ("duration", "expected"),
    [(5, 5), (1.5, 1.5), ("90s", 90), ("1.5m", 90), ("1d 12h", 129600), ("1w", 604800), (datetime.timedelta(1), 86400)],
)
def test_seconds(duration: Any, expected: float) -> None:
    assert seconds(duration) == expected


@pytest.mark.parametrize("duration", ["", "5", "-5m", "5 m x", "4 hours", "1y"])
def test_no_duration(duration: str) -> None:
    with pytest.raises(PlaybookError, match="is not a duration"):
        seconds(duration)


# ------------------------------------------------------------------ events


def test_event_changes() -> None:
    def body(event: Event, play: Play) -> Any:
        updated = play.update(event, severity="high", labels=["a"], tags=("b",), owner="me")
        with_artifact = play.add_artifact(name="found", cef={"fileHash": "0a"}, contains={"fileHash": ["hash"]})
        closed = play.close(reason="done", note="all of it")
        assert closed == play.event
        return {"severity": updated.severity, "artifacts": [artifact.id for artifact in with_artifact.artifacts]}

    run = record(body)
    assert run.outputs == {"severity": "high", "artifacts": [1, 2, 3]}
    assert (run.event.severity, run.event.status, run.event.resolution) == ("high", "closed", "done")
    assert (list(run.event.labels), list(run.event.tags), run.event.owner) == (["a"], ["b"], "me")
    assert run.event.artifacts[2].values_of("hash") == ["0a"]
    assert run.notes == [("Closed: done", "all of it", 1)]
    assert SCAN.severity == "medium"


def test_escalate_tells_people_and_keeps_the_reason() -> None:
    run = record(lambda event, play: play.escalate(severity="critical", because="it is bad", to="soc") and None)
    assert (run.event.severity, run.event.status, run.event.case) == ("critical", "open", True)
    assert run.notes == [("Escalated", "it is bad", 1)]
    message = {"message": "scan: escalated, severity critical", "to": "soc"}
    assert run.actions == [("send message", None, None, message)]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"severity": "horrible"}, "severity must be one of low, medium, high, critical, not 'horrible'"),
        ({"status": "done"}, "status must be one of new, open, closed, not 'done'"),
        ({"event": Event("other", id=9), "owner": "me"}, "there is no event 9"),
    ],
)
def test_changes_that_cannot_be(changes: dict, said: str) -> None:
    assert str(record(lambda _, play: play.update(**changes)).error) == said


def test_values_of_events() -> None:
    assert SCAN.values("sourceAddress") == ["192.0.2.1", "192.0.2.2"]
    assert SCAN.values("empty") == SCAN.values("nowhere") == []
    assert SCAN.values_of("ip") == ["192.0.2.1"]


# ----------------------------------------------------- files, lists, chance


def test_files() -> None:
    def body(event: Event, play: Play) -> Any:
        kept = play.attach("out.txt", b"hello", media_type="text/plain")
        names = [attachment.name for attachment in play.attachments()]
        return {"names": names, "size": kept.size, "content": [play.read(one).decode() for one in play.attachments()]}

    run = record(body, files={"in.txt": b"before"})
    assert run.outputs == {"names": ["in.txt", "out.txt"], "size": 5, "content": ["before", "hello"]}
    assert run.files == {"in.txt": b"before", "out.txt": b"hello"}
    too_large = record(lambda _, play: play.attach("x", bytes(20 * 1024 * 1024 + 1)))
    assert str(too_large.error) == "x: an attachment may have at most 20971520 bytes"


def test_custom_lists() -> None:
    def body(event: Event, play: Play) -> Any:
        blocked = play.list("blocked")
        blocked.add("192.0.2.9", 3)  # type: ignore[arg-type]
        removed = blocked.remove("192.0.2.1")
        return {"in": "192.0.2.9" in blocked, "out": "192.0.2.1" in blocked, "removed": removed, "rows": blocked.rows()}

    given = {"blocked": [("192.0.2.1", "x"), ("192.0.2.1", "y"), ("192.0.2.2", "z")]}
    run = record(body, lists=given)
    rows = [["192.0.2.2", "z"], ["192.0.2.9", "3"]]
    assert run.outputs == {"in": True, "out": False, "removed": 2, "rows": rows}
    assert run.lists == {"blocked": rows}
    assert len(given["blocked"]) == 3


def test_time_stands_still_and_chance_repeats_itself() -> None:
    def body(event: Event, play: Play) -> Any:
        before = play.now()
        play.sleep("2h")
        slept = (play.now() - before).total_seconds()
        return {"slept": slept, "at": before.isoformat(), "chance": [play.random(), play.uuid()]}

    first, second = record(body), record(body)
    assert first.outputs == second.outputs
    assert (first.outputs["slept"], first.outputs["at"]) == (7200, "2026-01-01T00:00:00+00:00")
    assert 0 <= first.outputs["chance"][0] < 1
    assert record(body, now=0).outputs["at"] == "1970-01-01T00:00:00+00:00"


def test_log_and_table() -> None:
    def body(event: Event, play: Play) -> None:
        play.log("begin")
        found = play.act("whois ip", ip="192.0.2.1")
        play.note("Found", play.table(found, [], [("a", 1)], columns=()))

    run = record(body, results={"whois ip": {"owner": "me"}})
    assert run.log == ["begin"]
    assert run.notes[0].text.splitlines() == [
        "| action | asset | ip | owner |",
        "| --- | --- | --- | --- |",
        "| whois ip | test | 192.0.2.1 | me |",
        "",
        "| 1 | 2 |",
        "| --- | --- |",
        "| a | 1 |",
    ]


# ------------------------------------------------------- inputs and outputs


@playbook()
def with_inputs(event: Event, play: Play, *, depth: int = param("Depth", default=2), name: str, why: str | None = None):
    return {"depth": depth, "name": name, "why": why}


def test_inputs_take_their_defaults() -> None:
    run = PlayRecorder().run(with_inputs, inputs={"name": "a"})
    assert run.outputs == {"depth": 2, "name": "a", "why": None}
    play: Any = None
    assert with_inputs(SCAN, play, name="b") == {"depth": 2, "name": "b", "why": None}


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({}, "playbook 'with_inputs' needs the input 'name'"),
        ({"name": 1}, "name: must be a string, not 1"),
        ({"name": "a", "deep": 1}, "playbook 'with_inputs' has no input 'deep' (it has depth, name, why)"),
    ],
)
def test_inputs_that_do_not_fit(inputs: dict, said: str) -> None:
    assert str(PlayRecorder().run(with_inputs, inputs=inputs).error) == said


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        ([1], "a playbook returns its outputs as a dictionary, not list"),
        ({"it": object()}, "the outputs cannot be kept: "),
        ({"it": float("nan")}, "the outputs cannot be kept: "),
    ],
)
def test_outputs_that_cannot_be_kept(returned: Any, said: str) -> None:
    assert str(record(lambda _, __: returned).error).startswith(said)


def test_declarations_that_cannot_work() -> None:
    with pytest.raises(DefinitionError, match="playbook 'loose': inputs must follow a bare"):

        @playbook()
        def loose(event: Event, play: Play, depth: int) -> None: ...


def test_bug_in_a_playbook_is_raised_with_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError):
        record(lambda _, __: 1 / 0)
