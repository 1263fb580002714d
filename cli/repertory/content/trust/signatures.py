"""Whether the signature of a commit is real, and whose it is. Nothing here decides whether that is enough."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from repertory.content.trust.objects import Evidence, SignedObject, plain_text, read_evidence
from repertory.content.trust.programs import Answer, Programs, ask, ask_gpg, files_for, find_programs
from repertory.content.trust.signers import Signers, kept_signers, parse_signers

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from repertory.home import Home

Status = Literal["good", "unknown key", "bad", "unsigned", "forge", "unverifiable"]
Kind = Literal["ssh", "openpgp", ""]
SSH_BEGIN = b"-----BEGIN SSH SIGNATURE-----"
OPENPGP_BEGIN = b"-----BEGIN PGP "
# Keys that a forge signs with for whoever is logged in: github.com/web-flow.gpg.
FORGE_KEYS = {"B5690EEEBB952194": "GitHub", "4AEE18F83AFDEB23": "GitHub"}
FORGE_ADDRESSES = frozenset({"noreply@github.com"})
FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")
# gpg/doc/DETAILS: the words that give a verdict.
PROBLEMS = {
    "BADSIG": "it does not fit what was signed",
    "EXPSIG": "it has expired",
    "REVKEYSIG": "its key was revoked",
}
VERDICTS = ("GOODSIG", "EXPKEYSIG", "ERRSIG", *PROBLEMS)


@dataclass(frozen=True, kw_only=True)
class Signature:
    """What came of checking one.

    ``good``: by a key that the user listed, ``principal`` is whose. ``unknown key``: real, by the key with this
    ``fingerprint``; ``principal`` is what the commit claims. ``forge``: by a forge's own key; ``principal`` is empty
    unless that key was listed. ``unverifiable``: there is one, and it says nothing.
    """

    status: Status
    kind: Kind = ""
    principal: str = ""
    fingerprint: str = ""
    detail: str = ""

    @property
    def label(self) -> str:
        """A few words for people."""
        if self.status == "unsigned":
            return "unsigned"
        if self.status == "forge":
            checked = "" if self.principal else ", whose key is not known here"
            return f"signed by the forge ({self.detail}{checked}), not the author"
        if self.status in ("bad", "unverifiable"):
            return f"{'bad signature' if self.status == 'bad' else 'signature not checked'}: {self.detail}"
        return named(self.principal, self.fingerprint)


def named(principal: str, fingerprint: str) -> str:
    """A signer for people."""
    start = 7 if fingerprint.startswith("SHA256:") else 0
    short = f"{fingerprint[: start + 16]}…" if len(fingerprint) > start + 16 else fingerprint
    return f"{principal or 'somebody unnamed'} ({short})"


def signature_of(home: Home, repository: str, commit: str, *, ref: str = "") -> Signature:
    """Check the signature of a fetched commit, or of the annotated tag that led to it.

    ``ref`` is what was asked for: a tag that calls itself otherwise was renamed by somebody.
    """
    return _checked(home.repository(repository), commit, ref, kept_signers(home, repository), find_programs())


@functools.lru_cache(maxsize=4096)
def _checked(bare: Path, commit: str, ref: str, signers: bytes, programs: Programs) -> Signature:
    evidence = read_evidence(bare, commit, ref)
    allowed = parse_signers(signers, f"signers of {bare.stem}") if signers else Signers()
    if evidence.tag and evidence.tag.signatures:
        return _verdict_on_tag(evidence, ref, allowed, programs)
    return verdict(evidence.commit, allowed, programs)


def _verdict_on_tag(evidence: Evidence, ref: str, signers: Signers, programs: Programs) -> Signature:
    assert evidence.tag is not None
    found = verdict(evidence.tag, signers, programs)
    if not evidence.tag.answers(ref):
        return replace(found, status="bad", detail=f"the tag calls itself {evidence.tag.tag!r}, not {ref!r}")
    return found


def verdict(signed: SignedObject, signers: Signers, programs: Programs) -> Signature:
    """Check one object's signature."""
    if not signed.signatures:
        return Signature(status="unsigned")
    if len(signed.signatures) > 1:
        return Signature(status="bad", detail="it has more than one")
    signature = signed.signatures[0].lstrip()
    if signature.startswith(SSH_BEGIN):
        return _ssh_verdict(signed, signature, signers, programs.ssh_keygen)
    if signature.startswith(OPENPGP_BEGIN):
        return _openpgp_verdict(signed, signature, signers, programs.gpg)
    return Signature(status="unverifiable", detail="it is neither an SSH nor an OpenPGP signature")


def _without(kind: Kind, program: str, package: str) -> Signature:
    return Signature(status="unverifiable", kind=kind, detail=f"{program} is not installed (package {package})")


# ------------------------------------------------------------------------ SSH


def _ssh_verdict(signed: SignedObject, signature: bytes, signers: Signers, program: str) -> Signature:
    """First by the listed keys, at the time the commit claims, as Git does; else by the key in the signature."""
    if not program:
        return _without("ssh", "ssh-keygen", "openssh-client")
    time = f"-Overify-time={datetime.fromtimestamp(signed.time, UTC):%Y%m%d%H%M%S}" if signed.time else ""
    with files_for({"signature": signature, "signers": signers.ssh}) as folder:
        options = ["-n", "git", "-s", "signature", *([time] if time else [])]
        for principal in _principals(program, folder, options) if signers.keys else ():
            verify = ["-Y", "verify", "-f", "signers", "-I", principal, *options]
            answer = ask(program, verify, folder, signed.payload)
            if answer.status == 0:
                return Signature(status="good", kind="ssh", principal=principal, fingerprint=_fingerprint(answer))
        answer = ask(program, ["-Y", "check-novalidate", *options[:4]], folder, signed.payload)
    if answer.status or not _fingerprint(answer):
        return Signature(status="bad", kind="ssh", detail="it does not fit what was signed")
    return _unlisted(signed, _fingerprint(answer), signers)


def _principals(program: str, folder: Path, options: Sequence[str]) -> list[str]:
    answer = ask(program, ["-Y", "find-principals", "-f", "signers", *options[2:]], folder)
    return answer.output.splitlines() if answer.status == 0 else []


def _fingerprint(answer: Answer) -> str:
    found = FINGERPRINT.search(answer.output.rpartition(" key ")[2])
    return found[0] if found else ""


def _unlisted(signed: SignedObject, fingerprint: str, signers: Signers) -> Signature:
    listed = signers.key(fingerprint)
    detail = f"line {listed.line} lists this key for {listed.principals}, but with {listed.options}" if listed else ""
    # No forge signs with SSH keys under this address; the name would mislead.
    claimed = "" if signed.email in FORGE_ADDRESSES else signed.email or signed.name
    return Signature(status="unknown key", kind="ssh", principal=claimed, fingerprint=fingerprint, detail=detail)


# -------------------------------------------------------------------- OpenPGP


def _openpgp_verdict(signed: SignedObject, signature: bytes, signers: Signers, program: str) -> Signature:
    if not program:
        return _without("openpgp", "gpg", "gnupg")
    with files_for({"signature": signature, "keys": signers.openpgp}) as folder:
        if signers.openpgp:
            ask_gpg(program, ["--import", "keys"], folder)
        answer = ask_gpg(program, ["--verify", "signature", "-"], folder, signed.payload)
    lines = [line.split()[1:] for line in answer.output.splitlines() if line.startswith("[GNUPG:] ")]
    verdicts = [words for words in lines if words[1:] and words[0] in VERDICTS]
    if len(verdicts) != 1:
        return Signature(status="bad", kind="openpgp", detail="it is not one signature that gpg can read")
    return _read_verdict(signed, verdicts[0], lines)


def _read_verdict(signed: SignedObject, words: Sequence[str], lines: Sequence[Sequence[str]]) -> Signature:
    """From ``GOODSIG KEYID USER`` and its relatives; ``VALIDSIG`` ends with the fingerprint of the primary key."""
    outcome, key = words[0], words[1][-16:]
    whole = next((line[-1] for line in lines if line[:1] == ["VALIDSIG"]), key)
    if outcome in PROBLEMS:
        return Signature(status="bad", kind="openpgp", fingerprint=whole, detail=PROBLEMS[outcome])
    user = plain_text(" ".join(words[2:]).encode()) if outcome in ("GOODSIG", "EXPKEYSIG") else ""
    forge = FORGE_KEYS.get(whole[-16:]) or FORGE_KEYS.get(key)
    if forge:
        principal = user if outcome == "GOODSIG" else ""
        return Signature(status="forge", kind="openpgp", principal=principal, fingerprint=whole, detail=forge)
    if outcome == "ERRSIG":
        posing = "; it claims to be made by a forge, but not with its key" if signed.email in FORGE_ADDRESSES else ""
        detail = f"signed by an OpenPGP key that is not known here: {key}{posing}"
        return Signature(status="unverifiable", kind="openpgp", fingerprint=key, detail=detail)
    if outcome == "EXPKEYSIG":
        expired = Signature(status="unknown key", kind="openpgp", principal=_address_of(user), fingerprint=whole)
        return replace(expired, detail="its key has expired")
    return Signature(status="good", kind="openpgp", principal=_address_of(user), fingerprint=whole)


def _address_of(user: str) -> str:
    found = re.search(r"<([^<>]+)>$", user)
    return found[1] if found else user
