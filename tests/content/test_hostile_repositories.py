"""Hostile and broken repositories, all of them followed at once: each is refused or handled, and nothing else happens.

``hostile.py`` is the list. One sync meets them all, with an honest repository among them.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from commands.user import User
from content.builders import APP, BUILDER_ENVIRONMENT, Repository, item_files
from content.hostile import CASES, Site
from content.raw_objects import RawRepository
from repertory.content.changes.install import install
from repertory.content.checks.issue import Issue
from repertory.content.git.tree import Files, TreeEntry
from repertory.content.installed.lock import read_lock
from repertory.content.items.inspection import inspect_tree
from repertory.content.offered.catalog import Catalog, CatalogItem, read_catalog
from repertory.content.offered.repositories import RepositorySync, add_repository, sync
from repertory.errors import UserError
from repertory.home import Home

PATIENCE_S = 120.0
NAMES = {title: f"h{number}" for number, title in enumerate(CASES)}


@dataclass(frozen=True, kw_only=True)
class Aftermath:
    """A home after the sync that met them all. ``before`` is what lay around it before."""

    home: Home
    surroundings: Path
    before: dict[str, str]
    lock: bytes
    reports: dict[str, RepositorySync]
    urls: dict[str, str]
    seconds: float

    def untouched(self) -> None:
        """Nothing was executed or written elsewhere, and what is installed is what it was."""
        assert photograph(self.surroundings) == self.before
        assert {path.name for path in self.surroundings.parent.iterdir()} == {"home", "honest", "origins", "outside"}
        assert self.home.lock.read_bytes() == self.lock

    def catalog(self, title: str) -> Catalog:
        """What is known of a repository."""
        found = read_catalog(self.home, NAMES[title])
        assert found is not None
        return found


def photograph(folder: Path) -> dict[str, str]:
    """Every file and link with its content."""
    return {
        str(path): str(path.readlink()) if path.is_symlink() else hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_symlink() or path.is_file()
    }


def lay_traps(outside: Path) -> Path:
    """A user whose settings and working folder would run commands if anybody obeyed them."""
    user, working = outside / "user", outside / "working"
    evil = outside / "evil"
    for folder in (user, working, outside / "hooks"):
        folder.mkdir(parents=True)
    evil.write_text(f"#!/bin/sh\ntouch {outside}/owned\n")
    evil.chmod(0o755)
    settings = f'[core]\n\tfsmonitor = {evil}\n\tsshCommand = {evil}\n\thooksPath = {outside}/hooks\n[credential]\n\thelper = {evil}\n[filter "evil"]\n\tsmudge = {evil}\n\trequired = true\n'
    for name in ("post-checkout", "reference-transaction", "post-index-change"):
        (outside / "hooks" / name).symlink_to(evil)
    (user / ".gitconfig").write_text(settings)
    (outside / "included").write_text(f"[uploadpack]\n\tpackObjectsHook = {evil}\n")
    for name, text in {"HEAD": "ref: refs/heads/main\n", "config": settings, "objects/x": "", "refs/x": ""}.items():
        (working / name).parent.mkdir(exist_ok=True)
        (working / name).write_text(text)
    return working


@pytest.fixture(scope="module")
def aftermath(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aftermath]:
    """Made once."""
    place = tmp_path_factory.mktemp("hostile")
    surroundings = place / "outside"
    working = lay_traps(surroundings)
    home = Home(place / "home")
    honest = Repository(place / "honest").write(item_files())
    honest.commit()
    urls = {title: _make(title, place / "origins", surroundings) for title in CASES}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(surroundings / "user"))
        patch.setenv("GIT_CONFIG_GLOBAL", str(surroundings / "user" / ".gitconfig"))
        patch.chdir(working)
        add_repository(home, "honest", str(honest.path))
        assert not sync(home).failed
        install(home, ["honest/recon", "honest/blocklist"])
        honest.write({"apps/blocklist/README.md": "# news\n"}).commit()
        for title, url in urls.items():
            add_repository(home, NAMES[title], *url.split("#"))
        before, lock = photograph(surroundings), home.lock.read_bytes()
        begin = time.monotonic()
        report = sync(home)
        seconds = time.monotonic() - begin
        reports = {one.name: one for one in report.repositories}
        yield Aftermath(
            home=home, surroundings=surroundings, before=before, lock=lock, reports=reports, urls=urls, seconds=seconds
        )


def _make(title: str, origins: Path, outside: Path) -> str:
    site = Site(repository=RawRepository(origins / NAMES[title]), outside=outside)
    CASES[title].build(site)
    site.repository.publish()
    return "#".join([site.url or str(site.repository.path), *([site.ref] if site.ref else [])])


def test_ordinary_git_would_spring_the_traps(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    lay_traps(outside)
    settings = {**BUILDER_ENVIRONMENT, "GIT_CONFIG_GLOBAL": str(outside / "user" / ".gitconfig")}
    subprocess.run(["git", "init", "--quiet", "victim"], cwd=tmp_path, env=settings, check=True)
    assert not (outside / "owned").exists()
    subprocess.run(["git", "commit", "--quiet", "--allow-empty", "-m", "x"], cwd=tmp_path / "victim", env=settings, check=True)
    assert (outside / "owned").exists()


REFUSED = [title for title, case in CASES.items() if case.refused]
HANDLED = [title for title, case in CASES.items() if not case.refused]


@pytest.mark.parametrize("title", REFUSED)
def test_refused_as_a_whole(aftermath: Aftermath, title: str) -> None:
    report = aftermath.reports[NAMES[title]]
    assert report.error, "it was accepted"
    assert_one_message(report.error)
    with pytest.raises(UserError, match=CASES[title].refused):
        raise report.error
    assert read_catalog(aftermath.home, NAMES[title]) is None
    aftermath.untouched()


@pytest.mark.parametrize("title", HANDLED)
def test_taken_apart(aftermath: Aftermath, title: str) -> None:
    case, report = CASES[title], aftermath.reports[NAMES[title]]
    assert report.error is None, report.error
    catalog = aftermath.catalog(title)
    offered = [item for item in catalog.items if not item.errors]
    broken = {item.name: item for item in catalog.items if item.errors}
    assert sorted(item.name for item in offered) == sorted(case.offered)
    assert broken.keys() == case.broken.keys()
    for name, rule in case.broken.items():
        assert rule in {issue.rule for issue in broken[name].errors}, broken[name].errors
        cannot_be_installed(aftermath.home, broken[name])
    told = {issue.path for issue in [*catalog.issues, *(issue for item in catalog.items for issue in item.issues)]}
    assert set(case.left_out) <= told
    aftermath.untouched()


def cannot_be_installed(home: Home, item: CatalogItem) -> None:
    """A person who names it is told why not."""
    before = read_lock(home)
    with pytest.raises(UserError) as raised:
        install(home, [f"{item.repository}/{item.name}"])
    assert_one_message(raised.value)
    assert read_lock(home) == before


def assert_one_message(error: UserError) -> None:
    """Something to read, and something to do."""
    assert error.message and len(error.message) < 1000
    assert error.hint


def test_the_honest_one_goes_on(aftermath: Aftermath) -> None:
    report = aftermath.reports["honest"]
    assert report.error is None
    assert list(report.changed) == ["blocklist"]
    assert aftermath.seconds < PATIENCE_S


INSTALLED_TOO = [
    ".gitattributes with filters", "replaced objects and grafts", "a link to a secret in an item", "hooks in the tree",
    "URLs that are rewritten", "item: 3,000 files", ".lfsconfig", "a hook for packing",
]  # fmt: skip


@pytest.mark.parametrize("title", INSTALLED_TOO)
def test_what_is_installed_is_what_was_committed(aftermath: Aftermath, title: str, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    add_repository(home, "alone", *aftermath.urls[title].split("#"))
    assert not sync(home).failed
    install(home, ["blocklist"])
    (locked,) = read_lock(home).items
    folder = home.content(locked.hash)
    assert json.loads((folder / "app.json").read_bytes()) == APP
    assert "ip_reputation" in (folder / "app.py").read_text()
    assert not any(path.is_symlink() for path in folder.rglob("*"))
    assert not any(path.stat().st_mode & 0o111 for path in folder.rglob("*") if path.is_file())
    aftermath.untouched()


def test_an_item_of_too_many_files_is_not_installed(home: Home, tmp_path: Path) -> None:
    made = RawRepository(tmp_path / "many")
    files = {**item_files(), **{f"apps/blocklist/data/{number}.csv": "x" for number in range(5_001)}}
    made.commit(made.folder(made.entries(files)))
    add_repository(home, "many", str(made.publish()))
    assert not sync(home).failed
    with pytest.raises(UserError, match="more than 5000 files in one item"):
        install(home, ["blocklist"])
    assert not read_lock(home).items


class MemoryTree:
    """Files that are nowhere."""

    def __init__(self, files: dict[str, bytes], issues: list[Issue]) -> None:
        self.files = Files((path, TreeEntry(path=path, size=len(content))) for path, content in files.items())
        self.issues = issues
        self._contents = files

    def read(self, path: str) -> bytes:
        """The bytes of a file."""
        return self._contents[path]


def test_ten_thousand_items_and_as_many_links_are_no_more_work_each_than_a_few() -> None:
    count = 10_000
    files = {f"a{number}/app.json": b"{" for number in range(count)}
    links = [Issue(path=f"a{number}/x", rule="left-out", severity="warning", message="a link") for number in range(count)]
    begin = time.process_time()
    inspection = inspect_tree(MemoryTree(files, links))
    assert time.process_time() - begin < PATIENCE_S / 2
    assert len(inspection.items) == count
    assert all({"left-out", "manifest-syntax"} <= {issue.rule for issue in item.issues} for item in inspection.items)


TOLD = ("name: a terminal escape", "item: named by a terminal escape", "names of branches that are commands", "HEAD is nonsense")
COMMANDS = [("sync", *(NAMES[title] for title in TOLD)), ("search",), ("search", "owned"), ("repo", "list"), ("list",)]


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[0])
def test_no_output_commands_a_terminal(aftermath: Aftermath, words: tuple[str, ...], tmp_path: Path) -> None:
    user = User(aftermath.home.root, tmp_path)
    told = user(*words)
    assert "Traceback" not in told.err
    assert commanding(told.out + told.err) == set()
    if words[0] != "sync":
        assert told.code == 0, told
    aftermath.untouched()


def commanding(text: str) -> set[str]:
    """Characters that a terminal would obey."""
    return {character for character in text if not character.isprintable() and character != "\n"}


def test_neither_errors_nor_json_command_a_terminal(tmp_path: Path) -> None:
    """What is wrong with an item quotes it, also where it cannot be installed."""
    key = '"a\x9b31m\u202eb\\u001b[2J": 1'
    text = f"{json.dumps(APP)[:-1]}, {key}, {key}}}"
    made = Repository(tmp_path / "made").write({**item_files(), "apps/blocklist/app.json": text})
    made.commit()
    user = User(tmp_path / "home", tmp_path)
    user.done("repo", "add", "made", str(made.path), "--sync")
    told = user("install", "made/blocklist")
    assert (told.code, "\\x9b31m" in told.err) == (1, True)
    as_json = user("info", "made/blocklist", "--json")
    assert "\\u009b31m\\u202eb\\u001b[2J is given twice" in as_json.out
    for one in (told, as_json, user("install", "made/blocklist", "--json"), user("info", "made/blocklist")):
        assert commanding(one.out + one.err) == set(), one
    assert isinstance(as_json.json, dict)


def test_validate_says_the_same_without_escapes(tmp_path: Path) -> None:
    folder = tmp_path / "content"
    (folder / "x").mkdir(parents=True)
    (folder / "x" / "app.json").write_text(json.dumps({**APP, "name": "\x1b[2J\x1b]0;owned\x07", "\x9b31m": 1}))
    (folder / "\x1b[31mred").write_text("")
    told = User(tmp_path / "home", tmp_path)("validate", str(folder))
    assert told.code == 1
    assert commanding(told.out + told.err) == set()
