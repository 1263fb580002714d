"""The functions of ``encryption_helper`` as methods."""

from __future__ import annotations

import encryption_helper


class _Backend:
    @staticmethod
    def encrypt(plain: str, salt: str) -> str:
        return encryption_helper.encrypt(plain, salt=salt)

    @staticmethod
    def decrypt(cipher: str, salt: str) -> str:
        return encryption_helper.decrypt(cipher, salt=salt)


platform_encryption_backend = _Backend()
