"""The secrets of assets: one file, each value sealed for its place, under a data key that something better protects."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from repertory.errors import UserError
from repertory.runtime.secrets import keys, references, sealing
from repertory.runtime.secrets.exposed import note_secret
from repertory.runtime.secrets.references import Reference, given
from repertory.runtime.secrets.storefile import (
    FORMAT,
    STORED,
    Entry,
    StoreFile,
    read_clear_text,
    read_store,
    remove_clear_text,
    source_of,
    write_store,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from repertory.runtime.secrets.keys import Wrapping
    from repertory.settings import Settings

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class _Fresh:
    """Keys for a store that is not written yet."""

    key: Wrapping
    data_key: bytes


@dataclass(frozen=True, kw_only=True)
class Whereabouts:
    """Where secrets are and what protects them; nothing of it is secret. ``key`` is None before the first secret."""

    store: Path
    key: Wrapping | None
    sources: Mapping[str, Mapping[str, str]]
    in_clear_text: bool


class SecretStore:
    """The store of one home. It may be used by several threads; a key that was found is kept as long as this is."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._home = settings.home
        self._gate = threading.Lock()
        self._unwrapped: tuple[Wrapping, bytes] | None = None

    # ------------------------------------------------------------- looking

    def whereabouts(self) -> Whereabouts:
        """What can be said without any key."""
        file = read_store(self._home)
        earlier = read_clear_text(self._home)
        found = {asset: {name: source_of(given(value)) for name, value in values.items()} for asset, values in earlier.items()}
        for asset, entries in file.assets.items() if file else ():
            found[asset] = {name: entry.source for name, entry in entries.items()}
        return Whereabouts(
            store=self._home.secrets, key=file.key if file else None, sources=found, in_clear_text=bool(earlier)
        )

    def sources(self, asset: str) -> Mapping[str, str]:
        """Where each secret of an asset comes from: ``stored``, or a reference."""
        return self.whereabouts().sources.get(asset, {})

    def looked_up(self, asset: str, names: Iterable[str]) -> dict[str, Any]:
        """The secrets of an asset under these names, with references looked up now; what is not kept is left out."""
        held = self.held(asset)
        found: dict[str, Any] = {}
        for name in [name for name in names if name in held]:
            value = held[name]
            found[name] = references.looked_up(asset, name, value.text) if isinstance(value, Reference) else value
            note_secret(found[name])
        return found

    def held(self, asset: str) -> dict[str, Any]:
        """What is kept for an asset, without looking anything up: values, and a Reference for each that is elsewhere."""

        def opened(file: StoreFile) -> dict[str, Any] | None:
            return self._all_opened(file, asset) if asset in file.assets else None

        found = self._with_store(opened)
        if found is None:
            return {name: given(value) for name, value in read_clear_text(self._home).get(asset, {}).items()}
        return found

    def unlock(self) -> None:
        """Find the key now, where there is a store: later might be no time to ask for a passphrase."""
        self._with_store(self._data_key)

    def _with_store(self, use: Callable[[StoreFile], T]) -> T | None:
        """What comes of using the store, if there is one; used again if another process has rotated its keys meanwhile."""
        file = read_store(self._home)
        while file is not None:
            try:
                return use(file)
            except UserError:
                after = read_store(self._home)
                if after is None or after.key == file.key:
                    raise
                file = after
        return None

    # ------------------------------------------------------------- changing

    def prepare(self) -> None:
        """Make sure that secrets can be kept. Whatever has to be asked is asked now, and nobody waits for the answer."""
        before = read_store(self._home)
        self._require_as_wished(before)
        read_clear_text(self._home)  # if that cannot be taken over, nothing is made
        self.unlock()
        fresh = self._fresh(keys.first_choice(self._settings)) if before is None else None
        with self._home.exclusive("secrets"):
            self._take_over(fresh)

    def keep(self, asset: str, values: Mapping[str, Any]) -> None:
        """Keep these secrets of an asset and no others; a Reference is kept as such."""
        if values or asset in self.whereabouts().sources:
            self.keep_all({asset: values})

    def keep_all(self, values: Mapping[str, Mapping[str, Any]]) -> None:
        """The same for several assets, at once. Where secrets are only forgotten, no key is needed."""
        if any(values.values()) or self._home.clear_secrets.exists():
            self.prepare()
        with self._home.exclusive("secrets"):
            file = self._take_over(None)
            kept = {asset: entries for asset, entries in file.assets.items() if asset not in values}
            for asset, secrets in values.items():
                if secrets:
                    kept[asset] = _all_sealed(self._data_key(file), asset, secrets)
            write_store(self._home, replace(file, assets=dict(sorted(kept.items()))))

    def rotate(self) -> Wrapping:
        """Seal everything anew under a new data key, which is wrapped by what is configured now, or as before."""
        before = read_store(self._home)
        if before is None:
            if not self._home.clear_secrets.exists():
                raise UserError("no secret is kept yet", "`repertory asset add` keeps the first; then there is a key")
            self.prepare()
            return self._take_over(None).key
        self.unlock()
        fresh = self._fresh(self._settings.secrets.key or before.key.key)
        with self._home.exclusive("secrets"), self._kept_if_used(fresh):
            file = self._take_over(None)
            held = {asset: self._all_opened(file, asset) for asset in file.assets}
            self._write_fresh(fresh, held)
            keys.discard(self._settings, file.key)
        return fresh.key

    def _require_as_wished(self, file: StoreFile | None) -> None:
        wanted = self._settings.secrets.key
        if file is not None and wanted and wanted != file.key.key:
            raise UserError(
                f"config.toml wants {wanted} to protect the secrets, and {self._home.secrets} is protected by {file.key.key}",
                "`repertory secrets rotate` changes what protects it",
            )

    def _take_over(self, fresh: _Fresh | None) -> StoreFile:
        """The store, with what an earlier version kept in clear text, which is removed; made with fresh keys if need be."""
        file, earlier = read_store(self._home), read_clear_text(self._home)
        if fresh is not None:
            with self._kept_if_used(fresh):
                file = file or self._write_fresh(fresh, {})
        if file is None:
            raise UserError(f"{self._home.secrets} has just been removed", "try again")
        if self._home.clear_secrets.exists():
            data_key = self._data_key(file)
            taken = {
                asset: _all_sealed(data_key, asset, {name: given(value) for name, value in values.items()})
                for asset, values in earlier.items()
            }
            file = replace(file, assets={**taken, **file.assets})
            write_store(self._home, file)
            remove_clear_text(self._home)
        return file

    # ------------------------------------------------------------------ keys

    def _fresh(self, key: str) -> _Fresh:
        self._home.prepare()
        data_key = sealing.random_key()
        return _Fresh(key=keys.wrap(self._settings, key, data_key, FORMAT), data_key=data_key)

    def _write_fresh(self, fresh: _Fresh, held: Mapping[str, Mapping[str, Any]]) -> StoreFile:
        assets = {asset: _all_sealed(fresh.data_key, asset, values) for asset, values in held.items()}
        file = StoreFile(format=FORMAT, key=fresh.key, assets=assets)
        write_store(self._home, file)
        with self._gate:
            self._unwrapped = (fresh.key, fresh.data_key)
        return file

    @contextmanager
    def _kept_if_used(self, fresh: _Fresh) -> Iterator[None]:
        """A key that no store needs goes again; whatever interrupts us, one that is needed stays."""
        try:
            yield
        finally:
            file = read_store(self._home)
            if file is None or file.key != fresh.key:
                keys.discard(self._settings, fresh.key)

    def _data_key(self, file: StoreFile) -> bytes:
        with self._gate:
            if self._unwrapped is None or self._unwrapped[0] != file.key:
                self._unwrapped = (file.key, keys.unwrap(self._settings, file.key, FORMAT, self._home.secrets))
            return self._unwrapped[1]

    def _all_opened(self, file: StoreFile, asset: str) -> dict[str, Any]:
        data_key = self._data_key(file)
        return {name: self._opened(data_key, asset, name, entry) for name, entry in file.assets[asset].items()}

    def _opened(self, data_key: bytes, asset: str, name: str, entry: Entry) -> Any:
        try:
            plain = sealing.unseal(data_key, entry.sealed, _place(asset, name, entry.source))
            value = json.loads(plain) if entry.source == STORED else Reference(entry.source)
        except (sealing.NotOpened, ValueError):
            raise UserError(
                f"{self._home.secrets}: {name} of asset {asset} was changed outside of Repertory",
                f"restore the file from a backup, or set the secret anew: `repertory asset add {asset} … --replace`",
            ) from None
        note_secret(value if entry.source == STORED else "")
        return value


def _all_sealed(data_key: bytes, asset: str, values: Mapping[str, Any]) -> dict[str, Entry]:
    return {name: _sealed(data_key, asset, name, value) for name, value in values.items()}


def _sealed(data_key: bytes, asset: str, name: str, value: Any) -> Entry:
    """A reference is not secret, but whoever could change it could have any program started: hence a seal."""
    if isinstance(value, Reference):
        return Entry(source=value.text, sealed=sealing.seal(data_key, b"", _place(asset, name, value.text)))
    note_secret(value)
    return Entry(source=STORED, sealed=sealing.seal(data_key, json.dumps(value).encode(), _place(asset, name, STORED)))


def _place(asset: str, name: str, source: str) -> tuple[str, ...]:
    return (FORMAT, asset, name, source)
