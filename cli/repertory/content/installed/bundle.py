"""One file for a network without a way out: fetched commits, wheels, signers, and what is installed.

A bundle is a tar archive. Its first member, ``bundle.json``, names every other member with its sha256. Nothing in it is
believed: commits are checked object by object like fetched ones, wheels by the hashes in each app's ``requirements.lock``,
signers like those of any commit, and installing is reviewed as ever.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from repertory.content.changes.progress import Progress, silent
from repertory.content.environments.environments import LOCK_FILE, collect_wheels
from repertory.content.git import commits as git
from repertory.content.git.packs import is_cut, take_pack, wanted_object, write_pack
from repertory.content.installed.contents import export
from repertory.content.installed.lock import LockedItem, read_lock
from repertory.content.items.plugins import checker_name, content_plugins
from repertory.content.offered.catalog import find_item, write_catalog
from repertory.content.offered.description import describe
from repertory.content.offered.following import add_repository
from repertory.content.offered.follows import Repository, find_repository, list_repositories
from repertory.content.offered.index import update_index
from repertory.content.trust.signers import kept_signers
from repertory.errors import UserError
from repertory.home import home_error, write_atomically
from repertory_sdk.convert import from_json, to_json
from repertory_sdk.errors import ConversionError

if TYPE_CHECKING:
    from repertory.home import Home

BUNDLE_SCHEMA = "urn:repertory:schema:bundle:1"
INDEX = "bundle.json"
MOST_BYTES = 4_000_000_000
MOST_MEMBERS = 20_000


@dataclass(frozen=True, kw_only=True)
class BundledRepository:
    """A repository at one commit. ``wanted`` is the fetched object, ``shallow`` where its history was cut."""

    name: str
    url: str
    ref: str
    commit: str
    wanted: str
    shallow: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class BundleIndex:
    """``bundle.json``. ``items`` are full names, ``files`` the sha256 of every other member by its path."""

    items: Sequence[str]
    repositories: Sequence[BundledRepository]
    files: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """A written or read bundle; ``sha256`` is that of the whole file, to be compared by another way."""

    path: Path
    sha256: str
    index: BundleIndex


# -------------------------------------------------------------------- writing


def create_bundle(home: Home, target: Path, progress: Progress | None = None) -> Bundle:
    """Everything that is installed, as one file."""
    tell = progress or silent
    items = read_lock(home).items
    if not items:
        raise UserError("nothing is installed, so there is nothing to bundle", "`repertory install` comes first")
    with tempfile.TemporaryDirectory(prefix="repertory-bundle-") as name:
        folder = Path(name)
        repositories = _repositories(home, items, folder, tell)
        for item in items:
            if item.kind == "app" and (home.content(item.hash) / LOCK_FILE).is_file():
                tell(item.name, "collecting wheels")
                collect_wheels(home.content(item.hash), folder / "wheels", name=item.name)
        files = {str(path.relative_to(folder)): _digest(path) for path in sorted(folder.rglob("*")) if path.is_file()}
        index = BundleIndex(items=[item.name for item in items], repositories=repositories, files=files)
        _write(folder, index, target)
    return Bundle(path=target, sha256=_digest(target), index=index)


def _repositories(home: Home, items: Sequence[LockedItem], folder: Path, tell: Progress) -> list[BundledRepository]:
    """Each repository at the commit that was synced last, which must be what is installed."""
    commits: dict[str, str] = {}
    for item in items:
        commits[item.name.partition("/")[0]] = _commit_of(home, item)
    found = []
    for name, commit in sorted(commits.items()):
        tell(name, "packing")
        one, bare = find_repository(home, name), home.repository(name)
        place = folder / "repositories" / name
        place.mkdir(parents=True)
        wanted = wanted_object(bare, commit)
        write_pack(bare, wanted, place / "pack")
        signers = kept_signers(home, name)
        if signers:
            (place / "signers").write_bytes(signers)
        found.append(
            BundledRepository(
                name=name, url=one.url, ref=one.ref, commit=commit, wanted=wanted,
                shallow=[commit] if is_cut(bare, commit) else [],
            )
        )  # fmt: skip
    return found


def _commit_of(home: Home, item: LockedItem) -> str:
    offered = find_item(home, item.name)
    with git.open_tree(home.repository(offered.repository), offered.commit) as tree:
        digest = export(home, tree, offered.folder)
    if digest != item.hash:
        raise UserError(
            f"{item.name} {item.version} is not what was synced last ({offered.version})",
            f"update it first (repertory update {item.name}), or unpin it",
        )
    return offered.commit


def _write(folder: Path, index: BundleIndex, target: Path) -> None:
    temporary = target.with_name(f".{target.name}.new")
    try:
        with tarfile.open(temporary, "w") as archive:
            text = json.dumps({"$schema": BUNDLE_SCHEMA, **to_json(index)}, indent=1, ensure_ascii=False).encode()
            _add(archive, INDEX, text)
            for path in index.files:
                _add(archive, path, (folder / path).read_bytes())
        temporary.replace(target)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise home_error(target.parent, error) from error


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(content), 0o644
    archive.addfile(member, io.BytesIO(content))


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


# -------------------------------------------------------------------- reading


def take_bundle(home: Home, path: Path, progress: Progress | None = None) -> Bundle:
    """Check a bundle, follow its repositories at its commits, and keep its wheels. Nothing is installed by that."""
    tell = progress or silent
    home.prepare()
    with tempfile.TemporaryDirectory(prefix=".bundle-", dir=home.root) as name:
        folder = Path(name)
        index = _read(path, folder)
        known = {one.name: one for one in list_repositories(home)}
        for one in index.repositories:
            if one.name in known and known[one.name].url != one.url:
                raise UserError(
                    f"the bundle's {one.name} comes from {one.url}, but {one.name} here is {known[one.name].url}",
                    f"if that is right: repertory repo remove {one.name}",
                )
        for one in index.repositories:
            tell(one.name, "unpacking")
            _take_repository(home, one, folder, known)
        with home.exclusive():
            update_index(home)
            for wheel in sorted((folder / "wheels").glob("*.whl")):
                write_atomically(home.wheels / wheel.name, wheel.read_bytes())
    return Bundle(path=path, sha256=_digest(path), index=index)


def _take_repository(
    home: Home, one: BundledRepository, folder: Path, known: dict[str, Repository]
) -> None:
    place = folder / "repositories" / one.name
    if one.name not in known:
        signers = place / "signers"
        add_repository(home, one.name, one.url, one.ref, signers=signers.read_bytes() if signers.exists() else b"")
    take_pack(place / "pack", one.wanted, list(one.shallow), folder / f"{one.name}.git", home.repository(one.name))
    plugins = content_plugins()
    described = describe(home, find_repository(home, one.name), one.commit, None, plugins, checker_name(plugins))
    with home.exclusive():
        write_catalog(home, described.catalog)


def _read(path: Path, folder: Path) -> BundleIndex:
    """Every member by its hash; names can lead nowhere but into the folder."""
    try:
        with tarfile.open(path, "r:") as archive:
            index = _read_index(archive, path)
            left = dict(index.files)
            while (member := archive.next()) is not None:
                if not member.isreg() or left.pop(member.name, None) is None:
                    raise UserError(f"{path}: {member.name!r} does not belong there", _DAMAGED)
                _extract(archive, member, folder, index.files[member.name], path)
    except (tarfile.TarError, EOFError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is not a bundle: {error}", _DAMAGED) from error
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}", "check the path") from error
    if left:
        raise UserError(f"{path} is cut off: {len(left)} of its files are missing", _DAMAGED)
    return index


_DAMAGED = "bring it over again, and compare its sha256 with what `bundle create` said"


def _read_index(archive: tarfile.TarFile, path: Path) -> BundleIndex:
    first = archive.next()
    stream = archive.extractfile(first) if first and first.isreg() and first.name == INDEX else None
    if first is None or stream is None or first.size > 10_000_000:
        raise UserError(f"{path} is not a bundle: it does not begin with {INDEX}", _DAMAGED)
    try:
        plain = json.loads(stream.read())
        if plain.pop("$schema") != BUNDLE_SCHEMA:
            raise UserError(f"{path} was made by another version of Repertory", "use the same version on both machines")
        index: BundleIndex = from_json(BundleIndex, plain)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, ConversionError) as error:
        raise UserError(f"{path}: {INDEX}: {error}", _DAMAGED) from error
    if len(index.files) > MOST_MEMBERS:
        raise UserError(f"{path} holds {len(index.files)} files; {MOST_MEMBERS} are the most")
    for name in index.files:
        parts = name.split("/")
        if parts[0] not in ("repositories", "wheels") or len(parts) > 3 or any(part in ("", ".", "..") for part in parts):
            raise UserError(f"{path}: {name!r} does not belong there", _DAMAGED)
    for one in index.repositories:
        if f"repositories/{one.name}/pack" not in index.files:
            raise UserError(f"{path} names {one.name!r}, but holds nothing of it", _DAMAGED)
    return index


def _extract(archive: tarfile.TarFile, member: tarfile.TarInfo, folder: Path, wanted: str, path: Path) -> None:
    if member.size > MOST_BYTES:
        raise UserError(f"{path}: {member.name} is too large")
    stream = archive.extractfile(member)
    assert stream is not None
    content = stream.read()
    if hashlib.sha256(content).hexdigest() != wanted:
        raise UserError(f"{path}: {member.name} was changed", _DAMAGED)
    target = folder / member.name
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
