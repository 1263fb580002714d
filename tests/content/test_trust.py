"""Signatures of commits and tags, and whom a repository is trusted to be signed by."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from content.builders import APP, Repository, item_files
from content.signing import GpgKey, SshKey, answer_of, new_gpg_key, new_ssh_key, with_signature, write_commit
from repertory.content.changes.install import install
from repertory.content.git import commits as git
from repertory.content.git.paths import Refused
from repertory.content.git.sources import parse_source
from repertory.content.installed.lock import read_lock
from repertory.content.installed.verification import verify
from repertory.content.offered.catalog import read_catalog
from repertory.content.offered.repositories import add_repository, remove_repository, sync
from repertory.content.trust.objects import split_commit, split_tag
from repertory.content.trust.programs import find_programs
from repertory.content.trust.signatures import FORGE_KEYS, Signature, signature_of, verdict
from repertory.content.trust.signers import Signers, kept_signers, parse_signers
from repertory.content.trust.trust import (
    accept_signer,
    check_signer,
    confirm_signer,
    forget_signers,
    known_signers,
    set_signers,
)
from repertory.errors import UserError
from repertory.home import Home

GITHUB = "GitHub <noreply@github.com>"


@dataclass(frozen=True)
class People:
    """Who signs."""

    alice: SshKey
    bob: SshKey
    mallory: SshKey


@pytest.fixture(scope="session")
def people(tmp_path_factory: pytest.TempPathFactory) -> People:
    """Made once: three keys of three kinds."""
    folder = tmp_path_factory.mktemp("keys")
    return People(
        alice=new_ssh_key(folder / "alice"),
        bob=new_ssh_key(folder / "bob", "ecdsa"),
        mallory=new_ssh_key(folder / "mallory"),
    )


@pytest.fixture(scope="session")
def carol() -> Iterator[GpgKey]:
    """Made once: an OpenPGP key."""
    with new_gpg_key("Carol <carol@example.org>") as key:
        yield key


@dataclass(frozen=True)
class Followed:
    """A repository that a home follows."""

    home: Home
    origin: Repository

    def fetched(self) -> str:
        """Sync, which must work; the commit."""
        (one,) = sync(self.home, ["community"]).repositories
        if one.error:
            raise one.error
        return one.commit

    def signature(self, commit: str = "", ref: str = "") -> Signature:
        """Of this or the newest commit."""
        return signature_of(self.home, "community", commit or self.fetched(), ref=ref)

    def stopped(self) -> UserError:
        """Sync, which must not work."""
        before = self.home.catalog("community").read_bytes() if self.home.catalog("community").exists() else b""
        (one,) = sync(self.home, ["community"]).repositories
        assert one.error is not None
        assert (self.home.catalog("community").read_bytes() if before else b"") == before
        return one.error


@pytest.fixture
def followed(home: Home, community: Repository) -> Followed:
    """Followed, never synced."""
    add_repository(home, "community", str(community.path))
    return Followed(home, community)


@pytest.fixture
def signed_by_alice(followed: Followed, people: People) -> Followed:
    """Synced once, when Alice had signed it."""
    write_commit(followed.origin, people.alice.sign)
    followed.fetched()
    return followed


# ------------------------------------------------------------------ signatures


def test_a_commit_that_git_signed(followed: Followed, people: People) -> None:
    set_signers(followed.home, "community", people.alice.line("alice@example.org").encode())
    followed.origin.git(*people.alice.settings, "commit", "--quiet", "--allow-empty", "-S", "-m", "signed\n\nbody")
    assert followed.signature() == Signature(
        status="good", kind="ssh", principal="alice@example.org", fingerprint=people.alice.fingerprint
    )


def test_a_key_that_nobody_listed_is_still_verified(followed: Followed, people: People) -> None:
    write_commit(followed.origin, people.bob.sign, who="Bob <bob@example.org>")
    found = followed.signature()
    assert (found.status, found.principal, found.fingerprint) == (
        "unknown key",
        "bob@example.org",
        people.bob.fingerprint,
    )


def test_no_signature(followed: Followed) -> None:
    assert followed.signature() == Signature(status="unsigned")
    assert followed.signature().label == "unsigned"


def test_git_agrees(followed: Followed, people: People, tmp_path: Path) -> None:
    """What is good here is good for Git's own check of the same commit."""
    lines = people.alice.line("alice@example.org")
    set_signers(followed.home, "community", lines.encode())
    (tmp_path / "allowed").write_text(lines)
    commit = write_commit(followed.origin, people.alice.sign)
    assert followed.signature().status == "good"
    settings = ["-c", "gpg.format=ssh", "-c", f"gpg.ssh.allowedSignersFile={tmp_path / 'allowed'}"]
    followed.origin.git(*settings, "verify-commit", commit)


@pytest.mark.parametrize(
    ("old", "new"),
    [(b"\n\nchange", b"\n\nchanged"), (b"Alice", b"Alicf"), (b"tree 4b825dc", b"tree 4b825dd")],
    ids=["message", "author", "tree"],
)
def test_what_was_changed_after_it_was_signed(people: People, old: bytes, new: bytes) -> None:
    payload = b"tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nauthor Alice <a@b> 1 +0000\ncommitter Alice <a@b> 1 +0000\n\nchange\n"
    raw = with_signature(payload, people.alice.sign(payload))
    signers = parse_signers(people.alice.line("alice@example.org").encode())
    assert verdict(split_commit(raw), signers, find_programs()).status == "good"
    assert old in raw
    assert verdict(split_commit(raw.replace(old, new)), signers, find_programs()).status == "bad"
    assert verdict(split_commit(raw.replace(old, new)), Signers(), find_programs()).status == "bad"


@pytest.mark.parametrize("namespace", ["file", "git@example.org"])
def test_a_signature_for_something_else(people: People, namespace: str) -> None:
    payload = b"tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n\nx\n"
    signed = split_commit(with_signature(payload, people.alice.sign(payload, namespace)))
    signers = parse_signers(people.alice.line("alice@example.org").encode())
    assert verdict(signed, signers, find_programs()).status == "bad"
    assert verdict(signed, Signers(), find_programs()).status == "bad"


def test_damaged_and_doubled_signatures(people: People) -> None:
    payload = b"tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n\nx\n"
    good = people.alice.sign(payload)
    twice = with_signature(with_signature(payload, good), good)
    cut = with_signature(payload, good[:80] + b"\n-----END SSH SIGNATURE-----\n")
    pgp = with_signature(payload, b"-----BEGIN PGP SIGNATURE-----\n\nAAAA\n-----END PGP SIGNATURE-----\n")
    other = with_signature(payload, b"-----BEGIN SIGNED MESSAGE-----\nAAAA\n-----END SIGNED MESSAGE-----\n")
    states = [verdict(split_commit(raw), Signers(), find_programs()).status for raw in (twice, cut, pgp, other)]
    assert states == ["bad", "bad", "bad", "unverifiable"]


def test_a_signature_in_the_message_is_none(people: People) -> None:
    payload = b"tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n\nx\n"
    raw = payload + b"\ngpgsig " + people.alice.sign(payload)
    assert verdict(split_commit(raw), Signers(), find_programs()).status == "unsigned"


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ('valid-after="20250101",valid-before="20270101Z"', "good"),
        ('valid-before="20251231"', "unknown key"),
        ('valid-after="20260201"', "unknown key"),
        ('namespaces="git"', "good"),
        ('namespaces="file,git"', "good"),
        ('namespaces="file"', "unknown key"),
    ],
)
def test_restrictions_of_a_line(people: People, options: str, status: str) -> None:
    """The time that counts is the commit's own: the first day of 2026."""
    payload = b"tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\ncommitter A <a@b> 1767225600 +0000\n\nx\n"
    signed = split_commit(with_signature(payload, people.alice.sign(payload)))
    text = f"# who may sign\n\n{people.alice.line('alice@example.org', options)}"
    found = verdict(signed, parse_signers(text.encode()), find_programs())
    assert (found.status, found.fingerprint) == (status, people.alice.fingerprint)
    assert (options in found.detail and "line 3" in found.detail) == (status != "good")


@pytest.mark.parametrize("who", ["*@example.org", "alice,bob", '"alice of ours"'])
def test_how_people_are_named(people: People, who: str) -> None:
    payload = b"tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n\nx\n"
    signed = split_commit(with_signature(payload, people.alice.sign(payload)))
    text = people.bob.line("bob@example.org") + people.alice.line(who)
    found = verdict(signed, parse_signers(text.encode()), find_programs())
    assert found.status == "good"
    assert found.principal in who


def test_a_certificate(people: People, tmp_path: Path) -> None:
    """Whoever an authority vouches for, under the name that the certificate says."""
    shutil.copy(people.bob.path, tmp_path / "bob")
    shutil.copy(people.bob.path.with_suffix(".pub"), tmp_path / "bob.pub")
    answer_of("ssh-keygen", "-q", "-s", people.alice.path, "-I", "id", "-n", "bob@example.org", tmp_path / "bob.pub")
    payload = b"tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n\nx\n"
    by_certificate = SshKey(tmp_path / "bob-cert.pub", "", "")
    signed = split_commit(with_signature(payload, by_certificate.sign(payload)))
    for who, status in (("*@example.org", "good"), ("*@example.net", "unknown key")):
        signers = parse_signers(people.alice.line(who, "cert-authority").encode())
        found = verdict(signed, signers, find_programs())
        assert (found.status, found.fingerprint) == (status, people.bob.fingerprint)


def test_a_strangers_name_cannot_command_a_terminal(followed: Followed, people: People) -> None:
    commit = write_commit(followed.origin, people.alice.sign, who="A <\x1b[2Jal\u202eice>")
    assert followed.fetched() == commit
    assert followed.signature().principal == "?[2Jal?ice"


def test_the_answer_follows_the_signers_not_the_clock(signed_by_alice: Followed, people: People) -> None:
    assert signed_by_alice.signature().status == "unknown key"
    set_signers(signed_by_alice.home, "community", people.alice.line("alice@example.org").encode())
    assert signed_by_alice.signature().status == "good"
    set_signers(signed_by_alice.home, "community", people.bob.line("bob@example.org").encode())
    commit = signed_by_alice.origin.git("rev-parse", "HEAD")
    assert signed_by_alice.signature(commit).status == "unknown key"


def without_program(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """A PATH with Git, and nothing that knows signatures."""
    folder.mkdir()
    for name in ("git", "env", "prlimit"):
        found = shutil.which(name)
        if found:
            (folder / name).symlink_to(found)
    monkeypatch.setenv("PATH", str(folder))


def test_without_ssh_keygen(
    followed: Followed, people: People, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = write_commit(followed.origin, people.alice.sign)
    without_program(monkeypatch, tmp_path / "bin")
    found = followed.signature(followed.fetched())
    assert (found.status, found.kind) == ("unverifiable", "ssh")
    assert "ssh-keygen is not installed" in found.label
    set_signers(followed.home, "community", people.alice.line("alice@example.org").encode())
    with pytest.raises(UserError, match="ssh-keygen is not installed") as caught:
        check_signer(followed.home, "community", commit)
    assert "openssh-client" in caught.value.hint


# --------------------------------------------------------------------- OpenPGP


def test_openpgp(followed: Followed, carol: GpgKey) -> None:
    write_commit(followed.origin, carol.sign)
    found = followed.signature()
    assert found.status == "unverifiable"
    assert found.label.endswith(f"signed by an OpenPGP key that is not known here: {carol.fingerprint[-16:]}")
    set_signers(followed.home, "community", carol.public)
    found = followed.signature()
    assert (found.status, found.principal, found.fingerprint) == ("good", "carol@example.org", carol.fingerprint)


def test_openpgp_that_was_tampered_with(followed: Followed, carol: GpgKey) -> None:
    payload = b"tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n\nx\n"
    raw = with_signature(payload, carol.sign(payload)) + b"more\n"
    signers = parse_signers(carol.public)
    assert verdict(split_commit(raw), signers, find_programs()).status == "bad"


def test_both_kinds_of_keys_in_one_file(followed: Followed, people: People, carol: GpgKey) -> None:
    content = b"# ours\n" + carol.public + people.alice.line("alice@example.org").encode()
    set_signers(followed.home, "community", content)
    for sign, kind in ((carol.sign, "openpgp"), (people.alice.sign, "ssh")):
        write_commit(followed.origin, sign)
        assert (followed.signature().status, followed.signature().kind) == ("good", kind)


def test_an_openpgp_key_that_has_expired() -> None:
    payload = b"tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n\nx\n"
    with new_gpg_key("Dave <dave@example.org>", "1d", at="20200101T000000") as dave:
        raw = with_signature(payload, dave.sign(payload))
    found = verdict(split_commit(raw), parse_signers(dave.public), find_programs())
    assert (found.status, found.principal, found.detail) == ("unknown key", "dave@example.org", "its key has expired")


def test_without_gpg(followed: Followed, carol: GpgKey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_commit(followed.origin, carol.sign)
    without_program(monkeypatch, tmp_path / "bin")
    assert "gpg is not installed (package gnupg)" in followed.signature().label


def in_the_forges_name(carol: GpgKey, payload: bytes) -> bytes:
    """Carol's signature with the id of github.com's key in the place of hers."""
    begin, *body, end = [line for line in carol.sign(payload).split(b"\n") if line]
    packets = base64.b64decode(b"".join(line for line in body if not line.startswith(b"=")))
    own, forges = bytes.fromhex(carol.fingerprint[-16:]), bytes.fromhex("B5690EEEBB952194")
    assert own in packets
    return b"\n".join([begin, b"", base64.b64encode(packets.replace(own, forges)), end, b""])


def test_a_forges_signature_is_not_the_authors(followed: Followed, carol: GpgKey) -> None:
    write_commit(followed.origin, lambda payload: in_the_forges_name(carol, payload), who=GITHUB)
    found = followed.signature()
    assert found.status == "forge"
    assert found.label == "signed by the forge (GitHub, whose key is not known here), not the author"
    assert known_signers(followed.home, "community") == []


def test_a_forge_that_a_person_listed_is_accepted_and_still_called_so(
    followed: Followed, carol: GpgKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(FORGE_KEYS, carol.fingerprint[-16:], "Carol's forge")
    set_signers(followed.home, "community", carol.public)
    write_commit(followed.origin, carol.sign, who=GITHUB)
    assert followed.signature().label == "signed by the forge (Carol's forge), not the author"
    write_commit(followed.origin, lambda payload: in_the_forges_name(carol, payload), who=GITHUB)
    assert "is not signed by one of its signers" in followed.stopped().message


def test_looking_like_the_forge_is_not_being_it(followed: Followed, people: People, carol: GpgKey) -> None:
    write_commit(followed.origin, who=GITHUB)
    assert followed.signature().status == "unsigned"
    write_commit(followed.origin, carol.sign, who=GITHUB)
    assert followed.signature().status == "unverifiable"
    assert "claims to be made by a forge" in followed.signature().detail
    write_commit(followed.origin, people.alice.sign, who=GITHUB)
    assert followed.signature().principal == ""
    assert followed.signature().label.startswith("somebody unnamed (SHA256:")


def test_a_forge_does_not_stand_in_for_a_known_signer(signed_by_alice: Followed, carol: GpgKey) -> None:
    write_commit(signed_by_alice.origin, lambda payload: in_the_forges_name(carol, payload), who=GITHUB)
    assert "is signed by the forge" in signed_by_alice.stopped().message


# ------------------------------------------------------------------------ tags


@pytest.fixture
def follows_tag(home: Home, community: Repository) -> Followed:
    """Follows the tag v1, which does not exist yet."""
    add_repository(home, "community", str(community.path), "v1")
    return Followed(home, community)


def test_a_signed_tag_vouches_for_its_commit(follows_tag: Followed, people: People) -> None:
    follows_tag.origin.git(*people.alice.settings, "tag", "-s", "-m", "first", "v1")
    assert follows_tag.signature(ref="v1").fingerprint == people.alice.fingerprint
    (known,) = known_signers(follows_tag.home, "community")
    assert (known.fingerprint, known.principal) == (people.alice.fingerprint, "author@example.org")


def test_a_tag_vouches_also_when_another_one_was_fetched(follows_tag: Followed, people: People) -> None:
    follows_tag.origin.git(*people.alice.settings, "tag", "-s", "-m", "first", "v1")
    first = follows_tag.fetched()
    follows_tag.origin.commit()
    follows_tag.origin.git(*people.alice.settings, "tag", "-f", "-s", "-m", "second", "v1")
    assert follows_tag.fetched() != first
    assert follows_tag.signature(first, "v1").fingerprint == people.alice.fingerprint


def test_a_tag_without_signature_leaves_the_word_to_the_commit(follows_tag: Followed, people: People) -> None:
    write_commit(follows_tag.origin, people.bob.sign)
    follows_tag.origin.git("tag", "-a", "-m", "first", "v1", "main")
    assert follows_tag.signature(ref="v1").fingerprint == people.bob.fingerprint


def test_a_tag_does_not_answer_for_a_branch(follows_tag: Followed, people: People) -> None:
    follows_tag.origin.git(*people.alice.settings, "tag", "-s", "-m", "first", "v1")
    commit = follows_tag.fetched()
    follows_tag.home.follows.unlink()
    add_repository(follows_tag.home, "community", str(follows_tag.origin.path), "main")
    forget_signers(follows_tag.home, "community")
    assert follows_tag.fetched() == commit
    assert follows_tag.signature(commit, "main").status == "unsigned"
    assert follows_tag.signature(commit, "v1").fingerprint == people.alice.fingerprint


def test_a_renamed_tag(follows_tag: Followed, people: People) -> None:
    """Whoever serves the repository can show an old, signed tag under a new name."""
    follows_tag.origin.git(*people.alice.settings, "tag", "-s", "-m", "old", "v0")
    follows_tag.origin.git("update-ref", "refs/tags/v1", follows_tag.origin.git("rev-parse", "v0"))
    error = follows_tag.stopped()
    assert "the tag calls itself 'v0', not 'v1'" in error.message


# ---------------------------------------------------------------------- trust


def test_the_first_signer_is_remembered(signed_by_alice: Followed, people: People) -> None:
    (known,) = known_signers(signed_by_alice.home, "community")
    assert (known.fingerprint, known.principal, known.origin) == (
        people.alice.fingerprint,
        "alice@example.org",
        "first use",
    )
    catalog = read_catalog(signed_by_alice.home, "community")
    assert catalog is not None
    assert catalog.signer == f"alice@example.org ({people.alice.fingerprint[:23]}…), known since {known.since}"


def test_the_same_signer_goes_on(signed_by_alice: Followed, people: People) -> None:
    commit = write_commit(signed_by_alice.origin, people.alice.sign, message="next")
    assert signed_by_alice.fetched() == commit
    assert len(known_signers(signed_by_alice.home, "community")) == 1


def test_another_signer_stops(signed_by_alice: Followed, people: People) -> None:
    commit = write_commit(signed_by_alice.origin, people.mallory.sign, who="Mallory <mallory@example.org>")
    error = signed_by_alice.stopped()
    assert error.message == (
        f"community was signed by alice@example.org ({people.alice.fingerprint[:23]}…) until now; "
        f"commit {commit[:12]} is signed by mallory@example.org ({people.mallory.fingerprint[:23]}…)"
    )
    assert f"repertory repo trust community --signer {people.mallory.fingerprint}" in error.hint
    assert [one.fingerprint for one in known_signers(signed_by_alice.home, "community")] == [people.alice.fingerprint]


def test_accepting_a_new_signer(signed_by_alice: Followed, people: People) -> None:
    write_commit(signed_by_alice.origin, people.bob.sign, who="Bob <bob@example.org>")
    signed_by_alice.stopped()
    accept_signer(signed_by_alice.home, "community", people.bob.fingerprint)
    signed_by_alice.fetched()
    write_commit(signed_by_alice.origin, people.alice.sign)
    signed_by_alice.fetched()
    known = {one.principal: one.origin for one in known_signers(signed_by_alice.home, "community")}
    assert known == {"alice@example.org": "first use", "bob@example.org": "accepted"}


@pytest.mark.parametrize("text", ["", "SHA256:short", "alice", "0123456789ABCDEF0123456789ABCDEF01234567"])
def test_accepting_what_is_no_fingerprint(signed_by_alice: Followed, text: str) -> None:
    with pytest.raises(UserError, match="not the fingerprint"):
        accept_signer(signed_by_alice.home, "community", text)


def test_unsigned_after_signed_stops(signed_by_alice: Followed) -> None:
    write_commit(signed_by_alice.origin)
    error = signed_by_alice.stopped()
    assert error.message.endswith("is unsigned")
    assert "repertory repo trust community --forget" in error.hint
    forget_signers(signed_by_alice.home, "community")
    signed_by_alice.fetched()


def test_an_unknown_openpgp_key_after_a_known_signer_stops(signed_by_alice: Followed, carol: GpgKey) -> None:
    write_commit(signed_by_alice.origin, carol.sign)
    assert "OpenPGP key that is not known here" in signed_by_alice.stopped().message


def test_a_bad_signature_always_stops(followed: Followed, people: People) -> None:
    write_commit(followed.origin, lambda payload: people.alice.sign(payload + b"other"))
    error = followed.stopped()
    assert "is bad" in error.message
    assert known_signers(followed.home, "community") == []


def waiting_for(path: Path) -> int:
    """How many wait for a lock (proc_locks(5))."""
    lines = [line.split() for line in Path("/proc/locks").read_text().splitlines()]
    return sum("->" in words and words[-3].endswith(f":{path.stat().st_ino}") for words in lines)


@pytest.mark.may_skip("only Linux says who waits")
@pytest.mark.skipif(not Path("/proc/locks").exists(), reason="only Linux says who waits")
def test_two_cannot_both_be_first(followed: Followed, people: People) -> None:
    """Whoever is checked while another one is being remembered waits, and is the second then."""
    first = write_commit(followed.origin, people.alice.sign)
    followed.fetched()
    second = write_commit(followed.origin, people.mallory.sign, message="other")
    forget_signers(followed.home, "community")
    git.fetch(followed.home.repository("community"), parse_source(str(followed.origin.path)))
    with ThreadPoolExecutor() as pool, followed.home.exclusive("trusting"):
        checks = [pool.submit(check_signer, followed.home, "community", commit) for commit in (first, second)]
        while waiting_for(followed.home.root / ".trusting") < len(checks):
            assert not any(check.done() for check in checks)
    errors = [check.exception() for check in checks]
    assert sorted(error is None for error in errors) == [False, True]
    assert len(known_signers(followed.home, "community")) == 1


def test_repositories_are_trusted_apart(
    home: Home, people: People, new_repository: Callable[[str], Repository], community: Repository
) -> None:
    other = new_repository("other").write(item_files())
    other.commit()
    add_repository(home, "community", str(community.path))
    add_repository(home, "other", str(other.path))
    write_commit(community, people.alice.sign)
    write_commit(other, people.bob.sign)
    assert not sync(home).failed
    write_commit(other, people.alice.sign, message="by somebody known elsewhere")
    (failed,) = sync(home).failed
    assert failed.name == "other"


def test_only_those_of_the_file(followed: Followed, people: People) -> None:
    lines = people.alice.line("alice@example.org") + people.bob.line("bob@example.org")
    set_signers(followed.home, "community", lines.encode())
    error = followed.stopped()
    assert error.message.endswith("is not signed by one of its signers: unsigned")
    for sign in (people.alice.sign, people.bob.sign):
        write_commit(followed.origin, sign)
        followed.fetched()
    write_commit(followed.origin, people.mallory.sign, who="Alice <alice@example.org>")
    assert people.mallory.fingerprint[:23] in followed.stopped().message
    with pytest.raises(UserError, match="has a file of signers"):
        accept_signer(followed.home, "community", people.mallory.fingerprint)


def test_who_left_the_file_is_known_no_longer(followed: Followed, people: People) -> None:
    set_signers(followed.home, "community", people.alice.line("alice").encode())
    write_commit(followed.origin, people.alice.sign)
    followed.fetched()
    set_signers(followed.home, "community", people.bob.line("bob").encode())
    write_commit(followed.origin, people.alice.sign, message="next")
    followed.stopped()
    write_commit(followed.origin, people.bob.sign)
    followed.fetched()
    set_signers(followed.home, "community", b"")
    write_commit(followed.origin, people.alice.sign, message="after")
    assert "was signed by bob" in followed.stopped().message


def test_nothing_is_remembered_by_a_look(followed: Followed, people: People) -> None:
    commit = write_commit(followed.origin, people.alice.sign)
    followed.fetched()
    forget_signers(followed.home, "community")
    signer = check_signer(followed.home, "community", commit, remember=False)
    assert signer.known is not None
    assert known_signers(followed.home, "community") == []


def test_following_no_longer_forgets(signed_by_alice: Followed, people: People) -> None:
    set_signers(signed_by_alice.home, "community", people.alice.line("alice").encode())
    remove_repository(signed_by_alice.home, "community")
    assert known_signers(signed_by_alice.home, "community") == []
    assert kept_signers(signed_by_alice.home, "community") == b""


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"$schema": "other"}', '{"$schema": "urn:repertory:schema:trust:1", "x": 1}']
)
def test_a_damaged_record(signed_by_alice: Followed, people: People, text: str) -> None:
    write_commit(signed_by_alice.origin, people.mallory.sign)
    signed_by_alice.home.trust.write_text(text)
    assert "trust.json" in signed_by_alice.stopped().message
    assert signed_by_alice.home.trust.read_text() == text


# ------------------------------------------------------------------ installing


def test_the_lock_names_the_signer(signed_by_alice: Followed, people: People) -> None:
    install(signed_by_alice.home, ["blocklist"])
    (item,) = read_lock(signed_by_alice.home).items
    assert item.signer == f"alice@example.org {people.alice.fingerprint}"


def test_the_lock_is_confirmed_offline(signed_by_alice: Followed, people: People) -> None:
    install(signed_by_alice.home, ["blocklist"])
    (item,) = read_lock(signed_by_alice.home).items
    confirm_signer(signed_by_alice.home, "community", item.commit, item.signer)
    assert (
        confirm_signer(signed_by_alice.home, "community", item.commit, f"other name {people.alice.fingerprint}") == ""
    )
    with pytest.raises(UserError, match="the lock says"):
        confirm_signer(signed_by_alice.home, "community", item.commit, f"alice@example.org {people.bob.fingerprint}")
    with pytest.raises(Refused, match="not among what was fetched"):
        confirm_signer(signed_by_alice.home, "community", "0" * 40, item.signer)


def test_what_cannot_be_confirmed_here_is_said(
    follows_tag: Followed, people: People, carol: GpgKey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine that was brought there by the lock has no tags, and perhaps no programs."""
    home, origin = follows_tag.home, follows_tag.origin
    commit = write_commit(origin, carol.sign)
    origin.git("tag", "v1", "main")
    assert follows_tag.fetched() == commit
    locked = f"carol@example.org {carol.fingerprint}"
    assert "not known here" in confirm_signer(home, "community", commit, locked, ref="v1")
    with pytest.raises(UserError, match="the lock says"):
        confirm_signer(home, "community", commit, f"alice {people.alice.fingerprint}", ref="v1")
    without_program(monkeypatch, tmp_path / "bin")
    assert "gpg is not installed" in confirm_signer(home, "community", commit, locked, ref="v1")
    commit = write_commit(origin)
    origin.git("tag", "-f", "v1", "main")
    assert follows_tag.fetched() == commit
    assert "the tag that vouched for it is not here" in confirm_signer(home, "community", commit, locked, ref="v1")


def test_what_is_installed_stays_verified_when_trust_changes(followed: Followed, people: People) -> None:
    followed.fetched()
    install(followed.home, ["blocklist"])
    write_commit(followed.origin, people.alice.sign)
    followed.fetched()
    assert [one.deviations for one in verify(followed.home)] == [[]]
    set_signers(followed.home, "community", people.bob.line("bob").encode())
    assert [one.deviations for one in verify(followed.home)] == [[]]


def test_a_lock_that_names_another_signer_is_noticed(signed_by_alice: Followed, people: People) -> None:
    install(signed_by_alice.home, ["blocklist"])
    text = signed_by_alice.home.lock.read_text()
    signed_by_alice.home.lock.write_text(text.replace(people.alice.fingerprint, people.bob.fingerprint))
    (found,) = verify(signed_by_alice.home)
    assert [one.what for one in found.deviations] == ["signature"]
    assert people.alice.fingerprint[:23] in found.deviations[0].message


def test_the_lock_says_unsigned(followed: Followed) -> None:
    followed.fetched()
    install(followed.home, ["blocklist"])
    assert [item.signer for item in read_lock(followed.home).items] == ["unsigned"]


def test_what_is_not_trusted_any_more_is_not_installed(signed_by_alice: Followed, people: People) -> None:
    """Signers that are named between sync and install count."""
    set_signers(signed_by_alice.home, "community", people.bob.line("bob").encode())
    with pytest.raises(UserError, match="not signed by one of its signers"):
        install(signed_by_alice.home, ["blocklist"])
    assert not signed_by_alice.home.lock.exists()


def test_a_commit_elsewhere_in_the_repository_is_no_change(signed_by_alice: Followed, people: People) -> None:
    install(signed_by_alice.home, ["blocklist"])
    before = signed_by_alice.home.lock.read_bytes()
    accept_signer(signed_by_alice.home, "community", people.bob.fingerprint)
    signed_by_alice.origin.write({"README.md": "new"})
    write_commit(signed_by_alice.origin, people.bob.sign)
    signed_by_alice.fetched()
    (report,) = install(signed_by_alice.home, ["blocklist"])
    assert report.state == "unchanged"
    assert signed_by_alice.home.lock.read_bytes() == before


def test_an_update_by_an_accepted_signer(signed_by_alice: Followed, people: People) -> None:
    install(signed_by_alice.home, ["blocklist"])
    code = str(item_files()["apps/blocklist/app.py"]).replace("1.0.0", "1.1.0")
    app = json.dumps(APP | {"version": "1.1.0"})
    signed_by_alice.origin.write({"apps/blocklist/app.json": app, "apps/blocklist/app.py": code})
    write_commit(signed_by_alice.origin, people.bob.sign, who="Bob <bob@example.org>")
    signed_by_alice.stopped()
    accept_signer(signed_by_alice.home, "community", people.bob.fingerprint)
    signed_by_alice.fetched()
    install(signed_by_alice.home, ["blocklist"])
    (item,) = read_lock(signed_by_alice.home).items
    assert (item.version, item.signer) == ("1.1.0", f"bob@example.org {people.bob.fingerprint}")


# --------------------------------------------------------------- files of signers


KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("", 0, "names nobody"),
        ("# nobody\n\n", 0, "names nobody"),
        (f"a@b {KEY}\n{KEY} comment\n", 2, "not whose it is"),
        ("a@b\n", 1, "not a line about a signer"),
        ("a@b ssh-dss AAAAB3NzaC1kc3M=\n", 1, "no key of a known type"),
        ("a@b words of no use\n", 1, "no key of a known type"),
        ("a@b ssh-ed25519\n", 1, "damaged"),
        ("a@b ssh-ed25519 AAAA\n", 1, "damaged"),
        (f"a@b ssh-rsa {KEY.split()[1]}\n", 1, "damaged"),
        (f"\n\na@b {KEY[:-4]}é\n", 3, "damaged"),
        (f"a@b unheard-of {KEY}\n", 1, "unknown option"),
        (f"a@b namespaces=git {KEY}\n", 1, "unknown option"),
        (f"a@b namespaces {KEY}\n", 1, "without its value"),
        (f'a@b valid-before="20250101",valid-before="20260101" {KEY}\n', 1, "given twice"),
        (f'a@b valid-before="soon" {KEY}\n', 1, "not a time"),
        (f'a@b valid-after="20260101",valid-before="20250101" {KEY}\n', 1, "not later"),
        (f"a@b\u00a0{KEY}\n", 1, "invisible"),
        (f"a@b\0 {KEY}\n", 1, "invisible"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\n", 1, "private key"),
        ("-----BEGIN PGP PRIVATE KEY BLOCK-----\n", 1, "private key"),
        (f"a@b {KEY}\n-----BEGIN PGP PUBLIC KEY BLOCK-----\n", 2, "does not end"),
        ("-----END PGP PUBLIC KEY BLOCK-----\n", 1, "out of turn"),
        ("-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n!!!\n-----END PGP PUBLIC KEY BLOCK-----\n", 1, "damaged"),
        ("a@b ssh-ed25519 \udcff", 1, "not UTF-8"),
    ],
)
def test_malformed_files_of_signers(home: Home, community: Repository, text: str, line: int, problem: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_signers(text.encode("utf-8", errors="surrogateescape"), "allowed")
    place = f"allowed:{line}: " if line else "allowed: "
    assert caught.value.message.startswith(place)
    assert problem in caught.value.message
    assert caught.value.hint
    if text:
        with pytest.raises(UserError, match=problem):
            add_repository(
                home, "community", str(community.path), signers=text.encode("utf-8", errors="surrogateescape")
            )
        assert not home.follows.exists()


def test_fingerprints_are_those_of_ssh_keygen(people: People) -> None:
    lines = people.alice.line("alice") + people.bob.line("bob", 'namespaces="git"')
    keys = parse_signers(b"\xef\xbb\xbf" + lines.replace("\n", "\tcomment of mine\r\n").encode()).keys
    assert [(key.line, key.principals, key.fingerprint) for key in keys] == [
        (1, "alice", people.alice.fingerprint),
        (2, "bob", people.bob.fingerprint),
    ]


# ------------------------------------------------------------------- any bytes


@given(st.binary(max_size=300))
def test_any_bytes_are_split_without_losing_what_was_not_a_signature(raw: bytes) -> None:
    tag, commit = split_tag(raw), split_commit(raw)
    assert tag.payload + b"".join(tag.signatures) == raw
    assert commit.signatures or commit.payload == raw


@given(
    st.binary(min_size=1, max_size=300).filter(lambda raw: b"\n\n" not in raw and b"\ngpgsig" not in raw),
    st.binary(max_size=80),
)
def test_a_signature_is_taken_out_as_it_was_put_in(headers: bytes, signature: bytes) -> None:
    payload = b"tree " + headers + b"\n\nmessage"
    split = split_commit(with_signature(payload, signature))
    assert split.payload == payload.replace(b"\n\n", b"\n\n", 1)
    assert [one.rstrip(b"\n") for one in split.signatures] == [signature.rstrip(b"\n")]


@given(st.text(alphabet=st.sampled_from('ab@*,"=#- \t\n\r!') | st.characters(), max_size=200))
def test_any_text_is_a_file_of_signers_or_a_mistake_with_a_cure(text: str) -> None:
    try:
        found = parse_signers(text.encode("utf-8", errors="surrogatepass"))
    except UserError as error:
        assert error.hint
    else:
        assert found.keys or found.openpgp
