"""Any HTTP interface through real HTTP, on a simulated one."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from repertory_sdk import ActionFailed
from repertory_sdk.convert import Secret
from repertory_sdk.loader import load_module
from repertory_sdk.testing import assert_manifest_current, conformance
from repertory_sdk.testing.loading import importable

HERE = Path(__file__).resolve().parent

with importable(HERE):
    app = load_module(HERE, "app.py")
    import places
    import simulator

    CASES = conformance(
        app.app,
        HERE,
        {
            "get data": {"path": "/hosts/web-1"},
            "get headers": {"path": "/hosts/web-1"},
            "post data": {"path": "/hosts", "data": {"name": "web-2"}},
            "put data": {"path": "/hosts/web-3", "data": {"owner": "a@example.org"}},
            "patch data": {"path": "/hosts/web-1", "data": {"critical": False}},
            "delete data": {"path": "/hosts/web-1"},
        },
        may_succeed={"get headers": ["cut off"], "delete data": ["cut off"]},  # no body of theirs can be
    )


@pytest.fixture
def place():
    with simulator.simulator.running() as place:
        yield place


def rest(place, **changed):
    return app.Rest(**{**place.settings, "token": Secret(place.settings["token"]), "retries": 0, **changed})


@pytest.mark.parametrize("case", CASES, ids=str)
def test_conformance(case, place):
    case.check(place)


def test_manifest():
    assert_manifest_current(HERE)


# ------------------------------------------------------------------ who asks


@pytest.mark.parametrize(
    "way",
    [
        {"auth": "bearer"},
        {"auth": "basic", "user": "soar", "password": Secret(simulator.PASSWORD)},
        {"auth": "header", "header_name": "X-Inventory-Key", "header_value": Secret(simulator.TOKEN)},
    ],
    ids=lambda way: way["auth"],
)
def test_every_way_to_say_who_we_are(place, way):
    assert app.get_data(rest(place, **way), "hosts/web-1").status == 200
    assert app.connectivity(rest(place, **way)).endswith("/api/v1 answers with 200")


@pytest.mark.parametrize("way", ["bearer", "basic", "header"])
def test_what_is_missing_for_a_way_is_named(place, way):
    with pytest.raises(ActionFailed, match=f"for auth={way} the setting .* is missing; set it"):
        app.get_data(rest(place, auth=way, token=None), "/hosts")


def test_nobody_is_refused(place):
    with pytest.raises(ActionFailed, match=r"401: Who are you\?; check the credentials"):
        app.get_data(rest(place, auth="none"), "/hosts")


# ------------------------------------------------------------------ what is done


def test_a_thing_from_beginning_to_end(place):
    asset = rest(place)
    assert app.post_data(asset, "/hosts", {"name": "db-1", "owner": "a"}).status == 201
    assert app.get_data(asset, "/hosts/db-1").data == {"owner": "a"}
    assert app.patch_data(asset, "/hosts/db-1", {"critical": True}).data == {"owner": "a", "critical": True}
    assert app.put_data(asset, "/hosts/db-1", {"owner": "b"}).data == {"owner": "b"}
    assert [app.delete_data(asset, "/hosts/db-1").status for _ in range(2)] == [204, 404]


def test_headers_come_without_cookies_and_without_the_body(place):
    found = app.get_headers(rest(place), "/hosts/web-1")
    assert (found.headers["x-revision"], found.data, found.text) == ("7", None, None)
    assert "set-cookie" not in found.headers
    assert app.get_data(rest(place), "/hosts/web-1").data["critical"] is True


def test_a_connection_is_good_for_more_after_a_head(place):
    asset = rest(place)
    for _ in range(3):
        assert app.get_headers(asset, "/hosts/web-1").status == 200
        assert app.get_data(asset, "/hosts/web-1").data["critical"] is True


def test_queries_and_lists_of_them(place):
    found = app.get_data(rest(place), "/hosts", query={"owner": ["post@example.org", "x"]})
    assert [host["name"] for host in found.data] == ["web-1"]
    app.get_data(rest(place), "/notes/q", query={"flag": True, "none": None, "n": 3, "many": ["a&b", "c d"]})
    assert simulator.simulator.state["notes"][-1]["query"] == {"flag": ["true"], "none": [""], "n": ["3"], "many": ["a&b", "c d"]}


def test_text_is_sent_as_it_is(place):
    text = "<note>grüße</note>"
    found = app.post_data(rest(place), "/notes/a", text=text, content_type="application/xml", headers={"X-Trace": 7})
    assert (found.text, found.data) == ("as you wish", None)
    note = simulator.simulator.state["notes"][-1]
    assert (note["body"], note["type"], note["trace"]) == (text, "application/xml", "7")
    with pytest.raises(ActionFailed, match="both data and text"):
        app.post_data(rest(place), "/notes/a", {"a": 1}, "b")


def test_statuses_that_were_asked_for_are_no_failure(place):
    missing = app.get_data(rest(place), "/hosts/none", accept=[404])
    assert (missing.status, missing.data) == (404, {"error": {"message": "There is no such host."}})
    with pytest.raises(ActionFailed, match=r"There is no such host; check what was asked for"):
        app.get_data(rest(place), "/hosts/none")
    with pytest.raises(ActionFailed, match="409: There is such a host already"):
        app.post_data(rest(place), "/hosts", {"name": "web-1"})


def test_what_is_not_safe_twice_is_tried_once(place):
    with place.faults["unavailable"]():
        for action, times in ((app.put_data, 2), (app.post_data, 1), (app.patch_data, 1)):
            simulator.simulator.requests.clear()
            with pytest.raises(ActionFailed):
                action(rest(place, retries=1), "/hosts/web-1", {"a": 1})
            assert len(simulator.simulator.requests) == times


def test_pages_for_people_have_to_be_expected(place):
    with pytest.raises(ActionFailed, match="a page for people"):
        app.get_data(rest(place), "/page")
    assert "Hello" in app.get_data(rest(place, accept_html=True), "/page").text


def test_answers_that_are_too_large_are_refused(place):
    simulator.simulator.state["hosts"]["big"] = {"text": "x" * 2000}
    with pytest.raises(ActionFailed, match="more than 1,024 bytes; ask for less"):
        app.get_data(rest(place, largest_kb=1), "/hosts/big")


# ------------------------------------------------------------------ what is refused


@pytest.mark.parametrize(
    "path",
    [
        "..", "/..", "../admin", "hosts/../../admin", "hosts/%2e%2e/%2E%2E/admin", "hosts/.%2e/../x", "%252e%252e/admin",
        "hosts/..;/..;a=b/admin", "hosts%2f..%2f..%2fadmin", "..\\admin", "%5c..%5cadmin", "./.", "/hosts/.", "//evil.example/x",
        "http://evil.example/x", "hosts?admin=1", "hosts#x", "hosts\nHost: evil", "hosts/\x00", "..%c0%af..", " .. ",
    ],
)  # fmt: skip
def test_no_path_leads_out_of_the_base(place, path):
    with pytest.raises(ActionFailed, match="is refused: "):
        app.get_data(rest(place), path)
    assert simulator.simulator.requests == []


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("", "/api/v1/"), ("notes/a", "/api/v1/notes/a"), ("/notes/a", "/api/v1/notes/a"), ("notes/a b", "/api/v1/notes/a%20b"),
        ("notes/ü", "/api/v1/notes/%C3%BC"), ("notes/%C3%BC", "/api/v1/notes/%C3%BC"), ("notes/100%", "/api/v1/notes/100%25"),
        ("notes/...", "/api/v1/notes/..."), ("notes/a..b", "/api/v1/notes/a..b"), ("@notes", "/api/v1/@notes"),
        (":80/notes", "/api/v1/:80/notes"),
    ],
)  # fmt: skip
def test_paths_are_sent_as_they_are_meant(place, path, sent):
    app.get_data(rest(place), path, accept=[404])
    assert simulator.simulator.requests == [f"GET {sent}"]


PIECES = [".", "..", "%2e", "%252e", "/", "%2f", "\\", "%5c", ";", "a", "%", "@", ":", "ü", "?"]


@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from(PIECES), max_size=9))
def test_whatever_is_taken_stays_below_the_base(parts):
    try:
        path = places.below("".join(parts))
    except ActionFailed:
        return
    whole = urlsplit(f"https://host.example/api/v1{path}")
    decoded = whole.path
    for _ in range(4):
        decoded = unquote(decoded)
    assert whole.netloc == "host.example"
    assert not {".", ".."} & {part.partition(";")[0] for part in decoded.replace("\\", "/").split("/")}


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"}, {"authorization": "Bearer x"}, {"Content-Length": "0"}, {"Transfer-Encoding": "chunked"},
        {"Cookie": "a"}, {"X-Inventory-Key": "x"}, {"X": "a\r\nHost: evil"}, {"a b": "c"}, {"": "x"}, {"X": "ü"},
    ],
    ids=str,
)  # fmt: skip
def test_headers_that_are_not_for_actions_are_refused(place, headers):
    asset = rest(place, auth="header", header_name="X-Inventory-Key", header_value=Secret(simulator.TOKEN))
    for action in (app.get_data, app.post_data, app.delete_data):
        with pytest.raises(ActionFailed, match="the header"):
            action(asset, "/notes/a", headers=headers)
    assert simulator.simulator.requests == []


def test_a_content_type_has_a_parameter_of_its_own(place):
    with pytest.raises(ActionFailed, match="the header 'Content-Type'"):
        app.post_data(rest(place), "/notes/a", text="x", headers={"Content-Type": "text/css"})
    with pytest.raises(ActionFailed, match="the header 'Content-Type'"):
        app.post_data(rest(place), "/notes/a", text="x", content_type="a\r\nHost: evil")
