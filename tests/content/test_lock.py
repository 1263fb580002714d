"""The lock: stable bytes, and errors with lines."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repertory.content.checks.manifests import schema_validator
from repertory.content.installed.lock import (
    Lock,
    LockedItem,
    dump_lock,
    installed,
    parse_lock,
    read_lock,
    write_lock_text,
)
from repertory.errors import UserError
from repertory.home import Home

HEX = st.text(alphabet="0123456789abcdef", min_size=64, max_size=64)
NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,9}/[a-z][a-z0-9_]{0,9}", fullmatch=True)
ITEMS = st.builds(
    LockedItem,
    name=NAMES,
    kind=st.sampled_from(["app", "playbook"]),
    version=st.from_regex(r"[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}", fullmatch=True),
    url=st.text(min_size=1),
    ref=st.text(),
    commit=HEX,
    path=st.text(),
    hash=HEX,
    environment=HEX | st.just(""),
    format=st.sampled_from(["", "native", "classic"]),
    signer=st.text(),
    pinned=st.booleans(),
    permissions=st.lists(st.text(), max_size=3).map(tuple),
    grants=st.lists(st.text(), max_size=3).map(tuple),
    needs=st.lists(st.text(), max_size=3).map(tuple),
)
LOCKS = st.lists(ITEMS, max_size=4, unique_by=lambda item: item.name).map(lambda items: Lock().replacing(items))
ITEM = LockedItem(
    name="community/recon",
    kind="playbook",
    version="1.0.0",
    url="https://example.org/x",
    commit="c" * 40,
    path="recon",
    hash="a" * 64,
)


@settings(max_examples=30)
@given(LOCKS, st.randoms())
def test_there_and_back_in_any_order(lock: Lock, chance: random.Random) -> None:
    items = list(lock.items)
    chance.shuffle(items)
    text = dump_lock(Lock(items=items))
    assert text == dump_lock(lock)
    assert parse_lock(text.encode()) == lock
    assert not list(schema_validator("lock").iter_errors(json.loads(text)))


@given(st.binary() | st.text().map(str.encode))
def test_any_bytes_are_read_or_refused_with_a_line(content: bytes) -> None:
    try:
        parse_lock(content)
    except UserError as error:
        assert error.message.startswith("repertory.lock:")
        assert error.hint


@settings(max_examples=40)
@given(LOCKS, st.data())
def test_a_damaged_lock_is_read_or_refused(lock: Lock, data: st.DataObject) -> None:
    content = dump_lock(lock).encode()
    position = data.draw(st.integers(0, len(content) - 1))
    damaged = content[:position] + data.draw(st.binary(max_size=3)) + content[position + 1 :]
    try:
        parse_lock(damaged)
    except UserError as error:
        assert error.message.startswith("repertory.lock:")


def text_with(**changes: object) -> str:
    plain = json.loads(dump_lock(Lock(items=[ITEM])))
    plain["items"][0].update(changes)
    return json.dumps({key: value for key, value in plain.items()}, indent=2)


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("", 1, "Expecting value"),
        ('{\n"$schema": "urn:repertory:schema:lock:1",\n<<<<<<< HEAD\n', 3, "Expecting"),
        ("[]", 1, "not a lock"),
        ('{\n "items": []}', 1, "not a lock"),
        ('{\n "$schema": "urn:repertory:schema:lock:2", "items": 7}', 2, "newer Repertory"),
        ('{"$schema": "urn:repertory:schema:lock:1",\n "items": 7}', 2, "must be an array"),
        (text_with(hash=7), 12, "must be a string"),
        (text_with(hash="../../x"), 12, "cannot be one"),
        (text_with(name="../x"), 5, "cannot be one"),
        (text_with(environment="../../bin"), 13, "cannot be one"),
        (text_with(commit="--all"), 10, "cannot be one"),
        (text_with(kind="function"), 6, "must be one of app, playbook"),
        (text_with(format="../x"), 14, "cannot be one"),
        (text_with(pinned=1), 16, "must be a boolean"),
        (text_with(colour="red"), 20, "not known"),
    ],
)
def test_malformed_locks(text: str, line: int, said: str) -> None:
    with pytest.raises(UserError, match=said) as raised:
        parse_lock(text.encode(), "some.lock")
    assert raised.value.message.startswith(f"some.lock:{line}:")


def test_one_name_twice() -> None:
    with pytest.raises(UserError, match="occurs twice"):
        parse_lock(dump_lock(Lock(items=[ITEM, ITEM])).encode())


def test_no_lock_means_nothing_installed(home: Home) -> None:
    assert read_lock(home) == Lock()
    assert not installed(home).apps


def test_a_lock_from_another_machine(home: Home) -> None:
    home.prepare()
    write_lock_text(home, dump_lock(Lock(items=[ITEM])))
    with pytest.raises(UserError, match="not on this machine") as raised:
        installed(home)
    assert "install --locked" in raised.value.hint


def test_an_unreadable_lock(home: Home) -> None:
    home.lock.mkdir(parents=True)
    with pytest.raises(UserError, match="cannot read"):
        read_lock(home)


def test_a_read_only_home_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write"):
        write_lock_text(Home(tmp_path / "file" / "home"), dump_lock(Lock()))
