"""DomainTools through real HTTP, on its simulator."""

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
            "domain risk": {"domain": simulator.PHISH},
            "domain reputation": {"domain": simulator.PHISH},
            "whois domain": {"domain": simulator.PHISH},
            "whois ip": {"ip": "203.0.113.7"},
            "whois history": {"domain": simulator.PHISH},
            "related domains": {"domain": simulator.PHISH},
            "reverse whois": {"terms": ["jd@example.org"]},
            "reverse ip": {"ip": "203.0.113.7"},
            "hosting history": {"domain": simulator.PHISH},
            "get account": {},
        },
    )


@pytest.fixture
def place():
    with simulator.simulator.running() as place:
        yield place


def account(place, **changed):
    return app.DomainTools(**{**place.settings, "key": Secret(place.settings["key"]), "retries": 0, **changed})


@pytest.mark.parametrize("case", CASES, ids=str)
def test_conformance(case, place):
    case.check(place)


def test_manifest():
    assert_manifest_current(HERE)


# ------------------------------------------------------------------ who asks


@pytest.mark.parametrize("settings", [{"digest": "sha256"}, {"digest": "sha1"}, {"digest": "md5"}, {"signed": False}], ids=str)
def test_every_way_to_prove_who_asks(place, settings):
    assert app.domain_risk(account(place, **settings), simulator.PHISH).score == 94


def test_a_signed_request_does_not_have_the_key_in_it(place):
    app.domain_risk(account(place), simulator.PHISH)
    assert simulator.KEY not in "".join(simulator.simulator.requests)


def test_a_posted_request_is_signed_by_its_path(place):
    assert app.related_domains(account(place), simulator.PHISH).data


def test_a_wrong_clock_is_suspected(place):
    simulator.simulator.state["shift_s"] = 600
    with pytest.raises(ActionFailed, match=r"timestamp of the request has expired; .*clock of this machine"):
        app.domain_risk(account(place), simulator.PHISH)


@pytest.mark.parametrize("signed", [True, False])
def test_a_wrong_key_is_named_and_not_shown(place, signed):
    with pytest.raises(ActionFailed, match="check username and key") as failure:
        app.domain_risk(account(place, signed=signed, key=Secret("wrong-key-of-domaintools")), simulator.PHISH)
    assert "wrong-key" not in str(failure.value)


# ------------------------------------------------------------------ domains


@pytest.mark.parametrize(
    ("domain", "verdict", "score"),
    [
        (simulator.PHISH, "malicious", 94),
        ("middling.example", "suspicious", 60),
        ("unclear.example", "unknown", 35),
        ("example.com", "benign", 0),
        ("never-seen.example", "unknown", None),
    ],
)
def test_verdicts(place, domain, verdict, score):
    found = app.domain_reputation(account(place), domain)
    assert (found.verdict, found.score) == (verdict, score)


def test_reasons_of_a_risk_are_the_worst_first(place):
    found = app.domain_risk(account(place), simulator.PHISH)
    assert found.reasons == ["threat_profile: phishing", "proximity"]
    assert found.components[0].evidence == ["domain name", "nameserver"]


def test_a_component_that_comes_alone_is_a_list_of_one(place):
    assert app.domain_risk(account(place), "middling.example").reasons == ["proximity"]


def test_who_registered_a_domain_and_a_network(place):
    domain = app.whois_domain(account(place), simulator.PHISH)
    assert (domain.registrant, domain.registrant_email, domain.country) == ("J Doe", "jd@example.org", "NL")
    assert (domain.created, domain.expires, domain.registrar) == ("2026-01-02", "2027-01-02", "Example Registrar")
    assert (domain.abuse_email, domain.name_servers) == ("abuse@registrar.example", ["ns1.host.example"])
    network = app.whois_ip(account(place), "203.0.113.7")
    assert (network.organization, network.country, network.abuse_email) == ("Example Hosting", "NL", "abuse@hosting.example")
    assert network.range == "203.0.113.0 - 203.0.113.255"


def test_what_nobody_registered_is_an_answer(place):
    assert app.whois_domain(account(place), "nothing.example").found is False
    assert app.whois_ip(account(place), "198.51.100.9").found is False
    assert app.reverse_ip(account(place), "198.51.100.9").found is False


def test_private_addresses_are_not_told_to_anybody(place):
    assert not app.whois_ip(account(place), "10.1.2.3").found
    assert not app.reverse_ip(account(place), "10.1.2.3").found
    assert simulator.simulator.requests == []


def test_the_past_is_told_from_now_backwards(place):
    records = app.whois_history(account(place), simulator.PHISH).data
    assert [(record.recorded, record.registrant, record.private) for record in records] == [
        ("2026-01-03", "J Doe", True), ("2019-05-01", "Old Holder", False),
    ]  # fmt: skip
    moves = app.hosting_history(account(place), simulator.PHISH).data
    assert [(move.happened_at, move.kind, move.after) for move in moves] == [
        ("2026-01-04", "name server", "host.example"), ("2026-01-03", "registrar", "Example Registrar"),
        ("2026-01-02", "ip", "203.0.113.7"),
    ]  # fmt: skip


# ------------------------------------------------------------------ pivots


def test_domains_of_the_same_registrant_are_found_over_all_pages(place):
    found = app.related_domains(account(place), simulator.PHISH, by=["registrant email"])
    assert [row.domain for row in found.data] == [f"related{number}.example" for number in range(1, 7)]
    assert {(row.shared, row.value, row.count) for row in found.data} == {("registrant email", "jd@example.org", 7)}
    assert (found.data[0].score, found.data[0].created) == (89, "2026-01-02")


def test_what_everybody_shares_is_no_trace(place):
    found = app.related_domains(account(place), simulator.PHISH)
    assert {row.shared for row in found.data} == {"registrant email", "ip"}
    assert "ns1.host.example is shared by 900,000 domains" in found.message
    assert not any("nameserver" in request for request in simulator.simulator.requests)


def test_a_mail_address_of_a_million_domains_is_not_searched_for(place):
    simulator.simulator.state["results"] = [simulator.iris(simulator.PHISH, 94, email=1_000_000)]
    found = app.related_domains(account(place), simulator.PHISH, by=["registrant email"])
    assert (found.data, found.summary) == ([], {"pivots": 0, "left_out": 1})
    assert len(simulator.simulator.requests) == 1


def test_a_domain_that_is_not_known_has_no_relatives(place):
    found = app.related_domains(account(place), "nothing.example")
    assert (found.data, found.message) == ([], "DomainTools knows no nothing.example")


def test_a_search_that_finds_too_much_is_a_failure_although_it_comes_with_status_200(place):
    simulator.simulator.state["too_much"] = True
    with pytest.raises(ActionFailed, match="narrow it"):
        app.related_domains(account(place), simulator.PHISH)


def test_a_search_by_words_only_counts_unless_it_is_paid_for(place):
    quoted = app.reverse_whois(account(place), ["jd@example.org"])
    assert (quoted.domains, quoted.current, quoted.price) == ([], 12, 99)
    assert app.reverse_whois(account(place), ["jd@example.org"], mode="purchase").domains == ["a.example", "b.example"]
    with pytest.raises(ActionFailed, match="one to four terms"):
        app.reverse_whois(account(place), ["a|b"])
