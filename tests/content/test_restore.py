"""A lock is a file from elsewhere: what it says of an item is held against the item itself."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from content.builders import PLAYBOOK, Repository
from content.changing_app import publish
from content.signing import SshKey, new_ssh_key, write_commit
from repertory.content.changes.install import install
from repertory.content.changes.offers import Offers
from repertory.content.changes.planning import look_at
from repertory.content.git import commits as git
from repertory.content.installed.contents import content_hash, item_files
from repertory.content.installed.generations import list_generations
from repertory.content.installed.lock import read_lock
from repertory.content.installed.restore import restore
from repertory.content.offered.repositories import add_repository, sync
from repertory.content.trust.trust import forget_signers
from repertory.errors import UserError
from repertory.home import Home


@pytest.fixture
def alice(tmp_path: Path) -> SshKey:
    """A key."""
    return new_ssh_key(tmp_path / "alice")


@pytest.fixture
def sender(synced_home: Home, community: Repository, alice: SshKey) -> Home:
    """Has installed a signed app that blocks addresses and reaches a host, and a playbook."""
    publish(community, "1.1.0", blocks=True, hosts=["a.example.net:443"])
    write_commit(community, alice.sign)
    assert not sync(synced_home).failed
    install(synced_home, ["recon"])
    return synced_home


@pytest.fixture
def receiver(sender: Home) -> Home:
    """Has nothing but the lock of the other one."""
    home = Home(sender.root.parent / "receiver")
    home.prepare()
    shutil.copy(sender.lock, home.lock)
    return home


def forge(home: Home, name: str, **said: Any) -> bytes:
    """Let the lock say something else of an item."""
    plain = json.loads(home.lock.read_bytes())
    (item,) = [one for one in plain["items"] if one["name"] == name]
    item.update(said)
    home.lock.write_text(json.dumps(plain))
    return home.lock.read_bytes()


def claims(home: Home, name: str, word: str) -> list[str]:
    item = read_lock(home).item(name)
    assert item is not None
    return list(getattr(item, word))


def test_an_honest_lock(receiver: Home, sender: Home) -> None:
    assert restore(receiver) == ["community/blocklist", "community/recon"]
    assert receiver.lock.read_bytes() == sender.lock.read_bytes()


def without(text: str) -> Callable[[list[str]], list[str]]:
    return lambda before: [one for one in before if text not in one]


def and_also(text: str) -> Callable[[list[str]], list[str]]:
    return lambda before: [*before, text]


APP, RECON = "community/blocklist", "community/recon"
LIES: dict[str, tuple[str, str, Callable[[list[str]], list[str]], str]] = {
    "it hides an action": (APP, "grants", without("block ip"), "may `block ip` (contain), and the lock does not say so"),
    "it hides a host": (APP, "grants", without("host:"), "may reach a.example.net:443, and the lock does not say so"),
    "it permits what comes later": (APP, "grants", and_also("host:evil.example:443"), "says that it may reach evil.example:443"),
    "it hides what a playbook asks for": (RECON, "grants", without("use:"), "may ask for `ip reputation`"),
    "it tells people something else": (APP, "permissions", without("contain"), "permissions in other words"),
    "it hides a need": (RECON, "needs", without("action"), "asks for the action ip reputation"),
}


@pytest.mark.parametrize("name", LIES)
def test_a_lock_that_lies_about_permissions(receiver: Home, name: str) -> None:
    item, word, change, said = LIES[name]
    before = forge(receiver, item, **{word: change(claims(receiver, item, word))})
    for _ in range(2):  # the second time, all bytes are here
        with pytest.raises(UserError) as raised:
            restore(receiver)
        assert f"{item}: " in raised.value.message and said in raised.value.message
        assert item in raised.value.hint
    assert receiver.lock.read_bytes() == before
    assert list_generations(receiver) == []


@pytest.mark.parametrize(
    ("word", "value", "said"),
    [
        ("version", "9.0.0", "says version '9.0.0', and its files say '1.1.0'"),
        ("kind", "playbook", "its files are no playbook"),
        ("format", "classic", "says format 'classic'"),
        ("signer", "unsigned", "is by unsigned; it is signed by alice@example.org"),
        ("signer", f"alice@example.org SHA256:{'A' * 43}", "it is signed by alice@example.org"),
    ],
)
def test_a_lock_that_lies_otherwise(receiver: Home, word: str, value: str, said: str) -> None:
    forge(receiver, APP, **{word: value})
    for _ in range(2):
        with pytest.raises(UserError) as raised:
            restore(receiver)
        assert said in raised.value.message


def test_every_lie_is_named_at_once(receiver: Home) -> None:
    forge(receiver, APP, grants=[], signer="unsigned")
    forge(receiver, RECON, version="2.0.0")
    with pytest.raises(UserError) as raised:
        restore(receiver)
    lines = raised.value.message.splitlines()
    assert lines[0].startswith(f"{APP}, {RECON}: ")
    assert sum(APP in line for line in lines[1:]) == 4  # three grants and the signer
    assert sum(RECON in line for line in lines[1:]) == 1


def test_a_lock_that_hides_packages(receiver: Home, community: Repository, sender: Home) -> None:
    community.write({"apps/blocklist/requirements.lock": f"idna==3.10 --hash=sha256:{'0' * 64}\n"})
    publish(community, "1.2.0", requires=["idna==3.10"])
    sync_unsigned(sender)
    plain = json.loads(sender.lock.read_bytes())["items"][0]
    item = found_item(sender)
    forge(receiver, APP, version="1.2.0", commit=item[0], hash=item[1], signer="", grants=plain["grants"])
    with pytest.raises(UserError) as raised:
        restore(receiver)
    assert "may bring the package idna, and the lock does not say so" in raised.value.message
    assert "the lock names no environment" in raised.value.message
    assert not receiver.environment("x").parent.exists()


def sync_unsigned(home: Home) -> None:
    forget_signers(home, "community")
    assert not sync(home).failed


def found_item(home: Home) -> tuple[str, str]:
    """The commit and content hash of what is on offer now."""
    (item,) = Offers(home).named(APP)
    return item.commit, look_at(home, [item])[APP].digest


def test_a_lock_that_names_what_checks_refuse(receiver: Home, community: Repository, sender: Home) -> None:
    code = (community.path / "playbooks/recon/playbook.py").read_text() + '    play.act("wipe disk")\n'
    manifest = PLAYBOOK | {"version": "1.5.0"}
    community.write({"playbooks/recon/playbook.py": code, "playbooks/recon/playbook.json": json.dumps(manifest)}).commit()
    sync_unsigned(sender)
    (item,) = Offers(sender).named(RECON)
    assert item.errors
    with git.open_tree(sender.repository("community"), item.commit) as tree:
        digest = content_hash(item_files(tree, item.folder).items())
    forge(receiver, RECON, version="1.5.0", commit=item.commit, hash=digest, signer="")
    for _ in range(2):
        with pytest.raises(UserError, match="wipe disk"):
            restore(receiver)


def test_a_tag_that_vouches_comes_along(home: Home, community: Repository, alice: SshKey, tmp_path: Path) -> None:
    community.git(*alice.settings, "tag", "-s", "-m", "first", "v1")
    add_repository(home, "community", str(community.path), "v1")
    assert not sync(home).failed
    install(home, ["blocklist"])
    assert alice.fingerprint in read_lock(home).items[0].signer
    community.commit()
    other = Home(tmp_path / "other")
    other.prepare()
    shutil.copy(home.lock, other.lock)
    assert restore(other) == ["community/blocklist"]


def test_bytes_that_are_here_do_not_vouch_for_a_commit(sender: Home, community: Repository) -> None:
    """The same files, said to come from a commit that is not here."""
    (community.path / "more").write_text("")
    commit = community.commit()
    forge(sender, APP, commit=commit)
    with pytest.raises(UserError, match="it is signed by|it is unsigned"):
        restore(sender)


def test_a_lock_that_names_a_proposal(receiver: Home, community: Repository) -> None:
    """The same files, in a commit that anybody could have put there."""
    commit = community.git("commit-tree", "-m", "proposed", "HEAD^{tree}")
    community.git("update-ref", "refs/pull/1/head", commit)
    forge(receiver, APP, commit=commit, signer="unsigned")
    with pytest.raises(UserError, match="in none of its branches and tags"):
        restore(receiver)
    forge(receiver, APP, ref="refs/pull/1/head")
    with pytest.raises(UserError, match="not a branch or tag"):
        restore(receiver)
