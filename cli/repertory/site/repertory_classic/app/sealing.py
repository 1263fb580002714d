"""Authenticated encryption out of the standard library alone: an HMAC-SHA-256 keystream, and a tag over all of it."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
from typing import Any

from repertory_classic.app import paths

_VERSION = "rp1:"
_NONCE, _TAG = 16, 32


def seal(plain: str, salt: str) -> str:
    """The same for the same text and salt, since apps compare; the salt is no secret, but without it nothing can be read."""
    text = plain.encode("utf-8", "surrogatepass")
    nonce = hmac.new(_key("nonce", salt), text, "sha256").digest()[:_NONCE]  # hence of one text alone, as random ones are
    cipher = _crossed(text, nonce, salt)
    return _VERSION + base64.urlsafe_b64encode(nonce + _tag(nonce, cipher, salt) + cipher).decode("ascii")


def unseal(sealed: Any, salt: str) -> str:
    """Raises ValueError for what was not sealed here with this salt."""
    if not isinstance(sealed, str) or not sealed.startswith(_VERSION):
        raise ValueError("this was not encrypted here")
    try:
        raw = base64.b64decode(sealed[len(_VERSION) :].encode("ascii"), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise ValueError("this is damaged") from error
    nonce, tag, cipher = raw[:_NONCE], raw[_NONCE : _NONCE + _TAG], raw[_NONCE + _TAG :]
    if not hmac.compare_digest(tag, _tag(nonce, cipher, salt)):
        raise ValueError("this was encrypted for another asset or with another key, or is damaged")
    return _crossed(cipher, nonce, salt).decode("utf-8", "surrogatepass")


def _crossed(text: bytes, nonce: bytes, salt: str) -> bytes:
    key = _key("cipher", salt)
    blocks = (hmac.new(key, nonce + number.to_bytes(8, "big"), "sha256").digest() for number in range(len(text) // 32 + 1))
    stream = b"".join(blocks)[: len(text)]
    return (int.from_bytes(text, "big") ^ int.from_bytes(stream, "big")).to_bytes(len(text), "big")


def _tag(nonce: bytes, cipher: bytes, salt: str) -> bytes:
    return hmac.new(_key("tag", salt), nonce + cipher, "sha256").digest()


def _key(use: str, salt: str) -> bytes:
    return hmac.new(_own_key(), f"{use}\0{salt}".encode("utf-8", "surrogatepass"), "sha256").digest()


def _own_key() -> bytes:
    """Of this place; made when it is first needed. Whoever comes second takes the one that is there."""
    file = paths.key_file()
    for _ in range(2):
        try:
            with open(file, "rb") as opened:
                return opened.read()
        except FileNotFoundError:
            keep_key(os.urandom(32))
    raise OSError(f"{file} cannot be kept")


def keep_key(key: bytes) -> None:
    """Make this the key, unless there is one."""
    file = paths.key_file()
    os.makedirs(os.path.dirname(file), exist_ok=True)
    beside = f"{file}.{os.getpid()}.new"
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "wb") as opened:
        opened.write(key)
    try:
        os.link(beside, file)
    except FileExistsError:
        pass
    finally:
        os.unlink(beside)


def derived_key(material: bytes) -> bytes:
    """The key of a place that keeps nothing: the same whenever it is given the same."""
    return hmac.new(b"repertory classic state", material, hashlib.sha256).digest()
