"""What playbooks ask for against what is on offer: in the tree, and in what else is followed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from content.builders import APP, PLAYBOOK, item_files
from repertory.content.checks.issue import Issue
from repertory.content.items.inspection import inspect_folder

ROWS = [
    {"path": "verdict", "schema": {"type": "string"}},
    {"path": "owner.name", "schema": {"type": "string"}},
    {"path": "records[].address", "schema": {"type": "string"}},
    {"path": "raw", "schema": {"type": "object"}},
    {"path": "tags", "schema": {"type": "array", "items": {"type": "string"}}},
]
ACTION = {**APP["actions"][0], "outputs": ROWS}
ACTION["parameters"] = [*ACTION["parameters"], {"name": "depth", "schema": {"type": "integer"}, "required": False}]
CHILD: dict[str, Any] = {
    **PLAYBOOK, "name": "child", "actions": [],
    "inputs": [{"name": "user", "schema": {"type": "string"}}, {"name": "why", "schema": {"type": "string"}, "required": False}],
}  # fmt: skip
CODE = """\
from repertory_sdk import Event, Play, playbook


@playbook(labels=["scan"])
def recon(event: Event, play: Play) -> None:
"""


def needs(tmp_path: Path, body: str, *, app: dict[str, Any] | None = None, **more: Any) -> list[Issue]:
    """What is found about a playbook with this body, beside an app with a documented action."""
    files = item_files(app={**APP, "actions": [ACTION], **(app or {})}, playbook={**PLAYBOOK, **more})
    files["playbooks/recon/playbook.py"] = CODE + "".join(f"    {line}\n" for line in body.splitlines())
    files["playbooks/child/playbook.json"] = json.dumps(CHILD)
    for name, content in files.items():
        (tmp_path / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "tree" / name).write_text(str(content))
    found = inspect_folder(tmp_path / "tree", []).all_issues
    return [issue for issue in found if issue.rule.startswith("need-")]


@pytest.mark.parametrize(
    ("body", "rule", "said"),
    [
        ('play.act("ip reputation", ip="x", address="x")', "need-parameter", "has no parameter 'address'"),
        ('play.act("ip reputation", depth=2)', "need-parameter", "needs ip"),
        ('play.act("ip reputation", ip="x", app="blocklist", width=1)', "need-parameter", "has no parameter 'width'"),
        ('play.run("child", user="x", where="y")', "need-child", "has no parameter 'where'"),
        ('play.run("child", why="y")', "need-child", "needs user"),
        ('play.act("ip reputation", ip="x").values("colour")', "need-path", "'colour' is not in the data of 'ip reputation'"),
        ('found = play.act("ip reputation", ip="x")\nfound.rows("verdict", "colour")', "need-path", "'colour'"),
        ('found = play.act("ip reputation", ip="x").required()\nfound.where(colour="x")', "need-path", "'colour'"),
        ('a = play.act("ip reputation", ip="x")\nb = a + a\nb.succeeded.values("owner.colour")', "need-path", "'owner.colour'"),
        ('a = play.act("ip reputation", ip="x")\ndef f():\n    return a.values("colour")\nf()', "need-path", "'colour'"),
        ('play.act("ip reputation", ip="x").values("tags[].name")', "need-path", "'tags[].name'"),
    ],
)  # fmt: skip
def test_what_cannot_be_fulfilled(tmp_path: Path, body: str, rule: str, said: str) -> None:
    (issue,) = needs(tmp_path, body, playbooks=["child"])
    assert (issue.rule, issue.path) == (rule, "playbooks/recon/playbook.py")
    assert said in issue.message
    assert issue.line > 5


@pytest.mark.parametrize(
    "body",
    [
        'play.act("ip reputation", ip="x", depth=1, timeout="5m", optional=True, asset="lab")',
        'play.act("ip reputation", **event.cef)',
        'play.run("child", user="x", event=event)',
        'play.run("child", **inputs)',
        'play.run(name, colour=1)',
        'play.act("ip reputation", ip="x").rows("ip", "asset", "status", "verdict", "depth")',
        'play.act("ip reputation", ip="x").values("owner")',
        'play.act("ip reputation", ip="x").values("records[].address")',
        'play.act("ip reputation", ip="x").values("records[]")',
        'play.act("ip reputation", ip="x").values("raw.anything")',
        'play.act("ip reputation", ip="x").values("tags[]")',
        'event.values("colour")',
        'found = play.act("ip reputation", ip="x")\nfound = other(found)\nfound.values("colour")',
        'found = play.act("ip reputation", ip="x")\ndef f(found):\n    return found.values("colour")\nf(1)',
        'found = play.act(name, ip="x")\nfound.values("colour")',
        'found = play.act("ip reputation", ip="x") if event else other()\nfound.values("colour")',
        'for found in [1]:\n    found.values("colour")',
    ],
)  # fmt: skip
def test_what_is_fine_or_cannot_be_known(tmp_path: Path, body: str) -> None:
    assert needs(tmp_path, body, playbooks=["child"]) == []


def test_an_action_without_documented_data_may_have_any(tmp_path: Path) -> None:
    plain = {**ACTION, "outputs": []}
    assert needs(tmp_path, 'play.act("ip reputation", ip="x").values("colour")', app={"actions": [plain]}) == []


def test_providers_that_disagree(tmp_path: Path) -> None:
    (tmp_path / "tree/apps/other").mkdir(parents=True)
    parameters = [{"name": "address", "schema": {"type": "string"}}]
    other = {**APP, "name": "other", "actions": [{**ACTION, "parameters": parameters}]}
    (tmp_path / "tree/apps/other/app.json").write_text(json.dumps(other))
    assert needs(tmp_path, 'play.act("ip reputation", ip="x")') == []
    (first, second) = needs(tmp_path, 'play.act("ip reputation", ip="x", app="other")')
    assert first.message == "action 'ip reputation' has no parameter 'ip'"
    assert second.message == "action 'ip reputation' needs address"


@pytest.mark.parametrize(
    ("body", "more", "said"),
    [
        ('play.act("block ip", ip="x")', {"actions": ["block ip"]}, "offers the action 'block ip'"),
        ("pass", {"actions": ["block ip"]}, "offers the action 'block ip'"),
        ("pass", {"playbooks": ["tidy"]}, "no playbook 'tidy'"),
    ],
)
def test_what_nobody_offers(tmp_path: Path, body: str, more: dict[str, Any], said: str) -> None:
    (issue,) = needs(tmp_path, body, **more)
    assert (issue.rule, issue.severity) == ("need-offered", "warning")
    assert said in issue.message


def test_what_need_not_be_offered(tmp_path: Path) -> None:
    assert needs(tmp_path, 'play.act("block ip", ip="x", optional=True)', actions=["block ip"]) == []
    assert needs(tmp_path, 'play.notify("x")', actions=["send message"]) == []


def test_others_count_and_silence_where_nobody_is_known(tmp_path: Path) -> None:
    needs(tmp_path, 'play.act("ip reputation", ip="x", colour="red")')
    alone = tmp_path / "tree/playbooks"
    around = inspect_folder(tmp_path / "tree/apps").items
    assert [issue.rule for issue in inspect_folder(alone / "recon", around).all_issues] == ["need-parameter"]
    assert inspect_folder(alone / "recon", []).all_issues == []
    assert inspect_folder(alone / "recon").all_issues == []
