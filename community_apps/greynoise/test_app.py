"""GreyNoise through real HTTP, on its simulator."""

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

    CASES = conformance(
        app.app,
        HERE,
        {
            "ip reputation": {"ip": "203.0.113.7"},
            "lookup noise": {"ip": "203.0.113.7"},
            "list tags": {},
            "get account": {},
        },
    )


@pytest.fixture
def place():
    with simulator.simulator.running() as place:
        yield place


def account(place, **changed):
    return app.GreyNoise(**{**place.settings, "key": Secret(place.settings["key"]), "retries": 0, **changed})


@pytest.mark.parametrize("case", CASES, ids=str)
def test_conformance(case, place):
    case.check(place)


def test_manifest():
    assert_manifest_current(HERE)


@pytest.mark.parametrize("plan", ["community", "enterprise"])
@pytest.mark.parametrize(
    ("ip", "verdict"),
    [
        ("203.0.113.7", "malicious"),
        ("203.0.113.8", "suspicious"),
        ("198.51.100.7", "benign"),
        ("198.51.100.8", "benign"),
        ("198.51.100.9", "unknown"),
        ("192.0.2.99", "unknown"),
    ],
)
def test_verdicts_are_the_same_on_every_plan(place, plan, ip, verdict):
    assert app.ip_reputation(account(place, plan=plan), ip).verdict == verdict


@pytest.mark.parametrize("key", [None, "set"])
def test_what_was_never_seen_is_an_answer(place, key):
    found = app.lookup_noise(account(place, **({} if key else {"key": None})), "192.0.2.99")
    assert (found.found, found.noise, found.riot) == (False, False, False)


def test_scanners_and_services_are_told_apart(place):
    scanner, service = (app.lookup_noise(account(place), ip) for ip in ("203.0.113.7", "198.51.100.8"))
    assert (scanner.noise, scanner.riot, scanner.name, scanner.last_seen) == (True, False, None, "2026-01-04")
    assert (service.noise, service.riot, service.name) == (False, True, "Example DNS")


def test_paid_plans_know_more(place):
    found = app.lookup_noise(account(place, plan="enterprise"), "203.0.113.7")
    assert (found.organization, found.country, found.hostnames) == ("Example Hosting", "NL", ["scan.example.net"])
    assert (found.tags, found.tor, found.vpn, found.first_seen) == (["Telnet Bruteforcer"], False, True, "2025-06-01")
    assert app.lookup_noise(account(place, plan="enterprise"), "198.51.100.8").category == "public_dns"


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"internet_scanner_intelligence": None},
        {"internet_scanner_intelligence": {"found": True, "tags": [None, 7, {}, "Old"]}},
        {"business_service_intelligence": [], "internet_scanner_intelligence": {"metadata": "none", "tags": "x"}},
    ],
    ids=str,
)
def test_what_is_missing_is_left_out(answer):
    found = app._detailed("203.0.113.7", answer)
    assert (found.classification, found.organization, found.hostnames) == (None, None, [])


def test_private_addresses_are_not_told_to_anybody(place):
    assert app.ip_reputation(account(place), "10.1.2.3").verdict == "unknown"
    assert simulator.simulator.requests == []


def test_it_works_without_a_key(place):
    assert app.ip_reputation(account(place, key=None), "203.0.113.7").verdict == "malicious"
    assert "without a key" in app.connectivity(account(place, key=None))
    with pytest.raises(ActionFailed, match="set key"):
        app.get_account(account(place, key=None))


def test_the_quota_of_the_week_is_no_verdict_and_not_worth_a_second_try(place):
    simulator.simulator.state["left"] = 0
    with pytest.raises(ActionFailed, match="You have hit your weekly limit; wait until the quota begins anew") as failure:
        app.ip_reputation(account(place, retries=3), "203.0.113.7")
    assert failure.value.retry is False
    assert len(simulator.simulator.requests) == 1


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("", ["Telnet Bruteforcer", "Log4j Attempt", "Example Survey"]),
        ("cve-2021", ["Log4j Attempt"]),
        ("SURVEY", ["Example Survey"]),
    ],
)
def test_tags_are_found_by_name_and_cve(place, name, found):
    assert [tag.name for tag in app.list_tags(account(place), name).data] == found
