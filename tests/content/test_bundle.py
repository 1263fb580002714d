"""Content carried to a machine without a network: looked at beside the home, agreed to, and moved in."""

from __future__ import annotations

import ensurepip
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from content.builders import Repository
from content.bundles import bring, everything, files_of, write
from content.signing import SshKey, new_ssh_key, write_commit
from content.test_environments import locked, make_wheel
from repertory.content.changes.install import install
from repertory.content.changes.planning import Request, make_plan
from repertory.content.installed.bundle import create_bundle
from repertory.content.installed.contents import is_intact
from repertory.content.installed.garbage import InUse, collect
from repertory.content.installed.lock import read_lock
from repertory.content.installed.staging import move_in, staged_bundle
from repertory.content.installed.verification import verify
from repertory.content.offered.catalog import catalog_items
from repertory.content.offered.repositories import add_repository, list_repositories, sync
from repertory.content.trust.signers import kept_signers
from repertory.content.trust.trust import accept_signer, known_signers
from repertory.errors import UserError
from repertory.home import Home


@pytest.fixture
def bundle(synced_home: Home, tmp_path: Path) -> Path:
    """What is installed in one home, as a file."""
    install(synced_home, ["recon", "blocklist"])
    return create_bundle(synced_home, tmp_path / "content.bundle").path


@pytest.fixture
def far_home(tmp_path: Path) -> Home:
    """The home on the other side."""
    return Home(tmp_path / "far")


def more(community: Repository, home: Home) -> None:
    """The playbook's author goes on."""
    folder = next(path.parent for path in community.path.rglob("playbook.json"))
    manifest = json.loads((folder / "playbook.json").read_text())
    (folder / "playbook.json").write_text(json.dumps({**manifest, "version": "1.1.0"}, indent=2))
    source = (folder / "playbook.py").read_text()
    (folder / "playbook.py").write_text(source.replace('labels=["scan"]', 'labels=["scan"], version="1.1.0"'))
    community.commit()
    assert not sync(home).failed


# ------------------------------------------------------------------- arriving


def test_everything_arrives_without_the_origin(
    bundle: Path, far_home: Home, community: Repository, synced_home: Home
) -> None:
    shutil.rmtree(community.path)
    assert [report.state for report in bring(far_home, bundle)] == ["installed", "installed"]
    assert [item.full_name for item in catalog_items(far_home)] == ["community/blocklist", "community/recon"]
    assert list_repositories(far_home) == list_repositories(synced_home)
    near = {item.name: item.hash for item in read_lock(synced_home).items}
    assert {item.name: item.hash for item in read_lock(far_home).items} == near
    assert all(is_intact(far_home.content(digest), digest) for digest in near.values())
    assert not any(one.deviations for one in verify(far_home))
    assert not far_home.stages.exists()


def test_a_second_bundle_brings_news(bundle: Path, far_home: Home, community: Repository, synced_home: Home) -> None:
    bring(far_home, bundle)
    more(community, synced_home)
    install(synced_home, ["recon"])
    reports = bring(far_home, create_bundle(synced_home, bundle).path)
    assert sorted((report.name, report.state) for report in reports) == [
        ("community/blocklist", "unchanged"), ("community/recon", "updated"),
    ]  # fmt: skip
    assert read_lock(far_home).item("community/recon") == read_lock(synced_home).item("community/recon")
    assert [item.version for item in catalog_items(far_home)] == ["1.0.0", "1.1.0"]
    assert not any(one.deviations or one.notes for one in verify(far_home)), "commits of before are still at hand"


def test_only_what_was_synced_last_is_bundled(bundle: Path, synced_home: Home, community: Repository) -> None:
    more(community, synced_home)
    before = bundle.read_bytes()
    with pytest.raises(UserError, match="community/recon 1.0.0 of [0-9a-f]{12} is not what was synced last: 1.1.0 of [0-9a-f]{12}"):
        create_bundle(synced_home, bundle)
    assert bundle.read_bytes() == before


def test_an_empty_home_has_nothing_to_bundle(far_home: Home, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nothing is installed"):
        create_bundle(far_home, tmp_path / "x")


@pytest.mark.parametrize("other", ["url", "ref"])
def test_another_origin_under_the_same_name_stops(
    bundle: Path, far_home: Home, tmp_path: Path, community: Repository, other: str
) -> None:
    add_repository(far_home, "community", *([str(tmp_path)] if other == "url" else [str(community.path), "main"]))
    before = everything(far_home)
    with pytest.raises(UserError, match="but community here is"), staged_bundle(far_home, bundle):
        pass
    assert everything(far_home) == before


# ---------------------------------------------------------------- not agreed to


def test_looking_changes_nothing(bundle: Path, far_home: Home) -> None:
    with staged_bundle(far_home, bundle) as staged:
        assert [item.name for item in staged.review.asking] == ["community/blocklist", "community/recon"]
        assert "community is followed from then on: file://" in staged.review.notes[0]
        assert catalog_items(staged.stage), "there is something to look at"
    assert everything(far_home) == {}
    assert catalog_items(far_home) == []
    assert list_repositories(far_home) == []


def test_the_review_is_that_of_an_installation(bundle: Path, far_home: Home, synced_home: Home) -> None:
    with staged_bundle(far_home, bundle) as staged:
        digest = staged.review.digest
    fresh = Home(far_home.root.with_name("fresh"))
    shutil.copytree(synced_home.root, fresh.root)
    fresh.lock.unlink()
    request = Request(names=["community/blocklist", "community/recon"], command="x")
    assert digest == make_plan(fresh, request).review.digest


@pytest.mark.parametrize("what", ["lock", "trust", "follows"])
def test_what_changed_since_the_review_stops(bundle: Path, far_home: Home, synced_home: Home, what: str) -> None:
    shutil.copytree(synced_home.root, far_home.root)
    with staged_bundle(far_home, bundle) as staged:
        if what == "lock":
            install(far_home, ["blocklist"])
            (far_home.lock).write_text(far_home.lock.read_text() + "\n")
        elif what == "trust":
            accept_signer(far_home, "community", f"SHA256:{'a' * 43}")
        else:
            add_repository(far_home, "another", str(bundle.parent))
        before = everything(far_home)
        with pytest.raises(UserError, match="has changed since it was reviewed"):
            move_in(staged)
        assert everything(far_home) == before


def test_a_failure_at_the_end_is_taken_back(bundle: Path, far_home: Home, synced_home: Home, community: Repository) -> None:
    bring(far_home, bundle)
    more(community, synced_home)
    install(synced_home, ["recon"])
    newer = create_bundle(synced_home, bundle).path
    before = everything(far_home)
    far_home.generations.rename(far_home.generations.with_name("kept"))
    far_home.generations.write_text("in the way of the lock's generation")
    with staged_bundle(far_home, newer) as staged, pytest.raises(UserError):
        move_in(staged)
    far_home.generations.unlink()
    far_home.generations.with_name("kept").rename(far_home.generations)
    after = everything(far_home)
    for name in ("repertory.lock", "repositories.json", "repositories/community.catalog.json"):
        assert after[name] == before[name], name
    assert [item.version for item in catalog_items(far_home)] == ["1.0.0", "1.0.0"]


def test_a_new_repository_goes_again_where_moving_in_fails(bundle: Path, far_home: Home) -> None:
    far_home.prepare()
    far_home.generations.write_text("in the way of the lock's generation")
    with staged_bundle(far_home, bundle) as staged, pytest.raises(UserError):
        move_in(staged)
    far_home.generations.unlink()
    assert list_repositories(far_home) == []
    assert catalog_items(far_home) == []
    assert not far_home.repository("community").exists()
    assert bring(far_home, bundle), "and once more, without what was in the way"


KILLED = """
import os, signal, sys
from pathlib import Path
from repertory.content.installed.staging import staged_bundle
from repertory.home import Home
with staged_bundle(Home(Path(sys.argv[1])), Path(sys.argv[2])):
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("who", ["the next one", "gc"])
def test_what_a_killed_process_left_goes(bundle: Path, far_home: Home, who: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLED, far_home.root, bundle], check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL
    assert list_repositories(far_home) == []
    assert catalog_items(far_home) == []
    (left,) = far_home.stages.iterdir()
    if who == "gc":
        collect(far_home, keep=1, in_use=InUse)
    else:
        with staged_bundle(far_home, bundle) as staged:
            assert list(far_home.stages.iterdir()) == [staged.stage.root.parent]
            collect(far_home, keep=1, in_use=InUse)
            assert staged.stage.root.exists(), "what somebody looks at stays"
    assert not left.exists()


KILLED_BEFORE = """
import os, signal, sys
from pathlib import Path
from repertory.content.installed import staging
from repertory.home import Home
with staging.staged_bundle(Home(Path(sys.argv[1])), Path(sys.argv[2])) as staged:
    setattr(staging, sys.argv[3], lambda *_words, **_options: os.kill(os.getpid(), signal.SIGKILL))
    staging.move_in(staged)
"""


@pytest.mark.parametrize("step", ["carry_out", "follow_all", "write_atomically", "change_lock", "update_index"])
def test_a_process_killed_while_moving_in(bundle: Path, far_home: Home, step: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLED_BEFORE, far_home.root, bundle, step], check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL
    assert len(read_lock(far_home).items) == (2 if step == "update_index" else 0), "all of it or nothing"
    assert known_signers(far_home, "community") == []
    bring(far_home, bundle)
    assert [item.full_name for item in catalog_items(far_home)] == [item.name for item in read_lock(far_home).items]
    assert not any(one.deviations or one.notes for one in verify(far_home))
    assert not far_home.stages.exists()


# ---------------------------------------------------------------------- trust


@pytest.fixture
def alice(tmp_path: Path) -> SshKey:
    """An author with a key."""
    return new_ssh_key(tmp_path / "alice")


@pytest.fixture
def signed(alice: SshKey, community: Repository, synced_home: Home, tmp_path: Path) -> Path:
    """A bundle of a signed commit, from a home that trusts its signer."""
    write_commit(community, alice.sign)
    assert not sync(synced_home).failed
    install(synced_home, ["recon", "blocklist"])
    assert known_signers(synced_home, "community")
    return create_bundle(synced_home, tmp_path / "signed.bundle").path


def test_a_bundle_makes_nobody_trusted(signed: Path, far_home: Home, alice: SshKey) -> None:
    with staged_bundle(far_home, signed) as staged:
        (known,) = {item.signer_known for item in staged.review.items}
        assert known == f"alice@example.org {alice.fingerprint}, a key that is not known here"
        move_in(staged)
    assert known_signers(far_home, "community") == []
    assert kept_signers(far_home, "community") == b""
    assert {item.signer for item in read_lock(far_home).items} == {f"alice@example.org {alice.fingerprint}"}


def test_signatures_count_by_what_is_trusted_here(signed: Path, far_home: Home, alice: SshKey, community: Repository) -> None:
    add_repository(far_home, "community", str(community.path), signers=alice.line("alice@example.org").encode())
    with staged_bundle(far_home, signed) as staged:
        assert "not known here" not in staged.review.items[0].signer_known
        move_in(staged)
    assert read_lock(far_home).items


def test_somebody_else_than_who_is_trusted_here_stops(
    signed: Path, far_home: Home, community: Repository, tmp_path: Path
) -> None:
    mallory = new_ssh_key(tmp_path / "mallory")
    add_repository(far_home, "community", str(community.path))
    accept_signer(far_home, "community", mallory.fingerprint)
    before = everything(far_home)
    with pytest.raises(UserError, match="was signed by"), staged_bundle(far_home, signed):
        pass
    assert everything(far_home) == before


@pytest.mark.parametrize("path", ["repositories/community/signers", "signers/community", "trust.json"])
def test_keys_do_not_belong_into_a_bundle(bundle: Path, far_home: Home, tmp_path: Path, path: str, alice: SshKey) -> None:
    index, files = files_of(bundle)
    write(tmp_path / "evil", index, {**files, path: alice.line("mallory@example.org").encode()})
    with pytest.raises(UserError, match="does not belong there"), staged_bundle(far_home, tmp_path / "evil"):
        pass
    assert everything(far_home) == {}


# --------------------------------------------------------------------- wheels


def test_only_wheels_that_a_requirement_names_are_kept(bundle: Path, far_home: Home, tmp_path: Path) -> None:
    index, files = files_of(bundle)
    write(tmp_path / "more", index, {**files, "wheels/stranger-1.0-py3-none-any.whl": b"x"})
    bring(far_home, tmp_path / "more")
    assert not far_home.wheels.exists()


def test_wheels_suffice_where_there_is_no_index(
    synced_home: Home, far_home: Home, community: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    wheel = make_wheel(wheels, "1.0")
    (pip,) = (Path(ensurepip.__file__).parent / "_bundled").glob("pip-*.whl")
    shutil.copy(pip, wheels)
    for name, value in {"UV_FIND_LINKS": str(wheels), "UV_OFFLINE": "1", "UV_CACHE_DIR": str(tmp_path / "cache")}.items():
        monkeypatch.setenv(name, value)
    community.write({"apps/blocklist/requirements.lock": locked(wheel)}).commit()
    assert not sync(synced_home).failed
    install(synced_home, ["recon", "blocklist"])
    carried = create_bundle(synced_home, tmp_path / "content.bundle").path
    assert f"wheels/{wheel.name}" in files_of(carried)[1]

    monkeypatch.delenv("UV_FIND_LINKS")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "other-cache"))
    bring(far_home, carried)
    (module,) = far_home.environment("x").parent.rglob("greeting.py")
    assert module.read_text() == "WORD = 'hello'\n"
    assert [path.name for path in far_home.wheels.iterdir()] == [wheel.name]


def test_the_sha256_that_a_person_gives_is_that_of_the_file(bundle: Path, far_home: Home) -> None:
    right = hashlib.sha256(bundle.read_bytes()).hexdigest()
    with staged_bundle(far_home, bundle, sha256=right.upper()) as staged:
        assert staged.bundle.sha256 == right
    with pytest.raises(UserError, match="is another file than was meant"), staged_bundle(far_home, bundle, sha256="0" * 64):
        pass
    assert everything(far_home) == {}
