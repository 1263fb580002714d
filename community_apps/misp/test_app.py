"""MISP through real HTTP, on its simulator."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from repertory_sdk import ActionFailed
from repertory_sdk.convert import Secret
from repertory_sdk.loader import load_module
from repertory_sdk.testing import assert_manifest_current, conformance
from repertory_sdk.testing.loading import importable

HERE = Path(__file__).resolve().parent

with importable(HERE):
    app = load_module(HERE, "app.py")
    import polling
    import simulator

    CASES = conformance(
        app.app,
        HERE,
        {
            "ip reputation": {"ip": "203.0.113.7"},
            "domain reputation": {"domain": "evil.example"},
            "url reputation": {"url": "http://evil.example/a%20b"},
            "file reputation": {"hash": "ab" * 32},
            "search attributes": {"types": ["ip-src"], "limit": 3},
            "get event": {"event": "3"},
            "create event": {"info": "Found by a playbook", "tags": ["tlp:amber"]},
            "add attribute": {"event": "3", "type": "ip-dst", "value": "192.0.2.77"},
            "tag event": {"event": "3", "tag": "workflow:state"},
            "untag event": {"event": "3", "tag": "tlp:amber"},
            "add sighting": {"value": "evil.example"},
            "publish event": {"event": "6"},
        },
    )


@pytest.fixture
def place():
    with simulator.simulator.running() as place:
        yield place


@pytest.fixture
def misp(place):
    return app.Misp(url=place.settings["url"], key=Secret(place.settings["key"]), retries=0, poll_days=3650)


@pytest.fixture
def state(place):
    return simulator.simulator.state


@pytest.mark.parametrize("case", CASES, ids=str)
def test_conformance(case, place):
    case.check(place)


def test_manifest():
    assert_manifest_current(HERE)


# ------------------------------------------------------------------ what is shared


@pytest.mark.parametrize(
    ("ip", "verdict", "hits"),
    [("203.0.113.7", "malicious", 1), ("192.0.2.8", "suspicious", 1), ("192.0.2.9", "unknown", 0), ("203.0.113.6", "unknown", 0)],
    ids=["for detection", "mentioned", "nothing", "deleted"],
)
def test_verdicts(misp, ip, verdict, hits):
    found = app.ip_reputation(misp, ip)
    assert (found.verdict, found.hits) == (verdict, hits)


def test_what_it_is_about_comes_with_the_verdict(misp):
    found = app.ip_reputation(misp, "203.0.113.7")
    assert (found.events, found.campaigns, found.tags) == (["3"], ["Campaign X"], ["c2", "tlp:amber"])
    assert found.last_seen_at == "2026-01-01T00:00:01+00:00"


def test_parts_of_composites_are_found(misp):
    assert app.file_reputation(misp, "AB" * 32).verdict == "malicious"


def test_a_percent_sign_in_a_url_stands_for_itself(misp):
    assert app.url_reputation(misp, "http://evil.example/a%20b").hits == 1
    assert app.url_reputation(misp, "http://evil.example/%").verdict == "unknown"


@pytest.mark.parametrize("empty", [{"Attribute": []}, [], None, {}])
def test_every_way_to_say_that_there_is_nothing(misp, state, empty):
    state["empty"] = empty
    assert app.domain_reputation(misp, "nothing.example").verdict == "unknown"


def test_a_search_turns_pages_up_to_the_limit(misp):
    assert len(app.search_attributes(misp, types=["ip-src"], limit=1000).data) == 131
    assert simulator.simulator.requests == ["POST /attributes/restSearch"] * 2
    assert len(app.search_attributes(misp, types=["ip-src"], limit=120).data) == 120
    assert [row.value for row in app.search_attributes(misp, value="EVIL.%").data] == ["evil.example"]
    assert {row.info for row in app.search_attributes(misp, tags=["tlp:amber"]).data} == {"Campaign X", "Only mentioned"}


@pytest.mark.parametrize("event", ["3", str(uuid.UUID(int=3))])
def test_an_event_has_the_attributes_of_its_objects_and_not_the_deleted(misp, event):
    found = app.get_event(misp, event)
    assert (found.info, found.threat, found.organization, found.published) == ("Campaign X", "high", "Example CERT", True)
    types = ["ip-dst|port", "domain", "url", "filename|sha256", "domain", "comment", "email-src"]
    assert [row.type for row in found.attributes] == types


@pytest.mark.parametrize("event", ["", "-1", "../users", "٣", "not an event"])
def test_what_is_no_event_is_refused(misp, event):
    with pytest.raises(ActionFailed, match="is no event"):
        app.get_event(misp, event)
    assert simulator.simulator.requests == []


def test_an_event_that_is_not_there_is_a_failure(misp):
    with pytest.raises(ActionFailed, match="there is no event 99"):
        app.get_event(misp, "99")


# ------------------------------------------------------------------ what is shared with them


def test_the_same_reference_never_makes_a_second_event(misp, state):
    first, second = (app.create_event(misp, "Phishing", reference="case 7", threat="low", tags=["tlp:green"]) for _ in range(2))
    assert (first.created, second.created, first.event == second.event) == (True, False, True)
    made = app.get_event(misp, first.uuid)
    assert (made.threat, made.published, made.tags) == ("low", False, ["tlp:green"])
    assert app.create_event(misp, "Phishing").event != app.create_event(misp, "Phishing").event


def test_an_attribute_that_is_there_is_no_failure(misp, state):
    first, second = (app.add_attribute(misp, "3", "ip-dst", "192.0.2.77", comment="beacon") for _ in range(2))
    assert (first.added, second.added) == (True, False)
    assert [row["value"] for row in state["events"]["3"]["Attribute"]].count("192.0.2.77") == 1


def test_an_attribute_that_misp_refuses_says_why(misp):
    with pytest.raises(ActionFailed, match="Options depend on the category"):
        app.add_attribute(misp, "3", "no type", "x")
    with pytest.raises(ActionFailed, match="Invalid event"):
        app.add_attribute(misp, "99", "ip-dst", "192.0.2.77")


def test_tags_are_put_on_and_taken_off_once(misp):
    assert [app.tag_event(misp, "4", "tlp:red").changed for _ in range(2)] == [True, False]
    assert app.get_event(misp, "4").tags == ["tlp:red"]
    assert [app.untag_event(misp, "4", "tlp:red").changed for _ in range(2)] == [True, False]
    assert app.get_event(misp, "4").tags == []


def test_a_tag_that_did_not_stick_is_a_failure(misp):
    with pytest.raises(ActionFailed, match="the tag stayed as it was: Invalid Tag"):
        app.tag_event(misp, "4", "forbidden:tag")


def test_sightings_need_an_attribute(misp, state):
    assert app.add_sighting(misp, "evil.example", kind="false positive", source="soc").told
    assert state["seen"] == [{"values": ["evil.example"], "type": "1", "source": "soc"}]
    with pytest.raises(ActionFailed, match=r"no attribute has the value 'nothing\.example'"):
        app.add_sighting(misp, "nothing.example")


def test_publishing_is_read_back(misp):
    first, second = (app.publish_event(misp, "6") for _ in range(2))
    assert (first.published, first.changed, first.verified) == (True, True, True)
    assert (second.published, second.changed) == (True, False)


def test_publishing_in_the_background_is_not_told_as_done(misp, state):
    state["background"] = True
    found = app.publish_event(misp, "6")
    assert (found.published, found.changed, found.verified) == (False, True, False)


def test_a_wrong_key_and_a_missing_right_are_both_told(place, misp, state):
    with pytest.raises(ActionFailed, match=r"403: Authentication failed.*check the key") as failure:
        app.connectivity(app.Misp(url=place.settings["url"], key=Secret("wrong-key-of-misp"), retries=0))
    assert "wrong-key" not in str(failure.value)
    state["role"] = "reader"
    with pytest.raises(ActionFailed, match="what its role permits"):
        app.publish_event(misp, "6")


# ------------------------------------------------------------------ polls


def test_published_events_become_events(misp):
    found = list(app.events(misp, {}))
    assert [(event.name, event.severity) for event in found] == [
        ("Campaign X", "high"), ("Scanners", "low"), ("Only mentioned", "medium"),
    ]  # fmt: skip
    first = found[0]
    assert (first.source, first.source_id, first.happened_at) == ("misp", str(uuid.UUID(int=3)), 1767225600.0)
    assert [dict(artifact.cef) for artifact in first.artifacts] == [
        {"destinationAddress": "203.0.113.7"},
        {"destinationDnsDomain": "evil.example"},
        {"requestURL": "http://evil.example/a%20b"},
        {"fileName": "bill.exe", "fileHash": "ab" * 32},
        {"destinationDnsDomain": "login-examp1e.example"},
        {"fromEmail": "phish@evil.example"},
    ]
    assert first.values_of("hash") == ["ab" * 32]
    assert found[2].artifacts == []


def test_a_poll_goes_on_where_the_last_one_ended(misp, state):
    checkpoint = {}
    assert len(list(app.events(misp, checkpoint))) == 3
    assert list(app.events(misp, checkpoint)) == []
    app.publish_event(misp, "6")
    assert [event.name for event in app.events(misp, checkpoint)] == ["A draft"]
    assert list(app.events(misp, checkpoint)) == []
    assert list(checkpoint["seen"]) == [str(uuid.UUID(int=6))]


def test_an_event_published_late_but_within_the_overlap_is_not_missed(misp, state):
    checkpoint = {}
    list(app.events(misp, checkpoint))
    state["events"]["6"].update(published=True, publish_timestamp=str(simulator.START - 100))
    assert [event.name for event in app.events(misp, checkpoint)] == ["A draft"]


def test_an_event_that_is_published_again_comes_again(misp, state):
    checkpoint = {}
    list(app.events(misp, checkpoint))
    state["events"]["3"]["publish_timestamp"] = str(simulator.START + 50)
    assert [event.name for event in app.events(misp, checkpoint)] == ["Campaign X"]


def test_more_than_a_poll_takes_comes_with_the_next_ones(misp, state):
    state["events"] = {
        str(number): simulator.event(number, f"Event {number}", [], publish_timestamp=str(simulator.START - number * 1000))
        for number in range(1, 231)
    }
    checkpoint, polls = {}, []
    for _ in range(4):
        polls.append([event.name for event in polling.published(misp.api, checkpoint, 3650, 100)])
    assert [len(poll) for poll in polls] == [100, 100, 30, 0]
    assert len({name for poll in polls for name in poll}) == 230


def test_a_poll_that_breaks_off_moves_nothing(place, misp):
    checkpoint = {}
    with place.faults["unavailable"](), pytest.raises(ActionFailed):
        list(app.events(misp, checkpoint))
    assert checkpoint == {}


@pytest.mark.parametrize(
    "row",
    [{}, {"type": None, "value": 7}, {"type": "ip-src"}, {"type": "filename|md5", "value": ""}, {"type": "comment", "value": "x"}],
)
def test_attributes_that_nothing_is_done_with_are_no_artifacts(row):
    assert polling.artifact_of(row) is None
