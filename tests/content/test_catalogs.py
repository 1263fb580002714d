"""Repositories that list others."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from content.builders import PLAYBOOK, Repository
from repertory.content.checks.manifests import schema_validator
from repertory.content.git.sources import Source
from repertory.content.offered.catalog import catalog_items, read_catalog
from repertory.content.offered.members import MEMBERS_FILE, MEMBERS_SCHEMA, MOST_BYTES, parse_members
from repertory.content.offered.repositories import (
    SyncReport,
    add_repository,
    list_repositories,
    remove_repository,
    sync,
)
from repertory.errors import UserError
from repertory.home import Home

FAR = Source(url="https://example.org/catalog")
NEAR = Source(url="file:///srv/catalog")


def listing(*entries: Any, **more: Any) -> str:
    return json.dumps({"$schema": MEMBERS_SCHEMA, "repositories": list(entries), **more}, indent=1)


def entry(name: str, url: str = "https://example.org/x", **more: Any) -> dict[str, Any]:
    return {"name": name, "url": url, **more}


@pytest.fixture
def offering(new_repository: Callable[[str], Repository]) -> Callable[[str], Repository]:
    """Makes a repository with a playbook of its own name."""

    def make(name: str) -> Repository:
        repository = new_repository(name)
        repository.write(
            {f"{name}/playbook.json": json.dumps({**PLAYBOOK, "name": name}), f"{name}/playbook.py": "x = 1\n"}
        )
        repository.commit()
        return repository

    return make


@pytest.fixture
def acme(new_repository: Callable[[str], Repository], offering: Callable[[str], Repository]) -> Repository:
    """Lists two repositories."""
    members = [entry(name, str(offering(name).path)) for name in ("first", "second")]
    repository = new_repository("acme").write({MEMBERS_FILE: listing(*members)})
    repository.commit()
    return repository


@pytest.fixture
def following(home: Home, acme: Repository) -> Home:
    """A home that follows them all by one name."""
    add_repository(home, "acme", str(acme.path))
    assert not sync(home).failed
    return home


def relist(repository: Repository, *entries: Any) -> None:
    repository.write({MEMBERS_FILE: listing(*entries)}).commit()


def followed(home: Home) -> list[str]:
    return [one.name for one in list_repositories(home)]


def error_of(report: SyncReport, name: str = "acme") -> str:
    (error,) = [one.error for one in report.repositories if one.name == name]
    assert error is not None
    return error.message


# -------------------------------------------------------------------- honest


def test_one_name_follows_all(home: Home, acme: Repository) -> None:
    add_repository(home, "acme", str(acme.path))
    expected: list[int] = []
    report = sync(home, ["acme"], expect=expected.append)
    assert [(one.name, one.items) for one in report.repositories] == [
        ("acme", 0),
        ("acme-first", 1),
        ("acme-second", 1),
    ]
    assert report.repositories[0].followed == ["acme-first", "acme-second"]
    assert expected == [1, 3]
    assert [item.full_name for item in catalog_items(home)] == ["acme-first/first", "acme-second/second"]
    assert {one.name: one.via for one in list_repositories(home)} == {
        "acme": "",
        "acme-first": "acme",
        "acme-second": "acme",
    }


def test_nothing_new(following: Home) -> None:
    report = sync(following)
    assert [(one.name, one.has_news) for one in report.repositories] == [
        ("acme", False), ("acme-first", False), ("acme-second", False),
    ]  # fmt: skip


def test_one_of_them_alone(following: Home) -> None:
    assert [one.name for one in sync(following, ["acme-first"]).repositories] == ["acme-first"]


def test_one_that_is_listed_no_longer(following: Home, acme: Repository, offering: Callable[[str], Repository]) -> None:
    relist(acme, entry("first", str(acme.path.with_name("first"))), entry("third", str(offering("third").path)))
    report = sync(following)
    assert not report.failed
    told = next(one for one in report.repositories if one.name == "acme")
    assert (told.followed, told.unfollowed) == (["acme-third"], ["acme-second"])
    assert followed(following) == ["acme", "acme-first", "acme-third"]
    assert [item.full_name for item in catalog_items(following)] == ["acme-first/first", "acme-third/third"]
    assert not following.repository("acme-second").exists()
    assert "acme-second" not in [one.name for one in report.repositories]


def test_one_that_moved(following: Home, acme: Repository, offering: Callable[[str], Repository]) -> None:
    offering("moved")
    relist(acme, entry("first", str(acme.path.with_name("moved"))))
    report = sync(following)
    assert not report.failed
    assert [item.full_name for item in catalog_items(following)] == ["acme-first/moved"]


def test_no_list_any_more(following: Home, acme: Repository) -> None:
    acme.git("rm", "--quiet", MEMBERS_FILE)
    acme.commit()
    sync(following)
    assert followed(following) == ["acme"]
    assert not following.members("acme").exists()


def test_removing_it_removes_all(following: Home) -> None:
    with pytest.raises(UserError, match="because acme lists it"):
        remove_repository(following, "acme-first")
    remove_repository(following, "acme")
    assert followed(following) == []
    assert catalog_items(following) == []
    assert list(following.repository("x").parent.iterdir()) == []


def test_a_failing_member_stops_nobody(following: Home, acme: Repository) -> None:
    shutil.rmtree(acme.path.with_name("first"))
    report = sync(following)
    assert [one.name for one in report.failed] == ["acme-first"]
    assert [item.full_name for item in catalog_items(following)] == ["acme-first/first", "acme-second/second"]


def test_an_explicit_namesake_comes_first(home: Home, acme: Repository, offering: Callable[[str], Repository]) -> None:
    add_repository(home, "acme-first", str(offering("own").path))
    add_repository(home, "acme", str(acme.path))
    report = sync(home)
    assert report.repositories[0].followed == ["acme-second"]
    assert [item.full_name for item in catalog_items(home)] == ["acme-first/own", "acme-second/second"]
    with pytest.raises(UserError, match="followed already"):
        add_repository(home, "acme-second", "https://example.org/x")


def test_a_listed_name_is_kept_apart_from_signers_and_refs(home: Home, acme: Repository) -> None:
    first = Repository.__new__(Repository)
    first.path = acme.path.with_name("first")
    old = first.git("rev-parse", "HEAD")
    first.git("tag", "v1")
    first.write({"later.txt": "x"}).commit()
    relist(acme, entry("first", str(first.path), ref="v1"), entry("newest", str(first.path)))
    add_repository(home, "acme", str(acme.path))
    commits = {one.name: one.commit for one in sync(home).repositories}
    assert commits["acme-first"] == old != commits["acme-newest"]


# ------------------------------------------------------- more than one of them


def test_two_catalogues_with_one_repository(
    following: Home, acme: Repository, new_repository: Callable[[str], Repository]
) -> None:
    other = new_repository("other")
    relist(other, entry("same", str(acme.path.with_name("first"))))
    add_repository(following, "beta", str(other.path))
    assert not sync(following).failed
    items = {item.full_name: item for item in catalog_items(following)}
    assert items["beta-same/first"].digest == items["acme-first/first"].digest
    remove_repository(following, "acme")
    assert not sync(following).failed  # its copy is its own
    assert [item.full_name for item in catalog_items(following)] == ["beta-same/first"]


def test_lists_of_lists_are_not_followed(
    home: Home, acme: Repository, new_repository: Callable[[str], Repository]
) -> None:
    outer = new_repository("outer")
    relist(outer, entry("inner", str(acme.path)))
    add_repository(home, "outer", str(outer.path))
    report = sync(home)
    assert followed(home) == ["outer", "outer-inner"]
    assert "lists repositories itself" in report.repositories[1].note
    add_repository(home, "acme", str(acme.path))
    assert not sync(home).failed
    assert followed(home) == ["acme", "acme-first", "acme-second", "outer", "outer-inner"]


def test_a_circle(home: Home, new_repository: Callable[[str], Repository]) -> None:
    one, two = new_repository("one"), new_repository("two")
    relist(one, entry("two", str(two.path)))
    relist(two, entry("one", str(one.path)))
    add_repository(home, "one", str(one.path))
    add_repository(home, "two", str(two.path))
    assert not sync(home).failed
    assert followed(home) == ["one", "one-two", "two", "two-one"]


# -------------------------------------------------------------------- hostile

BAD_LISTS: dict[str, str | bytes] = {
    "not JSON": "{",
    "not UTF-8": b'{"$schema": "\xff"}',
    "not an object": "[]",
    "null": "null",
    "no schema": '{"repositories": []}',
    "another schema": json.dumps({"$schema": "urn:repertory:schema:app:1", "repositories": []}),
    "not a list": json.dumps({"$schema": MEMBERS_SCHEMA, "repositories": {}}),
    "unknown key": listing(command="x"),
    "entry without a name": listing({"url": "https://example.org/x"}),
    "entry without a URL": listing({"name": "x"}),
    "unknown key of an entry": listing(entry("x", upload_pack="x")),
    "a number for a URL": listing({"name": "x", "url": 7}),
    "endless nesting": "[" * 100_000,
    "NaN": '{"$schema": NaN}',
    "too many": listing(*(entry(f"n{number}") for number in range(10_001))),
    "too large": " " * (MOST_BYTES + 1),
    "a name twice": listing(entry("x"), entry("x", "https://example.org/y")),
    "empty name": listing(entry("")),
    "path as a name": listing(entry("../x")),
    "slash in a name": listing(entry("a/b")),
    "capital in a name": listing(entry("Abc")),
    "escape sequence in a name": listing(entry("a\x1b[2J")),
    "line feed after a name": listing(entry("a\n")),
    "long name": listing(entry("x" * 36)),
    "ext": listing(entry("x", "ext::sh -c 'touch owned'")),
    "fd": listing(entry("x", "fd::3")),
    "option": listing(entry("x", "--upload-pack=touch owned")),
    "http": listing(entry("x", "http://example.org/x")),
    "git": listing(entry("x", "git://example.org/x")),
    "credentials": listing(entry("x", "https://user:password@example.org/x")),
    "option as a host": listing(entry("x", "ssh://-oProxyCommand=x/y")),
    "option as a user": listing(entry("x", "ssh://-oProxyCommand=x@example.org/y")),
    "relative path": listing(entry("x", "../other")),
    "home of a user": listing(entry("x", "~nobody-like-that/x")),
    "white space": listing(entry("x", "https://example.org/a b")),
    "bad ref": listing(entry("x", ref="--force")),
    "ref with dots": listing(entry("x", ref="a..b")),
    "itself": listing(entry("x", FAR.url)),
    "itself, elsewhere": listing(entry("x", FAR.url, ref="other")),
}
ONLY_FAR = {"file": "file:///etc", "path": "/etc", "here": ".", "home": "~/x", "file with a host": "file://server/x"}


@pytest.mark.parametrize("content", BAD_LISTS.values(), ids=BAD_LISTS)
def test_bad_lists(content: str | bytes) -> None:
    with pytest.raises(UserError) as raised:
        parse_members(content if isinstance(content, bytes) else content.encode(), "acme", FAR)
    assert MEMBERS_FILE in raised.value.message
    assert raised.value.message.isprintable()
    assert raised.value.hint


@pytest.mark.parametrize("url", ONLY_FAR.values(), ids=ONLY_FAR)
def test_folders_of_this_machine(url: str) -> None:
    with pytest.raises(UserError, match="not the URL of a repository by https or ssh"):
        parse_members(listing(entry("x", url)).encode(), "acme", FAR)


def test_folders_in_a_list_that_lies_here(tmp_path: Path) -> None:
    text = listing(entry("a", str(tmp_path)), entry("b", tmp_path.as_uri()), entry("c", "git@example.org:x/y.git"))
    urls = [member.url for member in parse_members(text.encode(), "acme", NEAR)]
    assert urls == [tmp_path.as_uri(), tmp_path.as_uri(), "ssh://git@example.org/x/y.git"]
    with pytest.raises(UserError, match="absolute path"):
        parse_members(listing(entry("x", "a/b")).encode(), "acme", NEAR)


def test_the_line_is_named() -> None:
    with pytest.raises(UserError, match=rf"^{MEMBERS_FILE}:\d+: 'x' occurs twice") as raised:
        parse_members(listing(entry("x"), entry("x")).encode(), "acme", FAR)
    line = int(raised.value.message.split(":")[1])
    assert '"x"' in listing(entry("x"), entry("x")).splitlines()[line - 1]
    assert line > 5


@pytest.mark.parametrize("content", ["{", listing(entry("Bad")), listing(entry("x", "ext::x")), "\xff" * 99])
def test_a_bad_list_keeps_what_was(following: Home, acme: Repository, content: str) -> None:
    before = read_catalog(following, "acme")
    acme.write({MEMBERS_FILE: content.encode("latin-1")}).commit()
    report = sync(following)
    assert [one.name for one in report.failed] == ["acme"]
    assert MEMBERS_FILE in error_of(report)
    assert followed(following) == ["acme", "acme-first", "acme-second"]
    assert read_catalog(following, "acme") == before


def test_a_list_that_is_a_link(home: Home, new_repository: Callable[[str], Repository]) -> None:
    repository = new_repository("acme").write({"x.json": listing(entry("x"))})
    (repository.path / MEMBERS_FILE).symlink_to("x.json")
    repository.commit()
    add_repository(home, "acme", str(repository.path))
    assert not sync(home).failed
    assert followed(home) == ["acme"]


def test_a_damaged_note_of_members(following: Home) -> None:
    following.members("acme").write_text("{")
    assert followed(following) == ["acme"]
    assert not sync(following).failed
    assert followed(following) == ["acme", "acme-first", "acme-second"]


def test_the_published_schema_says_the_same() -> None:
    validator = schema_validator("repositories")
    good = listing(
        entry("a", summary="x", ref="main"), entry("b", "git@example.org:x"), entry("c", "ssh://example.org/x")
    )
    assert not list(validator.iter_errors(json.loads(good)))
    assert parse_members(good.encode(), "acme", FAR)
    for name in (
        "no schema",
        "not a list",
        "unknown key",
        "entry without a name",
        "too many",
        "path as a name",
        "ext",
        "option",
    ):
        assert list(validator.iter_errors(json.loads(BAD_LISTS[name]))), name


@settings(max_examples=60, deadline=None)
@given(st.lists(st.fixed_dictionaries({"name": st.text(max_size=45), "url": st.text(max_size=40)}), max_size=3))
def test_any_list_is_refused_or_safe(entries: list[dict[str, str]]) -> None:
    try:
        members = parse_members(json.dumps({"$schema": MEMBERS_SCHEMA, "repositories": entries}).encode(), "acme", FAR)
    except UserError as error:
        assert error.message.isprintable()
        return
    for member in members:
        assert member.url.startswith(("https://", "ssh://"))
        assert "/" not in member.name and member.name.isascii()
