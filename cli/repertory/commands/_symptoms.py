"""What ``doctor`` looks at; each examination is one finding and never raises."""

from __future__ import annotations

import platform
import shutil
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from repertory.commands._session import HomeLibrary
from repertory.content.git.process import git_version
from repertory.content.installed.contents import is_intact
from repertory.content.installed.lock import installed, read_lock
from repertory.content.offered.follows import list_repositories
from repertory.errors import UserError, counted
from repertory.runtime.engines.foreground import is_served
from repertory.runtime.kept import assets, runs
from repertory.runtime.processes.playbook_process import CannotStart, ProcessKilled, Template
from repertory.runtime.sandbox.confinement import LEVELS
from repertory.runtime.sandbox.launch import Sandbox
from repertory.runtime.sandbox.probing import offers, strongest
from repertory.runtime.secrets import keys
from repertory.runtime.secrets.store import SecretStore
from repertory.runtime.storage.database import open_database
from repertory.settings import Settings, load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from repertory.runtime.sandbox.confinement import Level

OLDEST_GIT = (2, 30)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One examination. ``detail`` marks those that are only of interest when something is wrong."""

    what: str
    found: str
    fine: bool = True
    cure: str = ""
    detail: bool = False


def examine() -> list[Finding]:
    """Look at the machine, then at the home, then at what is in it."""
    try:
        settings = load_settings()
    except UserError as error:
        return [*_machine(), Finding(what="settings", found=error.message, fine=False, cure=error.hint)]
    found = [*_machine(), Finding(what="home", found=str(settings.home.root))]
    for look in (_repositories, _content, _secrets, _database, _processes):
        try:
            found += look(settings)
        except UserError as error:
            found.append(Finding(what=look.__name__.strip("_"), found=error.message, fine=False, cure=error.hint))
    return found


def _machine() -> Iterator[Finding]:
    version = platform.python_version()
    yield Finding(what="python", found=f"{version} ({sys.executable})")
    found = git_version()
    new_enough = found is not None and found >= OLDEST_GIT
    yield Finding(
        what="git",
        found=".".join(map(str, found)) if found else "not installed",
        fine=new_enough,
        cure=f"install Git {OLDEST_GIT[0]}.{OLDEST_GIT[1]} or newer",
    )
    prlimit = shutil.which("prlimit")
    yield Finding(what="limits for git", found=prlimit or "prlimit is missing: fetches are bounded by time only", detail=True)


def _repositories(settings: Settings) -> Iterator[Finding]:
    names = [one.name for one in list_repositories(settings.home)]
    yield Finding(what="repositories", found=", ".join(names) or "none is followed")


def _content(settings: Settings) -> Iterator[Finding]:
    lock = read_lock(settings.home)
    yield Finding(what="installed", found=counted(len(lock.items), "item"))
    for item in lock.items:
        intact = is_intact(settings.home.content(item.hash), item.hash)
        yield Finding(
            what=item.name, found=item.version if intact else "its files are missing or were changed", fine=intact,
            cure="repertory install --locked", detail=True,
        )  # fmt: skip
    for app in installed(settings.home).apps.values():
        if not app.python.exists():
            yield Finding(
                what=app.name, found=f"its interpreter {app.python} is gone", fine=False, cure="repertory install --locked"
            )


def _secrets(settings: Settings) -> Iterator[Finding]:
    store = SecretStore(settings)
    found = store.whereabouts()
    if found.in_clear_text:
        where = f"in clear text in {settings.home.clear_secrets}, until the next change"
        yield Finding(what="secrets", found=where, fine=False, cure="repertory secrets rotate")
    if found.key is None:
        yield Finding(what="secrets", found="none is kept sealed yet", detail=found.in_clear_text)
        return
    wanted = settings.secrets.key or found.key.key
    if found.key.kind != keys.PASSPHRASE:
        store.unlock()
    yield Finding(
        what="secrets", found=f"sealed with {keys.protection(found.key.key)}", fine=wanted == found.key.key,
        cure=f"config.toml wants {wanted}: repertory secrets rotate",
    )  # fmt: skip


def _database(settings: Settings) -> Iterator[Finding]:
    database = open_database(settings)
    try:
        where = "PostgreSQL" if settings.database_url else str(settings.home.database)
        yield Finding(what="database", found=where)
        apps = HomeLibrary(settings.home).installed().apps
        for asset in assets.list_assets(database):
            known = asset.app in apps
            yield Finding(
                what=f"asset {asset.name}", found=asset.app if known else f"{asset.app} is not installed", fine=known,
                cure=f"repertory install {asset.app}, or repertory asset remove {asset.name}", detail=True,
            )  # fmt: skip
        served = is_served(settings, database)
        waiting = len(runs.open_prompts(database))
        yield Finding(what="worker", found="alive" if served else "none (runs are executed by the command that starts them)")
        yield Finding(what="open prompts", found=str(waiting))
    finally:
        database.close()


def _processes(settings: Settings) -> Iterator[Finding]:
    level = strongest(settings.home, "process")
    yield from _isolation(settings, level)
    sandbox = Sandbox(level)
    template = Template(settings.home, sandbox, output_bytes=4096)
    settings.home.contents.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    try:
        process = template.fork(settings.home.contents, cpu_s=10)
        process.kill()
    except (CannotStart, ProcessKilled) as error:
        yield Finding(what="playbook processes", found=str(error), fine=False, cure="is this Python installation complete?")
        return
    finally:
        template.close()
        sandbox.close()
    yield Finding(what="playbook processes", found=f"start in {(time.monotonic() - started) * 1000:.0f} ms")


def _isolation(settings: Settings, level: Level) -> Iterator[Finding]:
    """Each level was tried by running something at it."""
    minimum = settings.isolation.minimum_level
    for offer in offers(settings.home):
        is_enough = offer.works or LEVELS.index(level) >= LEVELS.index(minimum)
        yield Finding(
            what=f"isolation: {offer.level}", found="works" if offer.works else f"does not work here: {offer.reason}",
            fine=is_enough, cure=offer.cure,
        )  # fmt: skip
    weak = "content can do whatever you can do" if level == "process" else "content reaches only what it declared"
    yield Finding(what="isolation", found=f"level {level}: {weak}")
