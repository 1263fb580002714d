"""Which server is asked next, and how each wants to be asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from repertory_sdk.testing.loading import importable

HERE = Path(__file__).resolve().parent

with importable(HERE):
    import whois_client
    from whois_client import Place


@pytest.mark.parametrize(
    "target",
    [
        "127.0.0.1", "localhost", "LOCALHOST.", "x.localhost", "10.0.0.1:43", "[::1]", "[fe80::1]:43",
        "169.254.169.254",
        "192.168.1.1", "2130706433", "127.1", "0x7f000001", "0.0.0.0", "[::ffff:127.0.0.1]",
    ],
)  # fmt: skip
def test_referrals_into_the_own_network_are_not_followed(target):
    start = Place("whois.iana.org", 43)

    assert whois_client.referral_of(f"refer: {target}\n", start, {start}) == (None, False)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("whois.example", Place("whois.example", 43)),
        ("whois://WHOIS.example:4343/", Place("whois.example", 4343)),
        ("[2001:db8::1]:43", Place("[2001:db8::1]", 43)),
        ("rwhois://rwhois.example:4321", None),
        ("https://rdap.example/", None),
        ("whois.example:0", None),
        ("whois.example:99999", None),
        ("whois.example/path", None),
        ("", None),
    ],
)
def test_referrals_as_servers_write_them(text, place):
    assert whois_client.place_of(text) == place


@pytest.mark.parametrize(
    ("host", "kind", "query"),
    [
        ("whois.arin.net", "ip", "n + x"),
        ("WHOIS.ARIN.NET.", "ip", "n + x"),
        ("whois.arin.net", "domain", "x"),
        ("whois.verisign-grs.com", "domain", "domain x"),
        ("whois.denic.de", "domain", "-T dn x"),
        ("whois.jprs.jp", "domain", "x/e"),
        ("whois.example", "domain", "x"),
    ],
)
def test_each_server_is_asked_in_its_own_way(host, kind, query):
    assert whois_client.query_for(Place(host, 43), kind, "x") == query
