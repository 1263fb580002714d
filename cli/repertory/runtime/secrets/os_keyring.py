"""The keyring of the operating system; the one module that knows `keyring`, which need not be installed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from repertory.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable

SERVICE = "repertory"
# Those that really are one. Others keep what they get in a plain file or under a fixed key, and some of them are
# chosen without a word where there is no desktop.
TRUSTED = (
    "keyring.backends.SecretService.Keyring",
    "keyring.backends.kwallet.DBusKeyring",
    "keyring.backends.kwallet.DBusKeyringKWallet4",
    "keyring.backends.macOS.Keyring",
    "keyring.backends.Windows.WinVaultKeyring",
)
_INSTALL = "install it with `pip install 'repertory[keyring]'`, in a session with Secret Service, KWallet or the macOS Keychain"


def is_there() -> bool:
    """Whether a trusted keyring can be reached; quick where the package is not installed."""
    return _found() is not None


def read(service: str, user: str) -> str | None:
    """What is kept under these names."""
    found: str | None = _answer(lambda backend: backend.get_password(service, user))
    return found


def write(service: str, user: str, value: str) -> None:
    """Keep a value under these names."""
    _answer(lambda backend: backend.set_password(service, user, value))


def delete(service: str, user: str) -> None:
    """Forget it."""
    _answer(lambda backend: backend.delete_password(service, user))


def _answer(ask: Callable[[Any], Any]) -> Any:
    backend = _found()
    if backend is None:
        raise UserError("no keyring of the operating system can be reached", _INSTALL)
    try:
        return ask(backend)
    except Exception as error:  # each backend has errors of its own; their texts are not ours to show
        reason = f"the keyring did not answer ({type(error).__name__})"
        cure = "unlock it in your desktop session, or choose another key: `[secrets] key` in config.toml"
        raise UserError(reason, cure) from None


def _found() -> Any:
    """The best of the trusted ones, whatever `keyring` itself would choose."""
    try:
        from keyring.backend import get_all_keyring

        found = [one for one in get_all_keyring() if _name(one) in TRUSTED]
        return max(found, key=lambda one: float(one.priority), default=None)
    except Exception:  # not installed, or one of its plug-ins cannot be loaded
        return None


def _name(backend: Any) -> str:
    return f"{type(backend).__module__}.{type(backend).__qualname__}"
