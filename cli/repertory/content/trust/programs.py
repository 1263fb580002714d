"""How ssh-keygen and gpg are asked about a signature: a clean environment, a folder of their own, a limit of time."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from repertory.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SECONDS = 20.0
# Nothing of the user's: no agent, no key server, no configuration, no trust database.
GPG_OPTIONS = (
    "--batch", "--no-tty", "--no-options", "--no-autostart", "--disable-dirmngr", "--trust-model=always",
    "--no-auto-key-retrieve", "--no-auto-key-locate", "--no-auto-check-trustdb", "--status-fd=1",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Programs:
    """Absolute paths, empty where a program is not installed."""

    ssh_keygen: str = ""
    gpg: str = ""


def find_programs() -> Programs:
    """What this machine has."""
    return Programs(ssh_keygen=_path_of("ssh-keygen"), gpg=_path_of("gpg"))


def _path_of(name: str) -> str:
    found = shutil.which(name)
    return os.path.abspath(found) if found else ""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Exit status, output and complaint of one of them."""

    status: int
    output: str
    complaint: str


@contextmanager
def files_for(contents: Mapping[str, bytes]) -> Iterator[Path]:
    """A folder with these files, for the time of a ``with`` block."""
    with tempfile.TemporaryDirectory(prefix="repertory-signature-") as name:
        folder = Path(name)
        for file, content in contents.items():
            (folder / file).write_bytes(content)
        yield folder


def ask(program: str, words: list[str], folder: Path, payload: bytes = b"") -> Answer:
    """Run one of them in such a folder, with the signed bytes on its standard input."""
    environment = {"PATH": os.defpath, "HOME": str(folder), "GNUPGHOME": str(folder), "LC_ALL": "C", "TZ": "UTC"}
    try:
        done = subprocess.run(
            [program, *words], cwd=folder, env=environment, input=payload, capture_output=True, check=False,
            timeout=SECONDS, start_new_session=True,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        hint = "try again when the machine is less busy"
        raise UserError(f"{program} took longer than {SECONDS:g} s", hint) from None
    except OSError as error:
        raise UserError(f"cannot start {program}: {error.strerror}", "install it again") from error
    texts = (stream.decode("utf-8", errors="replace") for stream in (done.stdout, done.stderr))
    return Answer(status=done.returncode, output=next(texts), complaint=next(texts))


def ask_gpg(program: str, words: list[str], folder: Path, payload: bytes = b"") -> Answer:
    """The same for gpg: its home is that folder."""
    return ask(program, [f"--homedir={folder}", *GPG_OPTIONS, *words], folder, payload)
