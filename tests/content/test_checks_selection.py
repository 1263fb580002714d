"""Which findings are told: what a repository may say, what a user may say, and SARIF."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from content.builders import APP, APP_CODE, Repository
from repertory.content.checks.issue import Issue
from repertory.content.checks.rules import RULES, Rule, finding
from repertory.content.checks.sarif import sarif_log
from repertory.content.checks.selection import Selection, unknown_rules
from repertory.content.git.tree import FolderTree
from repertory.content.items.hookspecs import hookimpl
from repertory.content.items.inspection import inspect_folder, inspect_tree
from repertory.content.items.plugins import all_rules, content_plugins
from repertory.content.offered.catalog import find_item
from repertory.content.offered.repositories import sync
from repertory.home import Home


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Two items: each with one error (undeclared-network) and two warnings (dynamic-code, readme-missing)."""
    for name in ("one", "two"):
        folder = tmp_path / "tree" / name
        folder.mkdir(parents=True)
        (folder / "app.json").write_text(json.dumps({**APP, "name": name}))
        code = APP_CODE.replace('"blocklist"', f'"{name}"')
        (folder / "app.py").write_text(f"{code}    import socket\n    socket.socket()\n    eval(ip)\n")
    return tmp_path / "tree"


def told(tree: Path, configuration: str = "") -> list[tuple[str, str]]:
    if configuration:
        (tree / "repertory.toml").write_text(configuration)
    return [(issue.path.partition("/")[0], issue.rule) for issue in inspect_folder(tree).all_issues]


EVERYTHING = [
    (name, rule) for name in ("one", "two") for rule in ("readme-missing", "undeclared-network", "dynamic-code")
]


@pytest.mark.parametrize(
    ("configuration", "gone"),
    [
        ("", []),
        ('[checks]\nignore = ["readme-missing"]', [("one", "readme-missing"), ("two", "readme-missing")]),
        ('[checks]\nselect = ["reach"]', [("one", "readme-missing"), ("two", "readme-missing")]),
        ('[checks]\nignore = ["dynamic-*"]', [("one", "dynamic-code"), ("two", "dynamic-code")]),
        (
            '[checks.per-path]\n"one/**" = ["dynamic-code", "file"]',
            [("one", "readme-missing"), ("one", "dynamic-code")],
        ),
        ('[checks.per-path]\n"*/app.py" = ["reach"]', [("one", "dynamic-code"), ("two", "dynamic-code")]),
        ('[other]\nname = "x"', []),
    ],
)
def test_what_a_repository_may_ignore(tree: Path, configuration: str, gone: list[tuple[str, str]]) -> None:
    assert told(tree, configuration) == [one for one in EVERYTHING if one not in gone]


@pytest.mark.parametrize(
    "configuration",
    ['[checks]\nignore = ["undeclared-network"]', '[checks]\nignore = ["*"]', '[checks.per-path]\n"**" = ["reach"]'],
)
def test_a_repository_cannot_ignore_errors(tree: Path, configuration: str) -> None:
    assert {("one", "undeclared-network"), ("two", "undeclared-network")} <= set(told(tree, configuration))


@pytest.mark.parametrize(
    ("configuration", "said"),
    [
        ("[checks", "Expected"),
        ("checks = 1", "checks must be a table"),
        ('[checks]\nignore = "x"', "ignore must be a list"),
        ('[checks]\nper-path = ["x"]', "must be a table of paths"),
        ('[checks]\nignore = ["dynamic-coed"]', "there is no rule 'dynamic-coed'"),
        ('[checks]\nignores = []', "checks.ignores is not known"),
        ('[checks]\nignore = ["undeclared-network"]', "cannot be ignored by a repository"),
        (b"\xff", "utf-8"),
        ("#" * 20_001, "more than 20 kB"),
        ("[checks.per-path]\n" + "".join(f"x{number} = []\n" for number in range(101)), "more than 100 paths"),
        ("x = " + "[" * 5000, "repertory.toml"),
    ],
)  # fmt: skip
def test_a_configuration_that_is_wrong_is_told_and_hides_nothing(
    tree: Path, configuration: str | bytes, said: str
) -> None:
    (tree / "repertory.toml").write_bytes(configuration if isinstance(configuration, bytes) else configuration.encode())
    found = inspect_folder(tree).all_issues
    (issue,) = [issue for issue in found if issue.rule == "checks-configuration"]
    assert said in str(issue)
    assert issue.severity == "warning"
    assert set(EVERYTHING) == {(one.path.partition("/")[0], one.rule) for one in found if one is not issue}


def test_a_sync_sees_a_changed_configuration_of_unchanged_items(synced_home: Home, community: Repository) -> None:
    def rules() -> list[str]:
        assert not sync(synced_home).failed
        return [issue.rule for issue in find_item(synced_home, "blocklist").issues]

    (community.path / "apps/blocklist/README.md").unlink()
    community.commit()
    assert rules() == ["readme-missing"]
    community.write({"repertory.toml": '[checks]\nignore = ["readme-missing"]\n'}).commit()
    assert rules() == []
    (community.path / "repertory.toml").unlink()
    community.commit()
    assert rules() == ["readme-missing"]


# ---------------------------------------------------------------- the user


@pytest.mark.parametrize(
    ("selection", "kept"),
    [
        (Selection(), True),
        (Selection(select=["reach"]), True),
        (Selection(select=["undeclared-*"]), True),
        (Selection(select=["secret"]), False),
        (Selection(ignore=["undeclared-network"]), False),
        (Selection(select=["reach"], ignore=["undeclared-network"]), False),
    ],
)
def test_what_a_user_selects(selection: Selection, kept: bool) -> None:
    assert selection.keeps(finding("undeclared-network", "x.py", "m")) is kept


def test_rules_that_do_not_exist() -> None:
    assert unknown_rules(["reach", "action-*", "undeclared-network", "reech", "xyz-*"]) == ["reech", "xyz-*"]


class Plugin:
    """A plug-in with a rule of its own."""

    @hookimpl
    def repertory_rules(self) -> list[Rule]:
        return [Rule(id="ours", group="house", severity="warning", sentence="Ours.")]


def test_rules_of_plugins_are_rules(tree: Path) -> None:
    manager = content_plugins()
    manager.register(Plugin())
    rules = all_rules(manager)
    assert [rule.id for rule in rules] == [*(rule.id for rule in RULES), "ours"]
    (tree / "repertory.toml").write_text('[checks]\nignore = ["ours", "house"]')
    assert inspect_tree(FolderTree(tree), manager).issues == []
    assert len(inspect_folder(tree).all_issues) == len(EVERYTHING) + 2


# ------------------------------------------------------------------- SARIF


def test_sarif() -> None:
    issues = [
        finding("undeclared-network", "a b/ü.py", "uses the network", "declare it", line=3),
        finding("dynamic-code", "x.py", "uses eval", line=1),
        Issue(path="", rule="of-a-plugin", severity="warning", message="m"),
    ]
    log = json.loads(json.dumps(sarif_log(issues, "1.2.3")))
    (run,) = log["runs"]
    driver = run["tool"]["driver"]
    assert (log["version"], driver["name"], driver["version"]) == ("2.1.0", "repertory", "1.2.3")
    assert [rule["id"] for rule in driver["rules"]] == [*(rule.id for rule in RULES), "of-a-plugin"]
    for result, issue in zip(run["results"], issues, strict=True):
        assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == issue.rule
        assert result["level"] == issue.severity
        assert issue.message in result["message"]["text"]
    places = [result["locations"][0]["physicalLocation"] for result in run["results"]]
    assert places[0] == {
        "artifactLocation": {"uri": "a%20b/%C3%BC.py", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 3},
    }
    assert "region" not in places[2]
    assert all("://" not in place["artifactLocation"]["uri"] for place in places)


def test_a_finding_is_the_same_one_on_another_line() -> None:
    def print_of(line: int) -> str:
        (run,) = sarif_log([finding("dynamic-code", "x.py", "uses eval", line=line)], "1")["runs"]
        return str(run["results"][0]["partialFingerprints"])

    assert print_of(1) == print_of(2)
