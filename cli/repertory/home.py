"""The one folder that belongs to the tool, and every path in it."""

from __future__ import annotations

import errno
import fcntl
import os
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from repertory.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator

README = """\
This folder belongs to Repertory, which runs security playbooks.
It holds followed repositories, installed content, configured assets, events and the record of every run.
It can be deleted as a whole; then all of that is gone. `repertory doctor` says what is in it.
"""


@dataclass(frozen=True)
class Home:
    """Paths below ``root``; nothing is created before it is needed."""

    root: Path

    @property
    def config(self) -> Path:
        """Settings that a person writes."""
        return self.root / "config.toml"

    @property
    def lock(self) -> Path:
        """Exactly what is installed."""
        return self.root / "repertory.lock"

    @property
    def follows(self) -> Path:
        """The followed repositories: name, URL, wished ref."""
        return self.root / "repositories.json"

    @property
    def index(self) -> Path:
        """What search reads: derived from the catalogues, can be deleted."""
        return self.root / "index.db"

    @property
    def trust(self) -> Path:
        """Who is known to sign each followed repository."""
        return self.root / "trust.json"

    @property
    def secrets(self) -> Path:
        """Values of assets' secret settings, sealed; readable by its owner only."""
        return self.root / "secrets.store"

    @property
    def clear_secrets(self) -> Path:
        """Where earlier versions kept them in clear text, until the first change."""
        return self.root / "secrets.json"

    def own_key(self, name: str) -> Path:
        """A key file that protects the secrets where nothing better was there or chosen."""
        return self.root / f"secrets-{name}.key"

    @property
    def database(self) -> Path:
        """Events, runs, journal, assets."""
        return self.root / "repertory.db"

    @property
    def engine_database(self) -> Path:
        """The queue of the workers."""
        return self.root / "engine.db"

    @property
    def generations(self) -> Path:
        """One file for each state that was ever installed and is not collected yet."""
        return self.root / "generations"

    @property
    def workers(self) -> Path:
        """One lock file for each live process that executes runs."""
        return self.root / "workers"

    @property
    def stages(self) -> Path:
        """Bundles that somebody is looking at, each unpacked in a folder that a process holds."""
        return self.root / "stages"

    @property
    def reports(self) -> Path:
        """One file for each failure that was our fault."""
        return self.root / "reports"

    @property
    def levels(self) -> Path:
        """Which levels of isolation this machine offers, as far as it was tried since it was started."""
        return self.root / "levels.json"

    @property
    def sdk(self) -> Path:
        """Copies of what content imports, by digest."""
        return self.root / "sdk"

    def repository(self, name: str) -> Path:
        """Our own bare copy of a followed repository."""
        return self.root / "repositories" / f"{name}.git"

    def signers(self, name: str) -> Path:
        """Who may sign a followed repository, as a person gave it."""
        return self.root / "signers" / name

    def catalog(self, name: str) -> Path:
        """What the last sync found in a repository."""
        return self.root / "repositories" / f"{name}.catalog.json"

    def members(self, name: str) -> Path:
        """Which repositories a followed one lists; only for those that list any."""
        return self.root / "repositories" / f"{name}.members.json"

    @property
    def contents(self) -> Path:
        """All immutable trees."""
        return self.root / "content"

    def content(self, digest: str) -> Path:
        """The immutable tree with this content hash."""
        return self.contents / digest

    def environment(self, digest: str) -> Path:
        """The virtual environment with this digest."""
        return self.root / "environments" / digest

    def environment_listing(self, digest: str) -> Path:
        """One line for each file of the environment with this digest, as it was built."""
        return self.root / "listings" / f"{digest}.files"

    def environment_stamp(self, digest: str) -> Path:
        """What the file system said of that environment when its files were last compared with its listing."""
        return self.root / "listings" / f"{digest}.stamp"

    def copy_note(self, digest: str) -> Path:
        """Where a copy of an item was made; the name is the hash of that place."""
        return self.root / "copies" / digest

    def listing(self, digest: str) -> Path:
        """One line for each file of the tree with this content hash; the hash is that of these lines."""
        return self.contents / f"{digest}.files"

    @property
    def wheels(self) -> Path:
        """Wheels that came in a bundle, for environments where no package index is reached."""
        return self.root / "wheels"

    def attachment(self, sha256: str) -> Path:
        """The bytes of an attachment."""
        return self.root / "attachments" / sha256[:2] / sha256

    def prepare(self) -> None:
        """Create the folder, readable by its owner only, with a README in it."""
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            readme = self.root / "README.txt"
            if not readme.exists():
                write_atomically(readme, README.encode())
        except OSError as error:
            raise home_error(self.root, error) from error

    @contextmanager
    def exclusive(self, what: str = "changing") -> Iterator[None]:
        """Let one process at a time change repositories, lock and content (or ``what``); others wait."""
        self.prepare()
        try:
            descriptor = os.open(self.root / f".{what}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise home_error(self.root, error) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def home_error(root: Path, error: OSError) -> UserError:
    """One sentence for a folder that cannot be written."""
    return UserError(
        f"cannot write in {root}: {error.strerror or error}",
        "free some space or permit writing there, or name another folder with REPERTORY_HOME",
    )


def sync_folder(path: Path) -> None:
    """What was made, renamed or removed in a folder survives a power cut from here on."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_atomically(path: Path, content: bytes, *, mode: int = 0o600, durable: bool = True) -> None:
    """Replace a file's content completely or not at all; what can be made again need not survive a power cut."""
    make_folder(path.parent)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with open(descriptor, "wb") as output:
            output.write(content)
            output.flush()
            if durable:
                os.fsync(output.fileno())
        os.chmod(name, mode)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
    if durable:
        settle_names(path.parent)


def make_folder(path: Path) -> None:
    """Make a folder, readable by its owner only, and all above it that are missing, so that they survive a power cut."""
    if not path.is_dir():
        make_folder(path.parent)
        path.mkdir(mode=0o700, exist_ok=True)
        settle_names(path.parent)


def settle_names(folder: Path) -> None:
    """Let what was made in a folder, renamed or removed survive a power cut, where its file system can promise that."""
    with suppress(PermissionError):  # what lies above our own folder need not be readable
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.ENOTSUP):
                raise
        finally:
            os.close(descriptor)
