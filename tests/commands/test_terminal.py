"""A person at a terminal: a tree that grows, questions, secrets, Ctrl-C."""

from __future__ import annotations

import re

import pytest

from commands.terminal import END_OF_INPUT, INTERRUPT, Terminal
from commands.user import User
from far_files import far
from runtime_lab import until

pytestmark = pytest.mark.acceptance
COLOUR = re.compile(r"\x1b\[(?:\d+;)*3\d")


def run_of(user: User) -> dict[str, object]:
    """The newest run."""
    newest: dict[str, object] = user.asked("show", user.asked("runs")["runs"][0]["run"])
    return newest


# ------------------------------------------------------------------- looking


def test_a_tree_that_grows(user: User) -> None:
    with Terminal(user, "run", "long_way", "--event", user.event(sourceAddress="192.0.2.6")) as terminal:
        terminal.expect("half way")
        (user.folder / "go").touch()
        assert terminal.end() == 0
    assert COLOUR.search(terminal.raw)
    final = terminal.text.rpartition("lab/long_way on")[2]
    assert re.search(r"├── count +first +lab-1 +counted +[\d.]+ m?s\n", final)
    assert re.search(r"├── check ip +192\.0\.2\.6 +lab-1 +malicious +[\d.]+ m?s\n", final)
    assert re.search(r"└── succeeded in [\d.]+ m?s\n", final)


def test_an_action_by_hand_is_seen_while_it_goes_on(user: User) -> None:
    with Terminal(user, "act", "lab", "count", "name=slow") as terminal:
        terminal.expect("half way")
        (user.folder / "go").touch()
        assert terminal.end() == 0
    final = terminal.text.rpartition("count (by hand)")[2]
    assert "half way" not in final
    assert "counted" in final


def test_no_colour(user: User) -> None:
    with Terminal(user, "act", "lab", "check ip", "ip=192.0.2.6", NO_COLOR="1") as terminal:
        assert terminal.end() == 0
    assert "malicious" in terminal.text
    assert not COLOUR.search(terminal.raw)


@pytest.mark.parametrize("columns", [40, 80])
def test_a_narrow_terminal(user: User, columns: int) -> None:
    with Terminal(user, "run", "triage", "--event", user.event(sourceAddress="192.0.2.6"), columns=columns) as terminal:
        assert terminal.end() == 0
    lines = terminal.text.rpartition("lab/triage on")[2].splitlines()
    assert max(map(len, lines)) <= columns
    for part in ("check ip", "192.0.2.6", "lab-1", "malicious"):
        assert any(part in line for line in lines)


def test_a_tree_longer_than_the_terminal(user: User) -> None:
    """Only its end while it grows; every line once at the end."""
    addresses = {"sourceAddress": "192.0.2.6", **{f"deviceCustomString{n}": "x" for n in range(1, 7)}}
    user.done("asset", "add", "lab-2", "lab", f"folder={far(user.folder)}")
    with Terminal(user, "run", "triage", "--event", user.event(**addresses), lines=4) as terminal:
        assert terminal.end() == 0
    final = terminal.text.rpartition("lab/triage on")[2]
    assert final.count("malicious") == 2
    assert final.count("succeeded in") == 1


# ----------------------------------------------------------------- answering


def test_a_question_is_asked_here(user: User) -> None:
    with Terminal(user, "run", "decide", "--event", user.event()) as terminal:
        terminal.expect("Escalate this? [escalate/not now]:")
        terminal.press("perhaps\n")
        terminal.expect("'perhaps' is no answer to prompt 1; answer one of: escalate, not now")
        terminal.press("not now\n")
        terminal.expect("→ not now")
        assert terminal.end() == 0
    assert run_of(user)["outputs"] == {"decision": "not now"}


def test_an_approval_is_asked_here(user: User) -> None:
    with Terminal(user, "run", "contain", "--event", user.event(sourceHostName="ws-7")) as terminal:
        terminal.expect("[approve/deny]:")
        assert user.effects == []
        terminal.press("approve\n")
        assert terminal.end() == 0
    assert user.effects == ["isolate ws-7"]


@pytest.mark.parametrize("key", [INTERRUPT, END_OF_INPUT], ids=["Ctrl-C", "Ctrl-D"])
def test_not_answering(user: User, key: str) -> None:
    with Terminal(user, "run", "decide", "--event", user.event()) as terminal:
        terminal.expect("Escalate this? [escalate/not now]:")
        terminal.insist(key, "waits for an answer:")
        terminal.expect("→ repertory answer 1 escalate | 'not now'")
        assert terminal.end() == 130, terminal.text
    assert "Traceback" not in terminal.text
    assert user.asked("answer", "1", "escalate")["status"] == "succeeded"


def test_a_secret_is_asked_without_echo(user: User) -> None:
    with Terminal(user, "asset", "add", "safe", "vault") as terminal:
        terminal.expect("password (The vault's password):")
        until(terminal.hides_input, "no echo")
        terminal.press("hunter2\n")
        assert terminal.end() == 0
    assert "asset safe of lab/vault is configured" in terminal.text
    assert "hunter2" not in terminal.text
    assert user.asked("act", "vault", "open vault")["actions"][0]["status"] == "succeeded"


# -------------------------------------------------------------- interrupting


def test_an_interrupted_run_goes_on(user: User) -> None:
    """The action in flight is recorded before the command ends."""
    with Terminal(user, "run", "long_way", "--event", user.event(sourceAddress="192.0.2.6")) as terminal:
        until(lambda: user.effects, "the action has begun")
        terminal.press(INTERRUPT)
        (user.folder / "go").touch()
        assert terminal.end() == 130, terminal.text
    run = user.asked("runs")["runs"][0]["run"]
    assert f"run {run} is interrupted; `repertory resume {run}` goes on with it" in terminal.text
    assert "Traceback" not in terminal.text
    assert "interrupted" in user.done("runs").out
    told = user.done("resume", run[:6])
    assert "succeeded in" in told.out
    assert sorted(user.effects) == ["check 192.0.2.6", "count first"]  # both are under way at once
    assert len(user.asked("show", run)["attempts"]) == 2
    assert "attempts" in user.done("show", run).out


def test_an_impatient_person(user: User) -> None:
    """Whether the action in flight did happen is not known then: a human is asked, and it is not done again."""
    with Terminal(user, "run", "long_way", "--event", user.event(sourceAddress="192.0.2.6")) as terminal:
        until(lambda: "count first" in user.effects, "the action has begun")
        terminal.press(INTERRUPT)
        terminal.expect("Ctrl-C again stops at once")
        terminal.press(INTERRUPT)
        assert terminal.end() == 130, terminal.text
    assert "Traceback" not in terminal.text
    run = user.asked("runs")["runs"][0]["run"]
    assert [one["outcome"] for one in user.asked("show", run)["attempts"]] == ["interrupted"]
    resumed = user("resume", run)
    assert (resumed.code, resumed.err) == (1, "")
    (prompt,) = user.asked("prompts")["prompts"]
    assert prompt["kind"] == "in_doubt"
    assert "in doubt" in user.done("show", run).out
    user.done("answer", "1", next(option for option in prompt["options"] if "not" not in option))
    assert user.effects.count("count first") == 1
    assert "check 192.0.2.6" in user.effects  # what only looks may look again


def test_a_doubt_is_settled_after_its_run_was_cancelled(user: User) -> None:
    with Terminal(user, "run", "long_way", "--event", user.event(sourceAddress="192.0.2.6")) as terminal:
        until(lambda: "count first" in user.effects, "the action has begun")
        terminal.press(INTERRUPT)
        terminal.expect("Ctrl-C again stops at once")
        terminal.press(INTERRUPT)
        assert terminal.end() == 130, terminal.text
    run = user.asked("runs")["runs"][0]["run"]
    user.done("cancel", run)
    (prompt,) = user.asked("prompts")["prompts"]
    assert prompt["options"] == ["it happened", "it did not happen"]
    assert "run it again" in user.refused("answer", "1", "run it again")
    assert user.done("answer", "1", "it happened").out == f"prompt 1 of run {run}: it happened\n"
    shown = user.asked("show", run)
    (counted,) = [action for action in shown["actions"] if action["action"] == "count"]
    assert (shown["status"], counted["status"]) == ("cancelled", "succeeded")
    assert user.asked("prompts")["prompts"] == []
    assert user.effects.count("count first") == 1


def test_interrupting_by_hand(user: User) -> None:
    with Terminal(user, "act", "lab", "count", "name=once") as terminal:
        until(lambda: user.effects, "the action has begun")
        terminal.press(INTERRUPT)
        (user.folder / "go").touch()
        assert terminal.end() == 130, terminal.text
    assert "Traceback" not in terminal.text
    assert "repertory resume" in terminal.text
    run = user.asked("runs")["runs"][0]["run"]
    assert user.asked("resume", run)["status"] == "succeeded"
    assert user.effects == ["count once"]
