"""``validate``: what is selected, how it is written, and what it needs to know of others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from commands.schemas import conforms
from commands.user import User
from content.builders import APP, APP_CODE, PLAYBOOK, PLAYBOOK_CODE, Repository, item_files


@pytest.fixture
def doubtful(newcomer: User) -> Path:
    """An app with one error and two warnings."""
    folder = newcomer.folder / "apps" / "doubtful one"
    folder.mkdir(parents=True)
    (folder / "app.json").write_text(json.dumps(APP))
    (folder / "app.py").write_text(f"{APP_CODE}    import socket\n    socket.socket()\n    eval(ip)\n")
    return folder


def test_everything_is_told(newcomer: User, doubtful: Path) -> None:
    told = newcomer("validate", str(doubtful))
    assert told.code == 1
    lines = told.out.splitlines()
    assert [line.split()[2] for line in lines] == ["readme-missing", "undeclared-network", "dynamic-code"]
    assert lines[1].startswith("app.py:15: error undeclared-network uses the network (socket.socket)")
    assert told.err.splitlines() == ["1 item, 1 error, 2 warnings"]


@pytest.mark.parametrize(
    ("words", "rules", "code"),
    [
        (("--select", "reach"), ["undeclared-network", "dynamic-code"], 1),
        (("--select", "dynamic-code,readme-missing"), ["readme-missing", "dynamic-code"], 0),
        (("--select", "dynamic-*", "--select", "file"), ["readme-missing", "dynamic-code"], 0),
        (("--ignore", "undeclared-network"), ["readme-missing", "dynamic-code"], 0),
        (("--select", "reach", "--ignore", "dynamic-code"), ["undeclared-network"], 1),
    ],
)
def test_a_choice_of_rules(newcomer: User, doubtful: Path, words: tuple[str, ...], rules: list[str], code: int) -> None:
    told = newcomer("validate", str(doubtful), *words, "--json")
    assert [issue["rule"] for issue in conforms(told.json, "validate")["issues"]] == rules
    assert told.code == code


def test_a_rule_that_does_not_exist(newcomer: User, doubtful: Path) -> None:
    assert "undeclared-netwrok" in newcomer.refused("validate", str(doubtful), "--select", "undeclared-netwrok", code=2)
    newcomer.refused("validate", str(doubtful), "--ignore", ",", code=2)
    newcomer.refused("validate", str(doubtful), "--format", "xml", code=2)


def test_sarif(newcomer: User, doubtful: Path) -> None:
    log = newcomer("validate", str(doubtful), "--format", "sarif").json
    (run,) = log["runs"]
    places = [result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for result in run["results"]]
    assert places == [f"apps/doubtful%20one/{name}" for name in ("app.json", "app.py", "app.py")]
    assert [result["level"] for result in run["results"]] == ["warning", "error", "warning"]


def test_ignoring_for_display_does_not_let_it_be_installed(newcomer: User, doubtful: Path, tmp_path: Path) -> None:
    repository = Repository(tmp_path / "origin")
    for path in doubtful.iterdir():
        repository.write({f"app/{path.name}": path.read_bytes()})
    repository.write({"repertory.toml": '[checks]\nignore = ["undeclared-network", "reach", "*"]\n'}).commit()
    newcomer.done("repo", "add", "origin", str(repository.path), "--sync")
    assert "undeclared-network" in newcomer.refused("install", "origin/blocklist")


def test_playbooks_beside_apps_and_after_others(newcomer: User, tmp_path: Path) -> None:
    for name, content in item_files().items():
        path = newcomer.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(str(content))
    wrong = PLAYBOOK_CODE.replace("ip=event", "address=event")
    (newcomer.folder / "playbooks/recon/playbook.py").write_text(wrong)
    alone, apps = str(newcomer.folder / "playbooks"), str(newcomer.folder / "apps")
    assert newcomer("validate", alone).code == 0
    both = newcomer("validate", alone, apps)
    assert both.out.count("need-parameter") == 2
    Repository(tmp_path / "origin").write({name: str(text) for name, text in item_files().items()}).commit()
    newcomer.done("repo", "add", "origin", str(tmp_path / "origin"), "--sync")
    assert newcomer("validate", alone).out == both.out


def test_needs_of_nobody(newcomer: User) -> None:
    files = item_files(playbook={**PLAYBOOK, "actions": ["ip reputation", "block ip"]})
    for name, content in files.items():
        path = newcomer.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(str(content))
    told = newcomer("validate", str(newcomer.folder))
    assert told.code == 0
    assert "need-offered no app here or in a followed repository offers the action 'block ip'" in told.out
