"""Properties of the readers and of the search, against the standard library and against brute force."""

from __future__ import annotations

import ipaddress
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from repertory_sdk.testing.loading import importable

HERE = Path(__file__).resolve().parent

with importable(HERE):  # other apps have modules of these names too: each test module keeps its own
    import formats
    import networks

CIDRS = st.from_regex(r"\A[0-9]{1,3}(\.[0-9]{1,3}){3}/[0-9][0-9]?\Z")


@settings(deadline=None)
@given(st.text("0123456789./:abf\u0663 %", max_size=24) | st.ip_addresses().map(str) | CIDRS)
@example("1.2.3.4/255.255.0.0")
@example("::ffff:1.2.3.4")
def test_networks_are_read_exactly_as_strictly_as_the_standard_library_does(text):
    try:
        expected = ipaddress.ip_network(text, strict=False)
    except ValueError:
        expected = None
    found = networks.network_of(text)

    tail = text.partition("/")[2]
    if expected is None or expected.prefixlen == 0 or "%" in text or "." in tail:
        assert found is None
    elif expected.version == 6 and expected.prefixlen == 128 and not tail and expected[0].ipv4_mapped:
        assert found == (32, int(expected[0].ipv4_mapped), 32)
    else:
        assert found == (expected.max_prefixlen, int(expected.network_address), expected.prefixlen)


# Few bits differ, so that networks nest, touch and repeat; the ends of the address space are among them.
NUMBERS = st.integers(0, 255).map(lambda number: (number & 15) | (number >> 4) << 28)


@settings(deadline=None)
@given(st.lists(st.tuples(NUMBERS, st.integers(1, 32)), max_size=30), NUMBERS, st.sampled_from([0, 96]))
def test_flattened_networks_answer_as_a_search_through_all_of_them_does(entries, address, shift):
    width = 32 + shift
    spread = [(number << shift | number, length + shift * (length > 16)) for number, length in entries]
    known = {ipaddress.ip_network((spot.to_bytes(width // 8, "big"), length), strict=False) for spot, length in spread}
    packed = [networks.pack(int(net.network_address), net.prefixlen, 7) for net in known]
    asked = address << shift | address
    around = [net for net in known if ipaddress.ip_address(asked.to_bytes(width // 8, "big")) in net]
    expected = max(around, key=lambda net: net.prefixlen, default=None)

    found = networks.Networks(width, packed).find(asked)

    assert (found and (found.length, found.note)) == (expected and (expected.prefixlen, 7))
    if found:
        assert ipaddress.ip_network(found.entry) == expected


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
@example(0, 2**32 - 2)
def test_a_range_becomes_exactly_its_networks(one, other):
    first, last = (ipaddress.IPv4Address(number) for number in sorted((one, other)))
    expected = list(ipaddress.summarize_address_range(first, last))

    found = networks.networks_between(str(first), str(last))

    assert found == [(32, int(net.network_address), net.prefixlen) for net in expected if net.prefixlen]


PIECES = st.sampled_from(
    ["192.0.2.0/24", "evil.example", ",", "{", '{"ip":"192.0.2.7"}', '"', "ip", "#", " ", "\t", "-", "0.0.0.0"]
)


@settings(deadline=None)
@given(st.lists(st.lists(PIECES | st.text(max_size=5), max_size=6).map("".join), max_size=8).map("\n".join))
def test_no_list_breaks_the_reader(text):
    lines = text.split("\n")

    listing = formats.read_listing(f"{line}\n" for line in lines)

    assert 0 <= listing.bad <= len(lines)
    assert (listing.first_bad > 0) == (listing.bad > 0)
