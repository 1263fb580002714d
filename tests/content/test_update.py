"""Outdated, different, updated, pinned: what becomes of installed items when their authors go on."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from content.builders import APP, PLAYBOOK, Repository, item_files
from content.changing_app import publish
from content.signing import SshKey, new_ssh_key
from repertory.content.changes.consent import Consent, agree
from repertory.content.changes.differences import Difference, difference, field_changes
from repertory.content.changes.install import carry_out, install
from repertory.content.changes.permissions import phrase_of, sentence_of, widening
from repertory.content.changes.planning import Request, make_plan
from repertory.content.changes.review import LeftOut, Review, ReviewedItem
from repertory.content.changes.updates import outdated, set_pinned
from repertory.content.installed.contents import verify_hash
from repertory.content.installed.lock import LockedItem, installed, read_lock
from repertory.content.offered.repositories import add_repository, remove_repository, sync
from repertory.content.trust.trust import accept_signer
from repertory.errors import NotFound, UserError
from repertory.home import Home
from repertory.settings import InstallPolicy

ALL = Request(update=True, command="update")


@pytest.fixture
def team_home(synced_home: Home) -> Home:
    """Both items are installed."""
    install(synced_home, ["recon"])
    return synced_home


def review(home: Home, *names: str) -> Review:
    return make_plan(home, Request(names=names, update=True, command="update")).review


def published(home: Home, repository: Repository, version: str, **changes: Any) -> ReviewedItem:
    """What an update to this version of the app shows."""
    publish(repository, version, **changes)
    assert not sync(home).failed
    (changing,) = review(home).changing
    return changing


def locked(home: Home, name: str = "community/blocklist") -> LockedItem:
    found = read_lock(home).item(name)
    assert found is not None
    return found


# ------------------------------------------------------------------ widening

BASE: dict[str, Any] = {"hosts": ["a.example.net:443"]}
WIDER: dict[str, tuple[dict[str, Any], str]] = {
    "an action that changes things": ({"blocks": True}, "action:block ip [contain]"),
    "a host": ({"hosts": ["a.example.net:443", "b.example.net:443"]}, "host:b.example.net:443"),
    "another port": ({"hosts": ["a.example.net:8443"]}, "host:a.example.net:8443"),
}
NOT_WIDER: dict[str, dict[str, Any]] = {"less": {"hosts": []}, "other code": {**BASE, "note": "quicker"}}


@pytest.mark.parametrize("name", WIDER)
def test_what_wants_more_asks(team_home: Home, community: Repository, name: str) -> None:
    published(team_home, community, "1.1.0", **BASE)
    carry_out(team_home, ALL)
    changes, grant = WIDER[name]
    item = published(team_home, community, "1.2.0", **{**BASE, **changes})
    assert (item.previous, item.added, item.asks) == ("1.1.0", [grant], True)
    with pytest.raises(UserError, match="nobody is here to agree"):
        agree(review(team_home), Consent(), InstallPolicy(allow="anything"))
    assert locked(team_home).version == "1.1.0"


@pytest.mark.parametrize("name", NOT_WIDER)
def test_what_wants_no_more_goes_through(team_home: Home, community: Repository, name: str) -> None:
    published(team_home, community, "1.1.0", **BASE)
    carry_out(team_home, ALL)
    item = published(team_home, community, "1.2.0", **NOT_WIDER[name])
    assert (item.added, item.asks) == ([], False)
    agree(review(team_home), Consent(), InstallPolicy(allow="nothing"))
    (report,) = carry_out(team_home, ALL)
    assert (report.name, report.state, report.version) == ("community/blocklist", "updated", "1.2.0")
    assert locked(team_home).grants == tuple(item.grants)


WIDENING = {
    "action": (["action:block ip [contain]"], ["action:block ip [contain]", "action:wipe [generic]"], ["action:wipe [generic]"]),
    "an action reads no more": (["query:tag [generic]"], ["action:tag [generic]"], ["action:tag [generic]"]),
    "an action changes no more": (["action:tag [generic]"], ["query:tag [generic]"], []),
    "its undo is gone": (["action:b [contain, undo u]"], ["action:b [contain]"], ["action:b [contain]"]),
    "its type": (["action:b [generic]"], ["action:b [contain]"], ["action:b [contain]"]),
    "one that only reads": ([], ["query:ip reputation [investigate]"], []),
    "file": (["file:/a"], ["file:/a", "file:/b"], ["file:/b"]),
    "program": ([], ["program:nmap"], ["program:nmap"]),
    "package": (["package:idna"], ["package:idna", "package:evil"], ["package:evil"]),
    "a package less": (["package:idna", "package:evil"], ["package:idna"], []),
    "a known action that only reads": ([], ["use:ip reputation"], []),
    "an action that nobody knows": ([], ["use:wipe"], ["use:wipe"]),
    "a child": ([], ["start:recon"], ["start:recon"]),
}


@pytest.mark.parametrize("name", WIDENING)
def test_what_widens(name: str) -> None:
    before, after, added = WIDENING[name]
    assert widening(before, after, ["ip reputation"]) == added


def test_grants_read_as_a_sentence() -> None:
    grants = ["action:disable user [contain]", "host:api.example.net:443"]
    assert sentence_of(grants) == "`disable user` (contain) and reach api.example.net:443"
    assert sentence_of([*grants, "start:x"]).endswith(", reach api.example.net:443 and start the playbook x")
    assert phrase_of("package:idna") == "bring the package idna"


# -------------------------------------------------------------------- updates


def test_nothing_to_update(team_home: Home, community: Repository) -> None:
    before = team_home.lock.read_bytes()
    community.write({"README.md": "news"}).commit()
    sync(team_home)
    assert review(team_home).changing == []
    assert carry_out(team_home, ALL) == []
    assert outdated(team_home) == []
    assert team_home.lock.read_bytes() == before


def test_only_the_named_items_are_updated(team_home: Home, community: Repository) -> None:
    publish(community, "1.1.0")
    community.write({"playbooks/recon/README.md": "now with a text"}).commit()
    sync(team_home)
    assert [item.name for item in review(team_home, "blocklist").changing] == ["community/blocklist"]
    assert len(review(team_home).changing) == 2
    with pytest.raises(NotFound):
        review(team_home, "whois")


def test_an_item_that_is_not_on_offer_any_more_stays(team_home: Home, community: Repository) -> None:
    community.git("rm", "-rq", "apps")
    community.commit()
    sync(team_home)
    (left,) = review(team_home).left_out
    assert (left.name, left.message) == ("community/blocklist", "is not on offer any more")
    assert "repertory pin community/blocklist" in left.hint
    (gone,) = outdated(team_home)
    assert (gone.item.name, gone.version, gone.problem) == ("community/blocklist", "", "not on offer any more")
    with pytest.raises(UserError, match="not on offer any more"):
        difference(team_home, "blocklist")


def test_a_broken_item_stays(team_home: Home, community: Repository) -> None:
    community.write({"apps/blocklist/app.json": "{"})
    commit = community.commit()
    sync(team_home)
    (left,) = review(team_home).left_out
    assert (left.name, "cannot be installed" in left.message, left.hint != "") == ("community/blocklist", True, True)
    assert [one.problem for one in outdated(team_home)] == [f"broken at {commit[:12]}"]
    with pytest.raises(UserError, match="cannot be installed"):
        review(team_home, "blocklist")


def test_the_same_name_from_elsewhere_asks(
    team_home: Home, community: Repository, new_repository: Callable[[str], Repository]
) -> None:
    other = new_repository("other").write(item_files())
    publish(other, "1.0.1")
    remove_repository(team_home, "community")
    add_repository(team_home, "community", str(other.path))
    sync(team_home)
    changing = review(team_home).changing
    assert {item.name: item.moved_from for item in changing} == {
        "community/blocklist": community.path.as_uri(),
        "community/recon": community.path.as_uri(),
    }
    with pytest.raises(UserError, match="comes from somebody else than before"):
        agree(review(team_home), Consent(yes=True), InstallPolicy())


def test_another_signer_stops_until_a_person_accepts_it(team_home: Home, community: Repository, tmp_path: Path) -> None:
    def signed(key: SshKey, version: str) -> None:
        publish(community, version)
        community.git(*key.settings, "commit", "--quiet", "--amend", "--no-edit", "-S")

    alice, mallory = (new_ssh_key(tmp_path / name) for name in ("alice", "mallory"))
    signed(alice, "1.1.0")
    assert not sync(team_home).failed
    assert [item.asks for item in review(team_home).changing] == [False]  # it was unsigned: nothing is lost
    carry_out(team_home, ALL)
    assert alice.fingerprint in locked(team_home).signer
    before = team_home.lock.read_bytes()
    signed(mallory, "1.2.0")
    (failed,) = sync(team_home).failed
    assert failed.error is not None and "community was signed by" in failed.error.message
    assert (carry_out(team_home, ALL), outdated(team_home)) == ([], [])
    assert team_home.lock.read_bytes() == before
    accept_signer(team_home, "community", mallory.fingerprint)
    assert not sync(team_home).failed
    (item,) = review(team_home).changing
    assert (item.asks, alice.fingerprint in item.signed_before) == (True, True)
    with pytest.raises(UserError, match="comes from somebody else than before"):
        agree(review(team_home), Consent(yes=True), InstallPolicy())
    carry_out(team_home, ALL, reviewed=review(team_home).digest)
    assert mallory.fingerprint in locked(team_home).signer


def test_changed_bytes_under_an_unchanged_version_stop(team_home: Home, community: Repository) -> None:
    served = [team_home.lock, team_home.catalog("community")]
    community.write({"apps/blocklist/extra.txt": "x"}).commit()
    sync(team_home)
    for path in served:
        path.write_text(path.read_text().replace(community.path.as_uri(), "https://example.org/community"))
    (left,) = review(team_home).left_out
    assert left.message == "community/blocklist 1.0.0: changed bytes under an unchanged version"
    with pytest.raises(UserError, match=r"community/blocklist 1\.0\.0: changed bytes under an unchanged version"):
        review(team_home, "blocklist")
    (one,) = outdated(team_home)
    assert one.problem == "changed bytes under an unchanged version"


@pytest.fixture
def three_homes(team_home: Home, new_repository: Callable[[str], Repository]) -> dict[str, Repository]:
    """Follows two more repositories, and has their apps installed."""
    made = {}
    for name in ("second", "third"):
        made[name] = new_repository(name).write(item_files())
        made[name].commit()
        add_repository(team_home, name, str(made[name].path))
    assert not sync(team_home).failed
    install(team_home, ["second/blocklist", "third/blocklist"])
    return made


def test_an_update_goes_on_past_what_cannot_be_updated(
    team_home: Home, community: Repository, three_homes: dict[str, Repository]
) -> None:
    """One is broken, the copy of another repository is gone."""
    community.write({"apps/blocklist/app.json": "{", "playbooks/recon/README.md": "more"}).commit()
    for repository in three_homes.values():
        publish(repository, "1.1.0")
    assert not sync(team_home).failed
    shutil.rmtree(team_home.repository("second"))
    found = review(team_home)
    assert [one.name for one in found.left_out] == ["community/blocklist", "second/blocklist"]
    assert all(one.hint for one in found.left_out)
    assert [item.name for item in found.changing] == ["community/recon", "third/blocklist"]
    reports = carry_out(team_home, ALL, reviewed=found.digest)
    assert [(one.name, one.state) for one in reports] == [("community/recon", "updated"), ("third/blocklist", "updated")]
    assert (locked(team_home).version, locked(team_home, "third/blocklist").version) == ("1.0.0", "1.1.0")
    assert [item.name for item in review(team_home, "third/blocklist", "second/blocklist").changing] == []


def test_an_update_goes_on_past_an_environment_that_cannot_be_built(
    team_home: Home, three_homes: dict[str, Repository], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_OFFLINE", "1")
    three_homes["second"].write({"apps/blocklist/requirements.lock": f"nowhere==1.0 --hash=sha256:{'0' * 64}\n"})
    publish(three_homes["second"], "1.1.0", requires=["nowhere==1.0"])
    publish(three_homes["third"], "1.1.0")
    assert not sync(team_home).failed
    left: list[LeftOut] = []
    reports = carry_out(team_home, ALL, leave_out=left.append)
    assert [one.name for one in reports] == ["third/blocklist"]
    assert [(one.name, one.hint != "") for one in left] == [("second/blocklist", True)]
    assert locked(team_home, "second/blocklist").version == "1.0.0"
    with pytest.raises(UserError, match="the environment cannot be built"):
        carry_out(team_home, ALL)


# ------------------------------------------------------------------- outdated


def test_outdated(team_home: Home, community: Repository) -> None:
    commit = publish(community, "1.1.0", blocks=True, hosts=["api.example.net:443"])
    assert outdated(team_home) == []
    sync(team_home)
    (one,) = outdated(team_home)
    assert (one.item.version, one.version, one.commit, one.asks) == ("1.0.0", "1.1.0", commit, True)
    assert one.added == ["action:block ip [contain]", "host:api.example.net:443"]
    assert outdated(team_home, ["recon"]) == []
    assert [found.item.name for found in outdated(team_home, ["blocklist"])] == ["community/blocklist"]


def test_a_repository_in_disorder_does_not_hide_the_others(
    team_home: Home, community: Repository, new_repository: Callable[[str], Repository]
) -> None:
    second = new_repository("second").write(item_files())
    second.commit()
    add_repository(team_home, "second", str(second.path))
    sync(team_home)
    install(team_home, ["second/blocklist"])
    for repository in (community, second):
        publish(repository, "1.1.0")
    sync(team_home)
    team_home.repository("second").rename(team_home.repository("gone"))
    first, other = outdated(team_home)
    assert (first.item.name, first.version, first.problem) == ("community/blocklist", "1.1.0", "")
    assert (other.item.name, other.problem != "") == ("second/blocklist", True)


# ------------------------------------------------------------------- pinning


def test_a_pinned_item_stays_and_is_told(team_home: Home, community: Repository) -> None:
    (pinned,) = set_pinned(team_home, ["blocklist"], pinned=True)
    assert (pinned.name, locked(team_home).pinned) == ("community/blocklist", True)
    publish(community, "1.1.0")
    sync(team_home)
    assert review(team_home).changing == []
    assert review(team_home).notes == ["community/blocklist is pinned to 1.0.0: left as it is"]
    assert outdated(team_home)[0].item.pinned
    with pytest.raises(UserError, match="is pinned to") as raised:
        install(team_home, ["blocklist"])
    assert raised.value.hint == "let it go first: repertory unpin community/blocklist"
    set_pinned(team_home, ["blocklist"], pinned=False)
    carry_out(team_home, ALL)
    assert (locked(team_home).version, locked(team_home).pinned) == ("1.1.0", False)


def test_a_pin_outlives_a_repair(team_home: Home) -> None:
    set_pinned(team_home, ["blocklist"], pinned=True)
    before = team_home.lock.read_bytes()
    install(team_home, ["blocklist"])
    assert team_home.lock.read_bytes() == before


def test_a_pinned_child_does_not_come_along(team_home: Home, community: Repository) -> None:
    set_pinned(team_home, ["recon"], pinned=True)
    child = PLAYBOOK | {"name": "child", "function": "child", "playbooks": ["recon"]}
    code = str(item_files()["playbooks/recon/playbook.py"]).replace("def recon", "def child") + '    play.run("recon")\n'
    community.write({"playbooks/recon/README.md": "more", "child/playbook.json": json.dumps(child), "child/playbook.py": code})
    community.commit()
    sync(team_home)
    before = locked(team_home, "community/recon")
    plan = make_plan(team_home, Request(names=["child"], command="install child"))
    assert plan.review.notes == ["community/recon is pinned to 1.0.0: left as it is"]
    install(team_home, ["child"])
    assert locked(team_home, "community/recon") == before


def test_pinned_to_an_earlier_commit(team_home: Home, community: Repository) -> None:
    first = publish(community, "1.1.0")
    publish(community, "1.2.0")
    sync(team_home)
    carry_out(team_home, ALL)
    request = Request(names=["blocklist"], at=first, pin=True, command="pin blocklist")
    plan = make_plan(team_home, request)
    assert [(item.change, item.previous, item.version) for item in plan.review.items] == [("update", "1.2.0", "1.1.0")]
    carry_out(team_home, request, reviewed=plan.review.digest)
    item = locked(team_home)
    assert (item.version, item.commit, item.pinned) == ("1.1.0", first, True)
    assert review(team_home).notes == ["community/blocklist is pinned to 1.1.0: left as it is"]
    verify_hash(installed(team_home).apps["community/blocklist"])


def test_commits_that_cannot_be_pinned_to(team_home: Home, community: Repository) -> None:
    def pinned_at(commit: str) -> None:
        carry_out(team_home, Request(names=["blocklist"], at=commit, pin=True, command="pin"))

    before = team_home.lock.read_bytes()
    community.git("checkout", "-q", "--orphan", "apart")
    community.git("rm", "-rfq", "apps")
    apart = community.commit()
    with pytest.raises(UserError, match="'main' is not a whole commit id"):
        pinned_at("main")
    with pytest.raises(UserError, match="has no branch, tag or commit"):
        pinned_at("1" * 40)
    with pytest.raises(UserError, match=f"community/blocklist is not in commit {apart[:12]}"):
        pinned_at(apart)
    gone = community.commit()
    community.git("checkout", "-q", "main")
    community.git("branch", "-qD", "apart")
    community.git("config", "uploadpack.allowAnySHA1InWant", "true")
    with pytest.raises(UserError, match="in none of its branches and tags"):
        carry_out(team_home, Request(names=["recon"], at=gone, pin=True, command="pin"))
    assert team_home.lock.read_bytes() == before


# ---------------------------------------------------------------- differences


def test_no_difference(team_home: Home) -> None:
    found = difference(team_home, "blocklist")
    assert (found.review.change, found.gained, found.fields, found.dependencies, found.files) == ("unchanged", [], [], [], [])


def test_permissions_manifest_dependencies_code(team_home: Home, community: Repository) -> None:
    pins = [f"idna==3.7 --hash=sha256:{'c' * 64}", f"new-one==1 --hash=sha256:{'d' * 64}"]
    community.write({"apps/blocklist/requirements.lock": "\n".join(pins)})
    community.write({"apps/blocklist/feed.py": "FEED = 1\n"})
    publish(community, "1.1.0", blocks=True, hosts=["api.example.net:443"], requires=["idna"], note="\x1b[2Jhidden\r")
    sync(team_home)
    found = difference(team_home, "blocklist")
    assert found.gained[:1] == ["action:block ip [contain]"]
    assert found.review.added == [
        "action:block ip [contain]", "host:api.example.net:443", "package:idna", "package:new-one",
    ]  # fmt: skip
    assert [(one.name, one.before, one.after) for one in found.dependencies] == [("idna", "", "3.7"), ("new-one", "", "1")]
    changes = {one.path: (one.before, one.after) for one in found.fields}
    assert changes["version"] == ("1.0.0", "1.1.0")
    assert changes["actions.block ip"][0] is None
    assert {file.path: file.change for file in found.files} == {"app.py": "changed", "feed.py": "added"}
    assert _code(found, "app.py").splitlines()[:2] == ["--- installed/app.py", "+++ offered/app.py"]
    assert "+FEED = 1" in _code(found, "feed.py")


def _code(found: Difference, path: str) -> str:
    return next(file.diff for file in found.files if file.path == path)


def test_what_is_no_text_or_too_long_is_said(team_home: Home, community: Repository) -> None:
    community.write({"apps/blocklist/a.dat": b"\xff\xfe", "apps/blocklist/long.txt": "x\n" * 6_000}).commit()
    sync(team_home)
    notes = {file.path: (file.diff, file.note) for file in difference(team_home, "blocklist").files}
    assert notes == {
        "a.dat": ("", "not text: 0 bytes, then 2"),
        "long.txt": ("", "too long to compare: 1 line, then 6001"),
    }


def test_changed_files_cannot_be_compared(team_home: Home, community: Repository) -> None:
    path = team_home.content(locked(team_home).hash) / "app.py"
    path.chmod(0o644)
    path.write_text("import os\n")
    publish(community, "1.1.0")
    sync(team_home)
    with pytest.raises(UserError, match="missing or were changed"):
        difference(team_home, "blocklist")


FIELDS: dict[str, tuple[Any, Any, list[tuple[str, Any, Any]]]] = {
    "equal": (APP, APP, []),
    "a value": ({"a": 1}, {"a": 2}, [("a", 1, 2)]),
    "new": ({}, {"a": None, "b": 1}, [("b", None, 1)]),
    "by name": (
        {"actions": [{"name": "x", "t": 1}, {"name": "y"}]},
        {"actions": [{"name": "y"}, {"name": "x", "t": 2}]},
        [("actions.x.t", 1, 2)],
    ),
    "a list": ({"a": [1, 2]}, {"a": [2, 1]}, [("a", [1, 2], [2, 1])]),
    "another type": ({"a": {"b": 1}}, {"a": [1]}, [("a", {"b": 1}, [1])]),
}


@pytest.mark.parametrize("name", FIELDS)
def test_fields_that_differ(name: str) -> None:
    before, after, expected = FIELDS[name]
    assert [(one.path, one.before, one.after) for one in field_changes(before, after)] == expected
