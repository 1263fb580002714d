"""The playbook's side of the pipe, over real pipes, with the other side played by the test."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

import pytest

from repertory_sdk import protocol
from repertory_sdk.channel import Channel
from repertory_sdk.errors import PlaybookError

PATIENCE_S = 10


class Other:
    """The other side: reads what the channel says, replies."""

    def __init__(self, channel: Channel, stream: Endless, reader: Any, writer: Any) -> None:
        self.channel = channel
        self.stream = stream
        self._reader = reader
        self._writer = writer

    def play(self, body: Callable[[Channel], Any]) -> Future[Any]:
        """Run a playbook's body in a thread of its own, which nobody waits for; its last message is ``end``."""
        outcome: Future[Any] = Future()

        def run() -> None:
            try:
                outcome.set_result(body(self.channel))
            except BaseException as error:
                outcome.set_exception(error)
            self.channel.close({"op": "end"})

        self.thread = threading.Thread(target=run, daemon=True)
        self.thread.start()
        return outcome

    def read(self) -> dict[str, Any]:
        message = protocol.read(self._reader)
        assert message is not None
        return message

    def said(self, count: int) -> list[str]:
        """The next messages, short: ``act 1``, ``idle 0``."""
        return [_short(self.read()) for _ in range(count)]

    def reply(self, key: str, value: Any = None) -> None:
        protocol.write(self._writer, {"key": key, "value": value})

    def refuse(self, key: str, error: str) -> None:
        protocol.write(self._writer, {"key": key, "error": error})


def _short(message: dict[str, Any]) -> str:
    return f"{message['op']} {message.get('key', message.get('seen', ''))}".strip()


class Endless:
    """A pipe whose end is not passed on (there, a channel ends its process) and that tells what was taken in."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._asked = 0
        self._changed = threading.Condition()

    def readline(self, limit: int) -> bytes:
        with self._changed:
            self._asked += 1
            self._changed.notify_all()
        line: bytes = self._stream.readline(limit)
        if not line:
            threading.Event().wait()
        return line

    def wait_until_taken_in(self, lines: int) -> None:
        """Whoever asks for one line more has dealt with these."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._asked > lines, PATIENCE_S)


@pytest.fixture
def other() -> Iterator[Other]:
    to_playbook, replies = os.pipe()
    requests, from_playbook = os.pipe()
    channel_reader, channel_writer = os.fdopen(to_playbook, "rb"), os.fdopen(from_playbook, "wb")
    reader, writer = os.fdopen(requests, "rb"), os.fdopen(replies, "wb")
    stream = Endless(channel_reader)
    channel = Channel(stream, channel_writer)  # type: ignore[arg-type]
    channel.start()
    watchdog = threading.Timer(PATIENCE_S, os.write, [from_playbook, b'{"op": "said nothing for too long"}\n'])
    watchdog.start()
    other = Other(channel, stream, reader, writer)
    yield other
    other.thread.join(1)  # its last message needs the pipe
    watchdog.cancel()
    watchdog.join()
    for stream in (writer, reader, channel_writer):
        stream.close()


def ask(channel: Channel, op: str = "act") -> Any:
    key = channel.next_key()
    channel.send(op, key)
    return channel.wait(key)


def test_requests_are_counted_and_sent_before_anybody_waits(other: Other) -> None:
    def body(channel: Channel) -> list[Any]:
        keys = [channel.next_key() for _ in range(3)]
        for key in keys:
            channel.send("act", key, action="whois ip")
        return [channel.wait(key) for key in reversed(keys)]

    outcome = other.play(body)
    assert other.said(4) == ["act 1", "act 2", "act 3", "idle 0"]
    other.reply("2", "two")
    assert other.said(1) == ["idle 1"]  # a reply that nobody waits for yet
    other.reply("3", "three")
    assert other.said(1) == ["idle 2"]  # the playbook went on, took the second, and waits for the first
    other.reply("1", "one")
    assert other.said(1) == ["end"]
    assert outcome.result(PATIENCE_S) == ["three", "two", "one"]


def test_reply_that_is_there_already_makes_nobody_idle(other: Other) -> None:
    replied = threading.Event()

    def body(channel: Channel) -> Any:
        key = channel.next_key()
        channel.send("act", key)
        replied.wait(PATIENCE_S)
        ask(channel)
        return channel.wait(key)

    outcome = other.play(body)
    assert other.said(1) == ["act 1"]
    other.reply("1", "early")
    other.reply("2", "later")
    other.stream.wait_until_taken_in(2)
    replied.set()
    assert other.said(2) == ["act 2", "end"]
    assert outcome.result(PATIENCE_S) == "early"


def test_keys_of_branches_do_not_depend_on_the_order_of_replies(other: Other) -> None:
    def branch(channel: Channel, name: str) -> str:
        return f"{name}{ask(channel)}{ask(channel)}"

    def body(channel: Channel) -> Any:
        before = ask(channel)
        both = channel.parallel([lambda: branch(channel, "a"), lambda: branch(channel, "b")])
        return before, both, ask(channel)

    outcome = other.play(body)
    assert other.said(2) == ["act 1", "idle 0"]
    other.reply("1", 1)
    assert other.said(3) == ["act 2.0/1", "act 2.1/1", "idle 1"]
    other.reply("2.1/1", 3)
    assert other.said(2) == ["act 2.1/2", "idle 2"]
    other.reply("2.1/2", 4)
    assert other.said(1) == ["idle 3"]  # one branch has ended, the other still waits
    other.reply("2.0/1", 5)
    assert other.said(2) == ["act 2.0/2", "idle 4"]
    other.reply("2.0/2", 6)
    assert other.said(2) == ["act 3", "idle 5"]
    other.reply("3", 7)
    assert other.said(1) == ["end"]
    assert outcome.result(PATIENCE_S) == (1, ["a56", "b34"], 7)


def test_branches_in_branches(other: Other) -> None:
    def inner(channel: Channel) -> Any:
        return channel.parallel([lambda: ask(channel), lambda: ask(channel)])

    outcome = other.play(lambda channel: channel.parallel([lambda: inner(channel), lambda: ask(channel)]))
    said = other.said(4)
    assert said[-1] == "idle 0"
    assert sorted(said[:-1]) == ["act 1.0/1.0/1", "act 1.0/1.1/1", "act 1.1/1"]
    for count, key in enumerate(["1.0/1.1/1", "1.1/1"], start=1):
        other.reply(key, key)
        assert other.said(1) == [f"idle {count}"]
    other.reply("1.0/1.0/1", "first")
    assert other.said(1) == ["end"]
    assert outcome.result(PATIENCE_S) == [["first", "1.0/1.1/1"], "1.1/1"]


def test_one_branch_runs_at_a_time_and_replies_are_taken_in_as_they_were_sent(other: Other) -> None:
    order: list[str] = []

    def branch(channel: Channel, name: str) -> None:
        order.append(f"{name} begins")
        ask(channel)
        order.append(f"{name} goes on")

    def body(channel: Channel) -> None:
        channel.parallel([lambda name=name: branch(channel, name) for name in "abc"])

    outcome = other.play(body)
    assert other.said(4) == ["act 1.0/1", "act 1.1/1", "act 1.2/1", "idle 0"]
    for index in (2, 0, 1):
        other.reply(f"1.{index}/1")
    outcome.result(PATIENCE_S)
    assert order == ["a begins", "b begins", "c begins", "c goes on", "a goes on", "b goes on"]


@pytest.mark.parametrize("at_once", [True, False])
def test_order_is_the_same_whether_replies_come_at_once_or_one_by_one(other: Other, at_once: bool) -> None:
    order: list[str] = []
    all_here = threading.Event()

    def branch(channel: Channel) -> None:
        keys = [channel.next_key(), channel.next_key()]
        for key in keys:
            channel.send("act", key)
        for key in keys:
            channel.wait(key)
            order.append(key)
            all_here.wait(PATIENCE_S)

    outcome = other.play(lambda channel: channel.parallel([lambda: branch(channel)] * 2))
    assert other.said(5) == ["act 1.0/1", "act 1.0/2", "act 1.1/1", "act 1.1/2", "idle 0"]
    if not at_once:
        all_here.set()
    replies = ["1.0/1", "1.1/1", "1.0/2", "1.1/2"]
    for count, key in enumerate(replies, start=1):
        other.reply(key)
        if not at_once:
            assert other.said(1) == ["end" if count == len(replies) else f"idle {count}"]
    other.stream.wait_until_taken_in(len(replies))
    all_here.set()
    outcome.result(PATIENCE_S)
    assert order == replies


def test_first_failure_in_order_is_raised_after_all_branches_have_ended(other: Other) -> None:
    ended: list[str] = []

    def late(channel: Channel) -> None:
        ask(channel)
        ended.append("late")
        raise LookupError("late")

    def early() -> None:
        ended.append("early")
        raise ValueError("early")

    outcome = other.play(lambda channel: channel.parallel([lambda: late(channel), early, lambda: None]))
    assert other.said(2) == ["act 1.0/1", "idle 0"]
    other.reply("1.0/1")
    with pytest.raises(LookupError, match="late"):
        outcome.result(PATIENCE_S)
    assert ended == ["early", "late"]


def test_no_branches(other: Other) -> None:
    outcome = other.play(lambda channel: (channel.parallel([]), ask(channel)))
    assert other.said(2) == ["act 2", "idle 0"]
    other.reply("2", "done")
    assert outcome.result(PATIENCE_S) == ([], "done")


def test_refusal_is_raised_where_it_is_waited_for(other: Other) -> None:
    outcome = other.play(ask)
    assert other.said(2) == ["act 1", "idle 0"]
    other.refuse("1", "not permitted")
    with pytest.raises(PlaybookError, match="not permitted"):
        outcome.result(PATIENCE_S)


def test_two_branches_may_wait_for_one_reply(other: Other) -> None:
    def body(channel: Channel) -> Any:
        key = channel.next_key()
        channel.send("act", key)
        return channel.parallel([lambda: channel.wait(key), lambda: channel.wait(key)])

    outcome = other.play(body)
    assert other.said(2) == ["act 1", "idle 0"]
    other.reply("1", "shared")
    assert other.said(1) == ["end"]
    assert outcome.result(PATIENCE_S) == ["shared", "shared"]


@pytest.mark.parametrize("value", [object(), float("nan"), {1, 2}, b"bytes", "half a character: \udc80"])
def test_what_json_cannot_say_is_refused_before_it_is_sent(other: Other, value: object) -> None:
    def body(channel: Channel) -> None:
        channel.send("act", channel.next_key(), parameters={"it": value})

    outcome = other.play(body)
    assert other.said(1) == ["end"]
    with pytest.raises(PlaybookError, match="act: only JSON values can be passed"):
        outcome.result(PATIENCE_S)


def test_both_pipes_may_be_full_at_once(other: Other) -> None:
    """Whoever has much to say is listened to; meanwhile what it says waits in the other pipe."""
    keys, long = [str(number) for number in range(1, 201)], "x" * 4000

    def body(channel: Channel) -> int:
        for _ in keys:
            channel.send("act", channel.next_key(), text=long)
        return sum(len(channel.wait(key)) for key in keys)

    outcome = other.play(body)
    replies = threading.Thread(target=lambda: [other.reply(key, long) for key in keys], daemon=True)
    replies.start()
    replies.join(PATIENCE_S / 2)
    is_stuck = replies.is_alive()
    assert other.said(len(keys)) == [f"act {key}" for key in keys]
    assert not is_stuck, "replies are not read while a request is written"
    assert outcome.result(PATIENCE_S) == len(keys) * len(long)
    while other.said(1) != ["end"]:
        pass
