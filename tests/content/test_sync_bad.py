"""Servers and repositories that misbehave: one message, the old state stays, the rest goes on."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from content.builders import Repository, item_files
from content.git_server import CREDENTIALS, GitServer, make_certificate, serving
from repertory.content.git import commits as git
from repertory.content.offered import fetching
from repertory.content.offered.catalog import catalog_items, read_catalog
from repertory.content.offered.repositories import RepositorySync, add_repository, list_repositories, sync
from repertory.errors import UserError
from repertory.home import Home


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For 127.0.0.1, signed by itself."""
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def server(tmp_path: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[GitServer]:
    """Serves the folder ``origins``; the user trusts its certificate."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.with_name("certificate.pem")))
    with serving(tmp_path / "origins", certificate) as lab:
        yield lab


@pytest.fixture
def served(home: Home, community: Repository, server: GitServer) -> GitServer:
    """A home has synced ``far`` from the server."""
    add_repository(home, "far", server.of("community/.git"))
    assert not sync(home).failed
    server.asked.clear()
    return server


def failure(home: Home, **options: Any) -> UserError:
    """The one failure of a sync, after which the catalogue is what it was, and another repository was synced."""
    before = read_catalog(home, "far")
    report = sync(home, **options)
    (failed,) = report.failed
    assert failed.name == "far" and failed.error
    assert read_catalog(home, "far") == before
    assert all(one.commit for one in report.repositories if one.name != "far")
    assert "\n" not in failed.error.message and failed.error.hint
    return failed.error


def helper(tmp_path: Path, answer: str = CREDENTIALS) -> str:
    """A program that knows credentials and notes what it is asked."""
    name, _, password = answer.partition(":")
    path = tmp_path / "helper"
    path.write_text(
        f'#!/bin/sh\necho "$1" >> {tmp_path}/asked\n[ "$1" = get ] && printf "username={name}\\npassword={password}\\n"\ncat > /dev/null\n'
    )
    path.chmod(0o755)
    return str(path)


# ------------------------------------------------------------------- honest


def test_by_https(home: Home, served: GitServer, community: Repository) -> None:
    (again,) = sync(home).repositories
    assert (again.error, again.items, again.has_news) == (None, 2, False)
    assert served.asked and not [path for path in served.asked if path.startswith("/git-upload-pack")]
    community.write({"new.txt": "x"}).commit()
    (third,) = sync(home).repositories
    assert third.commit == community.git("rev-parse", "HEAD")


def test_no_news_is_not_fetched(home: Home, served: GitServer) -> None:
    sync(home)
    fetched = [path for path in served.asked if path.endswith("git-upload-pack") and "info/refs" not in path]
    assert len(fetched) <= 1  # the list of refs; a fetch would be a second one


def test_a_pinned_commit_is_not_asked_for_again(home: Home, community: Repository, server: GitServer) -> None:
    commit = community.git("rev-parse", "HEAD")
    add_repository(home, "far", server.of("community/.git"), commit)
    assert not sync(home).failed
    server.asked.clear()
    assert [one.commit for one in sync(home).repositories] == [commit]
    assert server.asked == []


def test_one_source_is_fetched_once(home: Home, community: Repository, server: GitServer) -> None:
    for name in ("one", "two", "three"):
        add_repository(home, name, server.of("community/.git"))
    assert not sync(home).failed
    assert len([path for path in server.asked if "info/refs" in path]) == 1
    assert [item.full_name for item in catalog_items(home) if item.kind == "app"] == [
        "one/blocklist", "three/blocklist", "two/blocklist",
    ]  # fmt: skip
    server.asked.clear()
    community.write({"later.txt": "x"}).commit()
    commits = {one.commit for one in sync(home).repositories}
    assert commits == {community.git("rev-parse", "HEAD")}
    assert len([path for path in server.asked if "info/refs" in path]) == 2  # what is new, and that


def test_several_are_fetched_at_once_but_not_all(home: Home, community: Repository, server: GitServer) -> None:
    for number in range(9):
        Repository.copy(community.path, community.path.with_name(f"r{number}"))
        add_repository(home, f"r{number}", server.of(f"r{number}/.git"))
    server.answer_instead = b"no Git"  # one request each
    server.meeting = threading.Barrier(3)  # nobody is answered before three have come
    assert len(sync(home, parallel=3).failed) == 9
    assert server.most == 3
    assert not server.meeting.broken


# --------------------------------------------------------------- credentials


def test_a_private_repository_names_the_cure(home: Home, community: Repository, server: GitServer) -> None:
    server.private = True
    add_repository(home, "far", server.of("community/.git"))
    error = failure(home)
    assert "asks for credentials" in error.message
    assert "credential_helper" in error.hint and "ssh" in error.hint


def test_a_credential_helper_opens_it(home: Home, tmp_path: Path, community: Repository, server: GitServer) -> None:
    server.private = True
    add_repository(home, "far", server.of("community/.git"))
    assert not sync(home, helper=helper(tmp_path)).failed
    assert not sync(home, helper=helper(tmp_path)).failed
    assert "get" in (tmp_path / "asked").read_text().split()
    everything = b"".join(path.read_bytes() for path in home.root.rglob("*") if path.is_file())
    assert CREDENTIALS.partition(":")[2].encode() not in everything


def test_wrong_credentials(home: Home, tmp_path: Path, community: Repository, server: GitServer) -> None:
    server.private = True
    add_repository(home, "far", server.of("community/.git"))
    assert "asks for credentials" in failure(home, helper=helper(tmp_path, "reader:wrong")).message


def test_the_stored_credentials_of_git(
    home: Home, tmp_path: Path, community: Repository, server: GitServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.private = True
    store = Path(os.environ["HOME"]) / ".git-credentials"
    store.write_text(f"https://{CREDENTIALS}@{server.url.removeprefix('https://')}\n")
    add_repository(home, "far", server.of("community/.git"))
    assert failure(home).message  # not without being told
    assert not sync(home, helper="store").failed


def test_a_helper_is_for_https_only(home: Home, tmp_path: Path, community: Repository) -> None:
    add_repository(home, "near", str(community.path))
    assert not sync(home, helper=helper(tmp_path)).failed
    assert not (tmp_path / "asked").exists()


def test_a_repository_cannot_name_a_helper(
    home: Home, tmp_path: Path, community: Repository, server: GitServer
) -> None:
    server.private = True
    add_repository(home, "far", server.of("community/.git"))
    failure(home)
    bare = home.repository("far")
    with (bare / "config").open("a") as stream:
        stream.write(f'[credential]\n\thelper = "{helper(tmp_path)}"\n')
    failure(home)
    assert not (tmp_path / "asked").exists()


# ------------------------------------------------------------------- servers


def test_an_unknown_certificate(
    home: Home, community: Repository, server: GitServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    add_repository(home, "far", server.of("community/.git"))
    error = failure(home)
    assert "certificate cannot be verified" in error.message
    assert "SSL_CERT_FILE" in error.hint


def test_a_redirect_is_refused(home: Home, tmp_path: Path, served: GitServer, certificate: Path) -> None:
    with serving(tmp_path / "origins", certificate) as other:
        served.redirect_to = other.url
        assert "another address" in failure(home).message
        assert other.asked == []


@pytest.mark.parametrize("promise_all", [True, False], ids=["the length is told", "the end looks right"])
@pytest.mark.parametrize("length", [60, 200, 900])
def test_a_pack_that_breaks_off(
    home: Home, served: GitServer, community: Repository, length: int, promise_all: bool
) -> None:
    community.write({"large.bin": os.urandom(4_000)}).commit()
    served.cut_packs_after, served.promise_all = length, promise_all
    assert "breaks off" in failure(home).message
    served.cut_packs_after = 0
    assert not sync(home).failed


@pytest.mark.parametrize(
    "answer", [b"<html>log in first</html>", b"001e# service=git-upload-pack\n", b"0000", b"\xff" * 99], ids=range(4)
)
def test_a_server_that_speaks_no_git(home: Home, served: GitServer, answer: bytes) -> None:
    served.answer_instead = answer
    assert failure(home).message.startswith(served.url)


def test_a_server_that_hangs(home: Home, served: GitServer) -> None:
    served.hang = True
    assert "took longer than 1 s" in failure(home, limits=git.ProcessLimits(seconds=1)).message


def test_nobody_waits_for_a_silent_host_again(home: Home, served: GitServer, community: Repository) -> None:
    silent = fetching.Hosts()
    source = next(one.source for one in list_repositories(home))
    for _ in range(fetching.GIVEN_UP_AFTER):
        silent.refuse_silent(source)
        silent.note(source, answered=False)
    with pytest.raises(git.Unreachable, match="was not asked"):
        silent.refuse_silent(source)
    silent.note(source, answered=True)
    silent.refuse_silent(source)


def test_no_network(home: Home, community: Repository) -> None:
    for name in ("one", "two", "three", "four", "five", "six"):
        add_repository(home, name, f"https://127.0.0.1:1/{name}.git")
    add_repository(home, "near", str(community.path))
    report = sync(home, parallel=1)
    assert report.offline
    assert len(report.failed) == 6
    assert any("was not asked" in one.error.message for one in report.failed if one.error)
    assert {item.repository for item in catalog_items(home)} == {"near"}


def test_a_server_without_that_repository_is_no_lack_of_network(home: Home, server: GitServer) -> None:
    server.root.mkdir(exist_ok=True)
    add_repository(home, "far", server.of("missing.git"))
    assert "no Git repository is there" in failure(home).message
    assert not sync(home).offline


# -------------------------------------------------------------- repositories


def test_a_vanished_remote(home: Home, served: GitServer, community: Repository) -> None:
    community.path.rename(community.path.with_name("elsewhere"))
    assert "no Git repository is there" in failure(home).message


def test_a_deleted_branch(home: Home, community: Repository, server: GitServer) -> None:
    community.git("branch", "stable")
    add_repository(home, "far", server.of("community/.git"), "stable")
    assert not sync(home).failed
    community.git("branch", "-m", "stable", "stables")
    assert failure(home).hint == "did you mean stables?"


def test_rewritten_history(home: Home, served: GitServer, community: Repository) -> None:
    community.git("commit", "--quiet", "--amend", "-m", "rewritten")
    (report,) = sync(home).repositories
    assert report.commit == community.git("rev-parse", "HEAD")


def test_history_that_went_back(home: Home, community: Repository, server: GitServer) -> None:
    first = community.git("rev-parse", "HEAD")
    community.write({"apps/blocklist/README.md": "later"}).commit()
    add_repository(home, "far", server.of("community/.git"))
    sync(home)
    community.git("reset", "--quiet", "--hard", first)
    (report,) = sync(home).repositories
    assert (report.commit, report.changed) == (first, ["blocklist"])


def test_a_shallow_server(home: Home, tmp_path: Path, community: Repository, server: GitServer) -> None:
    community.write({"later.txt": "x"}).commit()
    community.git("clone", "--quiet", "--depth=1", community.path.as_uri(), str(tmp_path / "origins" / "shallow"))
    add_repository(home, "far", server.of("shallow/.git"))
    (report,) = sync(home).repositories
    assert (report.error, report.items) == (None, 2)


def test_a_branch_and_a_tag_of_one_name(home: Home, community: Repository, server: GitServer) -> None:
    commit = community.git("rev-parse", "HEAD")
    community.git("tag", "stable")
    community.write({"later.txt": "x"}).commit()
    community.git("branch", "stable")
    add_repository(home, "far", server.of("community/.git"), "stable")
    error = failure(home)
    assert "a branch and a tag 'stable'" in error.message
    assert error.hint == "say which: --ref refs/heads/stable or --ref refs/tags/stable"
    add_repository(home, "near", str(community.path), "refs/tags/stable")
    assert [one.commit for one in sync(home, ["near"]).repositories] == [commit]


def test_an_annotated_tag_has_no_news(home: Home, community: Repository, server: GitServer) -> None:
    community.git("tag", "-a", "v1", "-m", "one")
    add_repository(home, "far", server.of("community/.git"), "v1")
    sync(home)
    server.asked.clear()
    assert not sync(home).repositories[0].has_news
    assert len([path for path in server.asked if path.endswith("/git-upload-pack")]) <= 1


@pytest.mark.parametrize(
    "url", ["git://127.0.0.1/x", "http://127.0.0.1/x", "ext::sh -c true", "fd::3", "ftp://x/y", "--upload-pack=x"]
)
def test_other_protocols_are_no_urls(home: Home, url: str) -> None:
    with pytest.raises(UserError):
        add_repository(home, "far", url)
    assert list_repositories(home) == []


def test_a_copy_of_ours_that_was_damaged(home: Home, community: Repository) -> None:
    add_repository(home, "far", str(community.path))
    sync(home)
    for path in home.repository("far").glob("objects/**/*"):
        if path.is_file():
            path.unlink()
    community.write({"later.txt": "x"}).commit()
    (report,) = sync(home).repositories
    assert report.error is None or "delete" in report.error.hint


def test_interrupting(home: Home, new_repository: Callable[[str], Repository]) -> None:
    for name in ("one", "two", "three"):
        new_repository(name).write(item_files()).commit()
        add_repository(home, name, str(home.root.parent / "origins" / name))

    def interrupt(_one: RepositorySync) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sync(home, progress=interrupt)
    assert not sync(home).failed
