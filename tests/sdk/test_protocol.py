"""Messages, line by line."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repertory_sdk import protocol

TEXT = st.text(max_size=5)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=3,
)


@settings(database=None, max_examples=25, deadline=None)
@given(st.lists(st.dictionaries(TEXT, JSON, max_size=2), max_size=3))
def test_what_is_written_is_read(messages: list[protocol.Message]) -> None:
    stream = io.BytesIO()
    for message in messages:
        protocol.write(stream, message)
    assert stream.getvalue().count(b"\n") == len(messages)
    stream.seek(0)
    assert [protocol.read(stream) for _ in messages] == messages
    assert protocol.read(stream) is None


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b'{"a":1}', "half a line"),
        (b'{"a":"' + b"x" * 100 + b'"}\n', "a line of more than 64 bytes"),
        (b"[]\n", "not an object"),
        (b"\n", "not JSON"),
        (b"{\n", "not JSON"),
        (b'{"a":"\xff"}\n', "not JSON"),
    ],
)
def test_bad_lines(line: bytes, said: str) -> None:
    with pytest.raises(protocol.BadMessage, match=said):
        protocol.read(io.BytesIO(line), limit=64)


def test_deep_nesting_is_a_bad_line() -> None:
    with pytest.raises(protocol.BadMessage):
        protocol.read(io.BytesIO(b'{"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}\n"))
