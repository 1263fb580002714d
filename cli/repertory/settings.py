"""What a person configured: the environment and ``config.toml``, read once."""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

import platformdirs

from repertory.errors import UserError
from repertory.home import Home
from repertory_sdk.convert import from_json
from repertory_sdk.errors import ConversionError

if TYPE_CHECKING:
    from collections.abc import Mapping

Decision = Literal["allow", "ask", "deny"]

MOST_PARALLEL = 64
# Git hands it to a shell, so nothing but words; a leading "!" would be a command.
CREDENTIAL_HELPER = re.compile(r"(store|cache|/[A-Za-z0-9._+/-]+)( [A-Za-z0-9._+/=:@-]+)*")

# A path is absolute, so that it means the same wherever the tool is started.
SECRETS_KEY = re.compile(r"keyring|passphrase|home|file:/[^\0\n]+|credential:[A-Za-z0-9._-]{1,255}")

DEFAULT_DECISIONS: Mapping[str, Decision] = {
    "investigate": "allow",
    "generic": "allow",
    "ingest": "allow",
    "test": "allow",
    "contain": "ask",
    "correct": "ask",
}


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One exception from the policy; every named thing must match, the first rule that matches decides.

    ``action``, ``app`` and ``asset`` may hold ``*``; ``severity`` lists severities of the event.
    """

    decision: Decision
    action: str = "*"
    app: str = "*"
    asset: str = "*"
    type: str = "*"
    severity: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Policy:
    """Which actions run, which ask a human first, which never run.

    ``approvers`` is whom approvals are addressed to; ``approve_within_s`` after how many seconds an approval counts as
    denied (0: never). ``in_doubt`` says what becomes of an action whose outcome is not known: ``ask`` a human, or
    ``report`` it to the playbook as a result with that status.
    """

    types: dict[str, Decision] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    approvers: str = ""
    approve_within_s: float = 0.0
    in_doubt: Literal["ask", "report"] = "ask"


@dataclass(frozen=True, kw_only=True)
class InstallPolicy:
    """What ``--yes`` may agree to in a person's place.

    ``nothing``; ``investigate``: items whose actions all only read; ``anything``.
    """

    allow: Literal["nothing", "investigate", "anything"] = "investigate"


@dataclass(frozen=True, kw_only=True)
class AssetLimit:
    """How hard one asset may be used: actions at a time, and actions a minute (0: no limit)."""

    concurrency: int = 0
    per_minute: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Bounds of one run and one worker; seconds unless said otherwise."""

    playbook_cpu_s: int = 60
    playbook_silence_s: float = 300.0
    app_start_s: float = 30.0
    retries: int = 2
    restarts: int = 2
    parallel_actions: int = 32
    parallel_runs: int = 8
    output_bytes: int = 256 * 1024
    child_depth: int = 10
    idle_worker_s: float = 300.0
    worker_actions: int = 1000


@dataclass(frozen=True, kw_only=True)
class SyncLimits:
    """How a sync treats the network."""

    parallel: int = 8


@dataclass(frozen=True, kw_only=True)
class GitAccess:
    """How private repositories are reached by https. Those by ssh need nothing but an agent that holds the key.

    ``credential_helper`` is ``store``, ``cache`` or the absolute path of a program, each perhaps with options, as
    gitcredentials(7) describes them.
    """

    credential_helper: str = ""


@dataclass(frozen=True, kw_only=True)
class SecretsKey:
    """What protects the secrets of assets.

    ``key`` is ``keyring``, ``passphrase``, ``file:/path``, ``credential:NAME`` (of systemd) or ``home`` (a key file in the
    home). Empty: the credential ``repertory-key`` if there is one, else a keyring, else ``home``; decided when the first
    secret is kept. ``repertory secrets rotate`` applies a change.
    """

    key: str = ""


class Person(Protocol):
    """Somebody at the keyboard."""

    def passphrase(self, *, again: bool) -> str:
        """The passphrase of the secrets; ``again`` if what was said before is wrong."""

    def new_passphrase(self) -> str:
        """A passphrase that protects them from now on."""


@dataclass(frozen=True, kw_only=True)
class Isolation:
    """How far content is kept from everything else.

    ``minimum_level``: what cannot be isolated so far is not started (``namespaces``, ``landlock``, or ``process``, which is
    none). ``hosts`` narrows what apps may connect to: by the app's full name, patterns such as ``*.example.com:443``; what an app
    declared and what stands here must both permit a connection. ``memory_mb`` is the most that an app may declare.
    """

    minimum_level: Literal["process", "landlock", "namespaces"] = "landlock"
    hosts: dict[str, tuple[str, ...]] = field(default_factory=dict)
    memory_mb: int = 4096


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything configurable. ``person`` can be asked, if there is one."""

    home: Home
    database_url: str = ""
    policy: Policy = field(default_factory=Policy)
    limits: Limits = field(default_factory=Limits)
    install: InstallPolicy = field(default_factory=InstallPolicy)
    sync: SyncLimits = field(default_factory=SyncLimits)
    git: GitAccess = field(default_factory=GitAccess)
    secrets: SecretsKey = field(default_factory=SecretsKey)
    isolation: Isolation = field(default_factory=Isolation)
    assets: Mapping[str, AssetLimit] = field(default_factory=dict)
    person: Person | None = None


@dataclass(frozen=True, kw_only=True)
class _File:
    """The shape of config.toml."""

    database_url: str = ""
    policy: Policy = field(default_factory=Policy)
    limits: Limits = field(default_factory=Limits)
    install: InstallPolicy = field(default_factory=InstallPolicy)
    sync: SyncLimits = field(default_factory=SyncLimits)
    git: GitAccess = field(default_factory=GitAccess)
    secrets: SecretsKey = field(default_factory=SecretsKey)
    isolation: Isolation = field(default_factory=Isolation)
    assets: dict[str, AssetLimit] = field(default_factory=dict)


def load_settings(home: Path | None = None) -> Settings:
    """Read the environment and the file; raises UserError that names what is wrong in it."""
    root = home or Path(os.environ.get("REPERTORY_HOME") or platformdirs.user_data_path("repertory"))
    place = Home(root.expanduser().absolute())
    written = _read_file(place.config)
    url = os.environ.get("REPERTORY_DATABASE_URL") or written.database_url
    if url and not url.startswith(("postgresql://", "postgres://")):
        raise UserError(f"database_url {url.partition(':')[0]}:… is not a PostgreSQL URL", "write postgresql://user@host/database")
    return Settings(
        home=place,
        database_url=url,
        policy=written.policy,
        limits=written.limits,
        install=written.install,
        sync=written.sync,
        git=written.git,
        secrets=written.secrets,
        isolation=written.isolation,
        assets=written.assets,
    )


def _read_file(path: Path) -> _File:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return _File()
    except NotADirectoryError:
        raise UserError(f"{path.parent} is not a folder", "name another one with REPERTORY_HOME") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read: {error}", "mend the file or move it away") from error
    try:
        read: _File = from_json(_File, tomllib.loads(text))
    except (tomllib.TOMLDecodeError, ConversionError) as error:
        raise UserError(f"{path}: {error}", "docs/reference/configuration.md lists what can be set") from error
    _check_access(path, read)
    unknown = sorted(set(read.policy.types) - set(DEFAULT_DECISIONS))
    if unknown:
        raise UserError(f"{path}: policy.types: {unknown[0]!r} is no type of action", f"use {', '.join(DEFAULT_DECISIONS)}")
    return read


def _check_access(path: Path, read: _File) -> None:
    if not 1 <= read.sync.parallel <= MOST_PARALLEL:
        raise UserError(f"{path}: sync.parallel: {read.sync.parallel} is not from 1 to {MOST_PARALLEL}", "8 suits most networks")
    helper = read.git.credential_helper
    if helper and not CREDENTIAL_HELPER.fullmatch(helper):
        raise UserError(
            f"{path}: git.credential_helper: {helper!r} is no credential helper",
            "write store, cache or the absolute path of a program",
        )
    key = read.secrets.key
    if key and not SECRETS_KEY.fullmatch(key):
        raise UserError(
            f"{path}: secrets.key: {key!r} names no key", "write keyring, passphrase, file:/path, credential:NAME or home"
        )


def user_name() -> str:
    """Who is at the keyboard, for the record."""
    return os.environ.get("USER") or os.environ.get("LOGNAME") or f"uid {os.getuid()}"
