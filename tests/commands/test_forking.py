"""A copy of one's own at the command line: made, edited, merged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from commands.user import User
from content.builders import PLAYBOOK_CODE, Repository, item_files, run_git

LINE = 'play.act("ip reputation", ip=event.values("sourceAddress"))'


@pytest.fixture
def team(tmp_path: Path) -> Repository:
    """A repository with an app and a playbook."""
    repository = Repository(tmp_path / "team").write(item_files())
    repository.commit()
    return repository


@pytest.fixture
def member(newcomer: User, team: Repository) -> User:
    """Follows the team's repository."""
    newcomer.done("repo", "add", "team", str(team.path), "--sync")
    return newcomer


@pytest.mark.parametrize("name", ["ours", "our own playbooks", "50% more", "über", "a#b?c"])
def test_a_followed_repository_by_its_name(member: User, tmp_path: Path, name: str) -> None:
    ours = Repository(tmp_path / name)
    ours.write({"README.md": "# ours\n"}).commit()
    member.done("repo", "add", "ours", str(ours.path))
    made = member.asked("fork", "team/recon", "--to", "ours")
    assert made["folder"] == str(ours.path / "playbooks" / "recon")
    assert (ours.path / "playbooks" / "recon" / "playbook.py").exists()


def test_a_repository_elsewhere_is_no_place_for_a_copy(member: User) -> None:
    member.done("repo", "add", "far", "https://example.org/x")
    assert "far is not on this machine" in member.refused("fork", "team/recon", "--to", "far")


def test_a_merge_is_told(member: User, team: Repository, tmp_path: Path) -> None:
    ours = Repository(tmp_path / "ours")
    ours.write({"README.md": "# ours\n"}).commit()
    copy = Path(member.asked("fork", "team/recon", "--to", str(ours.path))["folder"])
    ours.commit()
    (copy / "playbook.py").write_text(PLAYBOOK_CODE.replace(LINE, "play.log('ours')"))
    (copy / "README.md").unlink()
    (team.path / "playbooks/recon/playbook.py").write_text(PLAYBOOK_CODE.replace(LINE, "play.log('theirs')"))
    (team.path / "playbooks/recon/README.md").write_text("# better\n")
    team.commit()
    member.done("sync")

    told = member("merge", str(copy), "--dry-run")
    assert told.code == 1
    assert "commit your own changes of these files first: playbook.py" in told.out
    assert "not committed: playbook.py" in member.refused("merge", str(copy))
    run_git(ours.path, "commit", "--quiet", "--all", "-m", "ours")

    told = member("merge", str(copy))
    assert told.code == 1
    assert "git diff" not in told.out
    assert "  conflict  README.md  (you removed it; upstream's is README.md.upstream)\n  conflict  playbook.py\n" in told.out
    assert "look for <<<<<<< yours in these files, decide, and commit" in told.out
    assert "compare with README.md.upstream, decide, remove it, and commit" in told.out
    assert "nothing to merge" in member.done("merge", str(copy)).out


def test_a_merge_without_conflicts_is_looked_at(member: User, team: Repository, tmp_path: Path) -> None:
    ours = Repository(tmp_path / "ours")
    ours.write({"README.md": "# ours\n"}).commit()
    copy = Path(member.asked("fork", "team/recon", "--to", str(ours.path))["folder"])
    (team.path / "playbooks/recon/README.md").write_text("# better\n")
    team.commit()
    member.done("sync")
    told = member.done("merge", str(copy)).out
    assert told.endswith("  changed   README.md\n  → look at it with git diff, try it, and commit\n")


def test_a_merge_for_programs(member: User, team: Repository, tmp_path: Path) -> None:
    ours = Repository(tmp_path / "ours")
    ours.write({"README.md": "# ours\n"}).commit()
    copy = Path(member.asked("fork", "team/recon", "--to", str(ours.path))["folder"])
    (copy / "README.md").unlink()
    (team.path / "playbooks/recon/README.md").write_text("# better\n")
    team.commit()
    member.done("sync")
    answer = json.loads(member("merge", str(copy), "--json").out)
    assert answer["files"] == [{"path": "README.md", "change": "conflict", "beside": "README.md.upstream"}]
    assert (answer["conflicts"], answer["uncommitted"], answer["applied"]) == (["README.md"], [], True)
