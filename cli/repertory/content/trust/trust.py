"""Whom a repository is known to be signed by, and stopping when that changes.

With a file of signers, these and no others. Without one, whoever signed first is remembered, and anybody else, or
nobody, is stopped until a person says that it is right.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from repertory.content.trust.signatures import FINGERPRINT, Signature, named, signature_of
from repertory.content.trust.signers import keep_signers, kept_signers
from repertory.errors import UserError
from repertory.home import home_error, write_atomically
from repertory_sdk.convert import from_json, to_json
from repertory_sdk.errors import ConversionError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from repertory.home import Home

Origin = Literal["first use", "signers file", "accepted"]
KEY = re.compile(rf"{FINGERPRINT.pattern}|[0-9A-F]{{40,64}}")
TRUST_SCHEMA = "urn:repertory:schema:trust:1"


@dataclass(frozen=True, kw_only=True)
class KnownSigner:
    """A key that a repository is known to be signed by. ``since`` is a date, ``origin`` how it became known."""

    fingerprint: str
    principal: str = ""
    since: str
    origin: Origin = "first use"

    @property
    def label(self) -> str:
        """The signer for people."""
        return named(self.principal, self.fingerprint)


@dataclass(frozen=True, kw_only=True)
class Signer:
    """Who vouches for a commit, after it was accepted. ``known`` is None where nobody does."""

    signature: Signature
    known: KnownSigner | None = None

    @property
    def label(self) -> str:
        """For the review: who, and since when that one is known."""
        return f"{self.signature.label}, known since {self.known.since}" if self.known else self.signature.label

    @property
    def locked(self) -> str:
        """For the lock: the same on every machine and on every day."""
        one = self.signature
        if one.status in ("good", "unknown key"):
            return f"{one.principal} {one.fingerprint}".strip()
        return f"forge {one.detail}" if one.status == "forge" else "unsigned"

    def matches(self, locked: str) -> bool:
        """Whether that is what a lock says. The key counts; names may come from another file of signers."""
        return self.locked.rpartition(" ")[2] == locked.rpartition(" ")[2]


@dataclass(frozen=True, kw_only=True)
class _Trust:
    repositories: Mapping[str, Sequence[KnownSigner]] = field(default_factory=dict)


# ------------------------------------------------------------------- checking


def check_signer(home: Home, repository: str, commit: str, *, ref: str = "", remember: bool = True) -> Signer:
    """Who vouches for a fetched commit; raises UserError if that is not who should.

    ``ref`` is what was asked for. The first signer is remembered, unless this is only a look.
    """
    signature = signature_of(home, repository, commit, ref=ref)
    place = f"commit {commit[:12]}"
    if signature.status == "bad":
        message = f"{repository}: the signature of {place} is bad: {signature.detail}"
        raise UserError(message, "do not use it, and tell its author")
    if kept_signers(home, repository):
        _refuse_unlisted(repository, place, signature)
    known = known_signers(home, repository)
    found = next((one for one in known if one.fingerprint == signature.fingerprint), None)
    if _is_listed(signature):
        found = found or _known_now(signature, "signers file")
    elif signature.status == "unknown key" and not known:
        found = _known_now(signature, "first use")
    elif known and (found is None or signature.status != "unknown key"):
        raise _changed(repository, place, signature, known)
    if found and signature.principal and not found.principal:
        found = replace(found, principal=signature.principal)
    if found and found not in known and remember:
        with _changing(home) as trust:
            now = trust.repositories.get(repository, ())
            # Somebody else may have been first since we looked.
            if found.origin == "first use" and now and found.fingerprint not in {one.fingerprint for one in now}:
                raise _changed(repository, place, signature, now)
            _write(home, trust, repository, _with(now, found))
    return Signer(signature=signature, known=found)


def confirm_signer(home: Home, repository: str, commit: str, locked: str, *, ref: str = "") -> str:
    """Compare who vouches for an installed commit with what the lock says; raises UserError if it is somebody else.

    Returns why that could not be checked here; mostly nothing.
    """
    signature = signature_of(home, repository, commit, ref=ref)
    key = locked.rpartition(" ")[2]
    if signature.status != "bad" and (not KEY.fullmatch(key) or Signer(signature=signature).matches(locked)):
        return ""
    if signature.status == "unsigned" and ref:
        return f"commit {commit[:12]} is not signed itself, and the tag that vouched for it is not here"
    if signature.status == "unverifiable" and key.endswith(signature.fingerprint):
        return signature.label
    said = f"the lock says that commit {commit[:12]} is signed by {locked}; it is {_said(signature)}"
    raise UserError(f"{repository}: {said}", "the lock was changed by hand: find out by whom")


def doubt_about_signer(home: Home, repository: str, commit: str, locked: str, *, ref: str = "") -> str:
    """Why it is not so that a fetched commit is signed as a lock says, or cannot be known; empty if it is so."""
    signature = signature_of(home, repository, commit, ref=ref)
    if signature.status != "bad" and Signer(signature=signature).matches(locked):
        return ""
    way = f"; to have it checked: repertory repo signers {repository} --set FILE" if signature.status == "unverifiable" else ""
    return f"the lock says that commit {commit[:12]} is by {locked}; it is {_said(signature)}{way}"


def _is_listed(signature: Signature) -> bool:
    return signature.status == "good" or (signature.status == "forge" and bool(signature.principal))


def _refuse_unlisted(repository: str, place: str, signature: Signature) -> None:
    if _is_listed(signature):
        return
    detail = f"; {signature.detail}" if signature.status == "unknown key" and signature.detail else ""
    message = f"{repository}: {place} is not signed by one of its signers: {_said(signature)}{detail}"
    hint = f"if that is right, name all of them: repertory repo signers {repository} --set FILE"
    raise UserError(message, _tool_hint(signature) or hint)


def _changed(repository: str, place: str, signature: Signature, known: Sequence[KnownSigner]) -> UserError:
    before = " or ".join(one.label for one in known)
    message = f"{repository} was signed by {before} until now; {place} is {_said(signature)}"
    way = f"--signer {signature.fingerprint}" if signature.status == "unknown key" else "--forget"
    hint = f"ask the author whether that is right, then: repertory repo trust {repository} {way}"
    return UserError(message, _tool_hint(signature) or hint)


def _said(signature: Signature) -> str:
    return f"signed by {signature.label}" if signature.status in ("good", "unknown key") else signature.label


def _tool_hint(signature: Signature) -> str:
    missing = re.search(r"is not installed \(package (\S+)\)", signature.detail)
    return f"install it: package {missing[1]}" if missing and signature.status == "unverifiable" else ""


def _known_now(signature: Signature, origin: Origin) -> KnownSigner:
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    return KnownSigner(fingerprint=signature.fingerprint, principal=signature.principal, since=today, origin=origin)


# ------------------------------------------------------------------- deciding


def accept_signer(home: Home, repository: str, fingerprint: str, *, principal: str = "") -> KnownSigner:
    """Let one more key sign a repository, because a person said so."""
    if not FINGERPRINT.fullmatch(fingerprint):
        hint = "it looks like SHA256:…, 43 characters; OpenPGP keys are given by `repertory repo signers --set FILE`"
        raise UserError(f"{fingerprint!r} is not the fingerprint of an SSH key", hint)
    if kept_signers(home, repository):
        hint = f"add the key to them: repertory repo signers {repository} --set FILE"
        raise UserError(f"{repository} has a file of signers, and only these count", hint)
    signature = Signature(status="unknown key", kind="ssh", principal=principal, fingerprint=fingerprint)
    made = _known_now(signature, "accepted")
    with _changing(home) as trust:
        _write(home, trust, repository, _with(trust.repositories.get(repository, ()), made))
    return made


def forget_signers(home: Home, repository: str, origin: Origin | None = None) -> list[KnownSigner]:
    """Start over: the next signer, or none, is the first. Only those of one origin if it is given."""
    with _changing(home) as trust:
        before = list(trust.repositories.get(repository, ()))
        gone = [one for one in before if origin in (None, one.origin)]
        if gone:
            _write(home, trust, repository, [one for one in before if one not in gone])
    return gone


def set_signers(home: Home, repository: str, content: bytes) -> None:
    """Replace the file of signers: keys known from the one before are known no longer.

    Nothing in it removes the file; what was signed until then stays known.
    """
    keep_signers(home, repository, content)
    if content:
        forget_signers(home, repository, "signers file")


# ---------------------------------------------------------------- remembering


def known_signers(home: Home, repository: str) -> list[KnownSigner]:
    """The keys that a repository is known to be signed by, oldest first."""
    return list(_read(home).repositories.get(repository, ()))


def _with(known: Sequence[KnownSigner], signer: KnownSigner) -> list[KnownSigner]:
    return [*(one for one in known if one.fingerprint != signer.fingerprint), signer]


@contextmanager
def _changing(home: Home) -> Iterator[_Trust]:
    with home.exclusive("trusting"):
        yield _read(home)


def _read(home: Home) -> _Trust:
    try:
        plain = json.loads(home.trust.read_bytes())
        if not isinstance(plain, dict) or plain.pop("$schema", "") != TRUST_SCHEMA:
            raise ValueError(f"its $schema must be {TRUST_SCHEMA}")
        trust: _Trust = from_json(_Trust, plain)
    except FileNotFoundError:
        return _Trust()
    except (OSError, ValueError, ConversionError) as error:
        hint = "mend it; deleting it forgets who signed every repository until now"
        raise UserError(f"cannot read {home.trust}: {error}", hint) from error
    return trust


def _write(home: Home, trust: _Trust, repository: str, signers: Sequence[KnownSigner]) -> None:
    others = {name: known for name, known in trust.repositories.items() if name != repository}
    merged = dict(sorted((others | ({repository: signers} if signers else {})).items()))
    plain = {"$schema": TRUST_SCHEMA, **to_json(replace(trust, repositories=merged))}
    text = json.dumps(plain, indent=2, ensure_ascii=False)
    try:
        write_atomically(home.trust, f"{text}\n".encode())
    except OSError as error:
        raise home_error(home.root, error) from error
