"""AbuseIPDB through real HTTP, on its simulator."""

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
            "list reported ips": {"minimum_score": 75},
            "report ip": {"ip": "203.0.113.9", "categories": [18, 22], "comment": "brute force"},
        },
    )


@pytest.fixture
def place():
    with simulator.simulator.running() as place:
        yield place


@pytest.fixture
def account(place):
    return app.AbuseIPDB(url=place.settings["url"], key=Secret(place.settings["key"]), retries=0)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_conformance(case, place):
    case.check(place)


def test_manifest():
    assert_manifest_current(HERE)


@pytest.mark.parametrize(
    ("ip", "verdict", "score"),
    [
        ("203.0.113.7", "malicious", 87),
        ("203.0.113.8", "suspicious", 40),
        ("198.51.100.7", "benign", 0),
        ("2001:db8::99", "unknown", 0),
    ],
)
def test_verdicts(account, ip, verdict, score):
    found = app.ip_reputation(account, ip)
    assert (found.ip, found.verdict, found.score) == (ip, verdict, score)


def test_what_was_reported_is_named(account):
    found = app.ip_reputation(account, "203.0.113.7")
    assert found.categories == ["brute force", "SSH"]
    assert (found.reports, found.reporters, found.country) == (31, 12, "NL")


def test_private_addresses_are_not_told_to_anybody(account):
    assert app.ip_reputation(account, "10.1.2.3").verdict == "unknown"
    assert simulator.simulator.requests == []


def test_a_second_report_within_a_quarter_of_an_hour_is_no_failure(account):
    assert app.report_ip(account, "203.0.113.9").reported is True
    again = app.report_ip(account, "203.0.113.9")
    assert (again.reported, again.score) == (False, None)


def test_unknown_categories_are_refused(account):
    with pytest.raises(ActionFailed, match="no categories"):
        app.report_ip(account, "203.0.113.9", categories=[99])
