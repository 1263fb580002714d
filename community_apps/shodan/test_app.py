"""Shodan and InternetDB through real HTTP, on their simulator."""

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
            "lookup host": {"ip": "203.0.113.7"},
            "search hosts": {"query": "port:3389", "limit": 3},
            "count hosts": {"query": "port:3389", "facets": ["port"]},
            "lookup domain": {"domain": "example.com"},
            "lookup ip": {"ip": "203.0.113.7"},
            "resolve domains": {"domains": ["www.example.com"]},
            "get account": {},
        },
    )


@pytest.fixture
def place():
    with simulator.simulator.running() as place:
        yield place


def account(place, **changed):
    settings = {**place.settings, "key": Secret(place.settings["key"]), "retries": 0, **changed}
    return app.Shodan(**settings)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_conformance(case, place):
    case.check(place)


def test_manifest():
    assert_manifest_current(HERE)


def test_services_of_a_host_with_and_without_details(place):
    found = app.lookup_host(account(place), "203.0.113.7")
    assert [(service.port, service.protocol, service.product) for service in found.services] == [
        (23, "tcp", "BusyBox telnetd"), (443, "tcp", "nginx"), (53, "udp", None),
    ]  # fmt: skip
    assert (found.organization, found.country, found.hostnames) == ("Example Hosting", "NL", ["srv1.example.net"])
    assert (found.vulnerabilities, found.source) == (["CVE-2021-44228"], "shodan")


def test_a_host_that_shodan_never_saw_is_an_answer(place):
    assert app.lookup_host(account(place), "192.0.2.99").found is False
    assert app.lookup_host(account(place, key=None), "192.0.2.99").found is False


def test_without_a_key_internetdb_is_asked(place):
    found = app.lookup_host(account(place, key=None), "203.0.113.7")
    assert (found.found, found.source, [service.port for service in found.services]) == (True, "internetdb", [23, 443, 53])
    assert simulator.simulator.requests == ["GET /internetdb/203.0.113.7"]
    assert "InternetDB" in app.connectivity(account(place, key=None))


def test_without_a_key_the_rest_says_what_is_missing(place):
    with pytest.raises(ActionFailed, match="set key"):
        app.search_hosts(account(place, key=None), "port:23")


def test_private_addresses_are_not_told_to_anybody(place):
    assert app.lookup_host(account(place), "10.1.2.3").found is False
    assert app.lookup_ip(account(place), "192.168.1.1").found is False
    assert simulator.simulator.requests == []


def test_a_search_turns_pages_only_as_far_as_it_has_to(place):
    found = app.search_hosts(account(place), "port:3389", limit=100)
    assert (len(found.data), found.summary) == (100, {"total": 130})
    assert simulator.simulator.state["credits"] == 99
    assert len(app.search_hosts(account(place), "port:3389", limit=1000).data) == 130
    assert simulator.simulator.state["credits"] == 97


def test_counting_by_a_facet_costs_no_credit(place):
    found = app.count_hosts(account(place), "net:203.0.113.0/24", facets=["port"])
    assert (found.total, {(row.value, row.count) for row in found.buckets}) == (3, {("23", 1), ("443", 1), ("53", 1)})
    assert simulator.simulator.state["credits"] == 100


def test_names_and_records_of_a_domain(place):
    found = app.lookup_domain(account(place), "example.com")
    assert (found.addresses, found.subdomains) == (["192.0.2.10", "2001:db8::10"], ["www.example.com"])
    assert [record.name for record in found.records] == ["example.com", "www.example.com", "example.com"]
    assert app.lookup_domain(account(place), "unknown.example").found is False


def test_every_name_that_was_asked_for_is_answered(place):
    found = app.resolve_domains(account(place), ["www.example.com", "none.example"])
    assert [(row.domain, row.found, row.address) for row in found.data] == [
        ("www.example.com", True, "192.0.2.10"), ("none.example", False, None),
    ]  # fmt: skip


def test_the_rate_limit_that_comes_with_status_200_may_be_tried_again(place):
    simulator.simulator.state["busy"] = True
    with pytest.raises(ActionFailed, match="rate limit reached") as failure:
        app.get_account(account(place))
    assert failure.value.retry


def test_a_plan_that_does_not_include_it_is_named(place):
    simulator.simulator.state["plan"] = "oss"
    with pytest.raises(ActionFailed, match="Requires membership"):
        app.lookup_host(account(place), "203.0.113.7")


def test_a_wrong_key_is_told_without_the_page_that_says_so_and_without_the_key(place):
    with pytest.raises(ActionFailed, match=r"401.*check your API key") as failure:
        app.get_account(account(place, key=Secret("wrong-key-of-shodan")))
    assert "<" not in str(failure.value)
    assert "wrong-key" not in str(failure.value)
