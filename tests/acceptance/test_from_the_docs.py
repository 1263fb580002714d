"""An app and a playbook written from the how-to pages alone: in a repository of their own, through the real commands."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest

from doc_blocks import ROOT, differences, reader

pytestmark = pytest.mark.acceptance

PAGES = ("write-an-app.md", "write-a-playbook.md", "keep-secrets.md")


@pytest.fixture(scope="module")
def followed(tmp_path_factory):
    """A shell in which somebody has followed both pages, and what came out differently on each."""
    with reader(tmp_path_factory.mktemp("reader").resolve()) as shell:
        yield shell, {page: differences(ROOT / "docs/howto" / page, shell) for page in PAGES}


def answer_of(shell, command):
    """What a command prints for programs."""
    return json.loads(shell.run(f"repertory {command} --json"))


@pytest.fixture(scope="module")
def records(followed):
    """The records of all runs of the playbook, the oldest first."""
    shell, _ = followed
    runs = answer_of(shell, "runs --playbook mine/contain_host")["runs"]
    return [answer_of(shell, f"show {run['run']}") for run in reversed(runs)]


@pytest.mark.parametrize("page", PAGES)
def test_every_output_is_as_shown(followed, page):
    _, found = followed

    assert not found[page], "\n\n".join(found[page])


def test_both_items_are_installed_from_the_new_repository(followed):
    shell, _ = followed
    items = {item["name"]: item for item in answer_of(shell, "list")["items"]}
    head = shell.run("git rev-parse HEAD")

    assert set(items) == {"mine/inventory", "mine/contain_host"}
    assert items["mine/contain_host"]["commit"] == head
    assert (items["mine/inventory"]["version"], items["mine/inventory"]["kind"]) == ("1.1.0", "app")


def test_the_runs_did_what_the_page_says(records):
    assert [(run["status"], run["outputs"]["contained"]) for run in records] == [
        ("succeeded", ["192.0.2.25"]),
        ("succeeded", ["192.0.2.25"]),
        ("succeeded", []),
    ]


def test_the_app_was_asked_over_http(records):
    lookup = records[0]["actions"][0]

    assert (lookup["action"], lookup["app"], lookup["asset"]) == ("describe host", "mine/inventory", "inventory-simulated")
    assert lookup["results"][0]["data"] == [
        {"address": "192.0.2.25", "known": True, "name": "mail-1", "owner": "post@example.org", "critical": True}
    ]


def test_the_question_and_the_approval_are_on_record(records):
    asked = [[(prompt["kind"], prompt["answer"], prompt["answered_by"]) for prompt in run["prompts"]] for run in records]

    assert asked[0] == [("question", "yes", "you"), ("approval", "approve", "you")]
    assert [(kind, answer) for kind, answer, _ in asked[1]] == [("question", "yes"), ("approval", "approve")]
    assert asked[2][0][:2] == ("question", "no")
    assert [action["action"] for action in records[2]["actions"]] == ["describe host"]


def test_an_input_reaches_the_playbook(records):
    begun = datetime.fromisoformat(records[1]["created_at"])
    deadline = datetime.fromisoformat(records[1]["prompts"][0]["deadline"])

    assert records[1]["inputs"]["patience"] == "30m"
    assert timedelta(minutes=30) <= deadline - begun < timedelta(minutes=60)


def test_the_secret_is_nowhere_in_the_home(followed):
    shell, _ = followed

    # The simulator's own source, which is installed content, has it.
    found = shell.run('cd "$REPERTORY_HOME" && grep -rl letmein . --exclude-dir=content; cd - > /dev/null')

    assert found == ""
