"""Secrets and passphrases as a person gives them: without echo, or from standard input."""

from __future__ import annotations

import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from repertory.commands._output import ask_line, can_ask, note
from repertory.errors import UsageError, UserError
from repertory.runtime.secrets.exposed import note_secret

if TYPE_CHECKING:
    from repertory_sdk.manifest import AppManifest

FROM_INPUT = "-"


@dataclass
class AtKeyboard:
    """The person at the terminal; a passphrase is asked once for each command."""

    _gate: threading.Lock = field(default_factory=threading.Lock)
    _said: str = ""

    def passphrase(self, *, again: bool) -> str:
        """The passphrase of this home's secrets."""
        with self._gate:
            if again:
                note("that is not the passphrase")
            if again or not self._said:
                self._said = _hidden("Passphrase of the secrets")
            return self._said

    def new_passphrase(self) -> str:
        """A new one, typed twice."""
        with self._gate:
            self._said = ask_new_passphrase("New passphrase of the secrets")
            return self._said


def ask_new_passphrase(question: str) -> str:
    """Ask twice, and again until both are the same."""
    while True:
        first = _hidden(question)
        if first == _hidden("Once more"):
            return first
        note("these are not the same")


def passphrase_from(source: Path | None, question: str, *, new: bool) -> str:
    """A passphrase from a file (``-``: standard input), else from the person at the terminal."""
    if source is not None:
        text = sys.stdin.read() if str(source) == FROM_INPUT else _content_of(source)
        first = text.partition("\n")[0].rstrip("\r")
        if not first:
            raise UserError(f"the first line of {source} is empty", "put the passphrase there")
        note_secret(first)
        return first
    if not can_ask():
        raise UsageError("nobody can be asked for a passphrase here", "give --passphrase-file FILE, or - for standard input")
    return ask_new_passphrase(question) if new else _hidden(question)


def ask_for_secrets(manifest: AppManifest, texts: dict[str, str]) -> None:
    """Add the secrets that a person has not given yet, if there is somebody to ask; optional ones may be left empty."""
    for setting in manifest.settings:
        if setting.secret and setting.name not in texts and can_ask():
            about = setting.description or "no description"
            optional = "" if setting.required else "; optional, Enter leaves it out"
            answer = _hidden(f"{setting.name} ({about}{optional})", may_be_empty=not setting.required)
            if answer:
                texts[setting.name] = answer


def without_dashes(manifest: AppManifest, texts: dict[str, str]) -> dict[str, str]:
    """Texts in which a secret given as ``-`` is what stands on standard input."""
    asked = [one.name for one in manifest.settings if one.secret and texts.get(one.name) == FROM_INPUT]
    if len(asked) > 1:
        raise UsageError(f"{' and '.join(asked)} cannot all be read from standard input", "give only one of them as -")
    for name in asked:
        text = _hidden(name) if sys.stdin.isatty() else sys.stdin.read().rstrip("\r\n")
        if not text:
            raise UserError(f"{name}: nothing came on standard input", f"write the secret there: … {name}=- < FILE")
        note_secret(text)
        texts = {**texts, name: text}
    return texts


def _hidden(question: str, *, may_be_empty: bool = False) -> str:
    text = ask_line(question, secret=True, default="" if may_be_empty else None)
    if text:
        note_secret(text)
    return text


def _content_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read: {error}", "name a readable file with the passphrase in its first line") from error
