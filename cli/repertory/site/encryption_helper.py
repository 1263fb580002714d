"""How apps keep secrets in their state: sealed with a key of this place, for one asset."""

from __future__ import annotations

from typing import Any

from repertory_classic.app import sealing

_SALT = "0"


def encrypt(plain: Any, salt: Any = _SALT) -> str:
    """Text that only ``decrypt`` with the same salt can read."""
    return sealing.seal(str(plain), str(salt))


def decrypt(cipher: Any, salt: Any = _SALT) -> str:
    """Raises ValueError for another salt, another key, and whatever was not made by ``encrypt``."""
    return sealing.unseal(cipher, str(salt))
