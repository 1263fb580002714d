"""What the seal of a secret promises, for any secret and any change of it."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repertory.runtime.secrets import sealing
from repertory.runtime.secrets.sealing import KEY_BYTES, NotOpened, seal, unseal

KEY = bytes(range(KEY_BYTES))
keys = st.binary(min_size=KEY_BYTES, max_size=KEY_BYTES)
places = st.lists(st.text(max_size=20), min_size=1, max_size=4)


@given(keys, st.binary(max_size=300), places)
def test_what_is_sealed_opens_again(key: bytes, plain: bytes, place: list[str]) -> None:
    assert unseal(key, seal(key, plain, place), place) == plain


@given(st.binary(max_size=60), st.data())
def test_any_changed_bit_is_noticed(plain: bytes, data: st.DataObject) -> None:
    joined = bytearray(base64.b64decode(seal(KEY, plain, ["a"])))
    bit = data.draw(st.integers(0, len(joined) * 8 - 1))
    joined[bit // 8] ^= 1 << bit % 8
    with pytest.raises(NotOpened):
        unseal(KEY, base64.b64encode(joined).decode(), ["a"])


@given(st.binary(max_size=60), st.data())
def test_nothing_can_be_cut_off(plain: bytes, data: st.DataObject) -> None:
    sealed = seal(KEY, plain, ["a"])
    with pytest.raises(NotOpened):
        unseal(KEY, sealed[: data.draw(st.integers(0, len(sealed) - 1))], ["a"])


@given(places, places, keys)
def test_it_opens_at_its_place_with_its_key_only(place: list[str], other: list[str], key: bytes) -> None:
    sealed = seal(KEY, b"hunter2", place)
    if other != place:
        with pytest.raises(NotOpened):
            unseal(KEY, sealed, other)
    if key != KEY:
        with pytest.raises(NotOpened):
            unseal(key, sealed, place)


def test_places_do_not_run_into_each_other() -> None:
    with pytest.raises(NotOpened):
        unseal(KEY, seal(KEY, b"x", ["a/b", "c"]), ["a", "b/c"])


@given(st.text(max_size=80))
def test_no_text_is_taken_for_something_sealed(text: str) -> None:
    with pytest.raises(NotOpened):
        unseal(KEY, text, ["a"])


def test_the_same_secret_is_never_sealed_the_same() -> None:
    assert len({seal(KEY, b"hunter2", ["a"])[:16] for _ in range(1000)}) == 1000


@pytest.mark.acceptance
def test_a_passphrase_makes_one_key_with_one_salt_however_a_keyboard_writes_its_letters() -> None:
    salt = sealing.random_salt()
    key = sealing.key_of_passphrase("caf\u00e9", salt)
    assert key == sealing.key_of_passphrase("cafe\u0301", salt)
    assert key != sealing.key_of_passphrase("cafe", salt)
    assert key != sealing.key_of_passphrase("caf\u00e9", sealing.random_salt())


def test_a_passphrase_with_a_salt_that_is_none() -> None:
    with pytest.raises(NotOpened):
        sealing.key_of_passphrase("x", "not base64")
