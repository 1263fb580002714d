"""Jira through real HTTP, on its simulator, in both editions."""

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
    import documents
    import simulator

    CASES = conformance(
        app.app,
        HERE,
        {
            "create ticket": {"summary": "Outbound telnet", "description": "From srv-14.", "labels": ["telnet"]},
            "get ticket": {"ticket": "SEC-1"},
            "update ticket": {"ticket": "SEC-1", "fields": {"summary": "Other"}},
            "list tickets": {"query": "project = SEC", "limit": 10},
            "close ticket": {"ticket": "SEC-1", "comment": "The service was stopped."},
            "add comment": {"ticket": "SEC-1", "comment": "Looking."},
            "list comments": {"ticket": "SEC-1"},
            "attach file": {"ticket": "SEC-1", "name": "evidence.txt", "content": "port 23"},
            "assign ticket": {"ticket": "SEC-1", "user": "alice@mail.example"},
        },
    )


@pytest.fixture
def place():
    with simulator.simulator.running() as place:
        yield place


def site_at(place, **changed):
    return app.Site(**{**place.settings, "token": Secret(place.settings["token"]), "retries": 0, **changed})


@pytest.fixture(params=["cloud", "data center"])
def site(place, request):
    return site_at(place, edition=request.param)


def state():
    return simulator.simulator.state


@pytest.mark.parametrize("case", CASES, ids=str)
def test_conformance(case, place):
    case.check(place)


def test_manifest():
    assert_manifest_current(HERE)


def test_a_ticket_that_was_opened_can_be_read(site):
    opened = app.create_ticket(site, Job(key="run 1"), "Outbound\ntelnet", "two\nlines", ["a"])
    found = app.get_ticket(site, opened.ticket)
    assert (found.summary, found.description, found.status) == ("Outbound telnet", "two\nlines", "To Do")
    assert found.labels == ["a", "repertory-run_1"]
    assert opened.url.endswith(f"/browse/{opened.ticket}")


def test_a_repeated_request_opens_one_ticket(site):
    first = app.create_ticket(site, Job(key="one"), "x", "")
    again = app.create_ticket(site, Job(key="one"), "x", "")
    assert (first.created, again.created, again.ticket) == (True, False, first.ticket)
    assert app.create_ticket(site, Job(key="two"), "x", "").ticket != first.ticket


def test_what_is_wrong_with_a_field_is_told(site):
    with pytest.raises(ActionFailed, match=r"400: nonsense: Field 'nonsense' cannot be set\."):
        app.update_ticket(site, "SEC-1", {"nonsense": 1})
    assert app.update_ticket(site, "sec-1", {"description": "new text"}).description == "new text"


def test_a_wrong_project_is_told(place):
    with pytest.raises(ActionFailed, match="project: valid project is required"):
        app.create_ticket(site_at(place, project="OPS"), Job(), "x", "")
    with pytest.raises(ActionFailed, match="no key of a project"):
        app.create_ticket(site_at(place, project='S" OR 1'), Job(), "x", "")


def test_a_ticket_is_closed_once(site):
    first = app.close_ticket(site, "SEC-1", "done")
    again = app.close_ticket(site, "SEC-1", "done")
    assert (first.status, first.changed, again.changed) == ("Done", True, False)
    assert [row.comment for row in app.list_comments(site, "SEC-1").data] == ["done"]


def test_a_comment_of_an_attempt_that_broke_off_is_not_written_again(site):
    app.add_comment(site, "SEC-1", "done")
    app.close_ticket(site, "SEC-1", "done")
    assert len(state()["comments"]) == 1


def test_another_way_to_be_done_is_taken(site):
    state()["transitions"]["To Do"] = {"41": "Won't Do"}
    assert app.close_ticket(site, "SEC-1", "").status == "Won't Do"


def test_where_no_way_leads_to_the_end_the_ways_are_named(site):
    state()["transitions"]["To Do"] = {"11": "In Progress"}
    with pytest.raises(ActionFailed, match=r"no way from 'To Do' to 'Done' \(Move to In Progress\); "):
        app.close_ticket(site, "SEC-1", "done")
    assert state()["comments"] == []


def test_tickets_are_read_page_by_page(site):
    state()["issues"].update({f"SEC-{n}": {**simulator.ISSUE, "key": f"SEC-{n}"} for n in range(10, 140)})
    assert len(app.list_tickets(site, "project = SEC", 1000).data) == 131
    assert len(app.list_tickets(site, "project = SEC", 60).data) == 60
    assert len([line for line in simulator.simulator.requests if "search" in line]) == 5


def test_a_query_that_is_none_is_told(site):
    with pytest.raises(ActionFailed, match="Error in the JQL Query"):
        app.list_tickets(site, "nonsense")


@pytest.mark.parametrize(("content", "encoding", "size"), [("größe", "text", 7), ("AAEC", "base64", 3)])
def test_files(site, content, encoding, size):
    found = app.attach_file(site, "SEC-1", "a b.txt", content, encoding)
    assert (found.name, found.size, state()["attachments"][0]["size"]) == ("a b.txt", size, size)


def test_a_ticket_is_assigned_once(site):
    alice = "alice@mail.example" if site.cloud else "alice"
    first, again = app.assign_ticket(site, "SEC-1", alice), app.assign_ticket(site, "SEC-1", alice)
    assert (first.previous_owner, first.changed, again.changed) == ("bob@mail.example", True, False)
    assert state()["issues"]["SEC-1"]["assignee"] == "alice"


def test_who_is_meant_has_to_be_clear(place):
    with pytest.raises(ActionFailed, match=r"finds 2 accounts for 'mail\.example'"):
        app.assign_ticket(site_at(place), "SEC-1", "mail.example")
    with pytest.raises(ActionFailed, match="finds no accounts for 'carol'"):
        app.assign_ticket(site_at(place), "SEC-1", "carol")


def test_a_captcha_is_told(place):
    with pytest.raises(ActionFailed, match="solve a CAPTCHA"):
        app.connectivity(site_at(place, user=None, edition="data center", token=Secret("captcha")))
    assert app.connectivity(site_at(place, user=None, edition="data center")) == "connected as Bot"


@pytest.mark.parametrize("ticket", ["SEC", "../SEC-1", "SEC-1/comment", "", "SEC-1?x"])
def test_what_is_no_ticket_is_refused(place, ticket):
    with pytest.raises(ActionFailed, match="is no ticket of Jira"):
        app.get_ticket(site_at(place), ticket)


def test_documents_are_read_as_text():
    mention = {"type": "mention", "attrs": {"id": "1", "text": "@Alice"}}
    items = [{"type": "listItem", "content": [documents.document(text)["content"][0]]} for text in ("a", "b")]
    paragraph = {"type": "paragraph", "content": [mention, {"type": "hardBreak"}, {"type": "text", "text": "see"}, None]}
    found = documents.plain({"type": "doc", "content": [paragraph, {"type": "bulletList", "content": items}]})
    assert found.split() == ["@Alice", "see", "a", "b"]
    assert documents.plain(documents.document("")) == documents.plain(None) == ""
