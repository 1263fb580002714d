"""Bundles that were damaged or made to do harm: each one is a clear message, and the home stays as it was."""

from __future__ import annotations

import hashlib
import json
import os
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from content.builders import Plumbing
from content.bundles import Files, assemble, everything, files_of, member, write
from repertory.content.changes.install import install
from repertory.content.git.packs import write_pack
from repertory.content.installed.bundle import create_bundle
from repertory.content.installed.bundle_file import BundleLimits
from repertory.content.installed.staging import staged_bundle
from repertory.errors import UserError
from repertory.home import Home


@pytest.fixture
def bundle(synced_home: Home, tmp_path: Path) -> Path:
    """What is installed in one home, as a file."""
    install(synced_home, ["recon", "blocklist"])
    return create_bundle(synced_home, tmp_path / "content.bundle").path


@pytest.fixture
def far_home(tmp_path: Path) -> Iterator[Home]:
    """The home on the other side, which no test here may change."""
    home = Home(tmp_path / "far")
    yield home
    assert everything(home) == {}


def refused(home: Home, path: Path, said: str, limits: BundleLimits | None = None) -> None:
    """One message with a hint."""
    with pytest.raises(UserError, match=said) as raised, staged_bundle(home, path, limits=limits):
        pass
    assert raised.value.hint
    assert "\n" not in raised.value.message


def index_of(bundle: Path) -> bytes:
    """The first member."""
    return member("bundle.json", json.dumps(files_of(bundle)[0]).encode())


def blobs_of(bundle: Path) -> list[bytes]:
    """The members that belong there."""
    return [member(f"files/{hashlib.sha256(data).hexdigest()}", data) for data in files_of(bundle)[1].values()]


# ---------------------------------------------------------------------- index

Change = Callable[[Any], None]


def _first(**fields: Any) -> Change:
    return lambda index: index["repositories"][0].update(fields)


INDEX: dict[str, tuple[Change, str]] = {
    "newer": (lambda index: index.update({"$schema": "urn:repertory:schema:bundle:9"}), "made by a newer Repertory"),
    "older": (lambda index: index.update({"$schema": "urn:repertory:schema:bundle:1"}), "made by an older Repertory"),
    "another schema": (lambda index: index.update({"$schema": "urn:repertory:schema:lock:1"}), "is not a bundle"),
    "no schema": (lambda index: index.pop("$schema"), "bundle.json"),
    "unknown field": (lambda index: index.update(more=1), "is not known here"),
    "no items": (lambda index: index.update(items=[]), "nothing is to be installed from|names no items"),
    "an item of another repository": (lambda index: index["items"].append("other/x"), "in none of its repositories"),
    "an item is a path": (lambda index: index["items"].append("community/../x"), "in none of its repositories"),
    "an item twice": (lambda index: index["items"].append(index["items"][0]), "something twice"),
    "a repository twice": (lambda index: index["repositories"].append(index["repositories"][0]), "something twice"),
    "wanted is an option": (_first(wanted="--upload-pack=x"), "has a commit that is none"),
    "commit is an option": (_first(commit="--upload-pack=x"), "has a commit that is none"),
    "shallow is a path": (_first(shallow=["../x"]), "has a commit that is none"),
    "wanted is not there": (_first(wanted="1" * 40), "cannot be read"),
    "commit is not there": (_first(commit="1" * 40), "holds another commit"),
    "bad repository name": (_first(name="../x"), "no name for a repository"),
    "url runs a command": (_first(url="ext::sh -c true"), "white space|URL"),
    "url is an option": (_first(url="--upload-pack=x"), "looks like an option"),
    "ref is an option": (_first(ref="--upload-pack=x"), "is not a branch"),
}


@pytest.mark.parametrize("name", INDEX)
def test_an_index_that_lies(bundle: Path, far_home: Home, tmp_path: Path, name: str) -> None:
    change, said = INDEX[name]
    index, files = files_of(bundle)
    change(index)
    refused(far_home, write(tmp_path / "evil", index, files), said)


@pytest.mark.parametrize("text", [b"[]", b"[" * 100_000, b"{", b"\xff\xfe", b"null"])
def test_an_index_that_is_none(far_home: Home, tmp_path: Path, text: bytes) -> None:
    refused(far_home, assemble(tmp_path / "evil", [member("bundle.json", text)]), "bundle.json")


@pytest.mark.parametrize(
    "name",
    ["../evil", "/evil", "repositories/../../evil", "wheels/a/b.whl", "wheels/../x.whl", "content/x", "wheels/.whl", "wheels/-x.whl",
     "repositories/community/pack/x", "repositories/other/pack"],
)  # fmt: skip
def test_paths_in_the_index_lead_nowhere_else(bundle: Path, far_home: Home, tmp_path: Path, name: str) -> None:
    index, files = files_of(bundle)
    refused(far_home, write(tmp_path / "evil", index, {**files, name: b"x"}), "does not belong there")


# ---------------------------------------------------------------------- packs


def _flipped(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


PACKS: dict[str, Callable[[bytes], bytes]] = {
    "a flipped bit": _flipped, "empty": lambda _data: b"", "half": lambda data: data[: len(data) // 2],
    "not a pack": lambda _data: b"hello",
}  # fmt: skip


@pytest.mark.parametrize("name", PACKS)
def test_a_pack_that_is_damaged(bundle: Path, far_home: Home, tmp_path: Path, name: str) -> None:
    index, files = files_of(bundle)
    damaged: Files = {path: PACKS[name](data) if path.endswith("pack") else data for path, data in files.items()}
    refused(far_home, write(tmp_path / "evil", index, damaged), "community cannot be read")


def test_no_pack_at_all(bundle: Path, far_home: Home, tmp_path: Path) -> None:
    index, _files = files_of(bundle)
    refused(far_home, write(tmp_path / "evil", index, {}), "holds nothing of it")


def test_a_tree_that_never_ends(bundle: Path, far_home: Home, tmp_path: Path, plumbing: Plumbing) -> None:
    tree = plumbing.files("x")
    for _level in range(10):
        tree = plumbing.tree([("040000", tree, f"d{number}") for number in range(10)])
    commit = plumbing.commit(tree)
    write_pack(plumbing.path, commit, tmp_path / "pack")
    pack = (tmp_path / "pack").read_bytes()
    index, files = files_of(bundle)
    index["repositories"][0].update(commit=commit, wanted=commit, shallow=[])
    evil = write(tmp_path / "evil", index, {path: pack if path.endswith("pack") else data for path, data in files.items()})
    refused(far_home, evil, "folders|files|listed")


# -------------------------------------------------------------------- members


def _type(kind: bytes, target: str = "") -> Callable[[tarfile.TarInfo], None]:
    def change(entry: tarfile.TarInfo) -> None:
        entry.type, entry.linkname = kind, target

    return change


KINDS = {
    "a symbolic link": _type(tarfile.SYMTYPE, "/etc/passwd"), "a hard link": _type(tarfile.LNKTYPE, "bundle.json"),
    "a device": _type(tarfile.CHRTYPE), "a pipe": _type(tarfile.FIFOTYPE), "a folder": _type(tarfile.DIRTYPE),
    "a sparse file": _type(tarfile.GNUTYPE_SPARSE), "an extended header": _type(tarfile.XHDTYPE), "of an unknown kind": _type(b"Z"),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("place", ["files/" + "a" * 64, "bundle.json"])
def test_members_that_are_no_files(bundle: Path, far_home: Home, tmp_path: Path, kind: str, place: str) -> None:
    first = [] if place == "bundle.json" else [index_of(bundle)]
    evil = assemble(tmp_path / "evil", [*first, member(place, b"", KINDS[kind]), *blobs_of(bundle)])
    refused(far_home, evil, f"is {kind}" if first else "does not begin with bundle.json")


@pytest.mark.parametrize("name", ["../evil", "/tmp/evil", "files/../../evil", "files/x", "evil", "bundle.json", "files/" + "a" * 64])
def test_members_that_nothing_names(bundle: Path, far_home: Home, tmp_path: Path, name: str) -> None:
    evil = assemble(tmp_path / "evil", [index_of(bundle), member(name, b"x"), *blobs_of(bundle)])
    refused(far_home, evil, "does not belong there")
    assert not (tmp_path / "evil.x").exists()


def test_a_member_twice(bundle: Path, far_home: Home, tmp_path: Path) -> None:
    blobs = blobs_of(bundle)
    refused(far_home, assemble(tmp_path / "evil", [index_of(bundle), *blobs, blobs[0]]), "occurs twice")


def test_a_member_with_other_bytes(bundle: Path, far_home: Home, tmp_path: Path) -> None:
    (data,) = files_of(bundle)[1].values()
    changed = member(f"files/{hashlib.sha256(data).hexdigest()}", data + b"x")
    refused(far_home, assemble(tmp_path / "evil", [index_of(bundle), changed]), "was changed")


def test_a_member_that_is_missing(bundle: Path, far_home: Home, tmp_path: Path) -> None:
    refused(far_home, assemble(tmp_path / "evil", [index_of(bundle)]), "is cut off: 1 file is missing")


def test_something_after_the_end(bundle: Path, far_home: Home, tmp_path: Path) -> None:
    members = [index_of(bundle), *blobs_of(bundle)]
    refused(far_home, assemble(tmp_path / "a", members, bytes(1024) + b"x"), "follows the end")
    refused(far_home, assemble(tmp_path / "b", members, bytes(100_000)), "follows the end")


# --------------------------------------------------------------------- limits


def test_a_giant_that_is_only_declared(bundle: Path, far_home: Home, tmp_path: Path) -> None:
    (digest,) = files_of(bundle)[0]["files"].values()
    for size in (5_000_000_000, 2**60):
        giant = tarfile.TarInfo(f"files/{digest}")
        giant.size = size
        header = giant.tobuf(tarfile.GNU_FORMAT)
        refused(far_home, assemble(tmp_path / "evil", [index_of(bundle), header]), f"has {size:,} bytes; 1,000,000,000 are the most")
        giant.name = "bundle.json"
        refused(far_home, assemble(tmp_path / "evil", [giant.tobuf(tarfile.GNU_FORMAT)]), "bundle.json has")


def test_a_negative_size(bundle: Path, far_home: Home, tmp_path: Path) -> None:
    (digest,) = files_of(bundle)[0]["files"].values()
    entry = tarfile.TarInfo(f"files/{digest}")
    entry.size = -512
    refused(far_home, assemble(tmp_path / "evil", [index_of(bundle), entry.tobuf(tarfile.GNU_FORMAT)]), "bytes|damaged")


def test_a_giant_that_is_real(bundle: Path, far_home: Home) -> None:
    size = bundle.stat().st_size
    refused(far_home, bundle, "are the most", BundleLimits(file_bytes=100))
    refused(far_home, bundle, "has more than", BundleLimits(total_bytes=size // 4))
    refused(far_home, bundle, "too many files", BundleLimits(files=0))
    refused(far_home, bundle, "bundle.json has", BundleLimits(index_bytes=10))


def test_a_file_that_is_mostly_nothing(bundle: Path, far_home: Home) -> None:
    os.truncate(bundle, 2**40)  # sparse: it takes no room here, and would take hours to read
    refused(far_home, bundle, "follows the end")


# ---------------------------------------------------------------- other files


def test_a_truncated_file_is_refused(bundle: Path, far_home: Home) -> None:
    whole = bundle.read_bytes()
    end = len(whole) - 10_240  # at least
    for keep in [0, 1, 100, 511, 512, 600, 1536, 2200, end - 513, end - 1]:
        bundle.write_bytes(whole[: max(keep, 0)])
        refused(far_home, bundle, "is not a bundle|cut off|was changed")


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04", b"\x1f\x8b\x08", bytes(10_240), b"x" * 10_240])
def test_other_files_are_no_bundles(far_home: Home, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x").write_bytes(content)
    refused(far_home, tmp_path / "x", "is not a bundle")


def test_what_is_no_file_at_all(far_home: Home, tmp_path: Path) -> None:
    refused(far_home, tmp_path / "nowhere", "cannot be read")
    refused(far_home, tmp_path, "is not a bundle|cannot be read")
    os.mkfifo(tmp_path / "pipe")
    refused(far_home, tmp_path / "pipe", "it is not a file")
    refused(far_home, Path("/dev/zero"), "it is not a file")
