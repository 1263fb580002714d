"""The one review before a change, and who may agree to it."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from content.builders import APP, APP_CODE, PLAYBOOK, Repository, item_files
from content.changing_app import publish
from content.signing import NEW_YEAR_2026, write_commit
from repertory.content.changes.consent import Consent, agree
from repertory.content.changes.install import carry_out, install
from repertory.content.changes.planning import Request, make_plan
from repertory.content.changes.review import Review
from repertory.content.changes.versions import is_older
from repertory.content.installed.lock import read_lock
from repertory.content.offered.repositories import add_repository, sync
from repertory.errors import UserError
from repertory.home import Home
from repertory.settings import InstallPolicy

DEFAULT, NOTHING, ANYTHING = InstallPolicy(), InstallPolicy(allow="nothing"), InstallPolicy(allow="anything")


def review(home: Home, *names: str, apps: tuple[str, ...] = ()) -> Review:
    return make_plan(home, Request(names=names, apps=apps, command="install")).review


def republish(home: Home, repository: Repository, version: str, **changes: object) -> None:
    publish(repository, version, **changes)  # type: ignore[arg-type]
    assert not sync(home).failed


def test_everything_is_reviewed_and_nothing_written(synced_home: Home, community: Repository) -> None:
    hosts = ["api.example.net:443"]
    commit = publish(community, "1.1.0", blocks=True, hosts=hosts)
    sync(synced_home)
    before = sorted(path for path in synced_home.root.rglob("*") if "index" not in path.name)
    found = review(synced_home, "recon")
    app, playbook = found.items
    assert (app.name, app.kind, app.version, app.change, app.commit) == ("community/blocklist", "app", "1.1.0", "new", commit)
    assert (app.url, app.path, app.signer_known) == (community.path.as_uri(), "apps/blocklist", "unsigned")
    shown = [(action.name, action.type, action.destructive) for action in app.actions]
    assert shown == [("block ip", "contain", True), ("ip reputation", "investigate", False)]
    assert app.permissions.hosts == tuple(hosts)
    assert app.grants == ["action:block ip [contain]", "query:ip reputation [investigate]", "host:api.example.net:443"]
    assert (playbook.name, playbook.uses, playbook.destructive) == ("community/recon", ("ip reputation",), False)
    assert found.unmet == []
    assert [item.name for item in found.asking] == ["community/blocklist", "community/recon"]
    assert sorted(path for path in synced_home.root.rglob("*") if "index" not in path.name) == before


def test_dependencies_count_their_hashes(synced_home: Home, community: Repository) -> None:
    lines = [f"requests==2.32.3 --hash=sha256:{'a' * 64} --hash=sha256:{'b' * 64}", f"idna==3.7 --hash=sha256:{'c' * 64}"]
    community.write({"apps/blocklist/requirements.lock": "\n".join(lines)})
    republish(synced_home, community, "1.1.0", requires=["requests>=2"])
    (app,) = review(synced_home, "blocklist").items
    assert [(one.name, one.version, one.hashes) for one in app.dependencies] == [("idna", "3.7", 1), ("requests", "2.32.3", 2)]
    assert {"package:idna", "package:requests"} <= set(app.grants)


def test_warnings_are_part_of_it(synced_home: Home, community: Repository) -> None:
    (community.path / "apps/blocklist/link").symlink_to("app.py")
    community.commit()
    sync(synced_home)
    (app,) = review(synced_home, "blocklist").items
    assert "left-out" in [issue.rule for issue in app.findings]


def test_a_playbook_that_asks_for_changes_is_destructive(synced_home: Home, community: Repository) -> None:
    publish(community, "1.1.0", blocks=True)
    manifest = PLAYBOOK | {"actions": ["ip reputation", "block ip"]}
    code = str(item_files()["playbooks/recon/playbook.py"]) + '    play.act("block ip", ip="192.0.2.1")\n'
    community.write({"playbooks/recon/playbook.json": json.dumps(manifest), "playbooks/recon/playbook.py": code}).commit()
    sync(synced_home)
    app, playbook = review(synced_home, "recon").items
    assert (playbook.changing_uses, playbook.destructive, app.destructive) == (["block ip"], True, True)


def other_app(new_repository: Callable[[str], Repository], name: str, kind: str) -> Repository:
    """An app of somebody else whose action of the same name is of this type."""
    harmless = kind == "investigate"
    action = APP["actions"][0] | {"type": kind, "read_only": harmless, "idempotent": harmless}
    code = APP_CODE.replace('type="investigate"', f'type="{kind}"')
    made = new_repository(name).write({"apps/blocklist/app.json": json.dumps(APP | {"actions": [action]}), "apps/blocklist/app.py": code})
    made.commit()
    return made


def follow(home: Home, name: str, repository: Repository) -> None:
    add_repository(home, name, str(repository.path))
    assert not sync(home).failed


def test_what_is_only_on_offer_says_nothing(synced_home: Home, new_repository: Callable[[str], Repository]) -> None:
    """Anybody can offer an app whose action of that name does no harm."""
    follow(synced_home, "decoy", other_app(new_repository, "decoy", "investigate"))
    (playbook,) = review(synced_home, "community/recon").items
    assert (playbook.unknown_uses, playbook.changing_uses) == (["ip reputation"], [])
    playbook, _app = review(synced_home, "community/recon", apps=("decoy/blocklist",)).items
    assert (playbook.name, playbook.unknown_uses, playbook.changing_uses) == ("community/recon", [], [])


@pytest.mark.parametrize("order", [("decoy", "grave"), ("grave", "decoy")])
def test_all_installed_apps_say_what_an_action_does(
    synced_home: Home, new_repository: Callable[[str], Repository], order: tuple[str, ...]
) -> None:
    follow(synced_home, "decoy", other_app(new_repository, "decoy", "investigate"))
    follow(synced_home, "grave", other_app(new_repository, "grave", "contain"))
    for name in order:
        install(synced_home, [f"{name}/blocklist"])
    (playbook,) = review(synced_home, "community/recon").items
    assert (playbook.changing_uses, playbook.destructive) == (["ip reputation"], True)


def test_an_app_that_makes_an_installed_playbook_graver(
    synced_home: Home, new_repository: Callable[[str], Repository]
) -> None:
    install(synced_home, ["recon"])
    follow(synced_home, "grave", other_app(new_repository, "grave", "contain"))
    (app,) = review(synced_home, "grave/blocklist").items
    assert [(use.playbook, use.action) for use in app.graver_uses] == [("community/recon", "ip reputation")]
    install(synced_home, ["grave/blocklist"])
    follow(synced_home, "second", other_app(new_repository, "second", "contain"))
    assert review(synced_home, "second/blocklist").items[0].graver_uses == []


def test_an_update_that_makes_an_installed_playbook_graver(synced_home: Home, community: Repository) -> None:
    install(synced_home, ["recon"])
    action = APP["actions"][0] | {"type": "contain", "read_only": False, "idempotent": False}
    code = APP_CODE.replace('type="investigate"', 'type="contain"').replace("1.0.0", "1.1.0")
    manifest = json.dumps(APP | {"version": "1.1.0", "actions": [action]})
    community.write({"apps/blocklist/app.json": manifest, "apps/blocklist/app.py": code}).commit()
    assert not sync(synced_home).failed
    found = make_plan(synced_home, Request(update=True, command="update")).review
    (app,) = found.changing
    assert [use.playbook for use in app.graver_uses] == ["community/recon"]
    both = {item.kind: item.changing_uses for item in review(synced_home, "recon", "blocklist").items}
    assert both["playbook"] == ["ip reputation"]  # by what the app is afterwards


def test_the_app_that_a_person_names_serves(synced_home: Home, new_repository: Callable[[str], Repository]) -> None:
    fork = new_repository("fork").write(item_files())
    fork.commit()
    add_repository(synced_home, "fork", str(fork.path))
    sync(synced_home)
    open_choice = review(synced_home, "community/recon")
    assert [need.offered_by for need in open_choice.unmet] == [["community/blocklist", "fork/blocklist"]]
    made = review(synced_home, "community/recon", apps=("fork/blocklist",))
    assert (sorted(item.name for item in made.items), made.unmet) == (["community/recon", "fork/blocklist"], [])
    with pytest.raises(UserError, match="is a playbook and offers no actions"):
        review(synced_home, "community/recon", apps=("fork/recon",))


def test_the_digest_stands_for_bytes_and_permissions(synced_home: Home, community: Repository) -> None:
    first = review(synced_home, "blocklist").digest
    community.write({"README.md": "elsewhere"}).commit()
    sync(synced_home)
    assert review(synced_home, "blocklist").digest == first
    republish(synced_home, community, "1.0.0", note="other bytes")
    assert review(synced_home, "blocklist").digest != first


def test_what_was_reviewed_is_what_is_installed(synced_home: Home, community: Repository) -> None:
    request = Request(names=["blocklist"], command="install blocklist")
    digest = make_plan(synced_home, request).review.digest
    republish(synced_home, community, "1.1.0", blocks=True)
    with pytest.raises(UserError, match="has changed since it was reviewed"):
        carry_out(synced_home, request, reviewed=digest)
    assert not synced_home.lock.exists()


@pytest.mark.parametrize(
    ("blocks", "policy", "allowed"),
    [
        (False, DEFAULT, True), (False, NOTHING, False), (False, ANYTHING, True),
        (True, DEFAULT, False), (True, NOTHING, False), (True, ANYTHING, True),
    ],
)  # fmt: skip
def test_yes_agrees_to_what_the_policy_allows(
    synced_home: Home, community: Repository, blocks: bool, policy: InstallPolicy, allowed: bool
) -> None:
    republish(synced_home, community, "1.1.0", blocks=blocks)
    found = review(synced_home, "blocklist")
    if allowed:
        agree(found, Consent(yes=True), policy)
        return
    with pytest.raises(UserError, match="--yes is not enough") as raised:
        agree(found, Consent(yes=True), policy)
    assert f"--reviewed {found.digest}" in raised.value.hint
    agree(found, Consent(yes=True, reviewed=found.digest), policy)


def test_a_person_agrees_or_does_not(synced_home: Home) -> None:
    found = review(synced_home, "blocklist")
    agree(found, Consent(ask=lambda: True), NOTHING)
    with pytest.raises(UserError, match="nothing was changed"):
        agree(found, Consent(ask=lambda: False), ANYTHING)
    with pytest.raises(UserError, match="community/blocklist: nobody is here to agree"):
        agree(found, Consent(), ANYTHING)
    with pytest.raises(UserError, match="not what was reviewed"):
        agree(found, Consent(reviewed="0" * 64, ask=lambda: True), ANYTHING)


def test_nothing_new_needs_nobody(synced_home: Home) -> None:
    install(synced_home, ["blocklist"])
    agree(review(synced_home, "blocklist"), Consent(), NOTHING)
    assert [item.name for item in read_lock(synced_home).items] == ["community/blocklist"]


def test_an_older_version_asks(synced_home: Home, community: Repository) -> None:
    republish(synced_home, community, "1.10.0")
    install(synced_home, ["blocklist"])
    republish(synced_home, community, "1.9.0-rc.1")
    found = review(synced_home, "blocklist")
    (app,) = found.items
    assert (app.previous, app.version, app.goes_back) == ("1.10.0", "1.9.0-rc.1", "goes back from 1.10.0 to 1.9.0-rc.1")
    with pytest.raises(UserError, match="community/blocklist: nobody is here to agree"):
        agree(found, Consent(), ANYTHING)
    agree(found, Consent(yes=True), DEFAULT)
    republish(synced_home, community, f"1.{'9' * 5_000}")
    assert not review(synced_home, "blocklist").items[0].goes_back


@pytest.mark.parametrize("steps", [1, 3])
def test_an_older_commit_of_the_same_version_asks(synced_home: Home, community: Repository, steps: int) -> None:
    """Whoever serves a repository can show what was mended long ago, signatures and all."""
    old = publish(community, "1.1.0", note="with a hole")
    now = NEW_YEAR_2026 * 2
    for step in range(steps):
        community.write({"apps/blocklist/README.md": f"mended {step}"})
        # One step is known by its parent, even within one second; more of them by their time.
        now = now + 60 if steps > 1 else int(community.git("show", "-s", "--format=%ct", old))
        new = write_commit(community, time=now)
    assert not sync(synced_home).failed
    install(synced_home, ["blocklist"])
    community.git("update-ref", "refs/heads/main", old)
    assert not sync(synced_home).failed
    found = review(synced_home, "blocklist")
    (app,) = found.items
    assert (app.newer_commit, app.asks) == (new, True)
    assert app.goes_back == f"goes back from commit {new[:12]} to {old[:12]}, which was made before it"
    with pytest.raises(UserError, match="nobody is here to agree"):
        agree(found, Consent(), ANYTHING)


def test_consent_to_an_update_is_none_to_going_back(synced_home: Home, community: Repository) -> None:
    """The same bytes, but a newer version came in between."""
    republish(synced_home, community, "1.1.0")
    install(synced_home, ["blocklist"])
    republish(synced_home, community, "1.2.0")
    forward = review(synced_home, "blocklist").digest
    republish(synced_home, community, "1.3.0")
    install(synced_home, ["blocklist"])
    republish(synced_home, community, "1.2.0")
    with pytest.raises(UserError, match="not what was reviewed"):
        agree(review(synced_home, "blocklist"), Consent(reviewed=forward), ANYTHING)


OLDER = [("1.9.0", "1.10.0"), ("1.2.0-rc.1", "1.2.0"), ("1.2.0-rc.2", "1.2.0-rc.10"), ("1.0-1", "1.0-alpha"), ("1", "1.0.1")]


@pytest.mark.parametrize(("older", "newer"), OLDER)
def test_which_version_is_older(older: str, newer: str) -> None:
    assert (is_older(older, newer), is_older(newer, older)) == (True, False)


@pytest.mark.parametrize(("one", "other"), [("1.2", "1.2.0"), ("1.0.0+a", "1.0.0+b"), ("01.2", "1.2")])
def test_versions_that_are_equal(one: str, other: str) -> None:
    assert (is_older(one, other), is_older(other, one)) == (False, False)
