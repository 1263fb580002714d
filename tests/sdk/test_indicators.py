"""What people write, as products take it; and what is never blocked."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repertory_sdk import ActionFailed, indicators
from repertory_sdk.indicators import PROTECTED


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("198.51.100.7", "198.51.100.7"),
        (" 198[.]51[.]100[.]7 ", "198.51.100.7"),
        ("2001:DB8:0:0::7", "2001:db8::7"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
    ],
)
def test_addresses(text, address):
    assert indicators.address(text) == address


@pytest.mark.parametrize("text", ["", "999.1.1.1", "1.2.3", "fe80::1%eth0", "evil.example", "192.0.2.1/24", "x" * 500])
def test_no_addresses(text):
    with pytest.raises(ActionFailed) as caught:
        indicators.address(text)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Evil.Example.", "evil.example"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("a_b.example", "a_b.example"),
        ("evil[dot]example", "evil.example"),
    ],
)
def test_domains(text, name):
    assert indicators.domain(text) == name


@pytest.mark.parametrize("text", ["", ".", "a..b", "-a.example", "198.51.100.7", "a b.example", "a/b", "x" * 64 + ".example", "\u202e.x"])
def test_no_domains(text):
    with pytest.raises(ActionFailed, match="no domain name"):
        indicators.domain(text)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("hxxps://evil[.]example/a", "https://evil.example/a"),
        ("HTTP://[2001:DB8::7]:8080/x?y=1#z", "http://[2001:db8::7]:8080/x?y=1#z"),
        ("http://user:word@evil.example/", "http://evil.example/"),
    ],
)
def test_urls(text, url):
    assert indicators.url(text) == url


@pytest.mark.parametrize("text", ["", "evil.example", "ftp://evil.example", "javascript:alert(1)", "http://", "http://a b/", "http://[::1"])
def test_no_urls(text):
    with pytest.raises(ActionFailed):
        indicators.url(text)


@pytest.mark.parametrize("indicator", ["10.1.2.3", "8.8.8.8", "8.8.8.0/24", "0.0.0.0/0", "::1", "fe80::7", "::/0", "printer.local", "local"])
def test_what_much_depends_on_is_never_blocked(indicator):
    with pytest.raises(ActionFailed, match="is protected and stays as it is"):
        indicators.refuse_protected(indicator, PROTECTED)


@pytest.mark.parametrize("indicator", ["198.51.100.7", "2001:db8::7", "evil.example", "notlocal.example", "thelocal"])
def test_what_nobody_depends_on_may_be_blocked(indicator):
    indicators.refuse_protected(indicator, PROTECTED)


def test_own_domains_protect_what_is_above_and_below_them():
    for name in ("corp.example", "www.corp.example", "example"):
        with pytest.raises(ActionFailed):
            indicators.refuse_protected(name, ["corp.example"])
    indicators.refuse_protected("other.example", ["corp.example"])


def test_a_top_level_domain_is_never_blocked():
    with pytest.raises(ActionFailed, match="top-level"):
        indicators.blockable_domain("com", [])


@given(st.ip_addresses())
def test_every_address_survives(address):
    mapped = getattr(address, "ipv4_mapped", None)
    assert ipaddress.ip_address(indicators.address(str(address))) == (mapped or address)


@given(st.text())
def test_no_text_does_anything_else_than_be_refused(text):
    for read in (indicators.address, indicators.network, indicators.domain, indicators.url):
        try:
            assert read(text)
        except ActionFailed as error:
            assert len(str(error)) < 700
