"""Making catalogues of repositories."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from repertory.content.git.sources import Source, parse_source
from repertory.content.offered.cataloguing import catalog_text, collect
from repertory.content.offered.members import parse_members
from repertory.errors import UserError
from repertory.items import those_called

LINES = """
# connectors
https://git.example/acme/Whois.git   # the good one
git@git.example:acme/okta_v2.git
https://git.example/acme/Whois
"""


def test_a_list_of_addresses_becomes_what_a_follower_reads() -> None:
    collected = collect(LINES, "list.txt")
    source: Source = parse_source("https://git.example/acme/catalog", "")
    read = parse_members(catalog_text(collected.members).encode(), "acme", source)
    assert [(one.name, one.url) for one in read] == [
        ("okta-v2", "ssh://git@git.example/acme/okta_v2.git"),
        ("whois", "https://git.example/acme/Whois"),
    ]


def test_what_a_forge_answers(tmp_path: Path) -> None:
    answered = [
        {"clone_url": "https://git.example/acme/whois.git", "description": "Who\n is it", "archived": False, "size": 3},
        {"http_url_to_repo": "https://git.example/acme/old.git", "archived": True},
        {"clone_url": "https://git.example/acme/new.git", "size": 0},
    ]
    collected = collect(json.dumps(answered), "-")
    assert [(one.name, one.summary) for one in collected.members] == [("whois", "Who is it")]
    assert collected.left_out == ["https://git.example/acme/old.git: archived", "https://git.example/acme/new.git: empty"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("https://a.example/x/whois\nhttps://b.example/y/whois\n", "list:2: https://a.example/x/whois and https://b.example/y/whois"),
        ("\nftp://a.example/whois\n", "list:2: "),
        ("https://a.example/___\n", "list:1: 'https://a.example/___' gives no name"),
        ("[1]", "list: [0] has no clone_url"),
        ('[{"clone_url": 1}]', "list: [0] has no clone_url"),
        ("[{", "list: "),
    ],
)
def test_bad_lists_are_refused_at_their_line(text: str, message: str) -> None:
    with pytest.raises(UserError) as refused:
        collect(text, "list")
    assert str(refused.value.message).startswith(message)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("mine/whois", ["mine/whois"]),
        ("whois", ["connectors-whois/whois", "mine/whois"]),
        ("connectors/whois", ["connectors-whois/whois"]),
        ("connect/whois", []),
        ("mine/okta", []),
    ],
)
def test_items_are_called_by_the_catalogue_that_lists_their_repository(name: str, found: list[str]) -> None:
    assert those_called(name, ["connectors-whois/whois", "connectors-okta/okta", "mine/whois"], str) == found
