"""RDAP through real HTTP, alone, before WHOIS and with bootstrap files."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repertory_sdk import ActionFailed
from repertory_sdk.loader import load_module
from repertory_sdk.testing import conformance
from repertory_sdk.testing.loading import importable

HERE = Path(__file__).resolve().parent

with importable(HERE):
    app = load_module(HERE, "app.py")
    import rdap_client
    import rdap_fields
    import rdap_simulator
    import simulator

    CASES = [
        case
        for case in conformance(
            app.app,
            HERE,
            {
                "whois ip": {"ip": "80.211.246.121"},
                "whois domain": {"domain": "scan.example.net"},
                "whois asn": {"asn": "AS64496"},
                "abuse contact": {"indicator": "scan.example.net"},
            },
        )
        if str(case).endswith(("succeeds", "takes anything"))
    ]


@pytest.fixture
def place():
    with rdap_simulator.simulator.running() as place:
        yield place


@pytest.fixture
def root(place):
    return place.settings["rdap_url"].rpartition("/")[0]


@contextmanager
def whois_server(answers):
    server = simulator.Registry(0, answers)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield {"server": simulator.HOST, "port": server.port}
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def asked():
    return [request.partition(" ")[2] for request in rdap_simulator.simulator.requests]


def only(root, path="/registry", **changed):
    return app.Whois(**{"rdap_url": f"{root}{path}", "rdap_only": True, "timeout_s": 2.0, **changed})


@pytest.mark.parametrize("case", CASES, ids=str)
def test_conformance(case, place):
    case.check(place)


# -------------------------------------------------------------------------- what answers mean


def test_who_holds_a_domain(root):
    outcome = app.whois_domain(only(root), "Scan.Example.Net")
    found = outcome.data
    assert (found.found, found.registrar, found.registrant, outcome.message) == (True, "Example Registrar", None, "")
    assert (found.created, found.expires, found.updated) == ("1995-08-14", "2030-08-13", "2023-08-13")
    assert (found.name_servers, found.status) == (["ns1.example.net", "ns2.example.net"], ["client transfer prohibited"])
    assert found.abuse_email == "abuse@registrar.example"
    assert found.servers == [root.partition("//")[2]]
    assert '"ldhName"' in found.raw


def test_who_holds_a_network(root):
    found = app.whois_ip(only(root), "80.211.246.121").data
    assert (found.range, found.cidr) == ("80.211.246.0 - 80.211.246.255", ["80.211.246.0/24"])
    assert (found.organization, found.country, found.abuse_email) == ("Example Hosting", "IT", "abuse@hosting.example")
    assert (found.network_name, found.registered) == ("EXAMPLE-HOSTING", "2016-11-21")
    assert app.whois_ip(only(root), "2001:DB8:0::7").data.cidr == ["2001:db8::/32"]


@pytest.mark.parametrize("asn", ["AS64496", "64496", " as64496 "])
def test_who_holds_an_autonomous_system(root, asn):
    found = app.whois_asn(only(root), asn).data
    assert (found.asn, found.found, found.name, found.organization) == (64496, True, "EXAMPLE-AS", "Example Hosting")


@pytest.mark.parametrize("asn", ["", "AS", "4294967296", "-1", "AS1.5", "AS64496\nx", "evil.example"])
def test_what_is_no_autonomous_system_is_refused(root, asn):
    with pytest.raises(ActionFailed, match="is not the number of an autonomous system"):
        app.whois_asn(only(root), asn)


def test_where_to_report_abuse(root):
    contacts = {
        indicator: app.abuse_contact(only(root), indicator).data for indicator in ("80.211.246.121", "scan.example.net")
    }
    assert [(one.found, one.abuse_email, one.responsible) for one in contacts.values()] == [
        (True, "abuse@hosting.example", "Example Hosting"), (True, "abuse@registrar.example", "Example Registrar"),
    ]  # fmt: skip
    assert app.abuse_contact(only(root), "bare.example").data.found is False


def test_what_says_little_is_found_with_little(root):
    found = app.whois_domain(only(root), "bare.example").data
    assert (found.found, found.registrar, found.name_servers) == (True, None, [])


def test_what_nobody_registered_is_an_answer(root):
    outcome = app.whois_domain(only(root), "nothing.example")
    assert not outcome.data.found
    assert outcome.message == f"{root.partition('//')[2]} knows no nothing.example"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.sampled_from(["entities", "roles", "vcardArray", "events", "nameservers", "ldhName", "cidr0_cidrs", "status"]), inner
    ),
    max_leaves=20,
)  # fmt: skip


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(["entities", "events", "nameservers", "cidr0_cidrs", "name", "country", "services"]), JSON))
def test_no_answer_breaks_the_reader(data):
    for fields_of in (rdap_fields.domain_fields, rdap_fields.network_fields, rdap_fields.system_fields):
        assert isinstance(fields_of(data), dict)
    assert isinstance(rdap_client.server_for(data, "domain", "a.example"), (str, type(None)))


# -------------------------------------------------------------------------- which server


@pytest.mark.parametrize(
    ("kind", "name"), [("domain", "scan.example.net"), ("ip", "80.211.246.121"), ("ip", "2001:db8::7"), ("autnum", "64496")]
)
def test_bootstrap_files_name_the_server_by_the_longest_match(root, kind, name):
    whois = only(root, rdap_url=None, rdap_bootstrap=f"{root}/bootstrap", rdap_hosts=["rdap.other.example"])
    if kind == "ip" and "." in name:
        rdap_simulator.simulator.state["files"]["ipv4.json"] = {
            "services": [[["80.0.0.0/8"], ["https://rdap.other.example/"]], [["80.211.0.0/16"], [f"{root}/registry/"]]]
        }
    assert whois.rdap.ask(kind, name).data is not None


def test_a_bootstrap_file_is_read_once(root):
    whois = only(root, rdap_url=None, rdap_bootstrap=f"{root}/bootstrap")
    for _ in range(2):
        app.whois_domain(whois, "scan.example.net")
    assert asked().count("/bootstrap/dns.json") == 1


@pytest.mark.parametrize("services", [None, 7, [], [[]], [[["example"], "x"]], [[["example"], ["no URL"]]], [["a", "b", "c"]]])
def test_files_that_name_nobody_are_no_way(root, services):
    rdap_simulator.simulator.state["files"]["dns.json"] = {"services": services}
    with pytest.raises(ActionFailed, match=r"dns\.json names no server for evil\.example"):
        app.whois_domain(only(root, rdap_url=None, rdap_bootstrap=f"{root}/bootstrap"), "evil.example")


def test_registries_may_send_on_to_each_other(root):
    found = app.whois_domain(only(root, "/elsewhere"), "scan.example.net").data
    assert (found.found, len(found.servers)) == (True, 2)


@pytest.mark.parametrize(
    ("path", "said"),
    [("/circle", "sends on without an end"), ("/abroad", "http://192.0.2.1 is to be asked, which the asset does not name")],
)
def test_not_everywhere_and_not_for_ever(root, path, said):
    with pytest.raises(ActionFailed, match=said):
        app.whois_domain(only(root, path), "scan.example.net")
    assert len(asked()) <= rdap_client.MAX_HOPS + 1


def test_a_server_of_the_files_has_to_be_named_as_well(root):
    with pytest.raises(ActionFailed, match=r"https://rdap\.other\.example is to be asked, .*; add its host to rdap_hosts"):
        app.whois_domain(only(root, rdap_url=None, rdap_bootstrap=f"{root}/bootstrap"), "other.net")


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://rdap.example/", "rdap.example", "http://", "http://a b/"])
def test_what_is_no_server_is_said(url):
    with pytest.raises(ActionFailed, match=r"RDAP: .*; "):
        app.whois_domain(app.Whois(rdap_url=url, rdap_only=True, timeout_s=0.5), "evil.example")


# -------------------------------------------------------------------------- with WHOIS behind it


def test_whois_is_not_asked_where_rdap_knows(root):
    whois = only(root, rdap_only=False, server="127.0.0.1", port=1)
    assert app.whois_domain(whois, "scan.example.net").data.found


def test_whois_is_asked_where_rdap_knows_nothing(root):
    with whois_server({"old.example": "Registrar: Old Registrar\n"}) as place:
        outcome = app.whois_domain(only(root, rdap_only=False, **place), "old.example")
    assert (outcome.data.registrar, outcome.message) == ("Old Registrar", "")


@pytest.mark.parametrize("fault", ["server error", "no JSON", "empty body", "page for people", "time-out", "cut off"])
def test_whois_is_asked_where_rdap_fails_and_the_message_says_so(place, root, fault):
    answers = {"scan.example.net": "Registrar: Old Registrar\n", "AS64500": "aut-num: AS64500\nas-name: OLD\n"}
    with whois_server(answers) as server, place.faults[fault]():
        whois = only(root, rdap_only=False, timeout_s=0.3, **server)
        domain, system = app.whois_domain(whois, "scan.example.net"), app.whois_asn(whois, "64500")
    assert (domain.data.registrar, system.data.name) == ("Old Registrar", "OLD")
    assert domain.message.startswith("RDAP: 127.0.0.1")


@pytest.mark.parametrize(
    "fault",
    [
        "server error", "unavailable", "forbidden", "no JSON", "page for people", "time-out", "cut off", "huge body",
        "rate limited", "connection refused", "TLS failure",
    ],
)  # fmt: skip
def test_alone_its_failures_are_sentences(place, fault):
    with place.faults[fault]() as changed, pytest.raises(ActionFailed) as failure:
        app.whois_domain(app.Whois(**{**changed, "timeout_s": 0.3}), "scan.example.net")
    said = str(failure.value)
    assert said.startswith("RDAP: 127.0.0.1")
    assert "; " in said
    assert not any(word in said for word in ("Error", "Read(", "Traceback", "Errno", "<", "SSL"))


def test_a_limit_says_when_to_come_again(place):
    with place.faults["rate limited for 120 s"]() as changed, pytest.raises(ActionFailed) as failure:
        app.whois_domain(app.Whois(**changed), "scan.example.net")
    assert failure.value.retry_after_s == 120


def test_connectivity_by_rdap(root):
    assert app.test_connectivity(only(root)).endswith("answers by RDAP")
    with pytest.raises(ActionFailed, match="RDAP is not configured"):
        app.test_connectivity(app.Whois(rdap_only=True))


def test_nobody_is_asked_about_internal_addresses(root):
    assert not app.whois_ip(only(root), "10.1.2.3").data.found
    assert asked() == []


# -------------------------------------------------------------------------- autonomous systems by WHOIS


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        (simulator.DEMO["AS64496"], ("EXAMPLE-AS", "Example Hosting", "NL", "abuse@hosting.example", "2012-03-15")),
        (
            "ASNumber:       64496\nASName:         EXAMPLE\nRegDate:        1999-01-01\n\nOrgName:        Example Org\n"
            "Country:        US\nOrgAbuseEmail:  abuse@example.org\n",
            ("EXAMPLE", "Example Org", "US", "abuse@example.org", "1999-01-01"),
        ),
    ],
    ids=["RIPE", "ARIN"],
)
def test_autonomous_systems_as_registries_write_them(text, fields):
    with whois_server({"AS64496": text}) as place:
        found = app.whois_asn(app.Whois(**place), "64496").data
    assert (found.name, found.organization, found.country, found.abuse_email, found.registered) == fields


@pytest.mark.parametrize("text", ["as-block: AS64496 - AS64511\norg-name: Example\n", "aut-num: AS644961\nas-name: OTHER\n"])
def test_a_block_or_another_number_is_no_answer(text):
    with whois_server({"AS64496": text}) as place:
        assert not app.whois_asn(app.Whois(**place), "64496").data.found
