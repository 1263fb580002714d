"""Keys, and commits and tags that are signed with them, by the real programs."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from content.builders import Repository, run_git

NEW_YEAR_2026 = 1_767_225_600
Sign = Callable[[bytes], bytes]


def answer_of(*words: str | Path, content: bytes = b"", **variables: str) -> bytes:
    """What a program says, away from the configuration of whoever runs the tests."""
    environment = {"PATH": os.defpath, "HOME": "/nonexistent"} | variables
    return subprocess.run(words, input=content, env=environment, capture_output=True, check=True).stdout


@dataclass(frozen=True)
class SshKey:
    """A key pair; ``public`` is its type and base64."""

    path: Path
    public: str
    fingerprint: str

    def sign(self, payload: bytes, namespace: str = "git") -> bytes:
        """An armoured signature."""
        return answer_of("ssh-keygen", "-Y", "sign", "-f", self.path, "-n", namespace, content=payload)

    def line(self, who: str, options: str = "") -> str:
        """Its line in a file of signers."""
        return f"{who} {options} {self.public}\n" if options else f"{who} {self.public}\n"

    @property
    def settings(self) -> list[str]:
        """How Git is told to sign with it."""
        return ["-c", "gpg.format=ssh", "-c", f"user.signingkey={self.path}"]


def new_ssh_key(path: Path, kind: str = "ed25519") -> SshKey:
    """Make one without a passphrase."""
    answer_of("ssh-keygen", "-q", "-t", kind, "-N", "", "-C", path.name, "-f", path)
    public = " ".join(path.with_suffix(".pub").read_text().split()[:2])
    return SshKey(path, public, answer_of("ssh-keygen", "-l", "-f", path).decode().split()[1])


@dataclass(frozen=True)
class GpgKey:
    """A key in a home of its own; ``public`` is armoured."""

    home: Path
    fingerprint: str
    public: bytes
    clock: tuple[str, ...] = ()

    def sign(self, payload: bytes) -> bytes:
        """An armoured, detached signature."""
        words = ("gpg", "--homedir", self.home, "--batch", *self.clock, "--armor", "--detach-sign")
        return answer_of(*words, content=payload)


@contextmanager
def new_gpg_key(user: str, expires: str = "never", *, at: str = "") -> Iterator[GpgKey]:
    """Make one, now or ``at`` another time; the folder is near the root, because paths of sockets are short."""
    home = Path(tempfile.mkdtemp(prefix="gpg-", dir="/tmp"))
    clock = (f"--faked-system-time={at}!",) if at else ()
    gpg = ("gpg", "--homedir", home, "--batch", *clock)
    try:
        answer_of(*gpg, "--passphrase", "", "--quick-generate-key", user, "ed25519", "sign", expires)
        listing = answer_of(*gpg, "--with-colons", "--fingerprint").decode()
        fingerprint = next(line.split(":")[9] for line in listing.splitlines() if line.startswith("fpr:"))
        yield GpgKey(home, fingerprint, answer_of(*gpg, "--armor", "--export"), clock)
    finally:
        answer_of("gpgconf", "--homedir", home, "--kill", "all")
        shutil.rmtree(home, ignore_errors=True)


def write_commit(
    repository: Repository, sign: Sign | None = None, *, who: str = "Alice <alice@example.org>",
    time: int = NEW_YEAR_2026, message: str = "change",
) -> str:  # fmt: skip
    """Commit all files as the next one of the branch, by anybody, at any time; only what is before it is signed."""
    repository.git("add", "--all")
    tree, parent = repository.git("write-tree"), repository.git("rev-parse", "HEAD")
    person = f"{who} {time} +0000"
    headers = f"tree {tree}\nparent {parent}\nauthor {person}\ncommitter {person}\n"
    payload = f"{headers}\n{message}\n".encode()
    return store_commit(repository, with_signature(payload, sign(payload)) if sign else payload)


def with_signature(payload: bytes, signature: bytes) -> bytes:
    """A commit with its signature, as Git writes it."""
    headers, _, message = payload.partition(b"\n\n")
    return headers + b"\ngpgsig " + signature.rstrip(b"\n").replace(b"\n", b"\n ") + b"\n\n" + message


def store_commit(repository: Repository, raw: bytes) -> str:
    """Put a commit into a repository and the branch to it."""
    commit = run_git(repository.path, "hash-object", "-t", "commit", "-w", "--stdin", content=raw)
    repository.git("update-ref", "refs/heads/main", commit)
    return commit
