"""Everything installed is compared byte for byte, and what deviates is named."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from content.builders import Repository
from content.changing_app import publish
from content.test_environments import locked as pin_of
from content.test_environments import make_wheel
from repertory.commands._session import HomeLibrary
from repertory.content.changes.install import install, remove
from repertory.content.installed.garbage import InUse, collect
from repertory.content.installed.generations import roll_back
from repertory.content.installed.lock import installed, read_lock
from repertory.content.installed.restore import restore
from repertory.content.installed.verification import verify
from repertory.content.offered.repositories import remove_repository, sync
from repertory.errors import NotFound, UserError
from repertory.home import Home


@pytest.fixture
def full_home(synced_home: Home, community: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """An app with an environment of its own, and a playbook."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    pin = pin_of(make_wheel(wheels, "1.0"))
    monkeypatch.setenv("UV_FIND_LINKS", str(wheels))
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    community.write({"apps/blocklist/requirements.lock": pin})
    publish(community, "1.1.0", requires=["greeting==1.0"])
    sync(synced_home)
    install(synced_home, ["recon"])
    return synced_home


def folder_of(home: Home, name: str) -> Path:
    item = read_lock(home).item(name)
    assert item is not None
    return home.content(item.hash)


def environment_of(home: Home) -> Path:
    item = read_lock(home).item("community/blocklist")
    assert item is not None and item.environment
    return home.environment(item.environment)


def found(home: Home, *names: str) -> list[tuple[str, str, str]]:
    return [(one.item.name, wrong.what, wrong.path) for one in verify(home, names) for wrong in one.deviations]


def test_what_was_installed_is_intact(full_home: Home) -> None:
    assert [one.item.name for one in verify(full_home)] == ["community/blocklist", "community/recon"]
    assert found(full_home) == []
    assert [one.item.name for one in verify(full_home, ["recon"])] == ["community/recon"]
    with pytest.raises(NotFound):
        verify(full_home, ["whois"])


def flip(path: Path) -> None:
    """Change one bit; neither size nor time tell."""
    status, content = path.stat(), bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def remove_file(path: Path) -> None:
    path.unlink()


def replace_by_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("/etc/hostname")


CHANGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "one bit": (flip, "changed"),
    "a file is gone": (remove_file, "missing"),
    "a link": (replace_by_link, "changed"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_tree(full_home: Home, name: str) -> None:
    change, what = CHANGES[name]
    change(folder_of(full_home, "community/recon") / "playbook.py")
    assert found(full_home) == [("community/recon", what, "playbook.py")]
    assert restore(full_home) == ["community/recon"]
    assert found(full_home) == []


@pytest.mark.parametrize("path", ["extra.py", "sub/extra.txt", "__pycache__/playbook.cpython-311.pyc"])
def test_an_added_file(full_home: Home, path: str) -> None:
    added = folder_of(full_home, "community/recon") / path
    added.parent.mkdir(exist_ok=True)
    added.write_bytes(b"")
    assert found(full_home) == [("community/recon", "extra", path)]


def test_a_missing_tree(full_home: Home) -> None:
    folder = folder_of(full_home, "community/recon")
    folder.rename(folder.with_name("elsewhere"))
    assert found(full_home) == [("community/recon", "missing", "")]


@pytest.mark.parametrize("damage", ["gone", "changed"])
def test_without_its_listing_a_change_is_noticed_all_the_same(full_home: Home, damage: str) -> None:
    folder = folder_of(full_home, "community/recon")
    listing = full_home.listing(folder.name)
    if damage == "gone":
        listing.unlink()
    else:
        listing.write_text(listing.read_text().replace("playbook.py", "playbook_2.py"))
    assert found(full_home) == []
    flip(folder / "playbook.py")
    assert found(full_home) == [("community/recon", "changed", "")]


def test_a_changed_environment(full_home: Home) -> None:
    environment = environment_of(full_home)
    (module,) = environment.rglob("greeting.py")
    flip(module)
    (module.parent / "evil.pth").write_text("import os\n")
    (module.parent / "greeting-1.0.dist-info" / "METADATA").unlink()
    below = module.parent.relative_to(environment)
    assert found(full_home) == [
        ("community/blocklist", "environment", f"{below}/evil.pth"),
        ("community/blocklist", "environment", f"{below}/greeting-1.0.dist-info/METADATA"),
        ("community/blocklist", "environment", f"{below}/greeting.py"),
    ]


def test_another_interpreter(full_home: Home) -> None:
    python = environment_of(full_home) / "bin" / "python"
    python.unlink()
    python.symlink_to("/bin/sh")
    assert found(full_home) == [("community/blocklist", "environment", "bin/python")]
    python.unlink()
    assert found(full_home) == [("community/blocklist", "environment", "")]


def test_an_environment_without_its_listing(full_home: Home) -> None:
    full_home.environment_listing(environment_of(full_home).name).unlink()
    assert found(full_home) == [("community/blocklist", "environment", "")]


# --------------------------------------------------------------- before execution


def check(home: Home) -> None:
    """As before an execution."""
    item = installed(home).apps["community/blocklist"]
    HomeLibrary(home).pinned(item.name, item.hash)


def touched(path: Path) -> None:
    path.with_name("evil.pth").write_text("import os\n")


ENVIRONMENT_CHANGES: dict[str, Callable[[Path], object]] = {
    "one bit": flip, "a file is gone": remove_file, "a link": replace_by_link, "a file more": touched,
}  # fmt: skip


@pytest.mark.parametrize("name", ENVIRONMENT_CHANGES)
def test_a_changed_environment_is_not_executed(full_home: Home, name: str) -> None:
    check(full_home)
    (module,) = environment_of(full_home).rglob("greeting.py")
    ENVIRONMENT_CHANGES[name](module)
    with pytest.raises(UserError, match="community/blocklist: its environment was changed") as raised:
        check(full_home)
    assert "repertory install --locked" in raised.value.hint
    restore(full_home)
    check(full_home)
    assert found(full_home) == []
    assert [path.name for path in environment_of(full_home).parent.iterdir()] == [environment_of(full_home).name]


def test_what_is_noted_of_an_environment_lies_outside_of_it(full_home: Home) -> None:
    folder = environment_of(full_home)
    assert [path for path in folder.rglob("*") if folder.name in path.name or "repertory" in path.name] == []


def test_a_copied_home_is_compared_by_its_bytes(full_home: Home, tmp_path: Path) -> None:
    copied = Home(tmp_path / "copied")
    shutil.copytree(full_home.root, copied.root, symlinks=True)
    stamp = copied.environment_stamp(environment_of(copied).name)
    before = stamp.read_bytes()
    check(copied)
    assert stamp.read_bytes() != before
    check(copied)


def test_an_environment_without_interpreter_names_the_cure(full_home: Home) -> None:
    (environment_of(full_home) / "bin" / "python").unlink()
    with pytest.raises(UserError, match="is gone, or its interpreter is") as raised:
        check(full_home)
    assert "repertory install --locked" in raised.value.hint
    restore(full_home)
    check(full_home)


def test_a_rollback_to_an_interpreter_that_is_gone_names_it(full_home: Home) -> None:
    python = environment_of(full_home) / "bin" / "python"
    remove(full_home, ["blocklist"])
    python.unlink()
    python.symlink_to("/opt/gone/python3.9")
    before = full_home.lock.read_bytes()
    with pytest.raises(UserError, match="community/blocklist ran with /opt/gone/python3.9") as raised:
        roll_back(full_home)
    assert "install that Python again (/opt/gone/python3.9)" in raised.value.hint
    assert full_home.lock.read_bytes() == before


def test_a_rollback_to_what_was_deleted_can_be_made_possible(full_home: Home) -> None:
    folder = environment_of(full_home)
    remove(full_home, ["blocklist"])
    shutil.rmtree(folder)
    with pytest.raises(UserError, match="not complete on this machine any more: community/blocklist") as raised:
        roll_back(full_home)
    generation = full_home.generations / "1.json"
    assert f"the field `lock` of {generation}" in raised.value.hint
    full_home.lock.write_text(json.loads(generation.read_text())["lock"])  # as it was told
    restore(full_home)
    assert found(full_home) == []


def test_the_notes_go_with_the_environment(full_home: Home) -> None:
    digest = environment_of(full_home).name
    remove(full_home, ["blocklist"])
    gone = collect(full_home, keep=1, in_use=InUse)
    notes = {full_home.environment_listing(digest), full_home.environment_stamp(digest)}
    assert set(gone.environments) == {full_home.environment(digest), *notes}
    assert [path for path in gone.environments if path.exists()] == []


def test_a_signer_that_the_lock_does_not_know(full_home: Home) -> None:
    full_home.lock.write_text(full_home.lock.read_text().replace('"unsigned"', f'"alice SHA256:{"A" * 43}"', 1))
    assert found(full_home) == [("community/blocklist", "signature", "")]


def test_permissions_that_the_lock_does_not_know(full_home: Home) -> None:
    full_home.lock.write_text(full_home.lock.read_text().replace('"use:ip reputation"', '"use:ip blocking"'))
    assert found(full_home) == [("community/recon", "permissions", "")] * 2


def test_without_the_repository_bytes_are_still_checked(full_home: Home) -> None:
    remove_repository(full_home, "community")
    assert {text for one in verify(full_home) for text in one.notes} == {"community is not followed: signature not checked"}
    flip(folder_of(full_home, "community/recon") / "playbook.py")
    assert found(full_home) == [("community/recon", "changed", "playbook.py")]
