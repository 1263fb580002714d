"""Two ends made one: whatever comes at whatever time is passed on, whole and in order.

The transports here begin to read although ``connection_made`` has paused them, as those of Python before 3.11.4 do, and go on
only as long as they may.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repertory.runtime.egress.relay import End

if TYPE_CHECKING:
    from collections.abc import Sequence


class Options:
    """Of a socket, which is not asked for more."""

    def setsockopt(self, *_: object) -> None:
        """Whatever it is."""


class Early(asyncio.Transport):
    """A transport of an old Python on one side of the relay; ``arriving`` is what its peer sends, None its end."""

    def __init__(self, end: End, arriving: Sequence[bytes | None] = ()) -> None:
        super().__init__()
        self.end = end
        self.arriving = list(arriving)
        self.written: list[bytes] = []
        self.is_reading = self.is_paused = False
        self.has_said_all = self.is_over = False
        end.connection_made(self)
        self.is_reading = True  # what connection_made() has said is forgotten

    def turn(self) -> bool:
        """One turn of a loop: what is there to read is read, if it may be."""
        if not self.is_reading or not self.arriving or self.is_over:
            return False
        data = self.arriving.pop(0)
        if data is None:
            if not self.end.eof_received():
                self.close()
        else:
            self.end.data_received(data)
        return True

    def pause_reading(self) -> None:
        """Whoever has paused already is not heard."""
        if not self.is_paused:
            self.is_paused, self.is_reading = True, False

    def resume_reading(self) -> None:
        if self.is_paused:
            self.is_paused, self.is_reading = False, True

    def write(self, data: Any) -> None:
        assert not self.has_said_all, "something comes after the end"
        self.written.append(bytes(data))

    def write_eof(self) -> None:
        self.has_said_all = True

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """It has none."""

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return Options() if name == "socket" else default

    def is_closing(self) -> bool:
        return self.is_over

    def close(self) -> None:
        if not self.is_over:
            self.is_over = True
            self.end.connection_lost(None)

    def abort(self) -> None:
        self.close()


def made(arriving: Sequence[bytes | None] = ()) -> tuple[End, Early, list[int]]:
    counted: list[int] = []
    end = End(counted.append)
    return end, Early(end, arriving), counted


def until_nothing_comes(*transports: Early) -> None:
    while any([one.turn() for one in transports]):
        pass


def test_what_comes_before_the_other_end_is_there_is_kept_and_counted_once() -> None:
    inside, near, counted = made([b"GET / ", b"HTTP/1.1\r\n", b"\r\n"])
    assert near.turn()
    assert not near.is_reading, "it is stopped as soon as it has begun"
    outside, far, _ = made()
    inside.join(outside)
    until_nothing_comes(near, far)
    assert b"".join(far.written) == b"GET / HTTP/1.1\r\n\r\n"
    assert sum(counted) == 18
    assert near.written == []


def test_a_server_that_speaks_first_is_heard() -> None:
    """It has greeted before the two ends are joined."""
    outside, far, counted = made([b"220 ready\r\n"])
    assert far.turn()
    inside, near, _ = made()
    inside.join(outside)
    assert near.written == [b"220 ready\r\n"]
    assert sum(counted) == 11


def test_all_that_was_said_and_its_end_come_before_the_other_end_is_there() -> None:
    inside, near, _ = made([b"example.com\r\n", None])
    until_nothing_comes(near)
    near.is_reading = True
    until_nothing_comes(near)
    outside, far, _ = made([b"No match\r\n", None])
    inside.join(outside)
    until_nothing_comes(near, far)
    assert (far.written, far.has_said_all) == ([b"example.com\r\n"], True)
    assert near.written == [b"No match\r\n"], "one direction is over, the other is not"
    assert near.is_over or near.has_said_all


@pytest.mark.parametrize("gone", ["near", "far"])
def test_an_end_that_is_gone_before_they_are_joined_takes_the_other_with_it(gone: str) -> None:
    inside, near, _ = made([b"x"])
    outside, far, _ = made([b"y"])
    {"near": near, "far": far}[gone].close()
    inside.join(outside)
    until_nothing_comes(near, far)
    assert (near.is_over, far.is_over) == (True, True)


def test_who_asks_and_is_gone_at_once_has_asked() -> None:
    inside, near, _ = made([b"delete it\r\n"])
    near.turn()
    near.close()
    outside, far, _ = made()
    inside.join(outside)
    assert (far.written, far.is_over) == ([b"delete it\r\n"], True)


def test_who_reads_slowly_is_not_flooded() -> None:
    inside, near, _ = made()
    outside, far, _ = made()
    inside.join(outside)
    far.arriving = [b"a", b"b"]
    inside.pause_writing()
    until_nothing_comes(near, far)
    assert near.written == []
    inside.resume_writing()
    until_nothing_comes(near, far)
    assert near.written == [b"a", b"b"]


CHUNKS = st.lists(st.binary(min_size=1, max_size=5), max_size=6)


@given(asked=CHUNKS, answered=CHUNKS, ends=st.booleans(), before=st.integers(0, 8))
def test_nothing_is_lost_added_or_turned_around(asked: list[bytes], answered: list[bytes], ends: bool, before: int) -> None:
    inside, near, sent = made([*asked, *([None] if ends else [])])
    for _ in range(before):  # reading may begin again and again before anybody listens
        near.is_reading = True
        near.turn()
    outside, far, received = made([*answered, *([None] if ends else [])])
    far.turn()
    inside.join(outside)
    until_nothing_comes(near, far)
    assert (b"".join(far.written), b"".join(near.written)) == (b"".join(asked), b"".join(answered))
    assert (sum(sent), sum(received)) == (len(b"".join(asked)), len(b"".join(answered)))
    assert far.has_said_all or far.is_over if ends else not far.has_said_all
