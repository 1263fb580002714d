"""Splunk through real HTTP, on its simulator."""

from __future__ import annotations

from pathlib import Path

import pytest

from repertory_sdk import ActionFailed, Job
from repertory_sdk.convert import Secret
from repertory_sdk.loader import load_module
from repertory_sdk.testing import assert_manifest_current, conformance
from repertory_sdk.testing.loading import importable

HERE = Path(__file__).resolve().parent
JOB = "1767225600.99"

with importable(HERE):
    app = load_module(HERE, "app.py")
    import rows
    import searching
    import simulator

    NOTABLE = simulator.NOTABLE["event_id"]
    CASES = conformance(
        app.app,
        HERE,
        {
            "run query": {"query": "index=fw dest_port=23"},
            "list searches": {},
            "run saved search": {"name": "Telnet today"},
            "get job": {"job_id": JOB},
            "get event": {"event": NOTABLE},
            "update event": {"event": NOTABLE, "status": "in progress", "owner": "alice", "comment": "looking"},
            "post data": {"data": '{"finding": "telnet"}'},
        },
    )


@pytest.fixture
def place():
    with simulator.simulator.running() as place:
        yield place


@pytest.fixture
def splunk(place):
    secrets = {name: Secret(place.settings[name]) for name in ("token", "hec_token")}
    return app.Splunk(**{**place.settings, **secrets}, retries=0)


def state():
    return simulator.simulator.state


@pytest.mark.parametrize("case", CASES, ids=str)
def test_conformance(case, place):
    state()["jobs"][JOB] = {"query": "search index=fw", "looks": 1, "rows": [], "empty": 0}
    case.check(place)


def test_manifest():
    assert_manifest_current(HERE)


def test_a_search_is_waited_for_and_cleared_away(splunk):
    found = app.run_query(splunk, Job(), "index=fw").data
    assert [row.values.get("src") for row in found] == ["192.0.2.14", ["192.0.2.15", "192.0.2.16"]]
    assert state()["jobs"] == {}


@pytest.mark.parametrize("v2", [True, False], ids=["9.0 and newer", "older"])
def test_rows_come_page_by_page(splunk, v2):
    state()["v2"] = v2
    state()["data"]["index=many"] = [{"n": str(n)} for n in range(12_001)]
    assert len(app.run_query(splunk, Job(), "index=many", limit=50_000).data) == 12_001
    assert len(app.run_query(splunk, Job(), "index=many", limit=7_000).data) == 7_000


@pytest.mark.parametrize(
    "query",
    [
        "index=fw | delete",
        "index=fw |  OutputLookup x.csv",
        "index=fw [ | collect index=x ]",
        "index=fw | ```why``` sendemail to=x",
    ],
)
def test_what_writes_is_refused_before_anything_is_asked(splunk, query):
    with pytest.raises(ActionFailed, match="writes or sends; Splunk is only read"):
        app.run_query(splunk, Job(), query)
    assert simulator.simulator.requests == []


@pytest.mark.parametrize(
    ("query", "sent"),
    [
        ("index=fw", "search index=fw"),
        ("  | tstats count", "| tstats count"),
        ("search x", "search x"),
        ("searching", "search searching"),
    ],
)
def test_a_query_as_the_interface_wants_it(query, sent):
    assert searching.reading(query) == sent


def test_a_saved_search_that_writes_is_refused(splunk):
    with pytest.raises(ActionFailed, match="outputlookup"):
        app.run_saved_search(splunk, Job(), "Keep telnet")
    with pytest.raises(ActionFailed, match="no saved search 'Nobody'"):
        app.run_saved_search(splunk, Job(), "Nobody")
    assert not [line for line in simulator.simulator.requests if "dispatch" in line]


def test_splunk_says_why_it_does_not_search(splunk):
    with pytest.raises(ActionFailed, match="Unknown search command 'foo'"):
        app.run_query(splunk, Job(), "index=fw | foo")
    with pytest.raises(ActionFailed, match="ended by the server"):
        app.run_query(splunk, Job(), "index=fw fails")


def test_a_search_that_does_not_end_is_cancelled(place):
    state()["looks"] = 10_000
    slow = app.Splunk(url=place.settings["url"], token=Secret(place.settings["token"]), search_s=1.0, look_s=0.1)
    with pytest.raises(ActionFailed, match="was cancelled"):
        app.run_query(slow, Job(), "index=fw")
    assert [line for line in simulator.simulator.requests if "/control" in line]
    assert state()["jobs"] == {}


def test_user_and_password_do_instead_of_a_token(place):
    splunk = app.Splunk(url=place.settings["url"], user="admin", password=Secret("letmein"))
    assert app.connectivity(splunk) == "Splunk 9.2.1 answers"
    with pytest.raises(ActionFailed, match="neither a token nor user"):
        app.connectivity(app.Splunk(url=place.settings["url"]))


def test_a_notable_event_is_changed_and_read_back(splunk):
    app.update_event(splunk, NOTABLE, status="resolved", owner="alice", urgency="low")
    found = app.get_event(splunk, Job(), NOTABLE)
    assert (found.values["status"], found.owner, found.urgency) == ("4", "alice", "low")


def test_a_refusal_with_status_200_is_a_failure(splunk):
    with pytest.raises(ActionFailed, match="No events were found"):
        app.update_event(splunk, "ZZ@@notable@@1", status="closed")
    with pytest.raises(ActionFailed, match="nothing is to be changed"):
        app.update_event(splunk, NOTABLE)


def test_posted_objects_stay_objects(splunk):
    app.post_data(splunk, '{"finding": 7}', host="srv-14")
    app.post_data(splunk, "[1, 2] is text")
    assert [row["event"] for row in state()["posted"]] == [{"finding": 7}, "[1, 2] is text"]
    assert state()["posted"][0]["host"] == "srv-14"
    with pytest.raises(ActionFailed, match="Incorrect index"):
        app.post_data(splunk, "x", index="secret")


def test_without_a_collector_nothing_is_posted(place):
    with pytest.raises(ActionFailed, match="set hec_url and hec_token"):
        app.post_data(app.Splunk(url=place.settings["url"], token=Secret("x")), "x")


def test_rows_become_events_once(splunk):
    checkpoint = {}
    (event,) = app.rows_as_events(splunk, checkpoint, Job())
    assert (event.name, event.severity, event.source_id, event.happened_at) == (
        "Outbound telnet",
        "high",
        NOTABLE,
        1767607200.5,
    )
    assert event.values_of("ip") == ["192.0.2.14", "203.0.113.7"]
    assert (event.values("destinationHostName"), event.values("destinationPort")) == (["srv-14.example"], [23])
    assert checkpoint["since"] == 1767607210

    late = {**simulator.NOTABLE, "event_id": "late", "_indextime": "1767607190"}
    state()["data"]["index=notable"] = [simulator.NOTABLE, late]
    assert [event.source_id for event in app.rows_as_events(splunk, checkpoint, Job())] == ["late"]
    assert list(app.rows_as_events(splunk, checkpoint, Job())) == []


def test_rows_without_an_identity_are_known_by_what_they_say():
    row = {"src": "192.0.2.1", "n": "1"}
    assert rows.identity_of(row) == rows.identity_of(dict(reversed(row.items())))
    assert rows.identity_of(row) != rows.identity_of({**row, "n": "2"})


def test_without_a_query_there_is_nothing_to_poll(place):
    with pytest.raises(ActionFailed, match="set poll_query"):
        list(app.rows_as_events(app.Splunk(url=place.settings["url"], token=Secret("x")), {}, Job()))
