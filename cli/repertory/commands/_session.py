"""What most commands begin with: settings, the database, installed content."""

from __future__ import annotations

import signal
import time
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Annotated

import typer

from repertory.commands._output import can_ask, note
from repertory.commands._secrets import AtKeyboard
from repertory.content.environments.listing import check_environment
from repertory.content.installed.contents import verify_hash
from repertory.content.installed.lock import installed
from repertory.content.installed.pinned import pinned_item
from repertory.content.offered.catalog import catalog_items
from repertory.errors import NotFound, UsageError, UserError
from repertory.runtime.sandbox.probing import strongest
from repertory.runtime.secrets.keys import PASSPHRASE
from repertory.runtime.secrets.store import SecretStore
from repertory.runtime.storage.database import open_database
from repertory.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import FrameType

    from repertory.home import Home
    from repertory.items import Installed, InstalledSet, Kind
    from repertory.runtime.engines.foreground import Foreground
    from repertory.runtime.storage.database import Database
    from repertory.settings import Settings
    from repertory_sdk.manifest import AppManifest

# How long a verified hash is believed before the files are read again.
VERIFIED_S = 30.0


@dataclass
class HomeLibrary:
    """Installed content of a home, for the runtime. The lock is read again when it has been replaced."""

    home: Home
    _seen: tuple[int, int] | None = None
    _set: InstalledSet | None = None
    _verified: dict[str, float] = field(default_factory=dict)
    _older: dict[tuple[str, str], Installed] = field(default_factory=dict)
    _offered: dict[str, list[AppManifest]] | None = None

    def installed(self) -> InstalledSet:
        """Everything that is installed now."""
        try:
            status = self.home.lock.stat()
            seen: tuple[int, int] | None = (status.st_ino, status.st_mtime_ns)
        except FileNotFoundError:
            seen = None
        if self._set is None or seen != self._seen:
            self._set, self._seen = installed(self.home), seen
        return self._set

    def offered(self, action: str) -> Sequence[AppManifest]:
        """Apps of followed repositories that have this action; read once."""
        if self._offered is None:
            self._offered = {}
            apps = [item.app for item in catalog_items(self.home) if item.app and not item.errors]
            for app in apps:
                for one in app.actions:
                    self._offered.setdefault(one.name, []).append(app)
        return self._offered.get(action, ())

    def pinned(self, name: str, digest: str) -> Installed:
        """The item with these very bytes, checked before they are executed."""
        now = self.installed()
        item = now.apps.get(name) or now.playbooks.get(name)
        if item is None or item.hash != digest:
            item = self._older.get((name, digest)) or pinned_item(self.home, name, digest)
            self._older[(name, digest)] = item
        if time.monotonic() - self._verified.get(digest, -VERIFIED_S) >= VERIFIED_S:
            verify_hash(item)
            check_environment(self.home, item.environment, name=item.name)
            self._verified[digest] = time.monotonic()
        return item


@dataclass(frozen=True, kw_only=True)
class Session:
    """An opened home."""

    settings: Settings
    database: Database
    library: HomeLibrary


@contextmanager
def session() -> Iterator[Session]:
    """Open the home and its database; close them afterwards."""
    settings = replace(load_settings(), person=AtKeyboard() if can_ask() else None)
    database = open_database(settings)
    try:
        yield Session(settings=settings, database=database, library=HomeLibrary(settings.home))
    finally:
        database.close()


def unlock_secrets(opened: Session) -> None:
    """Ask for the passphrase of the secrets, where they have one, before actions run and others print."""
    secrets = SecretStore(opened.settings)
    key = secrets.whereabouts().key
    if opened.settings.person and key and key.kind == PASSPHRASE:
        secrets.unlock()


Unsandboxed = Annotated[
    bool, typer.Option("--allow-unsandboxed", help="Go on where content cannot be isolated: it could do whatever you can do.")
]


def able_to_execute(opened: Session, *, allow_unsandboxed: bool = False) -> Session:
    """For commands that execute content; raises UserError where it could not be isolated as far as the settings demand."""
    settings = opened.settings
    if allow_unsandboxed:
        settings = replace(settings, isolation=replace(settings.isolation, minimum_level="process"))
    if strongest(settings.home, settings.isolation.minimum_level) == "process":
        note("WARNING: content is not isolated here and can do whatever you can do; `repertory doctor` says what to do")
    return replace(opened, settings=settings)


@contextmanager
def stopping_told(here: Foreground) -> Iterator[None]:
    """Ctrl-C takes effect when the action in flight is recorded; a person who sees nothing happen presses it again."""

    def at_once(_signal: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, before)
        here.stop_at_once()

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, at_once)
        here.stop()
        note("\nstopping when the action in flight is recorded; Ctrl-C again stops at once")

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def resumable(run_id: str) -> Iterator[None]:
    """Whoever interrupts a run is told how it can go on."""
    try:
        yield
    except KeyboardInterrupt:
        hint = f"`repertory resume {run_id}` goes on with it, `repertory cancel {run_id}` ends it"
        note(f"\nrun {run_id} is interrupted; {hint}")
        raise


def installed_item(found: InstalledSet, kind: Kind, name: str) -> Installed:
    """The one installed app or playbook of this full or short name."""
    fitting = found.named(kind, name)
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        names = ", ".join(item.name for item in fitting)
        raise UserError(f"{name!r} could be any of {names}", "name the repository too")
    known = found.apps if kind == "app" else found.playbooks
    raise NotFound(f"installed {kind}", name, known, f"`repertory search {name}` looks for it, `repertory install` brings it")


def pairs(texts: list[str], option: str) -> dict[str, str]:
    """``name=value`` words as a mapping."""
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise UsageError(f"{text!r} is not of the form name=value", f"write {option} name=value, in quotes if it has spaces")
        found[name] = value
    return found
