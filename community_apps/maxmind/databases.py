"""MaxMind's databases on disk: opened when they are needed, and again when they change."""

from __future__ import annotations

import ipaddress
import struct
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Mapping, Optional, Tuple

import maxminddb

from repertory_sdk import ActionFailed

_DAMAGED = (
    maxminddb.InvalidDatabaseError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError,
    MemoryError, struct.error,
)  # fmt: skip
"""What the reader raises where a file is cut or was changed: it checks the beginning and trusts the rest."""


@dataclass(frozen=True)
class Entry:
    """What a database has for the network around an address; ``data`` is empty where it has nothing."""

    data: Mapping[str, Any]
    network: Optional[str]


@dataclass(frozen=True)
class Description:
    """What a database says of itself."""

    kind: str
    built: float
    nodes: int
    ip_version: int
    languages: Tuple[str, ...]

    @property
    def age_days(self) -> int:
        """Whole days since it was built."""
        return max(0, int((time.time() - self.built) // 86400))


class Database:
    """One file."""

    def __init__(self, path: str, setting: str) -> None:
        self.path, self._setting = path, setting
        self._seen: Optional[Tuple[float, int, int]] = None
        self._opened: Any = None

    def entry(self, ip: str) -> Entry:
        """What it has for an address; ActionFailed where it cannot be read."""
        reader = self._reader()
        if ":" in ip and self.description().ip_version == 4:
            return Entry({}, None)
        try:
            data, length = reader.get_with_prefix_len(ip)
            network = str(ipaddress.ip_network(f"{ip}/{length}", strict=False))
        except _DAMAGED:
            raise self._damaged() from None
        except OSError as error:
            raise self._unreadable(error) from None
        return Entry(data, network) if isinstance(data, dict) else Entry({}, None)

    def description(self) -> Description:
        """What it says of itself."""
        try:
            said = self._reader().metadata()
            names = tuple(str(name) for name in said.languages or ())
            return Description(str(said.database_type), float(said.build_epoch), int(said.node_count), int(said.ip_version), names)
        except _DAMAGED:
            raise self._damaged() from None

    def _reader(self) -> Any:
        """Databases are replaced while we run: the file of today is read, not that of the start."""
        try:
            state = Path(self.path).stat()
            seen = (state.st_mtime, state.st_size, state.st_ino)
            if self._opened is None or seen != self._seen:
                # Nothing is mapped: a file that is cut while we look into it would be the end of the process.
                self._opened, self._seen = maxminddb.open_database(self.path, maxminddb.MODE_MEMORY), seen
        except _DAMAGED:
            raise self._damaged() from None
        except OSError as error:
            raise self._unreadable(error) from None
        return self._opened

    def _damaged(self) -> ActionFailed:
        self._opened = None
        return ActionFailed(f"MaxMind: {self.path} is no whole database; set {self._setting} to a file such as GeoLite2-City.mmdb")

    def _unreadable(self, error: OSError) -> ActionFailed:
        self._opened = None
        reason = (error.strerror or "it is not to be had").lower()
        cure = f"check {self._setting}, which is an absolute path, and who may read it"
        return ActionFailed(f"MaxMind: {self.path} cannot be read: {reason}; {cure}")


def inner(value: Any, *names: str) -> Any:
    """What lies below these names, None where anything on the way is missing."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def named(place: Any, language: str) -> Optional[str]:
    """The name of a place in a language, else in English, else in any."""
    names: Dict[str, Any] = inner(place, "names") or {}
    if not isinstance(names, dict):
        return None
    found = names.get(language) or names.get("en") or next(iter(names.values()), None)
    return found if isinstance(found, str) else None
