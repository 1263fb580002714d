"""Content carried to a machine without a network, and archives that were tampered with on the way."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from content.builders import Repository
from repertory.content.changes.install import install
from repertory.content.installed.bundle import create_bundle, take_bundle
from repertory.content.installed.contents import is_intact
from repertory.content.installed.lock import read_lock
from repertory.content.offered.catalog import catalog_items
from repertory.content.offered.repositories import add_repository, list_repositories, sync
from repertory.errors import UserError
from repertory.home import Home

Members = dict[str, bytes]


@pytest.fixture
def bundle(synced_home: Home, tmp_path: Path) -> Path:
    """What is installed in one home, as a file."""
    install(synced_home, ["recon", "blocklist"])
    return create_bundle(synced_home, tmp_path / "content.bundle").path


@pytest.fixture
def far_home(tmp_path: Path) -> Home:
    """The home on the other side."""
    return Home(tmp_path / "far")


def members_of(path: Path) -> Members:
    with tarfile.open(path) as archive:
        return {one.name: archive.extractfile(one).read() for one in archive}  # type: ignore[union-attr]


def write(path: Path, members: Members, *, own_hashes: bool = True) -> None:
    """An archive of these; with hashes that fit, as an attacker would write them."""
    if own_hashes:
        index = json.loads(members["bundle.json"])
        index["files"] = {name: hashlib.sha256(data).hexdigest() for name, data in members.items() if name != "bundle.json"}
        members = {"bundle.json": json.dumps(index).encode(), **{k: v for k, v in members.items() if k != "bundle.json"}}
    with tarfile.open(path, "w") as archive:
        for name, data in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))


def test_everything_arrives_without_the_origin(bundle: Path, far_home: Home, community: Repository, synced_home: Home) -> None:
    shutil.rmtree(community.path)
    taken = take_bundle(far_home, bundle)
    assert [item.full_name for item in catalog_items(far_home)] == ["community/blocklist", "community/recon"]
    assert read_lock(far_home).items == (), "a bundle alone installs nothing"
    install(far_home, taken.index.items)
    near = {item.name: item.hash for item in read_lock(synced_home).items}
    assert {item.name: item.hash for item in read_lock(far_home).items} == near
    assert all(is_intact(far_home.content(digest), digest) for digest in near.values())


def test_a_second_bundle_brings_news(bundle: Path, far_home: Home, community: Repository, synced_home: Home) -> None:
    install(far_home, take_bundle(far_home, bundle).index.items)
    (community.path / "README.md").write_text("news\n")
    folder = next(path.parent for path in community.path.rglob("playbook.json"))
    (folder / "MORE.md").write_text("more\n")
    community.commit()
    sync(synced_home)
    install(synced_home, ["recon"])
    install(far_home, take_bundle(far_home, create_bundle(synced_home, bundle).path).index.items)
    assert read_lock(far_home).item("community/recon") == read_lock(synced_home).item("community/recon")


def test_only_what_was_synced_last_is_bundled(bundle: Path, synced_home: Home, community: Repository) -> None:
    folder = next(path.parent for path in community.path.rglob("playbook.json"))
    (folder / "MORE.md").write_text("more\n")
    community.commit()
    sync(synced_home)
    before = bundle.read_bytes()
    with pytest.raises(UserError, match="is not what was synced last"):
        create_bundle(synced_home, bundle)
    assert bundle.read_bytes() == before


def test_an_empty_home_has_nothing_to_bundle(far_home: Home, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nothing is installed"):
        create_bundle(far_home, tmp_path / "x")


def test_another_origin_under_the_same_name_stops(bundle: Path, far_home: Home, tmp_path: Path) -> None:
    add_repository(far_home, "community", str(tmp_path))
    with pytest.raises(UserError, match="but community here is"):
        take_bundle(far_home, bundle)
    assert catalog_items(far_home) == []


def _edit(change: Callable[[Any], None]) -> Callable[[Members], None]:
    def edit(members: Members) -> None:
        index = json.loads(members["bundle.json"])
        change(index)
        members["bundle.json"] = json.dumps(index).encode()

    return edit


def _pack(members: Members) -> str:
    return next(name for name in members if name.endswith("/pack"))


def _flip(members: Members) -> None:
    data = bytearray(members[_pack(members)])
    data[len(data) // 2] ^= 1
    members[_pack(members)] = bytes(data)


HOSTILE: dict[str, tuple[Callable[[Members], None], str]] = {
    "another version": (_edit(lambda index: index.update({"$schema": "urn:repertory:schema:bundle:9"})), "another version"),
    "no schema": (_edit(lambda index: index.pop("$schema")), "bundle.json"),
    "not an object": (lambda members: members.update({"bundle.json": b"[]"}), "bundle.json"),
    "deep": (lambda members: members.update({"bundle.json": b"[" * 100_000}), "bundle.json"),
    "unknown field": (_edit(lambda index: index.update(more=1)), "is not known here"),
    "flipped bit in the pack": (_flip, "index-pack failed|failed"),
    "no pack": (lambda members: members.update({_pack(members): b""}), "failed"),
    "no pack at all": (lambda members: members.pop(_pack(members)) and None, "holds nothing of it"),
    "commit is an option": (_edit(lambda index: index["repositories"][0].update(wanted="--upload-pack=x")), "that are none"),
    "shallow is a path": (_edit(lambda index: index["repositories"][0].update(shallow=["../x"])), "that are none"),
    "another commit": (_edit(lambda index: index["repositories"][0].update(wanted="1" * 40)), "failed|cannot"),
    "bad repository name": (_edit(lambda index: index["repositories"][0].update(name="../x")), "no name|not"),
    "url runs a command": (_edit(lambda index: index["repositories"][0].update(url="ext::sh -c true")), "ext|URL|permitted"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_tampered_index_or_pack_is_refused(bundle: Path, far_home: Home, tmp_path: Path, name: str) -> None:
    change, said = HOSTILE[name]
    members = members_of(bundle)
    change(members)
    write(tmp_path / "evil", members, own_hashes=name not in ("not an object", "deep"))
    with pytest.raises(UserError, match=said):
        take_bundle(far_home, tmp_path / "evil")
    assert catalog_items(far_home) == []


@pytest.mark.parametrize(
    "name", ["../evil", "/evil", "repositories/../../evil", "wheels/a/b/c.whl", "content/x", "repositories//pack", "wheels/."]
)
def test_member_names_lead_nowhere_else(bundle: Path, far_home: Home, tmp_path: Path, name: str) -> None:
    write(tmp_path / "evil", {**members_of(bundle), name: b"x"})
    with pytest.raises(UserError, match="does not belong there"):
        take_bundle(far_home, tmp_path / "evil")
    assert not (tmp_path / "evil.x").exists()
    assert list_repositories(far_home) == []


def test_changed_additional_or_missing_members_are_refused(bundle: Path, far_home: Home, tmp_path: Path) -> None:
    members = members_of(bundle)
    pack = _pack(members)
    write(tmp_path / "changed", {**members, pack: members[pack] + b"x"}, own_hashes=False)
    with pytest.raises(UserError, match="was changed"):
        take_bundle(far_home, tmp_path / "changed")
    write(tmp_path / "more", {**members, "wheels/x.whl": b"x"}, own_hashes=False)
    with pytest.raises(UserError, match="does not belong there"):
        take_bundle(far_home, tmp_path / "more")
    write(tmp_path / "less", {name: data for name, data in members.items() if name != pack}, own_hashes=False)
    with pytest.raises(UserError, match="is cut off"):
        take_bundle(far_home, tmp_path / "less")


def test_links_in_the_archive_are_refused(bundle: Path, far_home: Home, tmp_path: Path) -> None:
    members = members_of(bundle)
    with tarfile.open(tmp_path / "links", "w") as archive:
        entry = tarfile.TarInfo("bundle.json")
        entry.size = len(members["bundle.json"])
        archive.addfile(entry, io.BytesIO(members["bundle.json"]))
        link = tarfile.TarInfo(_pack(members))
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    with pytest.raises(UserError, match="does not belong there"):
        take_bundle(far_home, tmp_path / "links")


@pytest.mark.parametrize("keep", [0, 100, 600, 2200])
def test_a_truncated_file_is_refused(bundle: Path, far_home: Home, keep: int) -> None:
    bundle.write_bytes(bundle.read_bytes()[:keep])
    with pytest.raises(UserError, match="is not a bundle|is cut off|was changed"):
        take_bundle(far_home, bundle)
    assert list_repositories(far_home) == []


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04", b"\x1f\x8b\x08"])
def test_other_files_are_no_bundles(far_home: Home, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(UserError, match="is not a bundle"):
        take_bundle(far_home, tmp_path / "x")
    with pytest.raises(UserError, match="cannot be read"):
        take_bundle(far_home, tmp_path / "nowhere")
