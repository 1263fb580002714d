"""URLs and refs: what reaches Git, and what never does."""

from __future__ import annotations

from pathlib import Path

import pytest

from repertory.content.git.sources import Wish, parse_ref, parse_source, parse_url, wish_of
from repertory.errors import UserError


@pytest.mark.parametrize(
    ("typed", "url"),
    [
        ("https://example.org/acme/content.git", "https://example.org/acme/content.git"),
        ("https://example.org:8443/content", "https://example.org:8443/content"),
        ("ssh://git@example.org/acme/content", "ssh://git@example.org/acme/content"),
        ("git@example.org:acme/content.git", "ssh://git@example.org/acme/content.git"),
        ("git@example.org:/srv/content.git", "ssh://git@example.org/srv/content.git"),
        ("file:///srv/content", "file:///srv/content"),
    ],
)
def test_normal_urls(typed: str, url: str) -> None:
    assert parse_url(typed) == url


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        ("ext::sh -c touch% owned", "white space"),
        ("ext::sh", "not the URL"),
        ("--upload-pack=touch", "option"),
        ("-uexample", "option"),
        ("http://example.org/x.git", "changed on the way"),
        ("git://example.org/x.git", "changed on the way"),
        ("https://user:secret@example.org/x.git", "credentials"),
        ("https://token@example.org/x.git", "credentials"),
        ("ssh://git:secret@example.org/x.git", "credentials"),
        ("ssh://-oProxyCommand=touch/x", "host"),
        ("ssh://-user@example.org/x", "host"),
        ("https:///x.git", "host"),
        ("https://exa mple.org/x.git", "white space"),
        ("https://example.org/x.git\n--upload-pack=touch", "white space"),
        ("https://example.org/x\u202e.git", "control"),
        ("https://example.org:port/x", "not a URL"),
        ("https://example.org/x?y=z", "query"),
        ("file://host/share", "not the URL"),
        ("ftp://example.org/x", "not the URL"),
        ("nowhere", "not the URL"),
        ("/nonexistent/folder", "not a folder"),
        ("", "not the URL"),
    ],
)
def test_refused_urls(typed: str, problem: str) -> None:
    with pytest.raises(UserError, match=problem) as raised:
        parse_url(typed)
    assert raised.value.hint
    assert "secret" not in raised.value.message


def test_a_local_folder_becomes_a_file_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my content").mkdir()
    monkeypatch.chdir(tmp_path)
    source = parse_source("./my content")
    assert source.url == f"{tmp_path.as_uri()}/my%20content"
    assert source.is_local
    assert parse_url("my content") == source.url


@pytest.mark.parametrize("ref", ["", "main", "v1.2.0", "feature/new-app", "a" * 40])
def test_normal_refs(ref: str) -> None:
    assert parse_ref(ref) == ref


@pytest.mark.parametrize("ref", ["-main", "--all", "a..b", "a b", "a:b", "+main", "main~1", "x.lock", "a@{1}", "^a"])
def test_refused_refs(ref: str) -> None:
    with pytest.raises(UserError, match="not a branch"):
        parse_ref(ref)


@pytest.mark.parametrize("ref", ["refs/pull/1/head", "refs/heads", "refs/merge-requests/2/head", "refs/remotes/origin/main"])
def test_refs_that_a_stranger_can_make(ref: str) -> None:
    with pytest.raises(UserError, match="not a branch"):
        parse_ref(ref)


@pytest.mark.parametrize(
    ("ref", "wish"),
    [
        ("", Wish(refs=("HEAD",))),
        ("v1", Wish(refs=("refs/heads/v1", "refs/tags/v1"))),
        ("refs/tags/v1", Wish(refs=("refs/tags/v1",))),
        ("tags/v1", Wish(refs=("refs/heads/tags/v1", "refs/tags/tags/v1", "refs/tags/v1"))),
        ("pull/1/head", Wish(refs=("refs/heads/pull/1/head", "refs/tags/pull/1/head"))),
        ("refs/pull/1/head", Wish()),
        ("a" * 40, Wish(commit="a" * 40)),
    ],
)
def test_what_is_wished_for(ref: str, wish: Wish) -> None:
    assert wish_of(ref) == wish
