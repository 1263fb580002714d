"""The file of the store: which forms it can have, and one clear error for each that it cannot."""

from __future__ import annotations

import json
import os
import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from repertory.errors import UserError
from repertory.home import home_error, sync_folder, write_atomically
from repertory.runtime.secrets.keys import Wrapping
from repertory.runtime.secrets.references import Reference
from repertory.settings import SECRETS_KEY
from repertory_sdk.convert import from_json
from repertory_sdk.errors import ConversionError

if TYPE_CHECKING:
    from pathlib import Path

    from repertory.home import Home

FORMAT = "urn:repertory:secrets:1"
_ANY_FORMAT = "urn:repertory:secrets:"
STORED = "stored"
_ID = re.compile(r"[0-9a-f]{12}")
_RESTORE = "restore it from a backup, or move it away and add the secrets again"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One secret setting: ``source`` is ``stored`` or a reference, ``sealed`` the value or just the seal of the reference."""

    source: str
    sealed: str


@dataclass(frozen=True, kw_only=True)
class StoreFile:
    """Everything in the file; ``format`` is its version."""

    format: str
    key: Wrapping
    assets: dict[str, dict[str, Entry]]


def source_of(value: Any) -> str:
    """What is said of a secret: its reference, or that it is stored."""
    return value.text if isinstance(value, Reference) else STORED


def read_store(home: Home) -> StoreFile | None:
    """The store, if there is one; raises UserError that names the file and the cure."""
    try:
        plain = _read_json(home.secrets)
    except FileNotFoundError:
        return None
    said = plain.get("format") if isinstance(plain, dict) else None
    if isinstance(said, str) and said.startswith(_ANY_FORMAT) and said != FORMAT:
        raise UserError(f"{home.secrets} was written by a newer Repertory ({said})", "update Repertory on this machine")
    try:
        read: StoreFile = from_json(StoreFile, plain)
    except ConversionError as error:
        raise UserError(f"{home.secrets} is damaged: {error}", _RESTORE) from error
    if read.format != FORMAT or not SECRETS_KEY.fullmatch(read.key.key) or not _ID.fullmatch(read.key.id):
        raise UserError(f"{home.secrets} is damaged: it does not begin as a store of secrets does", _RESTORE)
    return read


def write_store(home: Home, file: StoreFile) -> None:
    """Replace the file completely or not at all."""
    try:
        write_atomically(home.secrets, json.dumps(asdict(file), indent=1, ensure_ascii=False).encode("utf-8", "surrogatepass"))
        sync_folder(home.root)  # before a key goes that the former store needed
    except OSError as error:
        raise home_error(home.root, error) from error


# --------------------------------------------------- what earlier versions wrote


def read_clear_text(home: Home) -> dict[str, dict[str, Any]]:
    """What an earlier version kept in clear text."""
    try:
        kept: dict[str, dict[str, Any]] = from_json(dict[str, dict[str, Any]], _read_json(home.clear_secrets))
    except FileNotFoundError:
        return {}
    except ConversionError as error:
        raise UserError(f"{home.clear_secrets} is damaged: {error.path}", _RESTORE) from None  # values are not to be shown
    return kept


def remove_clear_text(home: Home) -> None:
    """Remove the file and what a write of it may have left, overwritten first: some file systems keep what is only removed."""
    path = home.clear_secrets
    for one in (path, *path.parent.glob(f".{path.name}.*")):
        try:
            with one.open("r+b") as old:
                old.write(bytes(one.stat().st_size))
                old.flush()
                os.fsync(old.fileno())
            one.unlink()
        except FileNotFoundError:
            pass
        except OSError as error:
            raise UserError(f"{one} still holds secrets in clear text: {error.strerror}", "remove it by hand") from error


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        raise
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}", "it should be yours, with mode 0600") from error
    except (ValueError, RecursionError):
        raise UserError(f"{path} is damaged: it is not whole, or no JSON", _RESTORE) from None
