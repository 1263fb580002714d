"""Simulated results of apps that are on offer and not installed: as their manifests describe them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from repertory.commands._session import HomeLibrary
from repertory.home import Home
from repertory.runtime.kept import runs
from repertory.runtime.simulation.offers import offered_action
from repertory.runtime.simulation.scenario import Simulation
from repertory.runtime.simulation.subject import copy_event
from repertory_sdk.manifest import ActionManifest, AppManifest, DataPath

if TYPE_CHECKING:
    from commands.user import User
    from runtime_lab import Lab

CODE = """
import phantom.rules as phantom

def on_start(container):
    phantom.act("block ip", parameters=[{"ip": "192.0.2.1"}], assets=["my_wall_2"], name="block_1", callback=tell)

def tell(action=None, success=None, container=None, results=None, handle=None, **kwargs):
    phantom.save_playbook_output_data(output={"found": [results[0]["action_results"][0]["data"]]})
"""


def app(name: str, product: str = "", *, rule: int = 0) -> AppManifest:
    output = DataPath("rule.id", {"type": "number"}, examples=[rule])
    return AppManifest(name, "1.0.0", product=product, actions=[ActionManifest("block ip", "contain", outputs=[output])])


def test_the_app_that_is_called_like_the_asset_describes_the_results(lab: Lab) -> None:
    lab.library.on_offer = [app("gate", rule=1), app("wall", rule=2)]
    playbook = lab.library.add_classic_playbook(CODE, name="look", actions=["block ip"])
    event = lab.event(sourceAddress="192.0.2.1")
    with lab.database.transaction() as transaction:
        copy = copy_event(transaction, event)
    run = lab.attempt(lab.start(playbook, copy, simulation=Simulation(seed=0)))

    assert run.outputs == {"found": [[{"rule": {"id": 2}}]]}
    (step,) = runs.steps_of(lab.database, run.id)
    assert (step.call.type, step.call.decision, step.call.app) == ("contain", "ask", "simulated")


@pytest.mark.parametrize(
    ("asked", "asset", "names", "meant"),
    [
        (None, "virustotal_v3", ["feeds", "virustotal"], 1), (None, "jira", ["feeds", "virustotal"], None), (None, "jira", ["feeds"], None),
        (None, "", ["feeds"], 0), ("x/Feeds", "jira", ["virustotal", "feeds"], 1), (None, "", ["feeds", "virustotal"], None),
    ],
)  # fmt: skip
def test_no_app_is_guessed(asked: str | None, asset: str, names: list[str], meant: int | None) -> None:
    apps = [app(name, rule=number) for number, name in enumerate(names)]
    found = offered_action("block ip", apps, app=asked, asset=asset)

    assert (found.outputs[0].examples[0] if found else None) == meant


def test_what_followed_repositories_offer_is_known(follower: User) -> None:
    library = HomeLibrary(Home(follower.home))

    assert "blocklist" in [one.name for one in library.offered("ip reputation")]
    assert library.offered("no such action") == ()
