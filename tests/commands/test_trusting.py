"""Signers as a person meets them: following with a file of them, seeing them, accepting a new one."""

from __future__ import annotations

from pathlib import Path

import pytest

from commands.schemas import conforms
from commands.user import User
from content.builders import Repository, item_files
from content.signing import SshKey, new_ssh_key, write_commit


@pytest.fixture
def alice(tmp_path: Path) -> SshKey:
    """Signs."""
    return new_ssh_key(tmp_path / "alice")


@pytest.fixture
def signed(tmp_path: Path, alice: SshKey) -> Repository:
    """Content that Alice has signed."""
    repository = Repository(tmp_path / "signed").write(item_files())
    repository.commit()
    write_commit(repository, alice.sign)
    return repository


def test_a_new_signer_is_accepted_by_a_person(
    newcomer: User, signed: Repository, alice: SshKey, tmp_path: Path
) -> None:
    newcomer.done("repo", "add", "team", str(signed.path), "--sync")
    (known,) = conforms(newcomer.asked("repo", "trust", "team"), "repo_trust")["signers"]
    assert (known["fingerprint"], known["origin"]) == (alice.fingerprint, "first use")
    (listed,) = conforms(newcomer.asked("repo", "list"), "repo_list")["repositories"]
    assert listed["signer"] == f"alice@example.org ({alice.fingerprint[:23]}…), known since {known['since']}"
    newcomer.install("team/blocklist")

    mallory = new_ssh_key(tmp_path / "mallory")
    write_commit(signed, mallory.sign, who="Mallory <mallory@example.org>")
    told = newcomer("sync")
    assert told.code == 1
    assert "team was signed by alice@example.org" in told.err
    command = told.err.partition("then: repertory ")[2].strip()
    assert command == f"repo trust team --signer {mallory.fingerprint}"
    table = newcomer.done(*command.split()).out
    assert alice.fingerprint in table and mallory.fingerprint in table
    newcomer.done("sync")


def test_following_with_a_file_of_signers(newcomer: User, signed: Repository, alice: SshKey, tmp_path: Path) -> None:
    file = tmp_path / "allowed"
    options = 'namespaces="git"'
    file.write_text("# ours\n" + alice.line("alice@example.org", options))
    newcomer.done("repo", "add", "team", str(signed.path), "--signers", str(file), "--sync")
    file.unlink()
    (key,) = conforms(newcomer.asked("repo", "signers", "team"), "repo_signers")["keys"]
    assert key == {
        "line": 2, "principals": "alice@example.org", "fingerprint": alice.fingerprint, "options": options,
    }  # fmt: skip
    assert alice.fingerprint in newcomer.done("repo", "signers", "team").out
    file.write_text(new_ssh_key(tmp_path / "bob").line("bob"))
    newcomer.done("repo", "signers", "team", "--set", str(file))
    assert "is not signed by one of its signers" in newcomer.refused("install", "team/blocklist")
    assert "whoever signs it first" in newcomer.done("repo", "signers", "team", "--forget").out
    newcomer.done("repo", "trust", "team", "--forget")
    assert newcomer.done("repo", "trust", "team").out == "team is not known to be signed by anybody\n"
    newcomer.install("team/blocklist")


def test_mistakes(newcomer: User, signed: Repository, alice: SshKey, tmp_path: Path) -> None:
    file = tmp_path / "allowed"
    assert f"cannot read {file}" in newcomer.refused("repo", "add", "team", str(signed.path), "--signers", str(file))
    file.write_text(f"# ours\n{alice.public}\n")
    assert f"{file}:2: says a key but not whose" in newcomer.refused(
        "repo", "add", "team", str(signed.path), "--signers", str(file)
    )
    newcomer.done("repo", "add", "team", str(signed.path))
    assert f"{file}:2: " in newcomer.refused("repo", "signers", "team", "--set", str(file))
    assert "not the fingerprint" in newcomer.refused("repo", "trust", "team", "--signer", "alice")
    assert "contradict" in newcomer.refused("repo", "trust", "team", "--signer", "x", "--forget", code=2)
    assert "contradict" in newcomer.refused("repo", "signers", "team", "--set", str(file), "--forget", code=2)
    for words in (("trust", "../x"), ("signers", "../x")):
        assert "no repository is called" in newcomer.refused("repo", *words, code=2)
