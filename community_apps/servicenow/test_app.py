"""ServiceNow through real HTTP, on its simulator."""

from __future__ import annotations

from pathlib import Path

import pytest

from repertory_sdk import ActionFailed, Job
from repertory_sdk.convert import Secret
from repertory_sdk.loader import load_module
from repertory_sdk.testing import assert_manifest_current, conformance
from repertory_sdk.testing.loading import importable

HERE = Path(__file__).resolve().parent
TICKET = "INC0010001"

with importable(HERE):
    app = load_module(HERE, "app.py")
    import events
    import simulator

    CASES = conformance(
        app.app,
        HERE,
        {
            "create ticket": {"summary": "Outbound telnet", "description": "From srv-14."},
            "get ticket": {"ticket": TICKET},
            "update ticket": {"ticket": TICKET, "fields": {"urgency": "1"}},
            "list tickets": {"query": "active=true", "limit": 10},
            "close ticket": {"ticket": TICKET, "comment": "The service was stopped."},
            "add comment": {"ticket": TICKET, "comment": "Looking."},
            "list comments": {"ticket": TICKET},
            "attach file": {"ticket": TICKET, "name": "evidence.txt", "content": "port 23"},
            "list attachments": {"ticket": TICKET},
            "get user": {"user": "alice"},
        },
    )


@pytest.fixture
def place():
    with simulator.simulator.running() as place:
        yield place


@pytest.fixture
def instance(place):
    return app.Instance(**{**place.settings, "password": Secret(place.settings["password"])}, retries=0)


def tables():
    return simulator.simulator.state["tables"]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_conformance(case, place):
    case.check(place)


def test_manifest():
    assert_manifest_current(HERE)


def test_a_ticket_that_was_opened_can_be_read(instance):
    opened = app.create_ticket(instance, Job(key="run-1"), "A\nline", "Text", urgency=1, fields={"category": "network"})
    found = app.get_ticket(instance, opened.ticket)
    assert (found.summary, found.description, found.status) == ("A line", "Text", "new")
    assert opened.url.endswith(f"incident.do?sys_id={opened.sys_id}")
    assert app.get_ticket(instance, opened.sys_id).ticket == opened.ticket


def test_a_repeated_request_opens_one_ticket(instance):
    first = app.create_ticket(instance, Job(key="run-1"), "x", "")
    again = app.create_ticket(instance, Job(key="run-1"), "x", "")
    other = app.create_ticket(instance, Job(key="run-2"), "x", "")
    assert (first.created, again.created, other.created) == (True, False, True)
    assert again.ticket == first.ticket != other.ticket


def test_a_field_that_is_ignored_is_told(instance):
    with pytest.raises(ActionFailed, match="no field 'urgncy'"):
        app.update_ticket(instance, TICKET, {"urgncy": "1"})
    assert app.update_ticket(instance, TICKET, {"short_description": "Other"}).summary == "Other"


@pytest.mark.parametrize("fields", [{}, {"work_notes": "twice"}, {"comments": "twice"}])
def test_what_is_no_field_is_refused(instance, fields):
    with pytest.raises(ActionFailed, match="give fields to change"):
        app.update_ticket(instance, TICKET, fields)


def test_rows_that_do_not_match_are_not_taken_for_the_ticket(instance):
    for row in tables()["incident"]:
        row.pop("number")  # the condition on it is ignored now
    with pytest.raises(ActionFailed, match="no ticket INC0099999"):
        app.get_ticket(instance, "INC0099999")


def test_a_ticket_is_closed_once(instance):
    first = app.close_ticket(instance, TICKET, "done")
    again = app.close_ticket(instance, TICKET, "done again")
    assert (first.status, first.changed) == (again.status, True) == ("resolved", True)
    assert again.changed is False
    assert tables()["incident"][0]["close_notes"] == "done"


def test_comments_and_work_notes(instance):
    app.add_comment(instance, TICKET, "for us")
    app.add_comment(instance, TICKET, "for them", internal=False)
    found = app.list_comments(instance, TICKET).data
    assert [(row.comment, row.internal, row.author) for row in found] == [
        ("for us", True, "repertory"),
        ("for them", False, "repertory"),
    ]


@pytest.mark.parametrize(
    ("content", "encoding", "size"), [("größe", "text", 7), ("AAEC", "base64", 3)],
)  # fmt: skip
def test_files(instance, content, encoding, size):
    app.attach_file(instance, TICKET, "a b&c.txt", content, encoding)
    (found,) = app.list_attachments(instance, TICKET).data
    assert (found.name, found.size, found.media_type) == ("a b&c.txt", size, "text/plain")


def test_what_is_no_base64_is_refused(instance):
    with pytest.raises(ActionFailed, match="no base64"):
        app.attach_file(instance, TICKET, "x", "%%%", "base64")


def test_lists_are_read_page_by_page(instance):
    tables()["incident"] += [{**simulator.INCIDENT, "number": f"INC{n}", "sys_id": f"{n:032x}"} for n in range(450)]
    assert len(app.list_tickets(instance, "active=true", 1000).data) == 451
    assert len(app.list_tickets(instance, "", 250).data) == 250
    assert len([line for line in simulator.simulator.requests if "sysparm_offset" in line]) == 5


def test_accounts(instance):
    found = app.get_user(instance, "alice")
    assert (found.enabled, found.email, found.groups) == (True, "alice@mail.example", ["Network", "SOC"])
    assert app.get_user(instance, "nobody").found is False
    with pytest.raises(ActionFailed, match="no account"):
        app.get_user(instance, "a^ORuser_name=alice")


def test_references_may_be_objects(instance):
    assert events.text_of({"assigned_to": {"link": "x", "value": "ab"}}, "assigned_to") == "ab"
    assert events.text_of({"assigned_to": None}, "assigned_to") == ""


def test_a_sleeping_instance_is_told(instance):
    simulator.simulator.fault = "page for people"
    with pytest.raises(ActionFailed, match="a page for people"):
        app.connectivity(instance)


def test_a_token_does_instead_of_a_password(place):
    found = app.Instance(url=place.settings["url"], token=Secret("demo-token"), retries=0)
    assert app.connectivity(found) == "the table incident can be read"
    with pytest.raises(ActionFailed, match="neither a token nor user"):
        app.connectivity(app.Instance(url=place.settings["url"]))


def test_tickets_become_events_once(instance):
    checkpoint = {}
    (event,) = app.tickets(instance, checkpoint)
    assert (event.name, event.severity, event.happened_at) == ("Outbound telnet from srv-14", "high", 1767607200)
    assert event.values_of("ticket") == [TICKET]
    app.add_comment(instance, TICKET, "changes it")
    new = app.create_ticket(instance, Job(key="later"), "Later", "")
    assert [event.source_id for event in app.tickets(instance, checkpoint)] == [new.sys_id]
    assert list(app.tickets(instance, checkpoint)) == []


def test_a_poll_asks_only_for_what_changed():
    assert events.since_query("active=true", 0) == "active=true^ORDERBYsys_updated_on"
    asked = events.since_query("active=true", events.moment("2026-01-05 10:11:12"))
    assert asked == "active=true^sys_updated_on>=javascript:gs.dateGenerate('2026-01-05','10:11:12')^ORDERBYsys_updated_on"
