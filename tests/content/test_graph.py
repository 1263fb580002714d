"""Who needs whom."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from content.builders import APP, PLAYBOOK, Repository
from repertory.content.changes.install import install
from repertory.content.offered.graph import Graph, graph_of
from repertory.content.offered.repositories import add_repository, remove_repository, sync
from repertory.errors import NotFound, UserError
from repertory.home import Home


def playbook(name: str, *, actions: Sequence[str] = (), playbooks: Sequence[str] = ()) -> dict[str, str | bytes]:
    plain = {**PLAYBOOK, "name": name, "actions": list(actions), "playbooks": list(playbooks)}
    return {f"playbooks/{name}/playbook.json": json.dumps(plain)}


def app(name: str, *actions: str) -> dict[str, str | bytes]:
    made: list[dict[str, Any]] = [
        {**APP["actions"][0], "name": action, "function": action.replace(" ", "_")} for action in actions
    ]
    return {f"apps/{name}/app.json": json.dumps({**APP, "name": name, "actions": made})}


CONTENT = {
    **playbook("outer", actions=["ip reputation", "unknown deed"], playbooks=["inner", "nowhere"]),
    **playbook("inner", actions=["block ip"], playbooks=["outer"]),
    **playbook("alone"),
    **app("wall", "block ip", "ip reputation"),
    **app("list", "ip reputation", "nobody asks"),
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Made once: a home that knows the content above."""
    folder = tmp_path_factory.mktemp("graph")
    Repository(folder / "origin").write(CONTENT).commit()
    home = Home(folder / "home")
    add_repository(home, "acme", str(folder / "origin"))
    assert not sync(home).failed
    return home


def edges(graph: Graph) -> set[str]:
    return {
        f"{edge.source.removeprefix('acme/')} {edge.relation} {edge.target.removeprefix('acme/')}"
        for edge in graph.edges
    }


def test_a_playbook(finished: Home) -> None:
    graph = graph_of(finished, "outer")
    assert graph.root == "acme/outer"
    assert edges(graph) == {
        "outer asks for action ip reputation", "outer asks for action unknown deed", "outer starts inner", "outer starts nowhere",
        "list offers action ip reputation", "wall offers action ip reputation",
        "inner asks for action block ip", "inner starts outer", "wall offers action block ip",
    }  # fmt: skip
    assert len(graph.edges) == len(set(graph.edges))
    assert not graph.nodes["nowhere"].exists
    assert graph.nodes["acme/inner"].offered == "1.0.0"
    assert graph.nodes["action ip reputation"].type == "investigate"
    assert graph.nodes["action unknown deed"].type == ""
    assert {one for edge in graph.edges for one in (edge.source, edge.target)} == set(graph.nodes)


def test_an_app(finished: Home) -> None:
    graph = graph_of(finished, "acme/list")
    assert edges(graph) == {
        "list offers action ip reputation", "outer asks for action ip reputation", "list offers action nobody asks",
    }  # fmt: skip
    assert [node.name for node in graph.to("action ip reputation", "asks for")] == ["acme/outer"]


def test_nothing_around_it(finished: Home) -> None:
    graph = graph_of(finished, "alone")
    assert (list(graph.nodes), graph.edges) == (["acme/alone"], ())


def test_unknown_and_ambiguous_names(
    tmp_path: Path, finished: Home, new_repository: Callable[[str], Repository]
) -> None:
    with pytest.raises(NotFound) as raised:
        graph_of(finished, "outr")
    assert "acme/outer" in raised.value.hint
    home = Home(tmp_path / "home")
    shutil.copytree(finished.root, home.root)
    other = new_repository("other").write({**playbook("outer", playbooks=["inner"]), **playbook("inner")})
    other.commit()
    add_repository(home, "beta", str(other.path))
    sync(home, ["beta"])
    with pytest.raises(UserError, match="more than one repository"):
        graph_of(home, "outer")
    # A playbook of the same repository comes first.
    assert graph_of(home, "beta/outer").of("beta/outer", "starts")[0].name == "beta/inner"


def test_a_name_of_an_action_is_not_that_of_an_item(home: Home, new_repository: Callable[[str], Repository]) -> None:
    repository = new_repository("x").write({**playbook("same", actions=["same"]), **app("other", "same")})
    repository.commit()
    add_repository(home, "acme", str(repository.path))
    sync(home)
    assert edges(graph_of(home, "same")) == {"same asks for action same", "other offers action same"}


def test_a_long_chain_and_many_ways(home: Home, new_repository: Callable[[str], Repository]) -> None:
    """Each of two playbooks starts both of the next pair: 2^60 ways through."""
    files: dict[str, str | bytes] = {}
    for level in range(60):
        for side in "ab":
            files |= playbook(f"p{level}{side}", playbooks=[f"p{level + 1}a", f"p{level + 1}b"])
    repository = new_repository("x").write(files)
    repository.commit()
    add_repository(home, "acme", str(repository.path))
    sync(home)
    graph = graph_of(home, "p0a")
    assert len(graph.nodes) == 59 * 2 + 1 + 2


def test_what_is_installed_and_offered_no_longer(synced_home: Home) -> None:
    install(synced_home, ["recon", "blocklist"])
    remove_repository(synced_home, "community")
    graph = graph_of(synced_home, "recon")
    (offering,) = graph.to("action ip reputation", "offers")
    assert (offering.name, offering.installed, offering.offered) == ("community/blocklist", "1.0.0", "")
    assert graph_of(synced_home, "blocklist").nodes["community/recon"].installed == "1.0.0"
