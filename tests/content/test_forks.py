"""Copies of one's own: forked, edited, and merged with what upstream did since."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from content.builders import PLAYBOOK_CODE, Repository, run_git
from repertory.content.installed import merging
from repertory.content.installed.contents import is_intact
from repertory.content.installed.forks import fork, read_upstream
from repertory.content.installed.merging import apply_merge, plan_merge
from repertory.content.offered.repositories import sync
from repertory.errors import UserError
from repertory.home import Home


@pytest.fixture
def copied(synced_home: Home, tmp_path: Path) -> Path:
    """The playbook ``recon`` of the community, in a repository of one's own."""
    ours = tmp_path / "ours"
    ours.mkdir()
    run_git(ours, "init", "--quiet", "-b", "main")
    folder = fork(synced_home, "recon", ours).folder
    commit(folder)
    return folder


def commit(folder: Path) -> None:
    """Everything as it is now."""
    run_git(folder, "add", "--all")
    run_git(folder, "commit", "--quiet", "-m", "ours")


def files_in(folder: Path) -> dict[str, bytes]:
    """What lies there."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


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
    commit(copied)
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
    commit(copied)
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
    assert (copy / "icon.bin.upstream").read_bytes() == b"\0theirs" + bytes(range(256))


def test_the_base_is_fetched_again_when_it_is_gone(
    synced_home: Home, community: Repository, copied: Path, place: str
) -> None:
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
        (lambda path: path.write_text(path.read_text().replace(read_upstream(path.parent).hash, "../../x")), "cannot be one"),
        (lambda path: (path.rename(path.with_name("x")), path.symlink_to("x")), "is a symbolic link"),
    ],
)
def test_a_damaged_note_is_refused(synced_home: Home, copied: Path, damage, said: str) -> None:  # type: ignore[no-untyped-def]
    damage(copied / "upstream.json")
    before = (copied / "playbook.py").read_bytes()
    with pytest.raises(UserError, match=said):
        plan_merge(synced_home, copied)
    assert (copied / "playbook.py").read_bytes() == before


def test_a_folder_that_is_none(synced_home: Home, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nowhere is not a folder"):
        plan_merge(synced_home, tmp_path / "nowhere")
    with pytest.raises(UserError, match="was not made by"):
        plan_merge(synced_home, tmp_path)


def test_nothing_is_overwritten(synced_home: Home, copied: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="exists already"):
        fork(synced_home, "recon", tmp_path / "ours")
    with pytest.raises(UserError, match="is not a folder"):
        fork(synced_home, "recon", tmp_path / "nowhere")
    with pytest.raises(UserError, match="no item is called 'rekon'"):
        fork(synced_home, "rekon", tmp_path / "ours")


# ------------------------------------------------- nothing of one's own is lost


def both_change(home: Home, community: Repository, copied: Path, place: str) -> None:
    """The user at the end, upstream at the top."""
    (copied / "playbook.py").write_text(PLAYBOOK_CODE + "\n# ours at the end\n")
    upstream_does(home, community, {"playbook.py": "# theirs at the top\n" + PLAYBOOK_CODE, "NEW.md": "new\n"}, place)


@pytest.mark.parametrize("state", ["never committed", "staged", "edited", "no repository", "no commit"])
def test_what_is_not_committed_is_never_written_over(
    synced_home: Home, community: Repository, copied: Path, place: str, state: str
) -> None:
    both_change(synced_home, community, copied, place)
    top = copied.parents[len(Path(place).parts) - 1]
    if state == "staged":
        run_git(copied, "add", "--all")
    elif state == "never committed":
        run_git(copied, "rm", "--quiet", "--cached", "playbook.py")
        run_git(copied, "commit", "--quiet", "-m", "forgotten")
    elif state in ("no repository", "no commit"):
        shutil.rmtree(top / ".git")
        if state == "no commit":
            run_git(top, "init", "--quiet", "-b", "main")
    before = files_in(copied)
    merge = plan_merge(synced_home, copied)
    assert merge.uncommitted == ["playbook.py"]
    with pytest.raises(UserError, match="not committed: playbook.py"):
        apply_merge(merge)
    assert files_in(copied) == before


def test_a_linked_work_tree_knows_its_commits(
    synced_home: Home, community: Repository, copied: Path, place: str, tmp_path: Path
) -> None:
    run_git(copied, "worktree", "add", "--quiet", "-b", "other", str(tmp_path / "linked"))
    linked = tmp_path / "linked" / place
    both_change(synced_home, community, linked, place)
    assert plan_merge(synced_home, linked).uncommitted == ["playbook.py"]
    commit(linked)
    assert plan_merge(synced_home, linked).uncommitted == []


def test_an_edit_between_planning_and_writing(
    synced_home: Home, community: Repository, copied: Path, place: str
) -> None:
    upstream_does(synced_home, community, {"playbook.py": PLAYBOOK_CODE + "\n# better\n", "NEW.md": "new\n"}, place)
    merge = plan_merge(synced_home, copied)
    (copied / "playbook.py").write_text("# meanwhile\n")
    before = files_in(copied)
    with pytest.raises(UserError, match="was changed meanwhile"):
        apply_merge(merge)
    assert files_in(copied) == before


def test_a_file_that_upstream_adds_and_that_is_here(
    synced_home: Home, community: Repository, copied: Path, place: str
) -> None:
    (copied / "venv").mkdir()
    (copied / "venv" / "NOTES.md").write_text("mine\n")
    upstream_does(synced_home, community, {"venv/NOTES.md": "theirs\n"}, place)
    with pytest.raises(UserError, match="not committed: venv/NOTES.md"):
        apply_merge(plan_merge(synced_home, copied))
    assert (copied / "venv" / "NOTES.md").read_text() == "mine\n"


def test_a_file_removed_here_and_changed_there(
    synced_home: Home, community: Repository, copied: Path, place: str
) -> None:
    (copied / "README.md").unlink()
    upstream_does(synced_home, community, {"README.md": "# better\n"}, place)
    merge = plan_merge(synced_home, copied)
    assert merge.conflicts == ["README.md"]
    apply_merge(merge)
    assert not (copied / "README.md").exists()
    assert (copied / "README.md.upstream").read_text() == "# better\n"


def test_what_is_beside_already_is_not_written_over(
    synced_home: Home, community: Repository, copied: Path, place: str
) -> None:
    (copied / "README.md").unlink()
    (copied / "README.md.upstream").write_text("mine\n")
    upstream_does(synced_home, community, {"README.md": "# better\n", "AAA.md": "new\n"}, place)
    before = files_in(copied)
    with pytest.raises(UserError, match=r"README.md.upstream is in the way"):
        apply_merge(plan_merge(synced_home, copied))
    assert files_in(copied) == before


def test_the_mode_of_a_file_stays(synced_home: Home, community: Repository, copied: Path, place: str) -> None:
    (copied / "playbook.py").chmod(0o750)
    upstream_does(synced_home, community, {"playbook.py": PLAYBOOK_CODE + "\n# better\n"}, place)
    apply_merge(plan_merge(synced_home, copied))
    assert (copied / "playbook.py").stat().st_mode & 0o777 == 0o750


# ------------------------------------------------------------------------ links


@pytest.mark.parametrize("what", ["file", "dangling", "folder", "hard", "beside", "note"])
def test_nothing_is_written_through_a_link(
    synced_home: Home, community: Repository, copied: Path, place: str, tmp_path: Path, what: str
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "playbook.py").write_text(PLAYBOOK_CODE)
    change: dict[str, bytes | str | None] = {"playbook.py": PLAYBOOK_CODE + "# better\n", "more/NEW.md": "new\n", "AAA.md": "a\n"}
    if what in ("file", "dangling", "hard"):
        (copied / "playbook.py").unlink()
        if what == "hard":
            os.link(outside / "playbook.py", copied / "playbook.py")
        else:
            (copied / "playbook.py").symlink_to(outside / ("playbook.py" if what == "file" else "new.py"))
    elif what == "folder":
        (copied / "more").symlink_to(outside)
    elif what == "note":
        (copied / "upstream.json").rename(outside / "upstream.json")
        (copied / "upstream.json").symlink_to(outside / "upstream.json")
    else:
        (copied / "README.md").unlink()
        (copied / "README.md.upstream").symlink_to(outside / "README.md")
        change = {"README.md": "# better\n", "AAA.md": "a\n"}
    upstream_does(synced_home, community, change, place)
    before = files_in(outside)
    if what == "hard":  # replaced, not written into
        apply_merge(plan_merge(synced_home, copied))
        assert (copied / "playbook.py").read_text().endswith("# better\n")
    else:
        with pytest.raises(UserError, match="is a symbolic link"):
            apply_merge(plan_merge(synced_home, copied))
        assert not (copied / "AAA.md").exists()
    assert files_in(outside) == before


def test_a_link_that_comes_after_planning(
    synced_home: Home, community: Repository, copied: Path, place: str, tmp_path: Path
) -> None:
    upstream_does(synced_home, community, {"more/NEW.md": "new\n"}, place)
    merge = plan_merge(synced_home, copied)
    (copied / "more").symlink_to(tmp_path)
    with pytest.raises(UserError, match="is a symbolic link"):
        apply_merge(merge)
    assert not (tmp_path / "NEW.md").exists()


def test_a_copy_is_not_made_through_a_link(synced_home: Home, tmp_path: Path) -> None:
    (tmp_path / "ours").mkdir()
    (tmp_path / "outside").mkdir()
    (tmp_path / "ours" / "playbooks").symlink_to(tmp_path / "outside")
    with pytest.raises(UserError, match="is a symbolic link"):
        fork(synced_home, "recon", tmp_path / "ours")
    assert list((tmp_path / "outside").iterdir()) == []


# ------------------------------------------------------------------ interrupted

KILLED = """
import os, signal, sys
from pathlib import Path
from repertory.content.installed import merging
from repertory.home import Home
writes, write = int(sys.argv[3]), merging.write_file
def stopping(*words):
    global writes
    if not writes:
        os.kill(os.getpid(), signal.SIGKILL)
    writes -= 1
    write(*words)
merging.write_file = stopping
merging.apply_merge(merging.plan_merge(Home(Path(sys.argv[1])), Path(sys.argv[2])))
"""


@pytest.mark.parametrize("writes", range(5))
def test_a_killed_merge_is_done_again(
    synced_home: Home, community: Repository, copied: Path, place: str, writes: int
) -> None:
    line = 'play.act("ip reputation", ip=event.values("sourceAddress"))'
    (copied / "playbook.py").write_text(PLAYBOOK_CODE.replace(line, "play.log('ours')"))
    (copied / "README.md").unlink()
    commit(copied)
    theirs = PLAYBOOK_CODE.replace(line, "play.log('theirs')")
    upstream_does(synced_home, community, {"playbook.py": theirs, "AAA.md": "a\n", "README.md": "# better\n"}, place)
    words = [sys.executable, "-c", KILLED, synced_home.root, copied, str(writes)]
    done = subprocess.run(words, check=False, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    assert done.returncode == (-signal.SIGKILL if writes < 4 else 0)
    merge = plan_merge(synced_home, copied)
    if writes < 4:
        assert merge.conflicts == ["README.md", "playbook.py"]
        apply_merge(merge)
    assert plan_merge(synced_home, copied).files == []
    text = (copied / "playbook.py").read_text()
    assert text.count(merging.MARK.decode()) == 1, "marked once, however often it is merged"
    assert "play.log('ours')" in text
    assert "play.log('theirs')" in text
    assert (copied / "README.md.upstream").read_text() == "# better\n"
    assert (copied / "AAA.md").read_text() == "a\n"
