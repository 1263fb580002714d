"""What the data key of a store is wrapped with: a keyring, a passphrase, a key file, a credential of systemd."""

from __future__ import annotations

import base64
import os
import secrets
import stat
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from repertory.errors import UserError
from repertory.home import sync_folder
from repertory.runtime.secrets import os_keyring, sealing

if TYPE_CHECKING:
    from repertory.settings import Settings

HOME, KEYRING, PASSPHRASE, FILE, CREDENTIAL = "home", "keyring", "passphrase", "file", "credential"
DEFAULT_CREDENTIAL = "repertory-key"
LEAST_BYTES = 32
_MOST_BYTES = 64 * 1024
_TRIES = 3


@dataclass(frozen=True, kw_only=True)
class Wrapping:
    """How a data key is found again: ``key`` as in the settings, ``id`` of a key of our own, ``salt`` of a passphrase."""

    key: str
    id: str
    salt: str = ""
    wrapped: str

    @property
    def kind(self) -> str:
        """``home``, ``keyring``, ``passphrase``, ``file`` or ``credential``."""
        return self.key.partition(":")[0]


def first_choice(settings: Settings) -> str:
    """What protects a store that is made now: what is configured, else the best that is here. Plain text never is."""
    if settings.secrets.key:
        return settings.secrets.key
    if _credential(DEFAULT_CREDENTIAL) is not None:
        return f"{CREDENTIAL}:{DEFAULT_CREDENTIAL}"
    return KEYRING if os_keyring.is_there() else HOME


def wrap(settings: Settings, key: str, data_key: bytes, store: str) -> Wrapping:
    """Wrap a data key; a key of our own is made for it, and is in its place when this returns."""
    made = Wrapping(key=key, id=secrets.token_hex(6), salt=sealing.random_salt() if key == PASSPHRASE else "", wrapped="")
    secret = _new_secret(settings, made)
    return Wrapping(key=key, id=made.id, salt=made.salt, wrapped=sealing.seal(secret, data_key, _bound_to(made, store)))


def unwrap(settings: Settings, wrapping: Wrapping, store: str, path: Path) -> bytes:
    """The data key of a store; asks for a passphrase where there is one and somebody can be asked."""
    tries = _TRIES if wrapping.kind == PASSPHRASE and settings.person else 1
    for number in range(tries):
        secret = _secret(settings, wrapping, path, again=number > 0)
        with suppress(sealing.NotOpened):
            return sealing.unseal(secret, wrapping.wrapped, _bound_to(wrapping, store))
    raise UserError(
        f"{path} does not open with {place(settings, wrapping)}: it is another key, or the file was changed",
        "bring that key back as it was, or move the store away and add the secrets again",
    )


def discard(settings: Settings, wrapping: Wrapping) -> None:
    """Forget a key of our own that wraps nothing any more."""
    if wrapping.kind == HOME:
        with suppress(FileNotFoundError):
            settings.home.own_key(wrapping.id).unlink()
    elif wrapping.kind == KEYRING:
        with suppress(UserError):  # it is useless by now
            os_keyring.delete(os_keyring.SERVICE, wrapping.id)


def place(settings: Settings, wrapping: Wrapping) -> str:
    """Where the key is, for people."""
    kind, _, name = wrapping.key.partition(":")
    return {
        HOME: f"the key file {settings.home.own_key(wrapping.id)}",
        KEYRING: f"the key {os_keyring.SERVICE}/{wrapping.id} in the keyring",
        PASSPHRASE: "your passphrase",
        FILE: f"the key file {name}",
        CREDENTIAL: f"the systemd credential {name}",
    }[kind]


def protection(key: str) -> str:
    """Whom it keeps out, without flattery."""
    return {
        HOME: "a key file of its own in the home: protects a leaked store or a backup without that file, "
        "not against whoever can read the home",
        KEYRING: "the keyring of the operating system: protects against whoever is not signed in as you",
        PASSPHRASE: "a passphrase: protects against whoever does not know it",
        FILE: "a key file: protects against whoever cannot read that file",
        CREDENTIAL: "a credential of systemd: protects against whoever is neither root nor this service",
    }[key.partition(":")[0]]


def _bound_to(wrapping: Wrapping, store: str) -> tuple[str, ...]:
    return (store, "data key", wrapping.key, wrapping.id, wrapping.salt)


# -------------------------------------------------------------- one kind each


def _new_secret(settings: Settings, made: Wrapping) -> bytes:
    if made.kind == KEYRING:
        key = sealing.random_key()
        os_keyring.write(os_keyring.SERVICE, made.id, base64.b64encode(key).decode())
        return key
    if made.kind == PASSPHRASE:
        return sealing.key_of_passphrase(_new_passphrase(settings), made.salt)
    path = _key_path(settings, made)
    if path is not None and not path.exists():
        _make_key_file(path)
    return _secret(settings, made, settings.home.secrets, again=False)


def _secret(settings: Settings, wrapping: Wrapping, store: Path, *, again: bool) -> bytes:
    kind, _, name = wrapping.key.partition(":")
    path = _key_path(settings, wrapping)
    if path is not None:
        return sealing.key_of_content(_key_file(path))
    if kind == KEYRING:
        return _from_keyring(wrapping.id)
    if kind == PASSPHRASE:
        return _from_person(settings, wrapping, store, again=again)
    content = _credential(name)
    if content is None:
        raise UserError(
            f"{store} is protected by the systemd credential {name}, which this process does not have",
            f"start it as a service with LoadCredential={name}:/path or LoadCredentialEncrypted=, in the same unit",
        )
    return sealing.key_of_content(_long_enough(content, f"the systemd credential {name}"))


def _key_path(settings: Settings, wrapping: Wrapping) -> Path | None:
    if wrapping.kind == HOME:
        return settings.home.own_key(wrapping.id)
    return Path(wrapping.key.partition(":")[2]) if wrapping.kind == FILE else None


def _from_keyring(name: str) -> bytes:
    found = os_keyring.read(os_keyring.SERVICE, name)
    if found is None:
        raise UserError(
            f"the keyring does not hold the key {os_keyring.SERVICE}/{name}",
            "is it the keyring of the user who keeps these secrets? `repertory secrets where` shows what is meant",
        )
    try:
        return base64.b64decode(found, validate=True)[: sealing.KEY_BYTES].ljust(sealing.KEY_BYTES, b"\0")
    except ValueError:
        return bytes(sealing.KEY_BYTES)  # opens nothing, which is then said


def _from_person(settings: Settings, wrapping: Wrapping, store: Path, *, again: bool) -> bytes:
    if settings.person is None:
        raise UserError(
            f"{store} is protected by a passphrase, and nobody can be asked for it here",
            "use a terminal, or another key: set `[secrets] key` in config.toml, then `repertory secrets rotate` at a terminal",
        )
    try:
        return sealing.key_of_passphrase(settings.person.passphrase(again=again), wrapping.salt)
    except sealing.NotOpened:
        raise UserError(f"{store} is damaged: its salt is none", "restore it from a backup") from None


def _new_passphrase(settings: Settings) -> str:
    if settings.person is None:
        raise UserError(
            "a passphrase is to protect the secrets, and nobody can be asked for one here",
            "use a terminal, or set `[secrets] key` in config.toml to another key",
        )
    return settings.person.new_passphrase()


def _make_key_file(path: Path) -> None:
    """Whole and readable by its owner only from its first moment; never over one that is there."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(prefix=f".{path.name}.", dir=path.parent) as output:
            output.write(base64.b64encode(sealing.random_key()) + b"\n")
            output.flush()
            os.fchmod(output.fileno(), 0o400)
            os.fsync(output.fileno())
            with suppress(FileExistsError):  # another process was quicker, and its key is as good
                os.link(output.name, path)
        sync_folder(path.parent)
    except OSError as error:
        raise UserError(f"the key file {path} cannot be made: {error.strerror}", "permit it, or name another place") from error


def _key_file(path: Path) -> bytes:
    try:
        with open(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK), "rb") as file:  # a pipe would let us wait
            status = os.fstat(file.fileno())
            content = (file.read(_MOST_BYTES) or b"") if stat.S_ISREG(status.st_mode) else b""
    except FileNotFoundError:
        raise UserError(f"the key file {path} is missing", "bring it back; without it the secrets cannot be read") from None
    except OSError as error:
        raise UserError(f"the key file {path} cannot be read: {error.strerror}", "it should be yours, with mode 0400") from error
    if not stat.S_ISREG(status.st_mode):
        raise UserError(f"the key file {path} is no file", "name another one in config.toml")
    if stat.S_IMODE(status.st_mode) & 0o077:
        raise UserError(f"the key file {path} is open to others (mode {stat.S_IMODE(status.st_mode):04o})", f"chmod 0400 {path}")
    if status.st_uid not in (os.geteuid(), 0):
        raise UserError(f"the key file {path} belongs to somebody else", f"make it yours: chown {os.geteuid()} {path}")
    return _long_enough(content, f"the key file {path}")


def _long_enough(content: bytes, what: str) -> bytes:
    if len(content) < LEAST_BYTES:
        raise UserError(f"{what} has {len(content)} bytes, which is no key", f"a key has {LEAST_BYTES} random bytes or more")
    return content


def _credential(name: str) -> bytes | None:
    folder = os.environ.get("CREDENTIALS_DIRECTORY", "")
    if not folder:
        return None
    try:
        with (Path(folder) / name).open("rb") as file:
            return file.read(_MOST_BYTES)
    except FileNotFoundError:
        return None
    except OSError as error:
        reason = f"the systemd credential {name} cannot be read: {error.strerror}"
        raise UserError(reason, "look at LoadCredential= of the unit") from error
