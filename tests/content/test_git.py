"""Fetching and reading repositories that nobody trusts."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from content.builders import Plumbing, Repository, item_files
from repertory.content.git import commits as git
from repertory.content.git.paths import Refused, TreeLimits
from repertory.content.git.process import GitFailed, ProcessLimits
from repertory.content.git.sources import Source, parse_source
from repertory.errors import UserError

LIMITS = TreeLimits(files=2_000, seconds=0.5, file_bytes=100_000)


def read_all(bare: Path, source: Source) -> dict[str, bytes]:
    commit = git.fetch(bare, source)
    with git.open_tree(bare, commit, limits=LIMITS) as tree:
        return {path: tree.read(path) for path in tree.files}


def test_files_of_a_commit(tmp_path: Path, community: Repository) -> None:
    files = read_all(tmp_path / "bare", parse_source(str(community.path)))
    assert sorted(files) == sorted(item_files())
    assert files["apps/blocklist/app.py"] == (community.path / "apps/blocklist/app.py").read_bytes()


def test_a_second_fetch_sees_the_change(tmp_path: Path, community: Repository) -> None:
    source = parse_source(str(community.path))
    first = git.fetch(tmp_path / "bare", source)
    community.write({"new.txt": "new\n", "empty.txt": ""})
    second = community.commit()
    assert git.fetch(tmp_path / "bare", source) == second != first
    assert read_all(tmp_path / "bare", source)["new.txt"] == b"new\n"


def test_history_that_was_rewritten(tmp_path: Path, community: Repository) -> None:
    source = parse_source(str(community.path))
    git.fetch(tmp_path / "bare", source)
    community.git("commit", "--quiet", "--amend", "-m", "rewritten")
    assert git.fetch(tmp_path / "bare", source) == community.git("rev-parse", "HEAD")


@pytest.mark.parametrize("kind", ["branch", "tag", "commit"])
def test_refs(tmp_path: Path, community: Repository, kind: str) -> None:
    old = community.git("rev-parse", "HEAD")
    community.git("branch", "stable")
    community.git("tag", "-a", "v1", "-m", "one")
    community.write({"later.txt": "x"}).commit()
    ref = {"branch": "stable", "tag": "v1", "commit": old}[kind]
    assert git.fetch(tmp_path / "bare", parse_source(str(community.path), ref)) == old


def test_a_commit_of_a_fork_is_refused(tmp_path: Path, community: Repository) -> None:
    old = community.git("rev-parse", "HEAD")
    foreign = community.git("commit-tree", "-m", "of a fork", "HEAD^{tree}")
    community.write({"later.txt": "x"}).commit()
    with pytest.raises(GitFailed, match="in none of its branches and tags"):
        git.fetch(tmp_path / "bare", parse_source(str(community.path), foreign))
    assert git.fetch(tmp_path / "bare", parse_source(str(community.path), foreign), bytes_are_known=True) == foreign
    assert git.fetch(tmp_path / "bare", parse_source(str(community.path), old)) == old
    assert [path.name for path in tmp_path.glob(".history*")] == []


def propose(repository: Repository) -> str:
    """What anybody can do on a forge: a commit that is in the repository, and in none of its branches."""
    commit = repository.git("commit-tree", "-m", "proposed", "HEAD^{tree}")
    repository.git("update-ref", "refs/pull/1/head", commit)
    return commit


@pytest.mark.parametrize("ref", ["pull/1/head", "refs/pull/1/head", "the commit"])
def test_a_proposal_is_not_published(tmp_path: Path, community: Repository, ref: str) -> None:
    commit = propose(community)
    source = Source(url=community.path.as_uri(), ref=commit if ref == "the commit" else ref)
    with pytest.raises(UserError, match="no branch, tag or commit|not a branch or tag|in none of its branches"):
        git.fetch(tmp_path / "bare", source)


def test_a_branch_that_is_called_like_a_proposal(tmp_path: Path, community: Repository) -> None:
    propose(community)
    community.git("branch", "pull/1/head")
    source = parse_source(str(community.path), "pull/1/head")
    assert git.fetch(tmp_path / "bare", source) == community.git("rev-parse", "main")


def test_a_name_for_two_is_refused(tmp_path: Path, community: Repository) -> None:
    community.git("tag", "v1")
    community.write({"later.txt": "x"}).commit()
    community.git("branch", "v1")
    source = parse_source(str(community.path), "v1")
    with pytest.raises(GitFailed, match="a branch and a tag 'v1'") as raised:
        git.fetch(tmp_path / "bare", source)
    assert raised.value.hint == "say which: --ref refs/heads/v1 or --ref refs/tags/v1"
    whole = parse_source(str(community.path), "refs/tags/v1")
    assert git.fetch(tmp_path / "bare", whole) == community.git("rev-parse", "refs/tags/v1")


def test_what_belongs_to_one_address_is_foreign_at_another(
    tmp_path: Path, community: Repository, new_repository: Callable[[str], Repository]
) -> None:
    old = community.git("rev-parse", "HEAD")
    git.fetch(tmp_path / "bare", parse_source(str(community.path), old))
    other = new_repository("other").write({"x": "y"})
    other.commit()
    other.git("fetch", "--quiet", str(community.path), "main:refs/pull/1/head")
    with pytest.raises(GitFailed, match="in none of its branches"):
        git.fetch(tmp_path / "bare", parse_source(str(other.path), old))


def test_a_deleted_branch_names_the_nearest(tmp_path: Path, community: Repository) -> None:
    community.git("branch", "stable")
    source = parse_source(str(community.path), "stable")
    git.fetch(tmp_path / "bare", source)
    community.git("branch", "-m", "stable", "stables")
    with pytest.raises(GitFailed, match="no branch, tag or commit 'stable'") as raised:
        git.fetch(tmp_path / "bare", source)
    assert raised.value.hint == "did you mean stables?"


def test_an_empty_repository(tmp_path: Path, new_repository: Callable[[str], Repository]) -> None:
    with pytest.raises(GitFailed, match="no default branch") as raised:
        git.fetch(tmp_path / "bare", parse_source(str(new_repository("empty").path)))
    assert "empty" in raised.value.hint


def test_a_vanished_remote(tmp_path: Path, community: Repository) -> None:
    source = parse_source(str(community.path))
    git.fetch(tmp_path / "bare", source)
    community.path.rename(tmp_path / "elsewhere")
    with pytest.raises(GitFailed, match="no Git repository is there") as raised:
        git.fetch(tmp_path / "bare", source)
    assert raised.value.hint == "check the URL"


def test_a_silent_server_is_given_up(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        source = Source(url=f"https://127.0.0.1:{server.getsockname()[1]}/x.git")
        started = time.monotonic()
        with pytest.raises(GitFailed, match="took longer than"):
            git.fetch(tmp_path / "bare", source, limits=ProcessLimits(seconds=0.1))
        assert time.monotonic() - started < 5


def test_a_fetch_can_be_stopped(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor() as pool:
        source = Source(url=f"https://127.0.0.1:{server.getsockname()[1]}/x.git")
        limits = ProcessLimits(seconds=60)
        fetching = pool.submit(git.fetch, tmp_path / "bare", source, limits=limits)
        connection, _ = server.accept()
        limits.stop.set()
        with connection, pytest.raises(GitFailed, match="was stopped"):
            fetching.result(timeout=10)


def test_a_refused_connection(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(GitFailed, match="cannot be reached") as raised:
        git.fetch(tmp_path / "bare", Source(url=f"https://127.0.0.1:{port}/x.git"))
    assert "network" in raised.value.hint


def test_sources_are_checked_again_before_git_sees_them(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="not the URL"):
        git.fetch(tmp_path / "bare", Source(url=f"ext::touch%20{tmp_path}/owned"))
    assert not (tmp_path / "owned").exists()


def test_hooks_and_settings_of_the_copy_are_not_obeyed(tmp_path: Path, community: Repository) -> None:
    bare = tmp_path / "bare"
    source = parse_source(str(community.path))
    git.fetch(bare, source)
    hook = bare / "hooks" / "reference-transaction"
    hook.parent.mkdir()
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/owned\n")
    hook.chmod(0o755)
    community.write({"x": "x"}).commit()
    git.fetch(bare, source)
    assert not (tmp_path / "owned").exists()


def test_children_inherit_nothing(tmp_path: Path, community: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    trace = tmp_path / "trace"
    monkeypatch.setenv("GIT_TRACE", str(trace))
    git.fetch(tmp_path / "bare", parse_source(str(community.path)))
    assert not trace.exists()
    assert "GIT_TRACE" in os.environ


# -------------------------------------------------------------------- hostile


def build_bomb(repo: Plumbing, *, files: bool) -> str:
    """Ten levels of ten folders: 10^10 files, or none at all."""
    tree = repo.files(*[f"f{number}" for number in range(10)]) if files else repo.tree([])
    for _ in range(10):
        tree = repo.tree([("040000", tree, f"d{number}") for number in range(10)])
    return tree


def build_embedded_repository(repo: Plumbing) -> str:
    keep = repo.tree([("100644", repo.blob(), ".keep")])
    inner = [
        ("100644", repo.blob(b"ref: refs/heads/main\n"), "HEAD"),
        ("100644", repo.blob(b"[core]\n\tfsmonitor = touch owned\n"), "config"),
        ("040000", keep, "objects"),
        ("040000", keep, "refs"),
    ]
    return repo.tree([("040000", repo.tree(inner), "docs")])


HOSTILE: dict[str, Callable[[Plumbing], str]] = {
    "path .GIT": lambda repo: repo.files(".GIT/post-checkout"),
    "path ..": lambda repo: repo.files("../evil"),
    "path .": lambda repo: repo.files("./evil"),
    "invisible character": lambda repo: repo.files(".pro\u200cfile"),
    "backslash": lambda repo: repo.files("a\\b"),
    "trailing dot": lambda repo: repo.files("a."),
    "not UTF-8": lambda repo: repo.files(b"caf\xe9"),
    "case collision": lambda repo: repo.files("README.md", "readme.MD"),
    "folder collision": lambda repo: repo.files("Lib/a", "lib/b"),
    "normal form collision": lambda repo: repo.files("\u00e9", "e\u0301"),
    "bomb of files": lambda repo: build_bomb(repo, files=True),
    "bomb of folders": lambda repo: build_bomb(repo, files=False),
    "embedded repository": build_embedded_repository,
    "large file": lambda repo: repo.tree([("100644", repo.blob(bytes(LIMITS.file_bytes + 1)), "zeros")]),
}


@pytest.mark.parametrize("build", HOSTILE.values(), ids=HOSTILE)
def test_hostile_trees_are_refused(tmp_path: Path, plumbing: Plumbing, build: Callable[[Plumbing], str]) -> None:
    plumbing.commit(build(plumbing))
    with pytest.raises((Refused, GitFailed)) as raised:
        read_all(tmp_path / "bare", parse_source(str(plumbing.path)))
    assert raised.value.message


def test_links_and_submodules_are_left_out_and_told(tmp_path: Path, plumbing: Plumbing) -> None:
    tree = plumbing.tree(
        [
            ("100755", plumbing.blob(b"#!/bin/sh\n"), "run.sh"),
            ("120000", plumbing.blob(b"/etc/passwd"), "leak"),
            ("160000", "1" * 40, "module"),
        ]
    )
    plumbing.commit(tree)
    bare = tmp_path / "bare"
    commit = git.fetch(bare, parse_source(str(plumbing.path)))
    with git.open_tree(bare, commit) as judged:
        assert list(judged.files) == ["run.sh"]
        told = {(issue.path, issue.message) for issue in judged.issues}
    assert told == {
        ("leak", "a symbolic link is not installed"),
        ("module", "a submodule is not installed"),
    }


def test_a_commit_that_is_not_there(tmp_path: Path, community: Repository) -> None:
    git.fetch(tmp_path / "bare", parse_source(str(community.path)))
    with pytest.raises(Refused, match="is it fetched"), git.open_tree(tmp_path / "bare", "1" * 40):
        pass


def test_a_damaged_object(tmp_path: Path, community: Repository) -> None:
    bare = tmp_path / "bare"
    commit = git.fetch(bare, parse_source(str(community.path)))
    with git.open_tree(bare, commit) as tree:
        for pack in bare.glob("objects/**/*"):
            if pack.is_file():
                pack.unlink()
        with pytest.raises(Refused):
            for path in tree.files:
                tree.read(path)


def test_a_file_whose_content_is_missing_is_refused_by_its_path(plumbing: Plumbing) -> None:
    commit = plumbing.commit(plumbing.tree([("100644", "1" * 40, "lost.py")]))
    with pytest.raises(Refused) as refused, git.open_tree(plumbing.path, commit):
        pass
    assert (refused.value.path, refused.value.problem) == ("lost.py", "its content 111111111111 is missing")
