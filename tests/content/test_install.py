"""Installing, updating, removing, restoring."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable

import pytest

from content.builders import APP, PLAYBOOK, PLAYBOOK_CODE, Repository, item_files
from repertory.content.changes.install import install, remove
from repertory.content.changes.permissions import describe_permissions
from repertory.content.installed.contents import verify_hash
from repertory.content.installed.lock import installed, read_lock
from repertory.content.installed.restore import restore
from repertory.content.offered.repositories import add_repository, sync
from repertory.errors import NotFound, UserError
from repertory.home import Home
from repertory_sdk.manifest import load_app


def new_version(community: Repository, version: str) -> None:
    code = str(item_files()["apps/blocklist/app.py"]).replace("1.0.0", version)
    community.write({"apps/blocklist/app.json": json.dumps(APP | {"version": version}), "apps/blocklist/app.py": code})
    community.commit()


def test_an_app_and_a_playbook(synced_home: Home, community: Repository) -> None:
    steps: list[tuple[str, str]] = []
    reports = install(synced_home, ["recon", "community/blocklist"], lambda *step: steps.append(step))
    assert {(report.name, report.state, report.version) for report in reports} == {
        ("community/recon", "installed", "1.0.0"),
        ("community/blocklist", "installed", "1.0.0"),
    }
    assert all(report.unmet == [] for report in reports)
    assert ("community/recon", "copying") in steps
    present = installed(synced_home)
    app, playbook = present.apps["community/blocklist"], present.playbooks["community/recon"]
    assert sorted(path.name for path in app.folder.iterdir()) == ["README.md", "app.json", "app.py"]
    assert (app.folder / "app.py").read_bytes() == (community.path / "apps/blocklist/app.py").read_bytes()
    assert app.python.exists()
    assert playbook.manifest.actions == ("ip reputation",)
    locked = read_lock(synced_home).item("community/recon")
    assert locked is not None
    assert locked.needs == ("action ip reputation",)
    assert locked.commit == community.git("rev-parse", "HEAD")


def test_installed_files_are_plain(synced_home: Home, community: Repository) -> None:
    (community.path / "apps/blocklist/app.py").chmod(0o755)
    community.commit()
    sync(synced_home)
    install(synced_home, ["blocklist"])
    for path in installed(synced_home).apps["community/blocklist"].folder.rglob("*"):
        assert path.is_dir() or stat.S_IMODE(path.lstat().st_mode) & 0o333 == 0


def test_installing_again_changes_nothing(synced_home: Home, community: Repository) -> None:
    install(synced_home, ["recon"])
    before = synced_home.lock.read_bytes()
    community.write({"README.md": "elsewhere"}).commit()
    sync(synced_home)
    (report,) = install(synced_home, ["recon"])
    assert (report.name, report.state) == ("community/recon", "unchanged")
    assert synced_home.lock.read_bytes() == before


def test_the_only_app_for_an_action_comes_along(synced_home: Home) -> None:
    reports = install(synced_home, ["recon"])
    assert [report.name for report in reports] == ["community/blocklist", "community/recon"]
    assert all(report.unmet == [] for report in reports)


def test_an_action_of_several_apps_is_left_to_a_person(
    synced_home: Home, new_repository: Callable[[str], Repository]
) -> None:
    fork = new_repository("fork").write(item_files())
    fork.commit()
    add_repository(synced_home, "fork", str(fork.path))
    sync(synced_home)
    (report,) = install(synced_home, ["community/recon"])
    offers = ["community/blocklist", "fork/blocklist"]
    assert [(need.action, need.offered_by) for need in report.unmet] == [("ip reputation", offers)]
    install(synced_home, ["fork/blocklist"])
    (report,) = install(synced_home, ["community/recon"])
    assert report.unmet == []


def test_an_update_tells_what_is_new(synced_home: Home, community: Repository) -> None:
    install(synced_home, ["blocklist"])
    code = str(item_files()["apps/blocklist/app.py"]).replace('"1.0.0"', '"1.1.0", hosts=["lists.example.org:443"]')
    manifest = APP | {"version": "1.1.0", "permissions": {"hosts": ["lists.example.org:443"]}}
    community.write({"apps/blocklist/app.json": json.dumps(manifest), "apps/blocklist/app.py": code}).commit()
    sync(synced_home)
    (report,) = install(synced_home, ["blocklist"])
    assert (report.state, report.previous, report.version) == ("updated", "1.0.0", "1.1.0")
    assert report.added_permissions == ["connects to lists.example.org:443"]
    assert "investigate: ip reputation" in report.permissions


def test_child_playbooks_come_along(synced_home: Home, community: Repository) -> None:
    child = PLAYBOOK | {"name": "child", "function": "child", "playbooks": ["recon"]}
    code = PLAYBOOK_CODE.replace("def recon", "def child") + '    play.run("recon")\n'
    community.write({"child/playbook.json": json.dumps(child), "child/playbook.py": code})
    community.commit()
    sync(synced_home)
    names = ["community/blocklist", "community/recon", "community/child"]
    assert [report.name for report in install(synced_home, ["child"])] == names
    (removed,) = remove(synced_home, ["recon"])
    assert removed.needed_by == ["community/child"]


def test_a_child_playbook_that_nobody_offers(synced_home: Home, community: Repository) -> None:
    manifest = PLAYBOOK | {"playbooks": ["reckon"]}
    community.write({"playbooks/recon/playbook.json": json.dumps(manifest)}).commit()
    sync(synced_home)
    with pytest.raises(UserError, match="community/recon starts the playbook 'reckon'") as raised:
        install(synced_home, ["recon"])
    assert raised.value.hint == "did you mean community/recon?"
    assert not synced_home.lock.exists()


def test_broken_items_are_refused_with_their_errors(synced_home: Home, community: Repository) -> None:
    community.write({"apps/blocklist/app.json": json.dumps(APP | {"versoin": "1"}, indent=2)}).commit()
    sync(synced_home)
    with pytest.raises(UserError, match="community/blocklist cannot be installed") as raised:
        install(synced_home, ["recon", "blocklist"])
    assert "apps/blocklist/app.json:" in raised.value.message
    assert "versoin" in raised.value.message
    assert not synced_home.lock.exists()


def served(community: Repository, home: Home) -> None:
    """Pretend in the catalogue that the repository is not the user's own folder."""
    path = home.catalog("community")
    path.write_text(path.read_text().replace(community.path.as_uri(), "https://example.org/community"))


def test_changed_bytes_under_an_unchanged_version(synced_home: Home, community: Repository) -> None:
    served(community, synced_home)
    install(synced_home, ["blocklist"])
    before = synced_home.lock.read_bytes()
    community.write({"apps/blocklist/extra.txt": "x"}).commit()
    sync(synced_home)
    served(community, synced_home)
    with pytest.raises(UserError, match="changed bytes under an unchanged version"):
        install(synced_home, ["blocklist"])
    assert synced_home.lock.read_bytes() == before
    new_version(community, "1.0.1")
    sync(synced_home)
    served(community, synced_home)
    assert install(synced_home, ["blocklist"])[0].state == "updated"


def test_a_developers_own_folder_may_change(synced_home: Home, community: Repository) -> None:
    install(synced_home, ["blocklist"])
    community.write({"apps/blocklist/extra.txt": "x"}).commit()
    sync(synced_home)
    assert install(synced_home, ["blocklist"])[0].state == "updated"


def test_changed_files_are_noticed_and_mended(synced_home: Home) -> None:
    install(synced_home, ["blocklist"])
    item = installed(synced_home).apps["community/blocklist"]
    verify_hash(item)
    (item.folder / "app.py").chmod(0o644)
    (item.folder / "app.py").write_text("import os\n")
    with pytest.raises(UserError, match="was changed after it was installed") as raised:
        verify_hash(item)
    assert raised.value.hint == "bring the locked bytes again: repertory install --locked"
    install(synced_home, ["blocklist"])
    verify_hash(item)


@pytest.mark.parametrize("name", ["extra.py", "__pycache__/app.cpython-311.pyc"])
def test_added_files_are_noticed(synced_home: Home, name: str) -> None:
    install(synced_home, ["blocklist"])
    item = installed(synced_home).apps["community/blocklist"]
    (item.folder / name).parent.mkdir(exist_ok=True)
    (item.folder / name).write_bytes(b"")
    with pytest.raises(UserError, match="was changed"):
        verify_hash(item)


def test_links_are_noticed(synced_home: Home) -> None:
    install(synced_home, ["blocklist"])
    item = installed(synced_home).apps["community/blocklist"]
    moved = item.folder.parent / "moved.py"
    (item.folder / "app.py").rename(moved)
    (item.folder / "app.py").symlink_to(moved)
    with pytest.raises(UserError, match="was changed"):
        verify_hash(item)


def test_a_lock_brings_everything_to_another_machine(synced_home: Home, community: Repository) -> None:
    install(synced_home, ["blocklist", "recon"])
    new_version(community, "2.0.0")
    other = Home(synced_home.root.parent / "other")
    other.prepare()
    shutil.copy(synced_home.lock, other.lock)
    assert restore(other) == ["community/blocklist", "community/recon"]
    assert installed(other).apps["community/blocklist"].version == "1.0.0"
    assert other.lock.read_bytes() == synced_home.lock.read_bytes()
    assert restore(other) == []


def test_a_lock_with_other_bytes_is_refused(synced_home: Home) -> None:
    install(synced_home, ["recon"])
    locked = read_lock(synced_home).items[0]
    synced_home.lock.write_text(synced_home.lock.read_text().replace(locked.hash, "0" * 64))
    with pytest.raises(UserError, match="other bytes than the lock names"):
        restore(synced_home)


def test_removing(synced_home: Home) -> None:
    install(synced_home, ["blocklist", "recon"])
    folder = installed(synced_home).apps["community/blocklist"].folder
    (report,) = remove(synced_home, ["blocklist"])
    assert (report.name, report.version) == ("community/blocklist", "1.0.0")
    assert list(installed(synced_home).apps) == []
    assert list(installed(synced_home).playbooks) == ["community/recon"]
    assert folder.is_dir()
    with pytest.raises(NotFound):
        remove(synced_home, ["blocklist"])


def test_two_processes_at_once(synced_home: Home) -> None:
    code = (
        "import sys; from pathlib import Path; from repertory.home import Home; "
        "from repertory.content.changes.install import install; install(Home(Path(sys.argv[1])), [sys.argv[2]])"
    )
    environment = {"PYTHONPATH": os.pathsep.join(sys.path), "PATH": os.defpath}
    started = [
        subprocess.Popen([sys.executable, "-c", code, str(synced_home.root), name], env=environment)
        for name in ("blocklist", "recon")
    ]
    assert [process.wait(timeout=60) for process in started] == [0, 0]
    assert [item.name for item in read_lock(synced_home).items] == ["community/blocklist", "community/recon"]
    for item in installed(synced_home).apps.values():
        verify_hash(item)
    assert not list(synced_home.content("x").parent.glob(".new-*"))


def test_the_same_content_of_two_repositories(synced_home: Home, new_repository: Callable[[str], Repository]) -> None:
    fork = new_repository("fork").write(item_files())
    fork.commit()
    add_repository(synced_home, "fork", str(fork.path))
    sync(synced_home)
    install(synced_home, ["community/recon", "fork/recon"])
    assert len({item.folder for item in installed(synced_home).playbooks.values()}) == 1
    assert len(installed(synced_home).named("playbook", "recon")) == 2


def test_permissions_put_the_grave_first() -> None:
    action = {"name": "block ip", "function": "f", "type": "contain"}
    app = load_app(APP | {"actions": [*APP["actions"], action], "requires": ["requests>=2"]})
    assert describe_permissions(app) == [
        "contain: block ip (CHANGES THINGS, cannot be undone)",
        "investigate: ip reputation",
        "brings the package requests>=2",
    ]
