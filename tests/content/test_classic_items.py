"""Content in the classic format beside native content: found, described, installed, verified."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from content.builders import Repository, item_files
from content.classic_content import CONNECTOR, DRAWING, MANIFEST, PLAYBOOK, connector_files, playbook_files
from repertory.content.changes.install import install
from repertory.content.changes.permissions import describe_permissions, grants_of, phrase_of
from repertory.content.checks.issue import Issue
from repertory.content.installed.contents import verify_hash
from repertory.content.installed.lock import installed, read_lock
from repertory.content.installed.verification import verify
from repertory.content.items.found import FoundItem
from repertory.content.items.inspection import inspect_folder
from repertory.content.offered.catalog import find_item
from repertory.content.offered.repositories import add_repository, sync
from repertory.home import Home
from repertory_sdk.manifest import AppManifest, PlaybookManifest

New = Callable[[str], Repository]


def items_in(folder: Path, files: dict[str, str]) -> dict[str, FoundItem]:
    """The items of a folder with these files, by name."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    return {item.name: item for item in inspect_folder(folder).items}


def errors_of(item: FoundItem) -> list[Issue]:
    """Those that keep it from being installed."""
    return [issue for issue in item.issues if issue.severity == "error"]


def test_playbooks_are_found_at_the_top_of_their_repository(tmp_path: Path) -> None:
    items = items_in(tmp_path, playbook_files())
    assert sorted(items) == ["Look_Up", "Tell_Somebody", "first_of"]
    manifest = items["Look_Up"].manifest
    assert isinstance(manifest, PlaybookManifest)
    assert (manifest.summary, manifest.main, manifest.format) == ("Looks an address up.", "Look Up.py", "classic")
    assert (manifest.labels, manifest.actions, manifest.playbooks) == (("scan",), ("block ip", "ip reputation"), ("Tell_Somebody",))
    (given,) = manifest.inputs
    assert (given.name, given.required, given.contains) == ("ip", False, ("ip",))
    assert not errors_of(items["Look_Up"])


def test_custom_functions_are_items(tmp_path: Path) -> None:
    given = {"name": "values", "description": "Some", "input_type": "list", "contains_type": ["ip"]}
    said = {"description": "Takes one.", "inputs": [given], "outputs": [{"data_path": "*.item", "contains_type": [""]}]}
    more = {"custom_functions/Look_Up.py": "def Look_Up(**kwargs):\n    return {}\n", "custom_functions/Look_Up.json": "{"}
    items = items_in(tmp_path, {**playbook_files(), **more, "custom_functions/first_of.json": json.dumps(said)})
    assert sorted(items) == ["Look_Up", "Look_Up_function", "Tell_Somebody", "first_of"]
    manifest = items["first_of"].manifest
    assert isinstance(manifest, PlaybookManifest)
    assert (manifest.summary, manifest.main, manifest.function, manifest.origin) == (
        "Takes one.", "first_of.py", "first_of", "first_of.json",
    )  # fmt: skip
    (one,) = manifest.inputs
    assert (one.name, one.schema, one.required, one.contains) == ("values", {"type": "array"}, False, ("ip",))
    assert [(path.path, path.contains) for path in manifest.outputs] == [("[].item", ())]
    assert not [issue for item in items.values() for issue in errors_of(item)]


def test_a_drawing_that_is_broken_or_missing_is_none(tmp_path: Path) -> None:
    items = items_in(tmp_path, {**playbook_files(), "Look Up.json": '{"labels": ['})
    assert items["Look_Up"].manifest is not None
    assert items["Tell_Somebody"].manifest is not None


def test_playbooks_that_are_started_by_a_computed_name_may_be_any(tmp_path: Path) -> None:
    code = PLAYBOOK.replace('"local/Tell Somebody"', 'phantom.get_run_data(key="which")')
    drawing = json.dumps({**DRAWING, "tags": ["risk", "block"]})
    manifest = items_in(tmp_path, {"Look Up.py": code, "Look Up.json": drawing})["Look_Up"].manifest

    assert isinstance(manifest, PlaybookManifest)
    assert (manifest.playbooks, manifest.named_playbooks, manifest.tags) == (("*",), [], ("risk", "block"))
    assert describe_permissions(manifest)[-1] == "starts any playbook that is installed, by a name that it makes up as it runs"
    assert phrase_of(grants_of(manifest)[-1]) == "start any playbook that is installed"


def test_a_connector_is_one_item_with_what_its_manifest_says(tmp_path: Path) -> None:
    (item,) = items_in(tmp_path, connector_files()).values()
    manifest = item.manifest
    assert isinstance(manifest, AppManifest)
    assert (item.name, manifest.version, manifest.main, manifest.origin) == ("our_feeds", "2.3.4", "feeds_connector.py", "feeds.json")
    assert [(one.name, one.secret, one.default) for one in manifest.settings] == [
        ("base_url", False, None), ("api key", True, None), ("port", False, 8443),
    ]  # fmt: skip
    reputation, block = manifest.actions
    assert [(one.name, one.required, one.default) for one in reputation.parameters] == [("ip", True, None), ("how many", False, 3)]
    assert [one.path for one in reputation.outputs] == ["verdict", "owners[].name"]
    assert [(one.path, one.examples) for one in reputation.summary] == [("hits", (3,))]
    assert (reputation.read_only, block.read_only) == (True, False)
    assert manifest.requires == ("six==1.16.0",)


def test_a_connector_may_have_a_module_with_the_name_of_its_manifest(tmp_path: Path) -> None:
    (item,) = items_in(tmp_path, {**connector_files(), "feeds.py": "import phantom.app\n"}).values()
    assert (item.name, item.app and item.app.origin) == ("our_feeds", "feeds.json")


def test_hosts_are_those_of_settings_of_urls_and_of_libraries(tmp_path: Path) -> None:
    (item,) = items_in(tmp_path, connector_files()).values()
    assert item.app is not None
    assert item.app.permissions.hosts == (
        "${asset.base_url}", "${asset.base_url}:${asset.port}", "${asset.base_url}:443", "api.feeds.example-vendor.com:443", "*:43",
    )  # fmt: skip
    assert item.app.permissions.lookups == ()


def test_forks_of_the_vendor_are_the_packages_themselves(tmp_path: Path) -> None:
    lines = "git+https://github.com/phantomcyber/paramiko.git@3.5.0-fips #paramiko=3.5.0\ngit+https://github.com/other/paramiko@1\nsix\n"
    (item,) = items_in(tmp_path, {**connector_files(), "requirements.txt": lines}).values()
    assert item.app is not None
    assert item.app.requires == ("paramiko", "six")


def test_hosts_that_are_only_known_when_it_runs(tmp_path: Path) -> None:
    code = """
import git
import paramiko
import phantom.app
import pymongo
API = "https://api-{region}.feeds.example-vendor.com/v1"
OTHER = "http://%s.more.example-vendor.com:8080"
FREE = "https://{host}:{port}/x"
PATH = ":9060/ers/config"
NONE = {"a":80, "b": ":32"}
"""
    action = {**MANIFEST["actions"][0], "parameters": {"ip_hostname": {"data_type": "string"}}}
    settings = {"servers": {"data_type": "string"}, "url": {"data_type": "string", "default": "https://app.our-vendor.com"}}
    (item,) = items_in(tmp_path, {**connector_files(actions=[action], configuration=settings), "feeds_connector.py": code}).values()
    assert item.app is not None
    assert [host for host in item.app.permissions.hosts if "asset.url" not in host] == [
        "${asset.servers}", "${asset.servers}:22", "${asset.servers}:9060", "${asset.servers}:27017", "${asset.servers}:443",
        "api.our-vendor.com:443", "*.feeds.example-vendor.com:443", "*.more.example-vendor.com:8080", "*:22",
    ]  # fmt: skip
    assert item.app.permissions.programs == ("git",)


def test_a_manifest_with_the_name_of_ours_is_kept_beside(tmp_path: Path) -> None:
    files = connector_files()
    files["app.json"] = files.pop("feeds.json")
    (item,) = items_in(tmp_path, files).values()
    assert (item.name, item.format, item.app and item.app.origin) == ("our_feeds", "classic", "classic.json")


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"description": "half of a pair: \ud800"}, "classic-manifest"),
        ({"actions": [{"action": "x", "parameters": {"p": {"contains": 1}}}]}, ""),
        ({"configuration": {"a": 1, "b": {"data_type": "string"}}, "python_version": ["3"], "app_version": None}, ""),
        ({"actions": [1, {}, {"action": "x", "type": "strange", "output": [1], "parameters": []}]}, ""),
    ],
)
def test_odd_manifests(tmp_path: Path, changes: dict[str, object], rule: str) -> None:
    (item,) = items_in(tmp_path, connector_files(**changes)).values()
    assert [issue.rule for issue in errors_of(item)] == ([rule] if rule else [])


def test_what_only_python_2_reads_is_said_to_be_that(tmp_path: Path) -> None:
    files = connector_files() | {"feeds_connector.py": f"{CONNECTOR}\nprint 'hello'\n"}
    (item,) = items_in(tmp_path, files).values()
    (issue,) = errors_of(item)
    assert (issue.rule, issue.path, issue.line) == ("python2-only", "feeds_connector.py", 17)
    assert "Python 2" in issue.message


def test_what_imports_modules_of_python_2_cannot_be_loaded(tmp_path: Path) -> None:
    guarded = "try:\n    import urllib2\nexcept ImportError:\n    import urllib.request\n" + CONNECTOR
    (item,) = items_in(tmp_path, {**connector_files(), "feeds_connector.py": guarded}).values()
    assert not errors_of(item)
    (item,) = items_in(tmp_path, {"feeds_connector.py": f"from urllib2 import HTTPSHandler\n{CONNECTOR}"}).values()
    (issue,) = errors_of(item)
    assert (issue.rule, issue.line, issue.message) == ("python2-only", 1, "written for Python 2: it imports urllib2")
    (item,) = items_in(tmp_path, {"urllib2.py": "HTTPSHandler = None\n"}).values()
    assert not errors_of(item)


def test_tabs_and_blanks_may_be_mixed(tmp_path: Path) -> None:
    files = playbook_files() | {"Look Up.py": PLAYBOOK.replace("    phantom.playbook", "\tphantom.playbook".replace("\t", "    "))}
    mixed = files["Look Up.py"].replace('    phantom.playbook("local', '\t\tphantom.playbook("local'.replace("\t\t", "    "))
    items = items_in(tmp_path, files | {"Look Up.py": mixed + "\n\ndef tabs():\n        if True:\n\t\tpass\n"})
    assert not errors_of(items["Look_Up"])


def test_native_items_are_left_alone(tmp_path: Path) -> None:
    native = {name: str(content) for name, content in item_files().items()}
    items = items_in(tmp_path, {**native, "apps/blocklist/helper.py": PLAYBOOK, "apps/blocklist/data.json": json.dumps(MANIFEST)})
    assert {item.format for item in items.values()} == {"native"}


def test_what_is_installed_is_the_item_and_no_more(home: Home, new_repository: New) -> None:
    repository = new_repository("classic").write(playbook_files())
    repository.commit()
    add_repository(home, "phantom", repository.path.as_uri())
    sync(home)
    reports = {report.name: report for report in install(home, ["phantom/Look_Up"])}
    assert sorted(reports) == ["phantom/Look_Up", "phantom/Tell_Somebody"]
    assert {need.action for need in reports["phantom/Look_Up"].unmet} == {"block ip", "ip reputation"}
    item = installed(home).playbooks["phantom/Look_Up"]
    assert sorted(str(path.relative_to(item.folder)) for path in item.folder.rglob("*.*")) == [
        "Look Up.json", "Look Up.py", "custom_functions/first_of.py", "playbook.json",
    ]  # fmt: skip
    assert (item.folder / "Look Up.py").read_text() == PLAYBOOK
    verify_hash(item)
    locked = read_lock(home).item("phantom/Look_Up")
    assert locked is not None
    assert locked.format == "classic"
    assert not [report for report in verify(home) if report.deviations]


def test_compiled_leftovers_are_no_part_of_a_connector(home: Home, new_repository: New) -> None:
    leftovers = {"__pycache__/feeds.cpython-39.pyc": "x", "more/__pycache__/a.cpython-39.pyc": "x"}
    repository = new_repository("classic").write({**connector_files(), **leftovers})
    repository.commit()
    add_repository(home, "c", repository.path.as_uri())
    sync(home)
    assert [issue.rule for issue in errors_of(find_item(home, "c/our_feeds"))] == []
    repository.write({"native.pyc": "x"}).commit()
    sync(home)
    assert [issue.rule for issue in errors_of(find_item(home, "c/our_feeds"))] == ["compiled-code"]


def test_a_change_of_a_function_is_a_change_of_its_playbooks(home: Home, new_repository: New) -> None:
    repository = new_repository("classic").write(playbook_files())
    repository.commit()
    add_repository(home, "phantom", repository.path.as_uri())
    sync(home)
    install(home, ["phantom/Look_Up", "phantom/Tell_Somebody"])
    before = {item.name: item.hash for item in read_lock(home).items}
    repository.write({"custom_functions/first_of.py": "def first_of(**kwargs):\n    return {}\n"})
    repository.commit()
    sync(home)
    install(home, ["phantom/Look_Up", "phantom/Tell_Somebody"])
    after = {item.name: item.hash for item in read_lock(home).items}
    assert before["phantom/Look_Up"] != after["phantom/Look_Up"]
    assert before["phantom/Tell_Somebody"] == after["phantom/Tell_Somebody"]


@pytest.mark.parametrize("bomb", ["x = " + "(" * 5000 + ")" * 5000, "x = " + "-" * 100_000 + "1", "x = " + "a." * 50_000 + "b"])
def test_code_that_breaks_parsers_is_broken_code(tmp_path: Path, bomb: str) -> None:
    items = items_in(tmp_path, {**playbook_files(), "Look Up.py": f"{PLAYBOOK}\n{bomb}\n"})
    assert {issue.rule for issue in errors_of(items["Look_Up"])} <= {"python2-only"}


def test_a_project_of_the_newer_library_that_is_no_app_is_not_passed_over_in_silence(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src/app.py").write_text("from soar_sdk.app import App\n")
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\ndependencies = ["splunk-soar-sdk>=2"]\n')
    inspection = inspect_folder(tmp_path)
    assert not inspection.items
    (issue,) = inspection.issues
    assert (issue.rule, issue.path, issue.severity) == ("classic-sdk", "pyproject.toml", "warning")


def test_why_a_repository_offers_nothing_is_said_when_it_is_synced(home: Home, new_repository: New) -> None:
    project = '[project]\nname = "x"\ndependencies = ["splunk-soar-sdk>=2"]\n'
    repository = new_repository("newer").write({"pyproject.toml": project, "src/app.py": "x = 1\n"})
    repository.commit()
    add_repository(home, "newer", repository.path.as_uri())
    (one,) = sync(home).repositories
    assert (one.items, one.note) == (0, "uses splunk-soar-sdk without naming an app")
