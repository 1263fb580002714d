"""What is on offer: search, graph, and repositories that list others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from commands.schemas import conforms
from commands.terminal import Terminal
from commands.user import User
from content.builders import Repository, item_files
from content.git_server import CREDENTIALS, make_certificate, serving
from repertory.content.offered.members import MEMBERS_FILE, MEMBERS_SCHEMA


def test_searching(follower: User) -> None:
    told = follower.done("search", "recon")
    assert told.out.splitlines()[0].split() == ["ITEM", "KIND", "VERSION", "INSTALLED", "SUMMARY"]
    assert told.out.splitlines()[1].startswith("community/investigate_recon")
    found = conforms(follower.asked("search", "recon"), "search")
    assert found["items"][0]["name"] == "community/investigate_recon"
    assert found["items"][0]["manifest"]["actions"]
    assert found["total"] == len(found["items"])


def test_filtering(follower: User) -> None:
    found = follower.asked("search", "--kind", "app", "--type", "contain")["items"]
    assert found
    assert all(any(action["type"] == "contain" for action in item["manifest"]["actions"]) for item in found)
    names = {item["name"] for item in follower.asked("search", "--action", "whois ip")["items"]}
    assert "community/whois" in names
    assert {item["kind"] for item in follower.asked("search", "--input", "ip", "--kind", "playbook")["items"]} <= {
        "playbook"
    }
    assert follower.asked("search", "--product", "nothing-like-it") == {"items": [], "total": 0}


def test_nothing_found_says_what_to_do(follower: User) -> None:
    assert "nothing fits" in follower.done("search", "zzz").out
    assert "did you mean whois ip" in follower.done("search", "--action", "whois ipp").out


def test_a_newcomer_finds_nothing(newcomer: User) -> None:
    assert "nothing fits" in newcomer.done("search").out
    assert newcomer.asked("search", "x") == {"items": [], "total": 0}
    assert not newcomer.home.exists()


def test_a_limit(follower: User) -> None:
    told = follower.done("search", "--limit", "1")
    assert len(told.out.splitlines()) == 2
    assert "more: say more words" in told.err
    found = follower.asked("search", "--limit", "1")
    assert (len(found["items"]), found["total"] > 1) == (1, True)
    assert len(follower.asked("search", "--limit", "0")["items"]) == found["total"]
    follower.refused("search", "--limit", "-1", code=2)


def test_a_graph(follower: User) -> None:
    told = follower.done("graph", "investigate_recon")
    first, *others = told.out.splitlines()
    assert first.startswith("community/investigate_recon") and first.endswith("installed")
    assert any("community/blocklist" in line and line.endswith("installed") for line in others)
    graph = conforms(follower.asked("graph", "investigate_recon"), "graph")
    assert graph["item"] == "community/investigate_recon"
    assert {"source", "relation", "target"} == set(graph["edges"][0])
    assert "community/investigate_recon" in follower.done("graph", "community/blocklist").out


def test_a_graph_for_graphviz(follower: User) -> None:
    told = follower.done("graph", "investigate_recon", "--dot")
    assert told.out.startswith("digraph repertory {\n") and told.out.endswith("}\n")
    assert '"community/blocklist" -> ' in told.out
    follower.refused("graph", "investigate_recon", "--dot", "--json", code=2)
    assert "did you mean" in follower.refused("graph", "investigate_recno", code=2)


def a_list(user: User, *names: str) -> Repository:
    """A repository that lists others, each with an app and a playbook."""
    folder = user.folder / "origins"
    entries = []
    for name in names:
        if not (folder / name).exists():
            Repository(folder / name).write(item_files()).commit()
        entries.append({"name": name, "url": str(folder / name)})
    path = folder / "list"
    repository = Repository.copy(path, folder / "copy") if path.exists() else Repository(path)
    repository.write({MEMBERS_FILE: json.dumps({"$schema": MEMBERS_SCHEMA, "repositories": entries})}).commit()
    return repository


def test_following_a_list(newcomer: User) -> None:
    acme = a_list(newcomer, "one", "two")
    told = newcomer.done("repo", "add", "acme", str(acme.path), "--sync")
    assert "acme: 0 items" in told.out and "follows from now on acme-one, acme-two" in told.out
    rows = conforms(newcomer.asked("repo", "list"), "repo_list")["repositories"]
    assert [(row["name"], row["via"], row["items"]) for row in rows] == [
        ("acme", "", 0), ("acme-one", "acme", 2), ("acme-two", "acme", 2),
    ]  # fmt: skip
    assert "no news" in newcomer.done("sync", "acme-one").out
    conforms(newcomer.asked("sync"), "sync")
    assert "remove acme" in newcomer.refused("repo", "remove", "acme-one")

    entries = [{"name": "two", "url": str(acme.path.with_name("two"))}]
    acme.write({MEMBERS_FILE: json.dumps({"$schema": MEMBERS_SCHEMA, "repositories": entries})}).commit()
    assert "follows no longer acme-one" in newcomer.done("sync").out
    newcomer.done("repo", "remove", "acme")
    assert newcomer.asked("repo", "list") == {"repositories": []}


def test_many_without_news_are_counted(newcomer: User) -> None:
    names = [f"r{number}" for number in range(24)]
    acme = a_list(newcomer, *names)
    newcomer.done("repo", "add", "acme", str(acme.path), "--sync")
    told = newcomer.done("sync")
    assert told.out == "25 repositories without news, 48 items\n"
    assert told.err.splitlines()[-1] == "25/25 repositories"


def test_a_bar_on_a_terminal(newcomer: User) -> None:
    acme = a_list(newcomer, "one", "two")
    newcomer.done("repo", "add", "acme", str(acme.path))
    with Terminal(newcomer, "sync") as terminal:
        terminal.expect("3/3 repositories")
        terminal.expect("acme-two: 2 items")
        assert "━" in terminal.text
        assert terminal.end() == 0


def test_a_private_repository_by_https(newcomer: User, tmp_path: Path) -> None:
    Repository(tmp_path / "served" / "secret").write(item_files()).commit()
    certificate = make_certificate(tmp_path)
    trusting = {"SSL_CERT_FILE": str(tmp_path / "certificate.pem")}
    name, _, password = CREDENTIALS.partition(":")
    helper = tmp_path / "helper"
    helper.write_text(f"#!/bin/sh\necho username={name}\necho password={password}\n")
    helper.chmod(0o755)
    with serving(tmp_path / "served", certificate) as server:
        server.private = True
        newcomer.done("repo", "add", "far", server.of("secret/.git"))
        told = newcomer.process("sync", env=trusting)
        assert told.code == 1
        assert "it asks for credentials" in told.err and "credential_helper" in told.err
        newcomer.config(f'[git]\ncredential_helper = "{helper}"\n')
        told = newcomer.process("sync", env=trusting)
    assert (told.code, told.err) == (0, ""), told
    assert told.out.startswith("far: 2 items at ")


def test_no_network_is_one_sentence(newcomer: User, tmp_path: Path) -> None:
    for name in ("one", "two", "three"):
        newcomer.done("repo", "add", name, f"https://127.0.0.1:1/{name}.git")
    told = newcomer("sync")
    assert told.code == 1
    assert told.err == (
        "no network? None of 3 repositories could be reached; everything installed goes on working\n"
        "  → check the network, then `repertory sync` again\n"
    )
    answered = newcomer("sync", "--json").json
    assert answered["offline"] is True
    assert all(one["error"]["hint"] for one in conforms(answered, "sync")["repositories"])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[sync]\nparallel = 0", "sync.parallel: 0 is not from 1 to 64"),
        ("[sync]\nparallel = 65", "sync.parallel"),
        ("[git]\ncredential_helper = '!touch owned'", "is no credential helper"),
        ("[git]\ncredential_helper = 'relative/path'", "is no credential helper"),
        ("[git]\ncredential_helper = '/bin/x; touch owned'", "is no credential helper"),
        ('[git]\ncredential_helper = "store\\n"', "is no credential helper"),
        ("[git]\nunknown = 1", "git.unknown"),
    ],
)
def test_settings_that_cannot_be(newcomer: User, text: str, told: str) -> None:
    newcomer.home.mkdir()
    newcomer.config(text)
    assert told in newcomer.refused("sync")


@pytest.mark.parametrize(
    "helper", ["store", "cache --timeout=900", "store --file=/x/y", "/usr/local/bin/helper --user me@example.org"]
)
def test_settings_of_a_helper(newcomer: User, helper: str) -> None:
    newcomer.home.mkdir()
    newcomer.config(f'[git]\ncredential_helper = "{helper}"\n[sync]\nparallel = 64')
    assert "nothing is followed yet" in newcomer.done("sync").out
