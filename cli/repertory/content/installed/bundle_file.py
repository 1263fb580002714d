"""The form of a bundle: a tar archive whose first member, ``bundle.json``, names every other one by its sha256.

Whoever reads one reads a stranger's file. Only plain members with a plain header are understood, so nothing in an archive
can name a place, a link or a device, and every limit holds before the bytes that would exceed it are read.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import stat
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from repertory.content.git.sources import COMMIT, parse_source
from repertory.content.installed.lock import FORMS
from repertory.content.installed.worktree import write_error
from repertory.content.offered.members import REPOSITORY_NAME
from repertory.errors import UserError, counted
from repertory.home import home_error
from repertory_sdk.convert import from_json, to_json
from repertory_sdk.errors import ConversionError

if TYPE_CHECKING:
    from pathlib import Path

BUNDLE_SCHEMA = "urn:repertory:schema:bundle:2"
SCHEMA_FAMILY = "urn:repertory:schema:bundle:"
INDEX = "bundle.json"
MEMBER = re.compile(r"files/([0-9a-f]{64})")
DIGEST = re.compile(r"[0-9a-f]{64}")
WHEEL = re.compile(r"wheels/[A-Za-z0-9][A-Za-z0-9._+!-]{0,250}\.whl")
CHUNK = 1_000_000
DAMAGED = "bring it over again, and compare its sha256 with what `repertory bundle create` said"
REFUSED = "a bundle never holds that: do not use it, and find out where it comes from"
KINDS = {
    tarfile.SYMTYPE: "a symbolic link", tarfile.LNKTYPE: "a hard link", tarfile.DIRTYPE: "a folder",
    tarfile.CHRTYPE: "a device", tarfile.BLKTYPE: "a device", tarfile.FIFOTYPE: "a pipe", tarfile.CONTTYPE: "a special file",
    tarfile.GNUTYPE_SPARSE: "a sparse file", tarfile.GNUTYPE_LONGNAME: "an extended header",
    tarfile.GNUTYPE_LONGLINK: "an extended header", tarfile.XHDTYPE: "an extended header",
    tarfile.XGLTYPE: "an extended header", tarfile.SOLARIS_XHDTYPE: "an extended header",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class BundleLimits:
    """How much a bundle may hold, in bytes and files."""

    index_bytes: int = 10_000_000
    file_bytes: int = 1_000_000_000
    total_bytes: int = 4_000_000_000
    files: int = 20_000


@dataclass(frozen=True, kw_only=True)
class BundledRepository:
    """A repository at one commit. ``wanted`` is the fetched object, ``shallow`` where its history was cut."""

    name: str
    url: str
    ref: str
    commit: str
    wanted: str
    shallow: Sequence[str] = ()

    @property
    def pack(self) -> str:
        """The path of its objects."""
        return f"repositories/{self.name}/pack"


@dataclass(frozen=True, kw_only=True)
class BundleIndex:
    """``bundle.json``. ``items`` are full names, ``files`` the sha256 of everything else by its path."""

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


def write_bundle(folder: Path, index: BundleIndex, target: Path) -> Bundle:
    """Write the files of a folder that the index names; ``target`` is replaced completely or not at all."""
    temporary = target.with_name(f".{target.name}.new")
    text = json.dumps({"$schema": BUNDLE_SCHEMA, **to_json(index)}, indent=1, ensure_ascii=False).encode()
    members = {digest: path for path, digest in index.files.items()}
    try:
        with tarfile.open(temporary, "w", format=tarfile.USTAR_FORMAT) as archive:
            _add(archive, INDEX, io.BytesIO(text), len(text))
            for digest, path in members.items():
                with (folder / path).open("rb") as stream:
                    _add(archive, f"files/{digest}", stream, (folder / path).stat().st_size)
        temporary.replace(target)
    except OSError as error:
        raise write_error(target.parent, error) from error
    finally:
        temporary.unlink(missing_ok=True)
    return Bundle(path=target, sha256=digest_of(target), index=index)


def _add(archive: tarfile.TarFile, name: str, stream: BinaryIO, size: int) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o644
    archive.addfile(member, stream)


def digest_of(path: Path) -> str:
    """sha256, hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


# -------------------------------------------------------------------- reading


def read_bundle(path: Path, folder: Path, *, limits: BundleLimits | None = None) -> Bundle:
    """Unpack a bundle: each file lies in ``folder`` under its sha256. Raises UserError about whatever is wrong."""
    limits = limits or BundleLimits()
    with _opened(path) as stream:
        source = _Source(stream, path)
        index = _read_index(source, limits)
        left = set(index.files.values())
        while (member := _header(source)) is not None:
            digest = _expected(member, left, index, path)
            _hold_limits(source, member, limits)
            _unpack(source, member, digest, folder)
            left.discard(digest)
        if left:
            raise UserError(f"{path} is cut off: {counted(len(left), 'file is', 'files are')} missing", DAMAGED)
        source.finish()
    return Bundle(path=path, sha256=source.digest.hexdigest(), index=index)


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """Only a file: nobody waits for a pipe, and a device has no end."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}", "check the path") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise UserError(f"{path} is not a bundle: it is not a file", "name a file that `repertory bundle create` wrote")
    with open(descriptor, "rb") as stream:
        yield stream


class _Source:
    """The bytes of the file, each of them counted and hashed."""

    def __init__(self, stream: BinaryIO, path: Path) -> None:
        self.path = path
        self.digest = hashlib.sha256()
        self.count = 0
        self._stream = stream

    def read(self, size: int) -> bytes:
        """So many bytes; fewer only at the end."""
        try:
            data = self._stream.read(size)
        except OSError as error:
            raise UserError(f"{self.path} cannot be read: {error.strerror}", "check the disk that it is on") from error
        self.digest.update(data)
        self.count += len(data)
        return data

    def chunks(self, size: int) -> Iterator[bytes]:
        """A member's bytes, and over what fills its last block."""
        left = size
        while left:
            data = self.read(min(left, CHUNK))
            if not data:
                raise UserError(f"{self.path} is cut off", DAMAGED)
            left -= len(data)
            yield data
        self.read(-size % tarfile.BLOCKSIZE)

    def finish(self) -> None:
        """Nothing but zeros may follow, and not many."""
        rest = self.read(tarfile.RECORDSIZE + 1)
        if len(rest) < tarfile.BLOCKSIZE:
            raise UserError(f"{self.path} is cut off", DAMAGED)
        if len(rest) > tarfile.RECORDSIZE or any(rest):
            raise UserError(f"{self.path}: something follows the end of the bundle", REFUSED)


def _header(source: _Source) -> tarfile.TarInfo | None:
    """The next member; None at the end. Headers that continue in further blocks are not understood."""
    block = source.read(tarfile.BLOCKSIZE)
    if len(block) == tarfile.BLOCKSIZE and not any(block):
        return None
    if not block:
        raise UserError(f"{source.path} is cut off", DAMAGED)
    try:
        member = tarfile.TarInfo.frombuf(block, "ascii", "strict")
    except (tarfile.HeaderError, ValueError) as error:
        raise UserError(f"{source.path} is damaged or cut off: {error}", DAMAGED) from error
    if member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE):
        kind = KINDS.get(member.type, "of an unknown kind")
        raise UserError(f"{source.path}: {member.name!r} is {kind}", REFUSED)
    return member


def _expected(member: tarfile.TarInfo, left: set[str], index: BundleIndex, path: Path) -> str:
    """The sha256 that a member has to have."""
    match = MEMBER.fullmatch(member.name)
    if match is None or match[1] not in index.files.values():
        raise UserError(f"{path}: {member.name!r} does not belong there", REFUSED)
    if match[1] not in left:
        raise UserError(f"{path}: {member.name!r} occurs twice", REFUSED)
    return match[1]


def _hold_limits(source: _Source, member: tarfile.TarInfo, limits: BundleLimits) -> None:
    if not 0 <= member.size <= limits.file_bytes:
        said = f"{member.name!r} has {member.size:,} bytes; {limits.file_bytes:,} are the most"
        raise UserError(f"{source.path}: {said}", "carry fewer items at a time")
    if source.count + member.size > limits.total_bytes:
        raise UserError(f"{source.path} has more than {limits.total_bytes:,} bytes", "carry fewer items at a time")


def _unpack(source: _Source, member: tarfile.TarInfo, digest: str, folder: Path) -> None:
    found = hashlib.sha256()
    try:
        with (folder / digest).open("xb") as target:
            for data in source.chunks(member.size):
                found.update(data)
                target.write(data)
    except OSError as error:
        raise home_error(folder, error) from error
    if found.hexdigest() != digest:
        raise UserError(f"{source.path}: {member.name!r} was changed: it does not have the sha256 of its name", DAMAGED)


# ---------------------------------------------------------------------- index


def _read_index(source: _Source, limits: BundleLimits) -> BundleIndex:
    begins = f"{source.path} is not a bundle: it does not begin with {INDEX}"
    try:
        first = _header(source)
    except UserError as error:
        raise UserError(begins, DAMAGED) from error
    if first is None or first.name != INDEX:
        raise UserError(begins, DAMAGED)
    if not 0 <= first.size <= limits.index_bytes:
        raise UserError(f"{source.path}: {INDEX} has {first.size:,} bytes; {limits.index_bytes:,} are the most", REFUSED)
    text = b"".join(source.chunks(first.size))
    place = f"{source.path}: {INDEX}"
    try:
        plain = json.loads(text)
        _check_schema(plain.pop("$schema"), source.path)
        index: BundleIndex = from_json(BundleIndex, plain)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, ConversionError) as error:
        raise UserError(f"{place}: {error}", DAMAGED) from error
    if len(index.files) > limits.files:
        raise UserError(f"{place} names too many files: {len(index.files):,}, and {limits.files:,} are the most", REFUSED)
    _check_index(index, place)
    return index


def _check_schema(schema: object, path: Path) -> None:
    if schema == BUNDLE_SCHEMA:
        return
    version = str(schema).removeprefix(SCHEMA_FAMILY)
    if not str(schema).startswith(SCHEMA_FAMILY) or not re.fullmatch(r"[0-9]{1,6}", version):
        raise UserError(f"{path} is not a bundle: its $schema is {str(schema)[:80]!r}", DAMAGED)
    if int(version) < int(BUNDLE_SCHEMA.removeprefix(SCHEMA_FAMILY)):
        raise UserError(f"{path} was made by an older Repertory ({schema})", "make it again with this version")
    raise UserError(f"{path} was made by a newer Repertory ({schema})", "update this one")


def _check_index(index: BundleIndex, place: str) -> None:
    """Texts that become names, paths or words of a command have the form that ours have."""
    names = [one.name for one in index.repositories]
    packs = {one.pack for one in index.repositories}
    for one in index.repositories:
        _check_repository(one, place)
        if one.pack not in index.files:
            raise UserError(f"{place} names {one.name!r}, but holds nothing of it", DAMAGED)
    if len(set(names)) != len(names) or len(set(index.items)) != len(index.items):
        raise UserError(f"{place} names something twice", REFUSED)
    for path, digest in index.files.items():
        if path not in packs and not WHEEL.fullmatch(path):
            raise UserError(f"{place}: {path!r} does not belong there", REFUSED)
        if not DIGEST.fullmatch(digest):
            raise UserError(f"{place}: {digest!r} is not a sha256", REFUSED)
    for item in index.items:
        if not FORMS["name"].fullmatch(item) or item.partition("/")[0] not in names:
            raise UserError(f"{place}: {item!r} is in none of its repositories", REFUSED)
    for name in names:
        if not any(item.startswith(f"{name}/") for item in index.items):
            raise UserError(f"{place}: nothing is to be installed from {name!r}", REFUSED)
    if not index.items:
        raise UserError(f"{place} names no items", "there is nothing to install")


def _check_repository(one: BundledRepository, place: str) -> None:
    if not REPOSITORY_NAME.fullmatch(one.name):
        raise UserError(f"{place}: {one.name!r} is no name for a repository", REFUSED)
    if not all(COMMIT.fullmatch(commit) for commit in (one.commit, one.wanted, *one.shallow)):
        raise UserError(f"{place}: {one.name} has a commit that is none", REFUSED)
    try:
        source = parse_source(one.url, one.ref)
    except UserError as error:
        raise UserError(f"{place}: {error.message}", REFUSED) from error
    if source.url != one.url:
        raise UserError(f"{place}: {one.url!r} is not the URL of a repository", REFUSED)
