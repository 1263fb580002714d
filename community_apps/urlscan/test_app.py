"""urlscan.io through real HTTP, on its simulator."""

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
            "url reputation": {"url": "http://login.evil.example/a"},
            "domain reputation": {"domain": "evil.example"},
            "submit url": {"url": "http://new.example/"},
            "get scan": {"scan": simulator.PHISH},
            "search scans": {"query": 'page.ip:"203.0.113.7"'},
            "get screenshot": {"scan": simulator.PHISH},
            "get quota": {},
        },
    )


@pytest.fixture
def place():
    with simulator.simulator.running() as place:
        yield place


@pytest.fixture
def account(place):
    return app.Urlscan(url=place.settings["url"], key=Secret(place.settings["key"]), retries=0)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_conformance(case, place):
    case.check(place)


def test_manifest():
    assert_manifest_current(HERE)


def test_the_newest_scan_of_a_url_counts(account):
    found = app.url_reputation(account, "hxxp://login.evil[.]example/a")
    assert (found.verdict, found.score, found.brands) == ("malicious", 100, ["Example Bank"])
    assert (found.scan, found.categories) == (simulator.PHISH, ["phishing"])


@pytest.mark.parametrize("url", ["http://never.example/", "http://gone.example/", 'http://x.example/"OR"\\'])
def test_a_url_that_nobody_scanned_is_unknown(account, url):
    assert app.url_reputation(account, url).verdict == "unknown"


@pytest.mark.parametrize(
    ("overall", "verdict"),
    [
        ({"score": 10, "malicious": True}, "malicious"), ({"score": 70}, "malicious"), ({"score": 30}, "suspicious"),
        ({"score": 0}, "unknown"), ({"score": -50}, "benign"), (None, "unknown"), ({"score": None}, "unknown"),
    ],
)  # fmt: skip
def test_verdicts(account, overall, verdict):
    assert account.verdict(overall) == verdict


def test_the_worst_of_the_newest_scans_counts_for_a_domain(account):
    found = app.domain_reputation(account, "evil.example")
    assert (found.verdict, found.score, found.scans, found.total) == ("malicious", 100, 2, 2)
    assert (found.brands, found.last_scanned_at) == (["Example Bank", "Other"], "2026-01-05T08:00:00.000Z")
    assert app.domain_reputation(account, "evil.example", scans=1).verdict == "unknown"
    assert app.domain_reputation(account, "never.example").verdict == "unknown"


def test_a_scan_of_ones_own_from_beginning_to_end(account):
    asked = app.submit_url(account, "http://new.example/", tags=["case-7"])
    assert asked.visibility == "private"
    assert app.get_scan(account, asked.scan).status == "pending"
    done = app.get_scan(account, asked.scan)
    assert (done.status, done.verdict, done.url, done.ip) == ("done", "benign", "http://new.example/", "203.0.113.7")
    assert (done.http_status, done.domains) == (200, ["new.example", "cdn.example"])


def test_who_sees_a_scan_can_be_said_each_time(account):
    assert app.submit_url(account, "http://new.example/", visibility="public").visibility == "public"


def test_a_deleted_scan_is_told(account):
    assert app.get_scan(account, simulator.GONE).status == "deleted"


@pytest.mark.parametrize("scan", ["", "../quotas", "11111111-1111", "x" * 36])
def test_what_is_no_scan_is_refused(account, scan):
    for action in (app.get_scan, lambda account, scan: app.get_screenshot(account, Job(), scan)):
        with pytest.raises(ActionFailed, match="is no scan"):
            action(account, scan)
    assert simulator.simulator.requests == []


def test_a_url_that_cannot_be_opened_says_why(account):
    with pytest.raises(ActionFailed, match="Could not resolve domain"):
        app.submit_url(account, "http://unresolvable.example/")


def test_searches_turn_pages_up_to_the_limit(account):
    found = app.search_scans(account, 'page.domain:"many.example"', limit=1000)
    assert (len({row.scan for row in found.data}), found.summary) == (130, {"total": 130})
    assert len(simulator.simulator.requests) == 2
    assert len(app.search_scans(account, 'page.domain:"many.example"', limit=5).data) == 5


def test_a_screenshot_is_kept_as_attachment(account):
    job = Job()
    kept = app.get_screenshot(account, job, simulator.PHISH)
    assert job.attached == {kept.sha256: simulator.picture()}
    assert (kept.name, kept.size) == (f"{simulator.PHISH}.png", len(simulator.picture()))


def test_a_screenshot_that_is_not_there_yet_is_a_failure(account):
    with pytest.raises(ActionFailed, match="wait until 'get scan' says done"):
        app.get_screenshot(account, Job(), "44444444-4444-4444-8444-444444444444")


def test_limits_say_when_they_end(account):
    simulator.simulator.state["limited"] = True
    with pytest.raises(ActionFailed, match="Rate limit for 'search' exceeded") as failure:
        app.search_scans(account, "page.ip:x")
    assert failure.value.retry_after_s == 41
