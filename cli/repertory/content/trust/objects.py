"""Commits and tags as Git signs them: the signed bytes, the signature, and who it claims to be from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from repertory.content.git.commits import WANTED_REF
from repertory.content.git.paths import Refused
from repertory.content.git.process import output, running
from repertory.content.git.sources import COMMIT, wish_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import IO

# Tags that vouched for a commit stay at hand, so that the commit can be checked again later.
VOUCHED_REFS = "refs/repertory/vouched"
MAX_BYTES = 1_000_000
SIGNATURE_HEADERS = (b"gpgsig ", b"gpgsig-sha256 ")
BEGIN = re.compile(rb"-----BEGIN (?:PGP SIGNATURE|PGP MESSAGE|SSH SIGNATURE|SIGNED MESSAGE)-----\s*$")
PERSON = re.compile(
    rb"^(?:committer|tagger) (?P<name>[^<\n]*)<(?P<email>[^>\n]*)> (?P<time>\d{1,11}) [+-]\d{4}$", re.MULTILINE
)


@dataclass(frozen=True, kw_only=True)
class SignedObject:
    """A commit or an annotated tag. ``signatures`` are armoured; ``name`` and ``email`` are what the object claims.

    ``time`` is its committer's or tagger's, in seconds since the epoch; ``tag`` the name that a tag gives itself.
    """

    payload: bytes
    signatures: Sequence[bytes] = ()
    name: str = ""
    email: str = ""
    time: int = 0
    tag: str = ""

    def answers(self, ref: str) -> bool:
        """Whether it is the tag that was asked for, by the name it gives itself."""
        return not ref or f"refs/tags/{self.tag}" in wish_of(ref).refs


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What vouches for a commit: itself, and the annotated tag that was asked for, if it was one."""

    commit: SignedObject
    tag: SignedObject | None = None


def read_evidence(bare: Path, commit: str, ref: str) -> Evidence:
    """Read a fetched commit and the tag that led to it, now or when it was fetched as ``ref``."""
    if not COMMIT.fullmatch(commit):
        raise Refused("", f"{commit!r} is not a commit id")
    vouched = f"{VOUCHED_REFS}/{commit}"
    with running(["cat-file", "--batch"], bare) as (process, _expired):
        assert process.stdin is not None and process.stdout is not None
        names = [commit, f"{WANTED_REF}^{{commit}}", WANTED_REF, vouched]
        process.stdin.write("".join(f"{name}\n" for name in names).encode())
        process.stdin.flush()
        itself, reached, wanted, kept = (_read_object(process.stdout) for _ in names)
    if itself.kind != "commit":
        raise Refused("", f"commit {commit[:12]} is not among what was fetched")
    if wanted.kind == "tag" and reached.id == commit:
        if kept.id != wanted.id:
            output(["update-ref", vouched, wanted.id], bare)
        return Evidence(commit=split_commit(itself.content), tag=split_tag(wanted.content))
    tag = split_tag(kept.content) if kept.kind == "tag" else None
    return Evidence(commit=split_commit(itself.content), tag=tag if tag and tag.answers(ref) else None)


@dataclass(frozen=True, kw_only=True)
class _Object:
    id: str = ""
    kind: str = ""
    content: bytes = b""


def _read_object(stream: IO[bytes]) -> _Object:
    """Read ``ID KIND SIZE``, the content and a line feed; or ``NAME missing``."""
    words = stream.readline().decode("ascii", errors="replace").split()
    if words[-1:] in ([], ["missing"]):
        return _Object()
    object_id, kind, size = words
    if int(size) > MAX_BYTES:
        raise Refused("", f"the {kind} {object_id[:12]} is larger than {MAX_BYTES} bytes")
    return _Object(id=object_id, kind=kind, content=stream.read(int(size) + 1)[:-1])


# ------------------------------------------------------------------ splitting


def split_commit(raw: bytes) -> SignedObject:
    """Signed is all but the headers that hold signatures."""
    headers, blank, message = raw.partition(b"\n\n")
    kept: list[bytes] = []
    signatures: list[list[bytes]] = []
    inside = False
    for line in headers.split(b"\n"):
        starts = line.startswith(SIGNATURE_HEADERS)
        inside = starts or (inside and line.startswith(b" "))
        if starts:
            signatures.append([line.partition(b" ")[2]])
        elif inside:
            signatures[-1].append(line[1:])
        else:
            kept.append(line)
    joined = [b"\n".join(lines) + b"\n" for lines in signatures]
    return _described(b"\n".join(kept) + blank + message, joined, headers=b"\n".join(kept))


def split_tag(raw: bytes) -> SignedObject:
    """The signature is at the end, from the last line that begins one."""
    position, start = 0, -1
    for line in raw.splitlines(keepends=True):
        if BEGIN.match(line):
            start = position
        position += len(line)
    payload, signatures = (raw[:start], [raw[start:]]) if start >= 0 else (raw, [])
    return _described(payload, signatures, headers=raw.partition(b"\n\n")[0])


def _described(payload: bytes, signatures: Sequence[bytes], *, headers: bytes) -> SignedObject:
    person = PERSON.search(headers)
    tag = re.search(rb"^tag (.*)$", headers, re.MULTILINE)
    return SignedObject(
        payload=payload,
        signatures=tuple(signatures),
        name=plain_text(person["name"].strip()) if person else "",
        email=plain_text(person["email"]) if person else "",
        time=int(person["time"]) if person else 0,
        tag=plain_text(tag[1]) if tag else "",
    )


def plain_text(raw: bytes) -> str:
    """What a stranger wrote, short and without anything that could command a terminal."""
    text = raw[:200].decode("utf-8", errors="replace")
    return "".join(char if char.isprintable() else "?" for char in text)[:80]
