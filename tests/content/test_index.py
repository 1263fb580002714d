"""The index: what is found, in which order, and that the file may be in any state."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from content.builders import APP, PLAYBOOK, Repository, item_files
from repertory.content.offered.catalog import find_item
from repertory.content.offered.index import item_names, known_facts
from repertory.content.offered.repositories import add_repository, remove_repository, sync
from repertory.content.offered.search import Query, search
from repertory.home import Home


def an_action(name: str, kind: str, **more: Any) -> dict[str, Any]:
    parameter = {
        "name": "address",
        "schema": {"type": "string"},
        "required": True,
        "contains": more.pop("contains", ["ip"]),
    }
    return {
        "name": name, "function": name.replace(" ", "_"), "type": kind, "read_only": kind == "investigate",
        "idempotent": True, "parameters": [parameter], **more,
    }  # fmt: skip


FIREWALL = {
    **APP, "name": "firewall", "summary": "Keeps strangers out", "product": "Wall", "vendor": "Mauerwerk AG",
    "actions": [
        an_action("block ip", "contain", description="Refuse traffic", outputs=[{"path": "rule", "contains": ["rule id"]}]),
        an_action("lookup url", "investigate", contains=["url"]),
    ],
}  # fmt: skip
MAIL = {
    **APP,
    "name": "mail",
    "summary": "Reads mail; knows nothing of a firewall",
    "actions": [an_action("list mails", "investigate")],
}
RESPOND = {
    **PLAYBOOK, "name": "respond", "summary": "Stops scans", "labels": ["scan"], "actions": ["block ip"],
    "inputs": [{"name": "target", "schema": {"type": "string"}, "contains": ["host name"]}],
}  # fmt: skip


@pytest.fixture(scope="module")
def finished_offer(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Made once: a home that knows two apps and a playbook."""
    folder = tmp_path_factory.mktemp("offer")
    files = {f"{one['name']}/app.json": json.dumps(one) for one in (FIREWALL, MAIL)}
    repository = Repository(folder / "origin").write({**files, "respond/playbook.json": json.dumps(RESPOND)})
    repository.commit()
    home = Home(folder / "home")
    add_repository(home, "acme", str(repository.path))
    assert not sync(home).failed
    return home


@pytest.fixture
def offer(tmp_path: Path, finished_offer: Home) -> Home:
    """A home that knows two apps and a playbook."""
    shutil.copytree(finished_offer.root, tmp_path / "home")
    return Home(tmp_path / "home")


def names(home: Home, *words: str, **filters: Any) -> list[str]:
    return [hit.full_name.removeprefix("acme/") for hit in search(home, Query(words=words, **filters)).hits]


FINDS = {
    "nothing asked: all": ((), ["firewall", "mail", "respond"]),
    "name first": (("firewall",), ["firewall", "mail"]),
    "any case": (("FIREWALL", "Strangers"), ["firewall"]),
    "beginning of the last word": (("strangers", "o"), ["firewall"]),
    "only of the last word": (("refu", "traffic"), []),
    "vendor": (("mauerwerk",), ["firewall"]),
    "action as a phrase": (("block ip",), ["firewall", "respond"]),
    "words of a phrase in another order": (("ip block",), []),
    "description of an action": (("refuse traffic",), ["firewall"]),
    "what an output contains": (("rule id",), ["firewall"]),
    "what a playbook asks for": (("block", "playbook"), ["respond"]),
    "label": (("scan",), ["respond"]),
    "kind": (("app", "mail"), ["mail"]),
    "full name": (("acme/mail",), ["mail"]),
    "inside of a word, where nothing else fits": (("irewal",), ["firewall", "mail"]),
    "unknown": (("nothing-like-it",), []),
}


@pytest.mark.parametrize(("words", "expected"), FINDS.values(), ids=FINDS)
def test_words(finished_offer: Home, words: tuple[str, ...], expected: list[str]) -> None:
    assert names(finished_offer, *words) == expected


FILTERS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "action": ({"action": "Block_IP"}, ["firewall", "respond"]),
    "type, also of what a playbook asks for": ({"type": "contain"}, ["firewall", "respond"]),
    "action and type must be one action": ({"action": "block ip", "type": "investigate"}, []),
    "product": ({"product": "wall"}, ["firewall"]),
    "vendor": ({"product": "mauerwerk"}, ["firewall"]),
    "input by what it contains": ({"input": "ip"}, ["firewall", "mail"]),
    "input by its name": ({"input": "address"}, ["firewall", "mail"]),
    "input of that very action": ({"action": "block ip", "input": "url"}, []),
    "input of a playbook": ({"input": "host name"}, ["respond"]),
    "kind": ({"kind": "playbook"}, ["respond"]),
    "all together": ({"kind": "app", "type": "contain", "input": "ip"}, ["firewall"]),
    "a percent sign is one": ({"product": "%"}, []),
}


@pytest.mark.parametrize(("filters", "expected"), FILTERS.values(), ids=FILTERS)
def test_filters(finished_offer: Home, filters: dict[str, Any], expected: list[str]) -> None:
    assert names(finished_offer, **filters) == expected


def test_words_and_filters_and_limit(finished_offer: Home) -> None:
    assert names(finished_offer, "firewall", type="contain") == ["firewall"]
    found = search(finished_offer, Query(limit=2))
    assert ([hit.full_name for hit in found.hits], found.total) == (["acme/firewall", "acme/mail"], 3)


def test_a_slip_of_the_pen_is_told(finished_offer: Home) -> None:
    found = search(finished_offer, Query(action="blok ip"))
    assert (found.total, found.hint) == (0, "nothing on offer has the action 'blok ip'; did you mean block ip?")
    assert "there is contain, investigate" in search(finished_offer, Query(type="x")).hint
    assert search(finished_offer, Query(words=["zzz"], action="block ip")).hint == ""


HOSTILE = [
    '"',
    "a OR b",
    "name:x",
    "NEAR(a b)",
    "(",
    "*",
    "-x",
    "^",
    "a AND NOT b",
    "{a",
    '""*',
    "%_\\",
    "\0",
    "' OR 1=1 --",
    "😀",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_is_syntax(finished_offer: Home, text: str) -> None:
    assert sorted(names(finished_offer, text)) in ([], ["firewall", "mail", "respond"])
    assert names(finished_offer, "firewall", text) in ([], ["firewall", "mail"])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    words=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=12), max_size=4), text=st.text(max_size=8)
)
def test_any_text_is_answered(finished_offer: Home, words: list[str], text: str) -> None:
    known = {"acme/firewall", "acme/mail", "acme/respond"}
    text = text.encode(errors="replace").decode()
    for query in (Query(words=words), Query(words=words, action=text, product=text, input=text)):
        assert {hit.full_name for hit in search(finished_offer, query).hits} <= known


# ------------------------------------------------------------------ the file


def test_it_is_kept_up_to_date(offer: Home, new_repository: Callable[[str], Repository]) -> None:
    other = new_repository("other").write(item_files())
    other.commit()
    add_repository(offer, "beta", str(other.path))
    sync(offer, ["beta"])
    assert item_names(offer, "b") == ["beta/blocklist", "beta/recon"]
    other.write({"playbooks/recon/playbook.json": json.dumps({**PLAYBOOK, "name": "renamed"})}).commit()
    sync(offer)
    assert item_names(offer, "beta/") == ["beta/blocklist", "beta/renamed"]
    assert names(offer, "renamed") == ["beta/renamed"]
    remove_repository(offer, "beta")
    assert item_names(offer) == ["acme/firewall", "acme/mail", "acme/respond"]
    assert list(known_facts(offer)) == ["acme"]


def damage_missing(path: Path) -> None:
    path.unlink()


def damage_empty(path: Path) -> None:
    path.write_bytes(b"")


def damage_text(path: Path) -> None:
    path.write_text("this is no database, whatever it is called" * 100)


def damage_middle(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:2048] + b"\xff" * (len(content) - 2048))


def damage_tail(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def damage_version(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")


def damage_foreign(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE catalogs (x)")


def damage_tables(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE actions")


@pytest.mark.parametrize(
    "damage",
    [
        damage_missing,
        damage_empty,
        damage_text,
        damage_middle,
        damage_tail,
        damage_version,
        damage_foreign,
        damage_tables,
    ],
)
def test_it_is_made_again(offer: Home, damage: Callable[[Path], None]) -> None:
    damage(offer.index)
    assert names(offer, "block ip", kind="app", type="contain") == ["firewall"]
    assert find_item(offer, "mail").full_name == "acme/mail"
    with sqlite3.connect(offer.index) as connection:
        assert connection.execute("SELECT count(*) FROM items").fetchone() == (3,)


def test_a_damaged_catalogue_offers_nothing(offer: Home) -> None:
    for text in ("{", "{}", '{"$schema": "urn:repertory:schema:catalog:1", "items": [1, null]}', "[]"):
        offer.catalog("acme").write_text(text)
        assert item_names(offer) == []


def test_a_home_that_cannot_be_written_is_searched(offer: Home) -> None:
    offer.index.unlink()
    offer.index.mkdir()  # as good as forbidden, also for root
    assert names(offer, "strangers") == ["firewall"]
    assert find_item(offer, "respond").version == "1.0.0"


def test_looking_creates_nothing(home: Home) -> None:
    assert list(search(home, Query(words=["x"])).hits) == []
    assert item_names(home) == []
    assert not home.root.exists()


def test_a_writer_is_waited_for(offer: Home) -> None:
    offer.catalog("acme").write_bytes(offer.catalog("acme").read_bytes() + b"\n")
    code = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None); c.execute('BEGIN IMMEDIATE'); print('ready', flush=True); sys.stdin.read(); c.execute('COMMIT')"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(offer.index)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdout and writer.stdout.readline() == b"ready\n"
        looking = subprocess.Popen(
            [sys.executable, "-c", "import sys; from pathlib import Path; from repertory.home import Home;"
             " from repertory.content.offered.index import item_names; print(len(item_names(Home(Path(sys.argv[1])))))", str(offer.root)],
            stdout=subprocess.PIPE, env={"PYTHONPATH": ":".join(sys.path)},
        )  # fmt: skip
        with pytest.raises(subprocess.TimeoutExpired):
            looking.wait(timeout=0.5)
        assert writer.stdin
        writer.stdin.close()
        out, _ = looking.communicate(timeout=30)
        assert out == b"3\n"


def test_searching_reads_no_catalogue(offer: Home) -> None:
    item_names(offer)
    path = offer.catalog("acme")
    content, status = path.read_bytes(), path.stat()
    with path.open("r+b") as stream:  # the same file, size and time: only its bytes are others
        stream.write(b"x" * len(content))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert names(offer, "strangers") == ["firewall"]
    assert find_item(offer, "mail").app is not None


def test_searching_is_light() -> None:
    heavy = "('git', 'uv', 'jsonschema', 'subprocess', 'repertory.content.offered.catalog', 'rich', 'asyncio')"
    code = f"import sys, repertory.content.offered.search; sys.exit([name for name in {heavy} if name in sys.modules] or 0)"
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": ":".join(sys.path)})
