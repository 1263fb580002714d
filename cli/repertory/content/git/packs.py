"""One commit as a file, for a machine that cannot fetch: out of one copy of ours, into another."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from repertory.content.git.commits import WANTED_REF, copy_commit
from repertory.content.git.process import GitFailed, ProcessLimits, first_line, output, run, running
from repertory.content.git.sources import COMMIT

if TYPE_CHECKING:
    from pathlib import Path

LIMITS = ProcessLimits(seconds=300.0, cpu_seconds=240)


def wanted_object(bare: Path, commit: str) -> str:
    """The tag by which a commit was fetched, which may be signed; else the commit itself."""
    status, found, _ = run(["rev-parse", "--verify", "--quiet", WANTED_REF, f"{WANTED_REF}^{{commit}}"], bare)
    names = found.decode().split()
    return names[0] if status == 0 and len(names) == 2 and names[1] == commit else commit


def names_commit(bare: Path, wanted: str, commit: str) -> bool:
    """Whether an object is this commit, or a tag of it."""
    status, found, _ = run(["rev-parse", "--verify", "--quiet", f"{wanted}^{{commit}}"], bare)
    return status == 0 and found.decode().strip() == commit


def is_cut(bare: Path, commit: str) -> bool:
    """Whether the parents of a commit were not fetched."""
    path = bare / "shallow"
    return path.exists() and commit in path.read_text(encoding="ascii").split()


def write_pack(bare: Path, wanted: str, target: Path) -> None:
    """Everything that belongs to a fetched commit, in Git's own form."""
    target.write_bytes(_feed(["pack-objects", "--revs", "--quiet", "--stdout"], bare, f"{wanted}\n".encode()))


def take_pack(pack: Path, wanted: str, shallow: list[str], carrier: Path, bare: Path) -> None:
    """Check a pack object by object, and bring its commit into a copy of ours, as if it had been fetched."""
    if not all(COMMIT.fullmatch(one) for one in (wanted, *shallow)):
        raise GitFailed("the bundle names commits that are none")
    output(["init", "--quiet", "--bare", "--template=", str(carrier)])
    try:
        (carrier / "shallow").write_text("".join(f"{one}\n" for one in shallow), encoding="ascii")
        _feed(["index-pack", "--strict", "--stdin"], carrier, pack.read_bytes())
        output(["update-ref", WANTED_REF, wanted], carrier)
        copy_commit(carrier, bare)
    finally:
        shutil.rmtree(carrier, ignore_errors=True)


def _feed(words: list[str], bare: Path, given: bytes) -> bytes:
    with running(words, bare, LIMITS) as (process, expired):
        out, complaint = process.communicate(given)
    if process.returncode or expired.is_set():
        raise GitFailed(f"git {words[0]} failed: {first_line(complaint.decode(errors='replace'))}")
    return out
