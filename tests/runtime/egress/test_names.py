"""DNS messages, as dnspython makes and reads them, and as nobody should make them."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address

import dns.flags
import dns.message
import dns.name
import dns.rcode
import pytest
from hypothesis import given
from hypothesis import strategies as st

from repertory.runtime.egress.names import INSIDE, InsideNames, Query

LABEL = st.from_regex(r"[a-z0-9_-]{1,63}", fullmatch=True)
NAMES = st.lists(LABEL, min_size=1, max_size=3).map(".".join)


@given(name=NAMES, kind=st.sampled_from(["A", "AAAA", "MX", "TXT", "SRV"]), edns=st.booleans())
def test_a_query_is_understood_and_its_answer_too(name: str, kind: str, edns: bool) -> None:
    asked = dns.message.make_query(name.upper(), kind, use_edns=edns)
    query = Query.parse(asked.to_wire())
    assert query is not None
    assert (query.name, query.id, query.asks_for_address) == (name, asked.id, kind in ("A", "AAAA"))
    answer = dns.message.from_wire(query.answer(IPv4Address("198.18.0.1")))
    assert answer.id == asked.id
    assert answer.question == asked.question
    assert answer.flags & dns.flags.QR
    assert answer.rcode() == dns.rcode.NOERROR
    assert [[str(one) for one in found] for found in answer.answer] == ([["198.18.0.1"]] if kind == "A" else [])
    assert dns.message.from_wire(query.unknown()).rcode() == dns.rcode.NXDOMAIN
    assert dns.message.from_wire(query.answer(None)).answer == []


@given(data=st.binary(max_size=600))
def test_whatever_comes_is_a_query_or_none(data: bytes) -> None:
    Query.parse(data)


@given(data=st.binary(max_size=300), cut=st.integers(0, 40))
def test_a_broken_query_is_none_or_one(data: bytes, cut: int) -> None:
    wire = dns.message.make_query("www.example.com", "A").to_wire()
    query = Query.parse(wire[:cut] + data)
    assert query is None or dns.message.from_wire(query.unknown(), ignore_trailing=True)


HEADER = struct.pack(">HHHHHH", 7, 0x0100, 1, 0, 0, 0)
TAIL = struct.pack(">HH", 1, 1)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(dns.message.make_response(dns.message.make_query("a.example", "A")).to_wire(), id="an answer"),
        pytest.param(struct.pack(">HHHHHH", 7, 0x0100, 2, 0, 0, 0) + (b"\1a\0" + TAIL) * 2, id="two questions"),
        pytest.param(struct.pack(">HHHHHH", 7, 0x0100, 0, 0, 0, 0), id="no question"),
        pytest.param(HEADER + b"\xc0\x0c" + TAIL, id="a name that leads to itself"),
        pytest.param(HEADER + b"\1a\xc0\x0c" + TAIL, id="a compressed name"),
        pytest.param(HEADER + b"\x40" + b"a" * 64 + b"\0" + TAIL, id="a label of 64"),
        pytest.param(HEADER + b"\1a" * 200 + b"\0" + TAIL, id="200 labels"),
        pytest.param(HEADER + (b"\x3f" + b"a" * 63) * 5 + b"\0" + TAIL, id="a name of 320"),
        pytest.param(HEADER + b"\2\xff\xfe\0" + TAIL, id="not ASCII"),
        pytest.param(HEADER + b"\3a.b\0" + TAIL, id="a dot in a label"),
        pytest.param(HEADER + b"\3a\0b\0" + TAIL, id="a zero in a label"),
        pytest.param(HEADER + b"\5a", id="cut off"),
        pytest.param(HEADER, id="without its question"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_what_is_no_query(data: bytes) -> None:
    assert Query.parse(data) is None


def test_every_name_has_an_address_of_its_own_and_keeps_it() -> None:
    names = InsideNames()
    given_out = {name: names.address_of(name) for name in ("a", "b", "a.b", "a")}
    assert len(set(given_out.values())) == 3
    for name, address in given_out.items():
        assert address in INSIDE
        assert names.address_of(name) == address
        assert names.meant_by(address) == name  # type: ignore[arg-type]
    assert names.meant_by(IPv4Address("8.8.8.8")) == IPv4Address("8.8.8.8")


def test_names_without_end_get_no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("repertory.runtime.egress.names.MOST_NAMES", 3)
    names = InsideNames()
    assert [names.address_of(str(number)) is None for number in range(5)] == [False, False, False, True, True]
    assert names.address_of("1") is not None
