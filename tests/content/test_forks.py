"""Copies of one's own: forked, edited, and merged with what upstream did since."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from content.builders import PLAYBOOK_CODE, Repository
from repertory.content.installed.contents import is_intact
from repertory.content.installed.forks import apply_merge, fork, plan_merge, read_upstream
from repertory.content.offered.repositories import sync
from repertory.errors import UserError
from repertory.home import Home


@pytest.fixture
def copied(synced_home: Home, tmp_path: Path) -> Path:
    """The playbook ``recon`` of the community, in a repository of one's own."""
    ours = tmp_path / "ours"
    ours.mkdir()
    return fork(synced_home, "recon", ours).folder


def upstream_does(home: Home, community: Repository, change: dict[str, bytes | str | None], folder: str) -> None:
    for path, content in change.items():
        target = community.path / folder / path
        if content is None:
            target.unlink()
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content.encode() if isinstance(content, str) else content)
    community.commit()
    assert not sync(home).failed


@pytest.fixture
def place(copied: Path) -> str:
    """Where the item is, in both repositories."""
    return read_upstream(copied).path


def test_a_copy_says_what_it_was_made_from(synced_home: Home, copied: Path) -> None:
    upstream = read_upstream(copied)
    assert upstream.name == "community/recon"
    assert (copied / "playbook.py").read_text() == PLAYBOOK_CODE
    assert is_intact(synced_home.content(upstream.hash), upstream.hash)
    assert plan_merge(synced_home, copied).files == []


def test_upstream_changes_come_into_untouched_files(
    synced_home: Home, community: Repository, copied: Path, place: str
) -> None:
    upstream_does(synced_home, community, {"playbook.py": PLAYBOOK_CODE + "\n# better\n", "NEW.md": "new\n"}, place)
    merge = plan_merge(synced_home, copied)
    assert [(file.path, file.change) for file in merge.files] == [("NEW.md", "added"), ("playbook.py", "changed")]
    assert not (copied / "NEW.md").exists(), "planning changes nothing"
    apply_merge(merge)
    assert (copied / "playbook.py").read_text().endswith("# better\n")
    assert (copied / "NEW.md").read_text() == "new\n"
    assert plan_merge(synced_home, copied).files == [], "the next merge begins where this one ended"


def test_both_sides_changes_of_one_file_are_merged(
    synced_home: Home, community: Repository, copied: Path, place: str
) -> None:
    own = (copied / "playbook.py").read_text() + "\n# ours at the end\n"
    (copied / "playbook.py").write_text(own)
    upstream_does(synced_home, community, {"playbook.py": "# theirs at the top\n" + PLAYBOOK_CODE}, place)
    merge = plan_merge(synced_home, copied)
    assert [(file.path, file.change) for file in merge.files] == [("playbook.py", "merged")]
    apply_merge(merge)
    text = (copied / "playbook.py").read_text()
    assert text.startswith("# theirs at the top")
    assert text.endswith("# ours at the end\n")


def test_a_conflict_is_marked_and_named(synced_home: Home, community: Repository, copied: Path, place: str) -> None:
    line = 'play.act("ip reputation", ip=event.values("sourceAddress"))'
    (copied / "playbook.py").write_text(PLAYBOOK_CODE.replace(line, "play.log('ours')"))
    upstream_does(synced_home, community, {"playbook.py": PLAYBOOK_CODE.replace(line, "play.log('theirs')")}, place)
    merge = plan_merge(synced_home, copied)
    assert merge.conflicts == ["playbook.py"]
    apply_merge(merge)
    text = (copied / "playbook.py").read_text()
    assert "<<<<<<< yours" in text
    assert "play.log('ours')" in text
    assert "play.log('theirs')" in text


def test_our_own_changes_survive_where_upstream_did_nothing(
    synced_home: Home, community: Repository, copied: Path, place: str
) -> None:
    (copied / "playbook.py").write_text("# all ours\n")
    (copied / "notes.md").write_text("mine\n")
    upstream_does(synced_home, community, {"OTHER.md": "x\n"}, place)
    apply_merge(plan_merge(synced_home, copied))
    assert (copied / "playbook.py").read_text() == "# all ours\n"
    assert (copied / "notes.md").read_text() == "mine\n"


@pytest.mark.parametrize("ours", ["edited", "untouched"])
def test_upstream_removes_a_file(
    synced_home: Home, community: Repository, tmp_path: Path, place: str, ours: str
) -> None:
    upstream_does(synced_home, community, {"extra.md": "extra\n"}, place)
    second = tmp_path / "second"
    second.mkdir()
    copy = fork(synced_home, "recon", second).folder
    if ours == "edited":
        (copy / "extra.md").write_text("extra, edited\n")
    upstream_does(synced_home, community, {"extra.md": None}, place)
    merge = plan_merge(synced_home, copy)
    assert [file.change for file in merge.files] == ["conflict" if ours == "edited" else "removed"]
    apply_merge(merge)
    assert (copy / "extra.md").exists() == (ours == "edited")


def test_binary_files_are_never_mixed(synced_home: Home, community: Repository, tmp_path: Path, place: str) -> None:
    upstream_does(synced_home, community, {"icon.bin": bytes(range(256))}, place)
    second = tmp_path / "second"
    second.mkdir()
    copy = fork(synced_home, "recon", second).folder
    own = b"\0ours" + bytes(range(256))
    (copy / "icon.bin").write_bytes(own)
    upstream_does(synced_home, community, {"icon.bin": b"\0theirs" + bytes(range(256))}, place)
    merge = plan_merge(synced_home, copy)
    assert merge.conflicts == ["icon.bin"]
    apply_merge(merge)
    assert (copy / "icon.bin").read_bytes() == own


def test_the_base_is_fetched_again_when_it_is_gone(
    synced_home: Home, community: Repository, copied: Path, place: str
) -> None:
    import shutil

    base = synced_home.content(read_upstream(copied).hash)
    upstream_does(synced_home, community, {"playbook.py": PLAYBOOK_CODE + "\n# better\n"}, place)
    for path in base.rglob("*"):
        path.chmod(0o700)
    shutil.rmtree(base)
    assert [file.change for file in plan_merge(synced_home, copied).files] == ["changed"]


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda path: path.unlink(), "was not made by"),
        (lambda path: path.write_text("{"), "upstream.json: "),
        (lambda path: path.write_text("[]"), "upstream.json: "),
        (lambda path: path.write_text(json.dumps({"name": "x"})), "is missing"),
    ],
)
def test_a_damaged_note_is_refused(synced_home: Home, copied: Path, damage, said: str) -> None:  # type: ignore[no-untyped-def]
    damage(copied / "upstream.json")
    before = (copied / "playbook.py").read_bytes()
    with pytest.raises(UserError, match=said):
        plan_merge(synced_home, copied)
    assert (copied / "playbook.py").read_bytes() == before


def test_nothing_is_overwritten(synced_home: Home, copied: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="exists already"):
        fork(synced_home, "recon", tmp_path / "ours")
    with pytest.raises(UserError, match="is not a folder"):
        fork(synced_home, "recon", tmp_path / "nowhere")
    with pytest.raises(UserError, match="no item is called 'rekon'"):
        fork(synced_home, "rekon", tmp_path / "ours")
