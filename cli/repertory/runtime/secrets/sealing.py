"""Authenticated encryption: AES-256-GCM, and keys from passphrases and files. The one module that knows `cryptography`."""

from __future__ import annotations

import base64
import binascii
import json
import os
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

KEY_BYTES = 32
SALT_BYTES = 16
_NONCE_BYTES = 12
# 128 MB and about half a second for each guess; part of the format, so that no file can ask for more.
_SCRYPT_N, _SCRYPT_R, _SCRYPT_P = 2**17, 8, 1


class NotOpened(Exception):
    """The key is another one, or what is sealed or its place was changed; it is not possible to say which."""


def random_key() -> bytes:
    """A new key."""
    return os.urandom(KEY_BYTES)


def random_salt() -> str:
    """A new salt, as text."""
    return base64.b64encode(os.urandom(SALT_BYTES)).decode()


def seal(key: bytes, plain: bytes, place: Sequence[str]) -> str:
    """Encrypt under a fresh nonce; it opens with the same key at the same ``place`` only."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = os.urandom(_NONCE_BYTES)
    return base64.b64encode(nonce + AESGCM(key).encrypt(nonce, plain, _bound(place))).decode()


def unseal(key: bytes, sealed: str, place: Sequence[str]) -> bytes:
    """What was sealed; raises NotOpened."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        joined = base64.b64decode(sealed, validate=True)
        return AESGCM(key).decrypt(joined[:_NONCE_BYTES], joined[_NONCE_BYTES:], _bound(place))
    except (InvalidTag, ValueError, binascii.Error):
        raise NotOpened from None


def _bound(place: Sequence[str]) -> bytes:
    """The parts cannot run into each other, whatever is in them."""
    return json.dumps(list(place)).encode()


def key_of_passphrase(passphrase: str, salt: str) -> bytes:
    """Slow on purpose (scrypt, RFC 7914); raises NotOpened if the salt is none."""
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    try:
        bits = base64.b64decode(salt, validate=True)
    except (ValueError, binascii.Error):
        raise NotOpened from None
    typed = unicodedata.normalize("NFKC", passphrase).encode("utf-8", "surrogatepass")  # keyboards differ
    return Scrypt(salt=bits, length=KEY_BYTES, n=_SCRYPT_N, r=_SCRYPT_R, p=_SCRYPT_P).derive(typed)


def key_of_content(content: bytes) -> bytes:
    """A key from the content of a key file, whatever its form (HKDF with SHA-256, RFC 5869)."""
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=b"repertory secrets").derive(content)
