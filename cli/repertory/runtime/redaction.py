"""Secrets taken out of whatever is kept or shown, also where they are written in another way."""

from __future__ import annotations

import base64
import json
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from repertory_sdk.manifest import AppManifest

HIDDEN = "***"
# Anything shorter is in most texts by chance.
SHORTEST = 4
_URL_SAFE = str.maketrans("+/", "-_")


class Redaction:
    """Knows some secrets, and leaves them out."""

    def __init__(self, secrets: tuple[str, ...]) -> None:
        forms = {form for secret in secrets if len(secret) >= SHORTEST for form in _forms(secret) if len(form) >= SHORTEST}
        longest_first = sorted(forms, key=lambda form: (-len(form), form))
        self._forms = longest_first
        self._pattern = re.compile("|".join(map(re.escape, longest_first)))
        self._in_json = sorted({_json(form, ascii_only=False) for form in forms})

    def text(self, text: str) -> str:
        """The text without them."""
        if not any(form in text for form in self._forms):  # quicker than the pattern where there is nothing to hide
            return text
        return self._pattern.sub(HIDDEN, text)

    def value(self, value: Any, *, as_json: str = "") -> Any:
        """A JSON value without them, in keys too. ``as_json`` is its text (not only ASCII) if there is one already."""
        text = as_json or json.dumps(value, ensure_ascii=False)
        return self._value(value) if any(form in text for form in self._in_json) else value

    def _value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self._value(item) for item in value]
        if isinstance(value, dict):
            return {self.text(key): self._value(item) for key, item in value.items()}
        return value


@lru_cache(maxsize=256)
def redaction_of(secrets: tuple[str, ...]) -> Redaction:
    """Made once for each asset."""
    return Redaction(secrets)


def asset_redaction(manifest: AppManifest, settings: Mapping[str, Any]) -> Redaction:
    """Knows the secrets among the settings of an asset."""
    names = [setting.name for setting in manifest.settings if setting.secret]
    return redaction_of(tuple(str(settings[name]) for name in names if settings.get(name)))


def _forms(secret: str) -> Iterator[str]:
    """As it is, and as programs and protocols write it."""
    yield secret
    yield repr(secret)[1:-1]  # in a traceback
    for ascii_only in (True, False):
        yield _json(secret, ascii_only=ascii_only)
        yield _json(secret, ascii_only=ascii_only).replace("/", "\\/")  # permitted, and the habit of some programs
    odd = "surrogatepass"  # half a surrogate pair is no reason to fail
    for quoted in (quote(secret, errors=odd), quote(secret, safe="", errors=odd), quote_plus(secret, errors=odd)):
        yield quoted
        yield re.sub("%[0-9A-F]{2}", lambda code: code[0].lower(), quoted)
    for form in _base64_forms(secret.encode("utf-8", odd)):
        yield form
        yield form.translate(_URL_SAFE)


def _json(text: str, *, ascii_only: bool) -> str:
    return json.dumps(text, ensure_ascii=ascii_only)[1:-1]


def _base64_forms(secret: bytes) -> Iterator[str]:
    """Alone, and inside of something longer: it may begin at each of the three bytes that make four characters."""
    yield base64.b64encode(secret).decode()
    for before in range(3):
        text = base64.b64encode(b"\0" * before + secret).decode()
        first = -(-before * 8 // 6)  # the first and the last character may hold bits of what stands beside it
        last = (before + len(secret)) * 8 // 6
        yield text[first:last]
