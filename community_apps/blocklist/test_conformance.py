"""What holds for every app, on lists that are served over HTTP."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path

import pytest

from repertory_sdk.loader import load_module
from repertory_sdk.testing import Place, conformance
from repertory_sdk.testing.loading import importable
from repertory_sdk.testing.simulator import Reply, Request, Simulator

HERE = Path(__file__).resolve().parent
LIST = "203.0.113.0/24\nevil.example\n"
# It may take any text for a list, and asks for nothing that could be limited or forbidden to it alone.
TOLERATED = {"page for people"}

with importable(HERE):
    app = load_module(HERE, "app.py")
    CASES = conformance(
        app.app,
        HERE,
        {"ip reputation": {"ip": "203.0.113.7"}, "domain reputation": {"domain": "evil.example"}},
        names=["feed http"],
        may_succeed={name: TOLERATED for name in ("ip reputation", "domain reputation")},
    )

server = Simulator("Block lists", settings={"url": "{url}/list.txt"})


@server.route("GET", "/list.txt")
def listing(_: Request) -> Reply:
    return Reply(200, LIST, {"Content-Type": "text/plain"})


def with_feed(breaking):
    """The same fault, seen by an asset whose feed is there."""

    @contextmanager
    def broken():
        with breaking() as settings:
            yield {"feeds": [settings["url"]]}

    return broken


@pytest.fixture
def place():
    with server.running() as place:
        # How often it asks is a matter of minutes: being limited is one failure among others.
        passing = ("rate limited for 120 s", "time-out")
        faults = {name: with_feed(fault) for name, fault in place.faults.items() if name not in passing}
        yield Place({"feeds": [place.settings["url"]]}, faults)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_conformance(case, place):
    case.check(place)
