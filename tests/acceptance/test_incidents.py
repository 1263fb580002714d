"""The five incidents from start to finish, as `repertory demo --incident N` shows them: a new home, real processes, simulated products."""

from __future__ import annotations

import json

import pytest

from doc_blocks import reader

pytestmark = pytest.mark.acceptance


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """Shows an incident once, and then looks into the home that it left: what was printed, a question to that home."""
    kept = {}
    with reader(tmp_path_factory.mktemp("incidents").resolve()) as shell:

        def show(number):
            if number not in kept:
                kept[number] = shell.run(f"repertory demo --incident {number} --keep lab{number}")
            return kept[number], lambda words: json.loads(shell.run(f"REPERTORY_HOME=$PWD/lab{number}/home repertory {words} --json"))

        yield show


def outcome(shown, number):
    """Outputs of the run that deals with an incident, the event as it is then, and the actions that it and its children took."""
    _, ask = shown(number)
    runs = [ask(f"show {run['run']}") for run in ask("runs")["runs"]]
    (whole,) = [run for run in runs if not run.get("parent")]
    actions = {each["action"] for run in runs for each in run["actions"]}
    assert {run["status"] for run in runs} == {"succeeded"}
    return whole["outputs"], ask("event show 1"), actions


def test_a_scan_is_escalated(shown):
    outputs, event, _ = outcome(shown, 1)

    assert outputs["decision"] == "escalated"
    assert (event["severity"], event["case"]) == ("high", True)


def test_a_way_out_for_data_is_closed_and_proven_closed(shown):
    outputs, event, actions = outcome(shown, 2)

    assert outputs["decision"] == "remediated"
    assert {"get system info", "run query", "list connections", "stop service", "block port", "rerun simulation"} <= actions
    assert (event["status"], event["resolution"]) == ("closed", "remediated")


def test_what_was_remediated_can_be_taken_back_and_is_on_a_list(shown):
    printed, _ = shown(2)

    assert "May stop service (contain) run on srv-14" in printed
    assert "`undo_remediation` on this event takes it back." in printed


def test_a_new_service_is_blocked_when_somebody_says_so(shown):
    outputs, event, actions = outcome(shown, 3)

    assert outputs["decision"] == "blocked"
    assert {"get system info", "whois ip", "whois domain", "lookup host", "block port", "create ticket", "send message"} <= actions
    assert event["resolution"] == "blocked"


def test_an_outbound_connection_becomes_a_ticket_with_everything_in_it(shown):
    outputs, event, actions = outcome(shown, 4)

    assert (outputs["ticket"], outputs["urgency"]) == ("INC0010042", 1)
    assert outputs["talking"][0][1] == "updater"
    assert {"get system info", "whois domain", "lookup host", "create ticket", "attach file", "update ticket"} <= actions
    assert event["case"] is True


def test_a_phishing_domain_and_its_relatives_are_blocked(shown):
    outputs, event, _ = outcome(shown, 5)
    blocked = {(domain, where) for _, domain, where, _, verified in outputs["blocked"] if verified}

    assert ("login-examp1e.example", "resolver") in blocked
    assert ("login-examp1e.example", "proxy") in blocked
    assert len(blocked) == len(outputs["blocked"]) > 4
    assert event["resolution"] == "blocked"
    assert len(event["artifacts"]) > 2


@pytest.mark.parametrize("number", range(1, 6))
def test_nothing_is_said_that_is_for_programmers(shown, number):
    printed, _ = shown(number)

    assert f"Incident {number}: " in printed
    for word in ("Traceback", "WARNING: content is not isolated", "this is a bug", "failed; the demonstration"):
        assert word not in printed
