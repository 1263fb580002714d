"""Manifests: form and consistency, every finding with its line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from content.builders import APP, APP_CODE, PLAYBOOK, PLAYBOOK_CODE
from repertory.content.checks.issue import Issue, render_issues, sort_issues
from repertory.content.checks.manifests import read_manifest, schema_validator
from repertory.content.items.inspection import inspect_folder
from repertory_sdk.manifest import AppManifest, PlaybookManifest, dump_manifest, load_app, load_playbook


def app_with(**changes: Any) -> dict[str, Any]:
    return APP | changes


def action_with(**changes: Any) -> dict[str, Any]:
    return app_with(actions=[APP["actions"][0] | changes])


def issues_of(folder: Path, manifest: dict[str, Any] | str, *, code: str = APP_CODE) -> list[Issue]:
    text = manifest if isinstance(manifest, str) else json.dumps(manifest, indent=2)
    (folder / "app.json").write_text(text)
    (folder / "app.py").write_text(code)
    return inspect_folder(folder).all_issues


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder for an item."""
    (tmp_path / "item").mkdir()
    (tmp_path / "item" / "README.md").write_text("# item\n")
    return tmp_path / "item"


def test_a_good_app_has_no_issues(folder: Path) -> None:
    assert issues_of(folder, APP) == []


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("", 1, "Expecting value"),
        ('{\n  "name": "x",\n}', 3, "Expecting property name"),
        ('{"name": NaN}', 1, "NaN is not JSON"),
        ("[]", 1, "is not of type 'object'"),
        ('{"name": "x",\n "version": "1.0",\n "version": "2.0"}', 3, "version is given twice"),
        ('{"name": "x"}', 1, "'version' is a required property"),
        ('{"name": "x", "version": "1.0",\n "verson": ""}', 2, "'verson' was unexpected"),
        ('{"version": "1.0",\n "name": "Block-List"}', 2, '"Block-List" does not have the form'),
        ('{"name": "x",\n "version": "one"}', 2, "Numbers with dots"),
        ('{"version": "1.0",\n "name": "block\\n"}', 2, '"block\\n" does not have the form'),
        ('{"name": "x", "version": "1.0",\n "main": "../app.py"}', 2, "does not have the form"),
        ('{"name": "x", "version": "1.0",\n "concurrency": 0}', 2, "less than the minimum"),
        ('{"name": "x", "version": "1.0",\n "$schema": "urn:other"}', 2, "urn:repertory:schema:app:1"),
        ('{"name": "x", "version": "1.0", "actions": [\n{"name": "a",\n"type": "probe"}]}', 3, "is not one of invest"),
        ('{"name": "x", "version": "1.0", "actions": [\n{"name": "A b",\n"type": "test"}]}', 2, "actions[0].name"),
    ],
)  # fmt: skip
def test_broken_form(folder: Path, text: str, line: int, said: str) -> None:
    found = [issue for issue in issues_of(folder, text) if said in issue.message]
    assert [(issue.path, issue.line, issue.is_error) for issue in found] == [("app.json", line, True)]


def test_not_utf_8() -> None:
    (issue,) = read_manifest("app", "app.json", b'{"name":\n"\xff"}').issues
    assert (issue.line, issue.message) == (2, "not UTF-8")


def test_every_issue_is_told(folder: Path) -> None:
    manifest = app_with(name="No", version="no", concurrency="no", verson="no")
    assert len([issue for issue in issues_of(folder, manifest) if issue.rule == "manifest-form"]) == 4


@pytest.mark.parametrize(
    ("manifest", "rule", "said"),
    [
        (app_with(actions=APP["actions"] * 2), "repeated-name", "'ip reputation' occurs twice"),
        (app_with(settings=APP["settings"] * 2), "repeated-name", "'feed' occurs twice"),
        (action_with(check="was there"), "action-link", "check of action 'ip reputation' names 'was there'"),
        (action_with(undo="allow"), "action-link", "undo of action"),
        (action_with(check="ip reputation", type="generic", read_only=False), "action-link", "is not read_only"),
        (action_with(type="contain"), "action-flags", "says that it is read_only"),
        (
            action_with(parameters=[{"name": "n", "schema": {"type": "integer", "maximum": 3}, "default": 4}]),
            "default",
            "default of 'n' must be at most 3, not 4",
        ),
        (
            app_with(settings=[{"name": "feed", "schema": {"type": "string"}, "default": 1}]),
            "default",
            "default of 'feed' must be a string, not 1",
        ),
        (app_with(main="other.py"), "main-file", "other.py does not exist"),
    ],
)
def test_inconsistent_manifests(folder: Path, manifest: dict[str, Any], rule: str, said: str) -> None:
    found = [issue for issue in issues_of(folder, manifest) if issue.rule == rule]
    assert len(found) == 1
    assert said in found[0].message
    assert found[0].line > 1


def test_two_manifests_in_a_folder(folder: Path) -> None:
    (folder / "playbook.json").write_text(json.dumps(PLAYBOOK))
    (issue,) = issues_of(folder, APP)
    assert (issue.rule, issue.path) == ("two-manifests", "playbook.json")


def test_a_manifest_inside_an_item(folder: Path) -> None:
    (folder / "tests").mkdir()
    (folder / "tests" / "playbook.json").write_text("{")
    (issue,) = issues_of(folder, APP)
    assert (issue.rule, issue.severity, issue.path) == ("inner-manifest", "warning", "tests/playbook.json")


def test_links_are_told(folder: Path) -> None:
    (folder / "link.py").symlink_to("/etc/passwd")
    (issue,) = issues_of(folder, APP)
    assert (issue.rule, issue.severity, issue.path) == ("left-out", "warning", "link.py")


def test_a_folder_that_would_be_refused(folder: Path) -> None:
    (folder / "NOTES").write_text("")
    (folder / "Notes").write_text("")
    (issue,) = issues_of(folder, APP)
    assert issue.rule == "refused"
    assert "collides" in issue.message


def test_what_the_sdk_writes_fits_the_published_form() -> None:
    app, playbook = load_app(APP), load_playbook(PLAYBOOK)
    for name, manifest in (("app", app), ("playbook", playbook)):
        plain = json.loads(dump_manifest(manifest))
        assert not list(schema_validator("app" if name == "app" else "playbook").iter_errors(plain))
    assert load_app(json.loads(dump_manifest(app))) == app


@pytest.mark.parametrize("cls", [AppManifest, PlaybookManifest])
def test_the_published_form_knows_every_field(cls: type[AppManifest | PlaybookManifest]) -> None:
    schema = schema_validator("app" if cls is AppManifest else "playbook").schema
    assert isinstance(schema, dict)
    ours = {"format", "origin", "tags"} | ({"outputs"} if cls is PlaybookManifest else set())  # of manifests that were derived from another form, which no author writes
    assert set(schema["properties"]) - {"$schema"} == {name for name in cls.__dataclass_fields__ if name not in ours}


def test_how_issues_read() -> None:
    issues = [
        Issue(path="b.py", rule="r", severity="warning", message="m"),
        Issue(path="a.py", line=10, rule="r", message="m", hint="do"),
        Issue(path="a.py", line=9, rule="r", message="m"),
        Issue(path="", rule="r", message="whole"),
    ]
    assert render_issues(issues * 2).splitlines() == [
        ".: error r whole",
        "a.py:9: error r m",
        "a.py:10: error r m (do)",
        "b.py: warning r m",
    ]
    assert sort_issues(issues * 2) == sort_issues(issues)


def test_playbook_code_is_compared_too(folder: Path) -> None:
    (folder / "playbook.json").write_text(json.dumps(PLAYBOOK))
    (folder / "playbook.py").write_text(PLAYBOOK_CODE)
    assert inspect_folder(folder.parent / "user").all_issues == []
    assert inspect_folder(folder).all_issues == []
