"""Code and manifest: what they disagree about, without running the code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from content.builders import APP, APP_CODE, PLAYBOOK, PLAYBOOK_CODE
from repertory.content.checks.issue import Issue
from repertory.content.environments.python_versions import accepts, lowest
from repertory.content.items.inspection import inspect_folder


def check(tmp_path: Path, kind: str, manifest: dict[str, Any], files: dict[str, str]) -> list[Issue]:
    folder = tmp_path / "item"
    folder.mkdir(exist_ok=True)
    (folder / f"{kind}.json").write_text(json.dumps(manifest))
    (folder / "README.md").write_text("# item\n")
    for name, content in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(content)
    return inspect_folder(folder).all_issues


def check_app(tmp_path: Path, old: str, new: str, **changes: Any) -> list[Issue]:
    assert old in APP_CODE
    return check(tmp_path, "app", APP | changes, {"app.py": APP_CODE.replace(old, new)})


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"blocklist"', '"other"', "the app's name is 'other' in the code, 'blocklist' in the manifest"),
        ('"1.0.0"', '"1.0.1"', "version"),
        ('version="1.0.0"', 'version="1.0.0", hosts=["example.org:443"]', "hosts"),
        ('version="1.0.0"', 'version="1.0.0", requires=["requests"]', "requires"),
        ('version="1.0.0"', 'version="1.0.0", programs=["nmap"]', "programs"),
        ('type="investigate"', 'type="generic"', "type is 'generic' in the code, 'investigate' in the manifest"),
        ('type="investigate"', "read_only=False", "read_only is False in the code, True"),
        ('type="investigate"', "idempotent=False", "idempotent"),
        ('type="investigate"', 'undo="forget"', "undo is 'forget' in the code, None"),
        ('type="investigate"', "timeout_s=5", "timeout_s"),
        ("def ip_reputation", "def reputation", "function is 'reputation'"),
        ('"ip reputation"', '"domain reputation"', "'domain reputation' is missing in the manifest"),
        ("ip: str", "address: str", "takes (address) in the code, (ip) in the manifest"),
        ('param("Address")', 'param("Address", default="x")', "ip is optional in the code, required"),
        ('@app.action("ip reputation", type="investigate")\n', "", "is in no decorator"),
        ("lists: Lists, ", "lists: Lists, limit: int = 3, ", "takes (limit, ip) in the code"),
        ('"""Look an address up."""', "...\n\n@app.test\ndef test(lists): ...", "'test connectivity' is missing"),
        ('"""Look an address up."""', "return None\n\n@app.poll\ndef poll(lists): ...", "'on poll' is missing"),
        ("app = App(", "app = make(", "declares no app"),
    ],
)  # fmt: skip
def test_an_app_that_says_something_else(tmp_path: Path, old: str, new: str, said: str) -> None:
    found = [issue for issue in check_app(tmp_path, old, new) if said in issue.message]
    assert len(found) == 1
    assert found[0].is_error
    assert found[0].rule == "code-manifest"
    assert found[0].hint


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"1.0.0"', "VERSION"),
        ('app = App("blocklist", version="1.0.0")', 'NAME = "blocklist"\napp = App(NAME, version="1.0.0", **more)'),
        ('"ip reputation", type="investigate"', 'name="ip reputation", read_only=True'),
        ('"ip reputation", type="investigate"', ""),
        ("lists: Lists, ip", 'lists: "Lists", job: Job, ip'),
        ("def ip_reputation", "async def ip_reputation"),
        ("ip: str", "ip: Address"),
        ("class Lists(Asset)", "class Lists(Base)"),
        ("@app.asset\nclass Lists(Asset)", "class Lists(sdk.Asset)"),
    ],
)
def test_other_ways_to_say_the_same(tmp_path: Path, old: str, new: str) -> None:
    assert check_app(tmp_path, old, new) == []


@pytest.mark.parametrize(
    "addition",
    [
        "\n@hookimpl\ndef repertory_actions(register):\n    ...\n",
        "\nfor name in NAMES:\n    app.add(Action(name, work))\n",
        '\nif True:\n    app.action("more")(work)\n',
    ],
)
def test_generated_actions_need_no_decorators(tmp_path: Path, addition: str) -> None:
    more = APP["actions"][0] | {"name": "more"}
    found = check(tmp_path, "app", APP | {"actions": [*APP["actions"], more]}, {"app.py": APP_CODE + addition})
    assert found == []


def test_a_connectivity_test_may_be_an_ordinary_action(tmp_path: Path) -> None:
    action = {"name": "test connectivity", "function": "probe", "type": "test", "read_only": True, "idempotent": True}
    code = APP_CODE + '\n\n@app.action("test connectivity", type="test")\ndef probe(lists: Lists): ...\n'
    assert check(tmp_path, "app", APP | {"actions": [*APP["actions"], action]}, {"app.py": code}) == []
    (issue,) = check(tmp_path, "app", APP | {"actions": [*APP["actions"], action]}, {"app.py": APP_CODE})
    assert "no function is under @app.test" in issue.message


def test_actions_in_another_module(tmp_path: Path) -> None:
    head, _, action = APP_CODE.partition("\n\n@app.action")
    other = f"from app import Lists, app, param\n\n@app.action{action}"
    assert check(tmp_path, "app", APP, {"app.py": head + "\nimport actions\n", "actions.py": other}) == []


def test_decorators_in_tests_do_not_count(tmp_path: Path) -> None:
    trick = 'from app import app\n\n@app.action("of a test")\ndef work(): ...\n'
    assert check(tmp_path, "app", APP, {"app.py": APP_CODE, "test_app.py": trick}) == []


@pytest.mark.parametrize(
    ("code", "line"),
    [("def f(:\n", 1), ("x = 1\n\n  y = 2\n", 3), ("print 'x'\n", 1), ("x = '\0'\n", 1), ("(" * 5000, 1)],
)
def test_syntax_errors(tmp_path: Path, code: str, line: int) -> None:
    found = check(tmp_path, "app", APP, {"app.py": APP_CODE, "other.py": code})
    assert [(issue.path, issue.line, issue.rule) for issue in found] == [("other.py", line, "python-syntax")]


def test_syntax_of_another_python_is_only_a_warning(tmp_path: Path) -> None:
    (issue,) = check(tmp_path, "app", APP | {"python": ">=3.99"}, {"app.py": "new syntax here\n"})
    assert issue.severity == "warning"


# ------------------------------------------------------------------ playbooks


def check_playbook(tmp_path: Path, old: str, new: str, **changes: Any) -> list[Issue]:
    assert old in PLAYBOOK_CODE
    return check(tmp_path, "playbook", PLAYBOOK | changes, {"playbook.py": PLAYBOOK_CODE.replace(old, new)})


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('labels=["scan"]', 'labels=["mail"]', "labels is ['mail'] in the code"),
        ('labels=["scan"]', 'labels=["scan"], version="2.0.0"', "version"),
        ('labels=["scan"]', 'labels=["scan"], name="other"', "name is 'other'"),
        ('labels=["scan"]', 'labels=["scan"], actions=["block ip"]', "'block ip' is missing in the manifest"),
        ('labels=["scan"]', 'labels=["scan"], playbooks=["tidy"]', "'tidy' is missing in the manifest"),
        ("def recon", "def other", "function is 'other'"),
        ('"ip reputation"', '"block ip"', "asks for the action 'block ip'"),
        ("play.act(", 'play.run("tidy", ', "asks for the playbook 'tidy'"),
        ("play: Play)", "play: Play, *, depth: int)", "takes (depth) in the code, () in the manifest"),
        ('@playbook(labels=["scan"])\n', "", "no function of playbook.py is under @playbook"),
        ("    play.act(", "    ...\n\n@playbook()\ndef second(event, play):\n    play.act(", "more than one playbook"),
    ],
)
def test_a_playbook_that_says_something_else(tmp_path: Path, old: str, new: str, said: str) -> None:
    found = [issue for issue in check_playbook(tmp_path, old, new) if said in issue.message]
    assert len(found) == 1
    assert found[0].is_error


def test_the_line_of_a_request(tmp_path: Path) -> None:
    (issue,) = check_playbook(tmp_path, '"ip reputation"', '"block ip"')
    assert (issue.path, issue.line) == ("playbook.py", 6)


def test_a_manifest_may_name_more_actions(tmp_path: Path) -> None:
    assert check_playbook(tmp_path, "recon", "recon", actions=["ip reputation", "block ip"]) == []


def test_inputs(tmp_path: Path) -> None:
    inputs = [{"name": "depth", "schema": {"type": "integer"}, "required": False, "default": 1}]
    assert check_playbook(tmp_path, "play: Play)", "play: Play, *, depth: int = 1)", inputs=inputs) == []
    (issue,) = check_playbook(tmp_path, "play: Play)", "play: Play, *, depth: int)", inputs=inputs)
    assert "depth is required in the code, optional in the manifest" in issue.message


@pytest.mark.parametrize(
    ("specifier", "version", "accepted"),
    [
        (">=3.9", (3, 9, 0), True), (">=3.9", (3, 8, 19), False), (">=3.9,<3.12", (3, 12, 0), False),
        ("<=3.11", (3, 11, 0), True), (">3.9", (3, 9, 0), False), ("==3.11.*", (3, 11, 7), True),
        ("==3.11", (3, 11, 7), False), ("!=3.11.*", (3, 11, 7), False), ("~=3.9", (3, 13, 0), True),
        ("~=3.9", (4, 0, 0), False), ("~=3.9.2", (3, 9, 9), True), ("~=3.9.2", (3, 10, 0), False),
        (">= 3.10", (3, 9, 1), False), ("", (3, 9, 0), True),
    ],
)  # fmt: skip
def test_python_versions(specifier: str, version: tuple[int, int, int], accepted: bool) -> None:
    assert accepts(specifier, version) is accepted


def test_where_a_specifier_starts() -> None:
    assert [lowest(text) for text in (">=3.10,<4", "<4", "~=3.12.1")] == ["3.10", "3.9", "3.12.1"]
