"""SafeBreach through real HTTP, on its simulator; runs connect to real sockets."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from repertory_sdk import ActionFailed, Job
from repertory_sdk.convert import Secret
from repertory_sdk.loader import load_module
from repertory_sdk.testing import assert_manifest_current, conformance
from repertory_sdk.testing.loading import importable

HERE = Path(__file__).resolve().parent

with importable(HERE):
    app = load_module(HERE, "app.py")
    import simulator

    FIRST = simulator.FIRST
    CASES = conformance(
        app.app,
        HERE,
        {
            "get simulation": {"simulation": FIRST},
            "list simulations": {"attack": 2877},
            "list findings": {},
            "get remediation": {"finding": 16},
            "rerun simulation": {"simulation": FIRST},
            "get simulation result": {"run": "1767225600000.34", "wait_s": 0},
            "cancel run": {"run": "1767225600000.34"},
        },
    )


@pytest.fixture
def place():
    with simulator.simulator.running() as place:
        yield place


@pytest.fixture
def console(place):
    settings = {**place.settings, "key": Secret(place.settings["key"])}
    return app.Console(**settings, retries=0)


def state():
    return simulator.simulator.state


@pytest.mark.parametrize("case", CASES, ids=str)
def test_conformance(case, place):
    state()["runs"]["1767225600000.34"] = {"name": "x", "looks": 0, "ended": "FAIL", "simulation": simulator.SIMULATION}
    case.check(place)


def test_manifest():
    assert_manifest_current(HERE)


def test_a_simulation_that_was_not_blocked(console):
    found = app.get_simulation(console, FIRST)
    assert (found.status, found.outcome, found.port, found.protocol) == ("SUCCESS", "not blocked", 23, "TELNET")
    assert (found.source_ip, found.destination_ip) == ("192.0.2.14", "203.0.113.7")


@pytest.mark.parametrize(
    ("status", "outcome"),
    [("FAIL", "blocked"), ("prevented", "blocked"), ("Stopped", "blocked"), ("SUCCESS", "not blocked"), ("missed", "not blocked"),
     ("detected", "not blocked"), ("inconsistent", "unknown"), ("INTERNAL_FAIL", "unknown"), (None, "unknown")],
)  # fmt: skip
def test_what_a_status_means(status, outcome):
    assert app.outcome_of(status) == outcome


def test_an_unknown_simulation_is_named(console):
    with pytest.raises(ActionFailed, match="no simulation ffff; "):
        app.get_simulation(console, "ffff")


def test_history_is_read_page_by_page(console):
    state()["simulations"].update({f"s{n}": {**simulator.OTHER, "id": f"s{n}", "moveId": 12} for n in range(250)})
    assert len(app.list_simulations(console, limit=240).data) == 240
    assert len(app.list_simulations(console, attack=12, limit=1000).data) == 250
    assert [row.outcome for row in app.list_simulations(console, status="not blocked", limit=1000).data] == ["not blocked"]


def test_remediation_tells_addresses_from_domains(console):
    (found,) = app.get_remediation(console, 16).data
    assert (found.ports, found.protocols, found.addresses, found.domains) == ([23], ["TELNET"], ["203.0.113.7"], ["leak.example"])
    with pytest.raises(ActionFailed, match="no finding 9"):
        app.get_remediation(console, 9)


def test_a_rerun_connects_to_what_is_open(console):
    with socket.create_server(("127.0.0.1", 0)) as service:
        port = service.getsockname()[1]
        state()["simulations"][FIRST]["probe"] = {"host": "127.0.0.1", "port": port}
        opened = app.rerun_simulation(console, Job(key="first"), FIRST)
    closed = app.rerun_simulation(console, Job(key="second"), FIRST)

    before = app.get_simulation_result(console, Job(), opened.run, wait_s=20)
    after = app.get_simulation_result(console, Job(), closed.run, wait_s=20)
    assert (before.status, before.outcome, before.not_blocked) == ("COMPLETED", "not blocked", 1)
    assert (after.status, after.outcome, after.blocked) == ("COMPLETED", "blocked", 1)
    assert app.get_simulation(console, after.simulations[0]).outcome == "blocked"


@pytest.mark.parametrize("finished", [False, True])
def test_a_repeated_request_is_queued_once(console, finished):
    first = app.rerun_simulation(console, Job(key="one"), FIRST)
    if finished:
        app.get_simulation_result(console, Job(), first.run, wait_s=20)
    again = app.rerun_simulation(console, Job(key="one"), FIRST)
    assert (first.queued, again.queued, again.run) == (True, False, first.run)
    assert len(state()["runs"]) == 1


def test_only_looking_does_not_wait(console):
    state()["looks"] = 1000
    queued = app.rerun_simulation(console, Job(), FIRST)
    found = app.get_simulation_result(console, Job(), queued.run, wait_s=0)
    assert (found.ended, found.outcome, found.simulations) == (False, "unknown", [])


def test_an_internal_failure_is_no_verdict(console):
    state()["simulations"][FIRST]["next"] = "INTERNAL_FAIL"
    queued = app.rerun_simulation(console, Job(), FIRST)
    assert app.get_simulation_result(console, Job(), queued.run, wait_s=20).outcome == "unknown"


def test_an_unknown_run_is_named(console):
    with pytest.raises(ActionFailed, match=r"no run 1\.2; "):
        app.get_simulation_result(console, Job(), "1.2", wait_s=0)


def test_a_run_is_cancelled_once(console):
    state()["looks"] = 1000
    queued = app.rerun_simulation(console, Job(), FIRST)
    assert app.cancel_run(console, queued.run).cancelled is True
    assert app.cancel_run(console, queued.run).cancelled is False
    assert app.get_simulation_result(console, Job(), queued.run, wait_s=0).status == "CANCELED"


def test_findings_become_events_once_until_they_are_seen_again(console):
    checkpoint = {}
    (event,) = app.findings(console, checkpoint)
    assert (event.severity, event.source_id) == ("high", "16@2026-01-05T12:02:09.109Z")
    assert event.values("destinationPort") == [23]
    assert event.values_of("simulation") == [FIRST]
    assert event.happened_at == 1767614529.109
    assert list(app.findings(console, checkpoint)) == []

    state()["findings"] = [{**simulator.FINDING, "maxExecutionTime": "2026-01-06T00:00:00.000Z"}]
    assert [event.source_id for event in app.findings(console, checkpoint)] == ["16@2026-01-06T00:00:00.000Z"]


def test_a_finding_that_is_closed_is_no_event(console):
    state()["findings"] = [{**simulator.FINDING, "nonBlockedSimulations": 0}]
    assert list(app.findings(console, {})) == []
