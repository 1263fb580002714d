"""The life of what is installed: reviewed, outdated, compared, updated, pinned, rolled back, verified, collected."""

from __future__ import annotations

import json
import os
import pty
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from commands.schemas import conforms
from commands.user import User
from content.builders import APP, Repository, item_files
from content.changing_app import publish

BLOCKLIST, RECON = "team/blocklist", "team/recon"


@pytest.fixture
def team(tmp_path: Path) -> Repository:
    """A repository whose author goes on."""
    repository = Repository(tmp_path / "team").write(item_files())
    repository.commit()
    return repository


@pytest.fixture
def member(newcomer: User, team: Repository) -> User:
    """Follows the team's repository, and has its items installed."""
    newcomer.done("repo", "add", "team", str(team.path), "--sync")
    newcomer.done("install", RECON, "--yes")
    return newcomer


def widen(member: User, team: Repository) -> None:
    """The author wants more."""
    publish(team, "1.1.0", blocks=True, hosts=["api.example.net:443"], note="\x1b]0;owned\x07")
    member.done("sync")


def versions(user: User) -> dict[str, str]:
    return {item["name"]: item["version"] for item in user.asked("list")["items"]}


# ------------------------------------------------------------------ installing


def test_a_review_without_a_terminal(newcomer: User, team: Repository) -> None:
    publish(team, "1.1.0", blocks=True)
    newcomer.done("repo", "add", "team", str(team.path), "--sync")
    review = conforms(newcomer.asked("install", RECON, "--dry-run"), "review")
    assert [(item["name"], item["destructive"]) for item in review["items"]] == [(BLOCKLIST, True), (RECON, False)]
    digest = review["review"]
    told = newcomer.done("install", RECON, "--dry-run").out
    assert told.index("CHANGES THINGS  block ip (contain, cannot be undone)") < told.index("only reads      ip reputation")
    assert told.endswith(f"review {digest}\n")
    assert "nobody is here to agree" in newcomer.refused("install", RECON)
    assert f"--reviewed {digest}" in newcomer.refused("install", RECON, "--yes")
    assert "this is not what was reviewed" in newcomer.refused("install", RECON, "--reviewed", "0" * 64)
    assert newcomer.asked("list")["items"] == []
    done = conforms(newcomer.asked("install", RECON, "--reviewed", digest), "install")
    assert (done["review"], len(done["items"])) == (digest, 2)


def test_what_a_playbook_asks_for_is_said_by_installed_apps(newcomer: User, team: Repository, tmp_path: Path) -> None:
    grave = Repository(tmp_path / "grave").write(
        {name: content for name, content in item_files().items() if name.startswith("apps")}
    )
    publish(grave, "1.0.0", actions=[APP["actions"][0] | {"type": "contain", "read_only": False, "idempotent": False}])
    code = grave.path / "apps/blocklist/app.py"
    code.write_text(code.read_text().replace('type="investigate"', 'type="contain"'))
    grave.commit()
    for name, repository in (("team", team), ("grave", grave)):
        newcomer.done("repo", "add", name, str(repository.path), "--sync")
    told = newcomer.done("install", RECON, "--dry-run").out
    assert "asks for        ip reputation: MAY CHANGE THINGS: nobody here says what it does" in told
    conforms(newcomer.asked("install", RECON, "--dry-run"), "review")
    newcomer.install(RECON)
    told = newcomer.done("install", "grave/blocklist", "--dry-run").out
    assert "CHANGES THINGS  for team/recon, which asks for ip reputation" in told
    (app,) = conforms(newcomer.asked("install", "grave/blocklist", "--dry-run"), "review")["items"]
    assert app["graver_uses"] == [{"playbook": RECON, "action": "ip reputation"}]


def test_the_policy_says_what_yes_may_do(newcomer: User, team: Repository) -> None:
    newcomer.done("repo", "add", "team", str(team.path), "--sync")
    newcomer.config('[install]\nallow = "nothing"\n')
    assert "install.allow is 'nothing'" in newcomer.refused("install", BLOCKLIST, "--yes")
    newcomer.config('install.allow = "everything"\n')
    assert "install.allow" in newcomer.refused("install", BLOCKLIST, "--yes")
    newcomer.config('install.allow = "investigate"\n')
    newcomer.done("install", BLOCKLIST, "--yes")


def in_a_terminal(user: User, answer: str, *words: str) -> tuple[int, str]:
    """A command whose person answers."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        user.command(*words), cwd=user.folder, env=user.variables(TERM="dumb"), stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    os.write(ours, f"{answer}\n".encode())
    told = b""
    while part := _read(ours):
        told += part
    os.close(ours)
    return process.wait(), told.decode()


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65_536)
    except OSError:  # the other end is closed
        return b""


@pytest.mark.parametrize(("answer", "code"), [("yes", 0), ("", 1), ("no", 1)])
def test_a_person_is_asked_once(newcomer: User, team: Repository, answer: str, code: int) -> None:
    publish(team, "1.1.0", blocks=True)
    newcomer.done("repo", "add", "team", str(team.path), "--sync")
    ended, told = in_a_terminal(newcomer, answer, "install", RECON)
    assert ended == code, told
    assert told.count("Agree to all of this?") == 1
    assert ("nothing was changed" in told) == (code == 1)
    assert len(versions(newcomer)) == (2 if code == 0 else 0)


def test_an_app_is_chosen_by_name(newcomer: User, team: Repository, tmp_path: Path) -> None:
    other = Repository(tmp_path / "other").write(item_files())
    other.commit()
    for name, repository in (("team", team), ("other", other)):
        newcomer.done("repo", "add", name, str(repository.path), "--sync")
    told = newcomer.done("install", RECON, "--dry-run").out
    assert "'ip reputation' is missing: no installed app has it; choose one with --with: other/blocklist, team/blocklist" in told
    newcomer.done("install", RECON, "--with", "other/blocklist", "--yes")
    assert set(versions(newcomer)) == {"other/blocklist", RECON}


# -------------------------------------------------------------------- updating


def test_what_widened_is_told_and_asked(member: User, team: Repository) -> None:
    assert conforms(member.asked("outdated"), "outdated")["items"] == []
    assert member.done("outdated").out == "everything is as it was synced last\n"
    widen(member, team)
    (one,) = conforms(member.asked("outdated"), "outdated")["items"]
    assert (one["name"], one["new_version"], one["asks"]) == (BLOCKLIST, "1.1.0", True)
    assert "WIDENS: it may also `block ip` (contain) and reach api.example.net:443" in member.done("outdated").out

    told = member.done("diff", "blocklist").out
    assert told.index("NOW MAY ALSO `block ip` (contain) and reach api.example.net:443") < told.index("\nmanifest\n")
    assert told.index("\nmanifest\n") < told.index('+@app.action("block ip", type="contain")')
    assert "\x1b" not in told and "\\x1b]0;owned\\x07" in told
    changes = conforms(member.asked("diff", "blocklist"), "diff")
    assert (changes["change"], changes["asks"]) == ("update", True)
    assert conforms(member.asked("diff", "recon"), "diff")["change"] == "unchanged"
    assert "no difference" in member.done("diff", "recon").out

    assert "may change things" in member.refused("update", "--yes")
    review = conforms(member.asked("update", "--dry-run"), "review")
    assert versions(member)[BLOCKLIST] == "1.0.0"
    updated = conforms(member.asked("update", "--reviewed", review["review"]), "update")
    assert [(item["name"], item["state"], item["version"]) for item in updated["items"]] == [(BLOCKLIST, "updated", "1.1.0")]
    assert member.done("update").out == "everything is as it was synced last\n"


def test_what_did_not_widen_goes_through(member: User, team: Repository) -> None:
    publish(team, "1.0.1", note="quicker")
    member.done("sync")
    assert "may do nothing new" in member.done("outdated").out
    assert "team/blocklist 1.0.1: updated (was 1.0.0)" in member.done("update", "blocklist").out


def test_an_update_that_goes_back_is_told_and_asked(member: User, team: Repository) -> None:
    for version in ("1.2.0", "1.1.0"):
        publish(team, version)
        member.done("sync")
        if version == "1.2.0":
            member.done("update")
    (one,) = conforms(member.asked("outdated"), "outdated")["items"]
    assert (one["goes_back"], one["asks"], one["added"]) == (True, True, [])
    assert "OLDER: it goes back from 1.2.0 to 1.1.0" in member.done("outdated").out
    assert "IS OLDER: it goes back from 1.2.0 to 1.1.0" in member.done("diff", "blocklist").out
    assert "nobody is here to agree" in member.refused("update")
    assert versions(member)[BLOCKLIST] == "1.2.0"
    member.done("update", "--yes")
    assert versions(member)[BLOCKLIST] == "1.1.0"


def test_an_update_goes_on_and_says_what_it_left(member: User, team: Repository) -> None:
    team.write({"apps/blocklist/app.json": "{", "playbooks/recon/README.md": "more"}).commit()
    member.done("sync")
    plain = member("update", "--dry-run", "--json")
    assert (plain.code, [one["name"] for one in conforms(plain.json, "review")["left_out"]]) == (1, [BLOCKLIST])
    told = member("update")
    assert (told.code, told.out.splitlines()[-1]) == (1, "team/recon 1.0.0: updated")
    assert "team/blocklist is left as it is: team/blocklist cannot be installed" in told.err
    assert "  → tell whoever keeps it" in told.err
    plain = member("update", "--json")
    assert (plain.code, [one["name"] for one in conforms(plain.json, "update")["left_out"]]) == (1, [BLOCKLIST])
    assert "everything is as it was synced last" not in member("update").out


def test_a_pin(member: User, team: Repository) -> None:
    pinned = conforms(member.asked("pin", "blocklist"), "pin")["pinned"]
    assert pinned[0]["name"] == BLOCKLIST
    assert "1.0.0 (pinned)" in member.done("list").out
    widen(member, team)
    assert member.done("update").out == (
        "team/blocklist is pinned to 1.0.0: left as it is\neverything is as it was synced last\n"
    )
    assert "pinned; WIDENS" in member.done("outdated").out
    assert "repertory unpin team/blocklist" in member.refused("install", "blocklist", "--yes")
    assert conforms(member.asked("unpin", "blocklist"), "unpin")["unpinned"] == pinned
    assert member.done("pin", "recon").out.startswith("team/recon stays at 1.0.0 (")
    assert member.done("unpin", "recon").out == "team/recon is updated again\n"


def test_a_pin_to_a_commit(member: User, team: Repository) -> None:
    commit = publish(team, "1.0.1")
    publish(team, "1.0.2")
    member.done("sync")
    member.done("update")
    review = conforms(member.asked("pin", "blocklist", "--commit", commit, "--dry-run"), "review")
    assert [(item["previous"], item["version"]) for item in review["items"]] == [("1.0.2", "1.0.1")]
    assert "OLDER           goes back from 1.0.2 to 1.0.1" in member.done("pin", "blocklist", "--commit", commit, "--dry-run").out
    assert "nobody is here to agree" in member.refused("pin", "blocklist", "--commit", commit)
    conforms(member.asked("pin", "blocklist", "--commit", commit, "--yes"), "install")
    assert "1.0.1 (pinned)" in member.done("list").out
    assert "for one item" in member.refused("pin", "blocklist", "recon", "--commit", commit, code=2)
    assert "nothing to review" in member.refused("pin", "blocklist", "--yes", code=2)


# ----------------------------------------------------------------- going back


def test_generations(member: User, team: Repository) -> None:
    publish(team, "1.0.1")
    member.done("sync")
    member.done("update")
    listed = conforms(member.asked("list", "--generations"), "list_generations")["generations"]
    assert [(one["number"], one["current"], one["command"], one["items"]) for one in listed] == [
        (1, False, "install team/recon", 2),
        (2, True, "update", 2),
    ]
    assert conforms(member.asked("rollback"), "rollback") == {"restored": 1, "generation": 3}
    assert versions(member)[BLOCKLIST] == "1.0.0"
    told = member.done("rollback", "--to", "2").out
    assert "installed is what generation 2 was" in told and "this is generation 4" in told
    table = member.done("list", "--generations").out
    assert "4 (current)" in table and "rollback to 2" in table
    assert "no generation is called '9'" in member.refused("rollback", "--to", "9", code=2)
    assert "different things" in member.refused("list", "--generations", "--actions", code=2)


def test_a_damaged_generation_is_listed(member: User) -> None:
    member.done("remove", "recon")
    (member.home / "generations" / "1.json").write_text("{")
    first, second = conforms(member.asked("list", "--generations"), "list_generations")["generations"]
    assert (first["problem"] is None, second["problem"]) == (False, None)
    assert "1.json: cannot be read" in member.refused("rollback")


# -------------------------------------------------------- verifying, collecting


def test_one_changed_byte(member: User) -> None:
    assert conforms(member.asked("verify"), "verify")["intact"] is True
    assert member.done("verify").out == "2 items, 0 of them not as they were installed\n"
    digest = next(item["hash"] for item in member.asked("list")["items"] if item["name"] == RECON)
    path = member.home / "content" / digest / "playbook.py"
    path.chmod(0o644)
    path.write_bytes(path.read_bytes().replace(b"recon", b"recom", 1))
    told = member("verify")
    assert (told.code, told.out.splitlines()[0]) == (1, "team/recon: changed: playbook.py")
    assert "repertory install --locked" in told.err
    assert member("verify", "blocklist").code == 0
    plain: Any = member("verify", "--json").json
    assert conforms(plain, "verify")["intact"] is False
    member.done("install", "--locked")
    assert member("verify").code == 0


def test_collecting(member: User, team: Repository) -> None:
    old = next(item["hash"] for item in member.asked("list")["items"] if item["name"] == BLOCKLIST)
    publish(team, "1.0.1")
    member.done("sync")
    member.done("update")
    dry = conforms(member.asked("gc", "--keep", "1", "--dry-run"), "gc")
    assert (dry["dry_run"], dry["generations"], dry["contents"]) == (True, [1], [old, f"{old}.files"])
    assert (member.home / "content" / old).is_dir()
    assert member.done("gc", "--keep", "1").out.startswith("deleted: 1 generation, 1 item of content (")
    assert not (member.home / "content" / old).exists()
    assert member.done("gc").out == "deleted: nothing (0.0 MB)\n"
    assert "is not kept any more" in member.refused("rollback")


def test_collecting_leaves_what_a_fork_began_with(member: User, team: Repository, tmp_path: Path) -> None:
    """Also where upstream forgot that commit."""
    ours = tmp_path / "ours"
    ours.mkdir()
    folder = Path(member.asked("fork", RECON, "--to", str(ours))["folder"])
    (folder / "README.md").write_text("ours\n")
    member.done("remove", "recon")
    publish(team, "1.0.1")
    more = str(item_files()["playbooks/recon/playbook.py"]) + "\n# better\n"
    team.write({"playbooks/recon/playbook.py": more})
    team.git("checkout", "-q", "--orphan", "anew")
    team.commit()
    team.git("branch", "-qM", "anew", "main")
    team.git("gc", "--quiet", "--prune=now")
    member.done("sync")
    assert member.asked("gc", "--keep", "1")["contents"] == []
    team.path.rename(tmp_path / "away")
    member.done("merge", str(folder))
    assert (folder / "playbook.py").read_text() == more
    assert (folder / "README.md").read_text() == "ours\n"
    base = json.loads((folder / "upstream.json").read_text())["hash"]
    assert base not in member.asked("gc", "--keep", "1")["contents"]
    shutil.rmtree(folder)
    assert base in member.asked("gc", "--keep", "1")["contents"]


def test_collecting_leaves_what_an_unfinished_run_needs(user: User) -> None:
    """The run waits for an answer; its playbook and the app it used are removed, and it goes on all the same."""
    digests = {item["name"]: item["hash"] for item in user.asked("list")["items"]}
    run = user("run", "lab/decide", "--event", user.event(sourceAddress="192.0.2.6"), "--json").json["run"]
    user.done("remove", "lab/decide", "lab/lab")
    found = user.asked("gc", "--keep", "1")
    for name in ("lab/decide", "lab/lab"):
        assert (user.home / "content" / digests[name]).is_dir()
        assert digests[name] not in found["contents"]
    user.done("answer", "1", "not now")
    assert user.asked("show", run)["status"] == "succeeded"
    assert digests["lab/decide"] in user.asked("gc", "--keep", "1")["contents"]


def test_a_permission_cannot_pretend_to_be_lines_of_the_review(newcomer: User, team: Repository) -> None:
    publish(team, "1.1.0", hosts=["a.example:1\n    signed by       somebody else\x1b[1A"])
    newcomer.done("repo", "add", "team", str(team.path), "--sync")
    told = newcomer("install", BLOCKLIST, "--dry-run")
    shown = told.out + told.err
    assert "\x1b" not in shown
    assert "\n    signed by       somebody else" not in shown
