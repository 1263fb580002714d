"""PagerDuty through real HTTP, on its simulator."""

from __future__ import annotations

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

    CASES = conformance(
        app.app,
        HERE,
        {
            "create alert": {
                "summary": "Outbound telnet",
                "source": "srv-14",
                "details": {"port": 23},
                "link": "https://soar.example/1",
            },
            "acknowledge alert": {"alert": "first"},
            "resolve alert": {"alert": "first"},
            "list incidents": {},
            "get on call": {"policy": "SOC"},
            "add note": {"incident": "PT4KHLK", "note": "The service was stopped."},
        },
    )


@pytest.fixture
def place():
    with simulator.simulator.running() as place:
        yield place


def account_at(place, **changed):
    secrets = {name: Secret(place.settings[name]) for name in ("routing_key", "token")}
    return app.Account(**{**place.settings, **secrets, "retries": 0, **changed})


@pytest.fixture
def account(place):
    return account_at(place)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_conformance(case, place):
    case.check(place)


def test_manifest():
    assert_manifest_current(HERE)


def test_an_alert_goes_its_way(account):
    alert = app.create_alert(account, Job(key="run-1"), "Two\nlines", severity="critical").alert
    (found,) = app.list_incidents(account, alert=alert).data
    assert (alert, found.status, found.title) == ("run-1", "triggered", "Two lines")
    app.acknowledge_alert(account, alert)
    assert app.list_incidents(account, alert=alert).data[0].status == "acknowledged"
    app.resolve_alert(account, alert)
    assert app.list_incidents(account, alert=alert).data == []
    assert app.list_incidents(account, ["resolved"], alert).data[0].alert == alert


def test_a_repeated_request_alerts_once(account):
    for _ in range(2):
        app.create_alert(account, Job(key="run-1"), "x")
    app.create_alert(account, Job(key="run-2"), "x", alert="run-1")
    app.create_alert(account, Job(key="run-2"), "x")
    assert [row.alert for row in app.list_incidents(account).data] == ["run-2", "run-1", "first"]


@pytest.mark.parametrize(
    ("severity", "sent"), [("low", "info"), ("medium", "warning"), ("high", "error"), ("critical", "critical")]
)
def test_severities(account, severity, sent):
    app.create_alert(account, Job(), "x", severity=severity, details={"ip": "203.0.113.7"})
    body = simulator.simulator.state["incidents"][0]["body"]
    assert (body["severity"], body["custom_details"]) == (sent, {"ip": "203.0.113.7"})


def test_what_is_wrong_is_told(place):
    with pytest.raises(ActionFailed, match=r"400: Event object is invalid, 'routing_key' is the wrong length") as caught:
        app.create_alert(account_at(place, routing_key=Secret("short-key")), Job(), "x")
    assert "short-key" not in str(caught.value)
    with pytest.raises(ActionFailed, match="Requester User Not Found"):
        app.add_note(account_at(place, sender="nobody@mail.example"), "PT4KHLK", "x")
    with pytest.raises(ActionFailed, match="404: Not Found"):
        app.add_note(account_at(place), "PT4KXXX", "x")


def test_a_note_is_written_once(account):
    first, again = app.add_note(account, "PT4KHLK", "done"), app.add_note(account, "PT4KHLK", "done ")
    assert (first.written, again.written, again.note) == (True, False, first.note)


def test_who_is_on_call_comes_in_the_order_of_calling(account):
    found = app.get_on_call(account, "soc").data
    assert [(one.user, one.level, one.schedule) for one in found] == [("Alice", 1, "Nights"), ("Bob", 2, None)]
    assert found[0].email == "alice@mail.example"
    assert len(app.get_on_call(account).data) == 3
    assert app.get_on_call(account, "nobody").data == []


def test_lists_are_read_page_by_page(account):
    simulator.simulator.state["incidents"] = [{**simulator.INCIDENT, "id": f"P{n}"} for n in range(250)]
    assert len(app.list_incidents(account, limit=1000).data) == 250
    assert len(app.list_incidents(account, limit=120).data) == 120


def test_each_key_does_its_part(place):
    alerts = account_at(place, token=None)
    assert "only an alert can tell" in app.connectivity(alerts)
    app.create_alert(alerts, Job(), "x")
    with pytest.raises(ActionFailed, match="set token"):
        app.list_incidents(alerts)
    with pytest.raises(ActionFailed, match="set routing_key"):
        app.create_alert(account_at(place, routing_key=None), Job(), "x")
    with pytest.raises(ActionFailed, match="no key of 32"):
        app.connectivity(account_at(place, token=None, routing_key=Secret("short")))
    with pytest.raises(ActionFailed, match="set sender"):
        app.add_note(account_at(place, sender=None), "PT4KHLK", "x")


def test_statuses_that_are_none_are_refused(account):
    with pytest.raises(ActionFailed, match="has the statuses"):
        app.list_incidents(account, ["open"])
