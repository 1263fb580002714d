"""Following and syncing."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable

import pluggy
import pytest

from content.builders import APP, Repository, item_files
from repertory.content.checks.manifests import schema_validator
from repertory.content.git.tree import Tree
from repertory.content.items.found import FoundItem
from repertory.content.items.hookspecs import hookimpl
from repertory.content.items.plugins import content_plugins
from repertory.content.offered.catalog import catalog_items, find_item, read_catalog
from repertory.content.offered.repositories import (
    RepositorySync,
    add_repository,
    list_repositories,
    remove_repository,
    sync,
)
from repertory.errors import NotFound, UserError
from repertory.home import Home


def test_following(home: Home, community: Repository) -> None:
    add_repository(home, "community", str(community.path), "main")
    add_repository(home, "acme", "git@example.org:acme/content.git")
    assert [(one.name, one.ref) for one in list_repositories(home)] == [("acme", ""), ("community", "main")]
    assert remove_repository(home, "acme").url == "ssh://git@example.org/acme/content.git"
    assert [one.name for one in list_repositories(home)] == ["community"]


@pytest.mark.parametrize("name", ["", "Acme", "1st", "a_b", "a/b", "../x", "x" * 41])
def test_refused_names(home: Home, name: str) -> None:
    with pytest.raises(UserError, match="no name for a repository"):
        add_repository(home, name, "https://example.org/x")
    assert list_repositories(home) == []


def test_a_name_is_taken_once(home: Home) -> None:
    add_repository(home, "acme", "https://example.org/x")
    with pytest.raises(UserError, match=r"followed already, at https://example\.org/x"):
        add_repository(home, "acme", "https://example.org/y")


def test_unknown_names(home: Home) -> None:
    add_repository(home, "community", "https://example.org/x")
    with pytest.raises(NotFound) as raised:
        sync(home, ["comunity"])
    assert raised.value.hint == "did you mean community?"
    with pytest.raises(NotFound):
        remove_repository(home, "acme")


def test_a_damaged_list(home: Home) -> None:
    home.prepare()
    home.follows.write_text("{")
    with pytest.raises(UserError, match="cannot read"):
        list_repositories(home)


def test_what_a_sync_tells(home: Home, community: Repository) -> None:
    add_repository(home, "community", str(community.path))
    heard: list[RepositorySync] = []
    (first,) = sync(home, progress=heard.append).repositories
    assert heard == [first]
    assert (first.added, first.changed, first.removed, first.broken) == (["blocklist", "recon"], [], [], [])
    (again,) = sync(home).repositories
    assert (again.added, again.changed, again.removed, again.items) == ([], [], [], 2)

    community.write({"apps/blocklist/README.md": "new", "apps/other/app.json": "{"})
    community.git("rm", "-r", "--quiet", "playbooks")
    community.commit()
    (third,) = sync(home, ["community"]).repositories
    assert (third.added, third.changed, third.removed) == (["other"], ["blocklist"], ["recon"])
    assert third.broken == ["other"]
    assert third.commit == community.git("rev-parse", "HEAD")


def test_one_failure_does_not_stop_the_others(home: Home, community: Repository) -> None:
    add_repository(home, "gone", str(community.path), "no-such-branch")
    add_repository(home, "here", str(community.path))
    report = sync(home)
    assert [one.name for one in report.failed] == ["gone"]
    assert report.failed[0].error is not None
    assert "it has main" in report.failed[0].error.hint
    assert {item.repository for item in catalog_items(home)} == {"here"}


def test_a_failed_sync_keeps_the_old_catalogue(synced_home: Home, community: Repository) -> None:
    before = read_catalog(synced_home, "community")
    community.path.rename(community.path.with_name("elsewhere"))
    assert sync(synced_home).failed
    assert read_catalog(synced_home, "community") == before is not None


def test_the_catalogue_has_its_published_form(synced_home: Home) -> None:
    plain = json.loads(synced_home.catalog("community").read_bytes())
    assert not list(schema_validator("catalog").iter_errors(plain))
    assert len(plain["items"]) == 2


def test_only_changed_items_are_checked_again(synced_home: Home, community: Repository) -> None:
    path = synced_home.catalog("community")
    plain = json.loads(path.read_bytes())
    for item in plain["items"]:
        item["issues"] = [{"path": item["path"], "rule": "remembered", "severity": "warning", "message": "earlier"}]
    path.write_text(json.dumps(plain))
    community.write({"apps/blocklist/README.md": "new"}).commit()
    sync(synced_home)
    assert {item.name: [issue.rule for issue in item.issues] for item in catalog_items(synced_home)} == {
        "blocklist": [],
        "recon": ["remembered"],
    }
    path.write_text(path.read_text().replace('"made_by":"', '"made_by":"another '))
    sync(synced_home)
    assert find_item(synced_home, "recon").issues == ()


def test_the_catalogue_can_be_deleted(synced_home: Home) -> None:
    before = catalog_items(synced_home)
    synced_home.catalog("community").write_text("{}")
    assert catalog_items(synced_home) == []
    synced_home.catalog("community").unlink()
    sync(synced_home)
    assert catalog_items(synced_home) == before


def test_finding(synced_home: Home) -> None:
    assert find_item(synced_home, "recon") == find_item(synced_home, "community/recon")
    assert find_item(synced_home, "recon").version == "1.0.0"
    assert find_item(synced_home, "recon") in catalog_items(synced_home)


def test_not_found_names_the_nearest(synced_home: Home) -> None:
    with pytest.raises(NotFound) as raised:
        find_item(synced_home, "blocklst")
    assert raised.value.hint == "did you mean community/blocklist?"


def test_nothing_synced(home: Home) -> None:
    with pytest.raises(NotFound) as raised:
        find_item(home, "blocklist")
    assert "repertory sync" in raised.value.hint


def test_short_names_may_be_ambiguous(synced_home: Home, new_repository: Callable[[str], Repository]) -> None:
    other = new_repository("acme").write(item_files())
    other.commit()
    add_repository(synced_home, "acme", str(other.path))
    sync(synced_home)
    with pytest.raises(UserError, match="more than one repository") as raised:
        find_item(synced_home, "recon")
    assert raised.value.hint == "name one: acme/recon, community/recon"
    assert find_item(synced_home, "acme/recon").repository == "acme"


def test_one_name_twice_in_a_repository(synced_home: Home, community: Repository) -> None:
    community.write({"more/app.json": json.dumps(APP), "more/app.py": item_files()["apps/blocklist/app.py"]}).commit()
    (report,) = sync(synced_home).repositories
    assert report.broken == ["blocklist"]
    told = [issue for item in catalog_items(synced_home) for issue in item.errors]
    assert {(issue.path, issue.rule) for issue in told} == {
        ("apps/blocklist/app.json", "item-name"),
        ("more/app.json", "item-name"),
    }
    assert "more/app.json" in told[0].message


def test_reading_what_is_offered_and_installed_is_light() -> None:
    loaded = "[name for name in ('git', 'uv', 'jsonschema', 'subprocess') if name in sys.modules]"
    code = f"import sys, repertory.content.offered.catalog, repertory.content.installed.lock; sys.exit({loaded} or 0)"
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": ":".join(sys.path)})


def test_content_is_never_imported(home: Home, community: Repository) -> None:
    trap = community.path.parent / "executed"
    line = f"open({str(trap)!r}, 'w')\n"
    code = str(item_files()["apps/blocklist/app.py"])
    community.write({"apps/blocklist/app.py": code + line, "conftest.py": line, "setup.py": line}).commit()
    add_repository(home, "community", str(community.path))
    assert sync(home).repositories[0].broken == []
    assert not trap.exists()


def test_a_plug_ins_mistake_stops_only_the_repository_it_concerns(
    synced_home: Home, community: Repository, new_repository: Callable[[str], Repository], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Clumsy:
        """A plug-in that cannot stand one file."""

        @hookimpl
        def repertory_find_items(self, tree: Tree) -> list[FoundItem]:
            if "odd" in tree.files:
                raise ZeroDivisionError("odd")
            return []

    def with_clumsy() -> pluggy.PluginManager:
        manager = content_plugins()
        manager.register(Clumsy())
        return manager

    monkeypatch.setattr("repertory.content.offered.repositories.content_plugins", with_clumsy)
    odd = new_repository("odd")
    odd.write({"odd": "x"})
    odd.commit()
    add_repository(synced_home, "odd", str(odd.path))
    (community.path / "README.md").write_text("news\n")
    community.commit()
    report = {one.name: one for one in sync(synced_home).repositories}
    assert report["community"].error is None
    assert report["odd"].error is not None
    assert "ZeroDivisionError: odd" in report["odd"].error.message
