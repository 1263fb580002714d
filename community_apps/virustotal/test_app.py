"""VirusTotal through real HTTP, on its simulator."""

from __future__ import annotations

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
    import simulator

    ANALYSIS = "u-demo-1767225600"
    CASES = conformance(
        app.app,
        HERE,
        {
            "ip reputation": {"ip": "203.0.113.7"},
            "domain reputation": {"domain": "evil.example"},
            "url reputation": {"url": "http://evil.example/login"},
            "file reputation": {"hash": simulator.EICAR},
            "submit url": {"url": "http://new.example/"},
            "get analysis": {"analysis": ANALYSIS},
            "lookup ip": {"ip": "203.0.113.7"},
            "lookup domain": {"domain": "host1.example"},
            "related files": {"indicator": "evil.example"},
            "get quota": {},
        },
    )


@pytest.fixture
def place():
    with simulator.simulator.running() as place:
        simulator.simulator.state["analyses"][ANALYSIS] = {"url": "http://known.example/", "asked": 1}
        yield place


@pytest.fixture
def account(place):
    return app.VirusTotal(url=place.settings["url"], key=Secret(place.settings["key"]), retries=0)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_conformance(case, place):
    case.check(place)


def test_manifest():
    assert_manifest_current(HERE)


@pytest.mark.parametrize(
    ("ip", "verdict"),
    [
        ("203.0.113.7", "malicious"),
        ("198.51.100.8", "suspicious"),
        ("198.51.100.7", "benign"),
        ("198.51.100.9", "unknown"),  # nobody found anything, but hardly anybody looked
        ("198.51.100.10", "unknown"),  # nobody ever looked
        ("192.0.2.99", "unknown"),
    ],
)
def test_verdicts_of_addresses(account, ip, verdict):
    assert app.ip_reputation(account, ip).verdict == verdict


def test_two_engines_that_wonder_are_suspicious(account):
    assert account.verdict({"suspicious": 2, "harmless": 60}) == "suspicious"
    assert account.verdict({"suspicious": 1, "harmless": 60}) == "unknown"


def test_who_found_what(account):
    found = app.ip_reputation(account, "203.0.113.7")
    assert (found.malicious, found.suspicious, found.engines) == (7, 1, 73)
    assert found.detections[0] == "Engine 1: phishing"
    assert (found.organization, found.analysed_at) == ("Example ISP", "2026-01-01T00:00:00+00:00")


def test_private_addresses_are_not_told_to_anybody(account):
    assert app.ip_reputation(account, "10.1.2.3").verdict == "unknown"
    assert not app.lookup_ip(account, "10.1.2.3").found
    assert simulator.simulator.requests == []


def test_urls_are_asked_for_by_their_identity(account):
    found = app.url_reputation(account, "hxxp://evil[.]example/login")
    assert (found.verdict, found.title) == ("malicious", "Log in")
    assert app.url_reputation(account, "http://evil.example/other").verdict == "unknown"


@pytest.mark.parametrize("digest", [simulator.EICAR, "44D88612FEA8A8F36DE82E1278ABB02F"])
def test_files_are_known_by_every_digest(account, digest):
    found = app.file_reputation(account, digest)
    assert (found.hash, found.verdict, found.threat) == (digest.lower(), "malicious", "test.eicar")
    assert found.sha256 == simulator.EICAR


@pytest.mark.parametrize("digest", ["abc", "g" * 64, "0" * 63, "0" * 40 + "\n0"])
def test_what_is_no_digest_is_refused(account, digest):
    with pytest.raises(ActionFailed, match="is no hash"):
        app.file_reputation(account, digest)


def test_an_analysis_is_unknown_until_it_is_completed(account):
    analysis = app.submit_url(account, "http://new.example/").analysis
    first, second = (app.get_analysis(account, analysis) for _ in range(2))
    assert (first.status, first.verdict) == ("queued", "unknown")
    assert (second.status, second.verdict, second.malicious) == ("completed", "malicious", 4)
    assert second.url == "http://new.example/"


def test_an_analysis_that_is_not_there_is_a_failure(account):
    with pytest.raises(ActionFailed, match="no such analysis"):
        app.get_analysis(account, "u-none")


def test_names_are_fetched_page_by_page_up_to_the_limit(account):
    assert len(app.lookup_ip(account, "203.0.113.7", limit=1000).hostnames) == 90
    assert len(simulator.simulator.requests) == 3
    few = app.lookup_ip(account, "203.0.113.7", limit=50)
    assert (len(few.hostnames), few.hostnames[0]) == (50, "host0.example")
    assert app.lookup_domain(account, "host1.example").addresses == ["203.0.113.7"]
    assert app.lookup_domain(account, "none.example").found is False


@pytest.mark.parametrize("indicator", ["203.0.113.7", "evil.example"])
def test_files_that_talk_to_it(account, indicator):
    found = app.related_files(account, indicator)
    assert [(file.hash, file.verdict) for file in found.data] == [(simulator.EICAR, "malicious"), ("0" * 64, "unknown")]


def test_a_quota_that_is_used_up_says_when_to_come_again(account):
    simulator.simulator.state["out_of_quota"] = True
    with pytest.raises(ActionFailed, match="Quota exceeded; wait a minute") as failure:
        app.ip_reputation(account, "203.0.113.7")
    assert (failure.value.retry, failure.value.retry_after_s) == (True, 60)


def test_the_key_is_in_no_error_although_it_is_in_a_path(place):
    account = app.VirusTotal(url=place.settings["url"], key=Secret("wrong/key of virustotal"), retries=0)
    with pytest.raises(ActionFailed, match="401: Wrong API key") as failure:
        app.get_quota(account)
    assert "wrong/key" not in str(failure.value)
    assert "wrong%2Fkey" not in str(failure.value)
