"""Microsoft Teams through real HTTP, on its simulator."""

from __future__ import annotations

from pathlib import Path

import pytest

from repertory_sdk import ActionFailed
from repertory_sdk.convert import Secret
from repertory_sdk.loader import load_module
from repertory_sdk.testing import assert_manifest_current, conformance
from repertory_sdk.testing.loading import importable

HERE = Path(__file__).resolve().parent
CARD = {"type": "AdaptiveCard", "version": "1.4", "body": [{"type": "TextBlock", "text": "Own"}]}

with importable(HERE):
    app = load_module(HERE, "app.py")
    import simulator

    CASES = conformance(
        app.app,
        HERE,
        {
            "send message": {
                "message": "Outbound telnet",
                "title": "Alert",
                "severity": "high",
                "link": "https://soar.example/1",
            },
            "send facts": {"title": "Alert", "facts": {"source": "192.0.2.14"}},
            "send card": {"card": CARD},
        },
    )


@pytest.fixture
def place():
    with simulator.simulator.running() as place:
        yield place


@pytest.fixture
def workflow(place):
    return app.Workflow(url=place.settings["url"], webhook=Secret(place.settings["webhook"]), retries=0)


def posted():
    return simulator.simulator.state["posted"]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_conformance(case, place):
    case.check(place)


def test_manifest():
    assert_manifest_current(HERE)


def test_a_message_is_a_card(workflow):
    app.send_message(workflow, "one\n\ntwo", title="Alert", severity="critical", link="https://soar.example/1")
    (card,) = posted()
    assert [(block["text"], block.get("color")) for block in card["body"]] == [
        ("Alert", "attention"),
        ("one", None),
        ("two", None),
    ]
    assert card["actions"][0]["url"] == "https://soar.example/1"


def test_facts_keep_their_order(workflow):
    app.send_facts(workflow, "Alert", {"source": "192.0.2.14", "ports": [23, 80]}, message="See")
    title, above, table = posted()[0]["body"]
    assert (title["text"], above["text"]) == ("Alert", "See")
    assert table["facts"] == [{"title": "source", "value": "192.0.2.14"}, {"title": "ports", "value": "23, 80"}]


def test_a_card_of_ones_own_goes_as_it_is(workflow):
    app.send_card(workflow, CARD)
    assert posted() == [CARD]
    with pytest.raises(ActionFailed, match="takes Adaptive Cards"):
        app.send_card(workflow, {"type": "MessageCard"})


def test_links_that_hide_where_they_lead_are_not_made(workflow):
    app.send_message(workflow, "[bank](https://evil.example)")
    assert posted()[0]["body"][0]["text"] == "[bank] (https://evil.example)"


@pytest.mark.parametrize("link", ["javascript:alert(1)", "words", "file:///etc/passwd"])
def test_buttons_lead_to_pages_only(workflow, link):
    with pytest.raises(ActionFailed, match="is no URL"):
        app.send_message(workflow, "x", link=link)
    assert posted() == []


@pytest.mark.parametrize(("letters", "letter"), [(28 * 1024, "x"), (15_000, "ü")])
def test_what_is_too_large_is_not_sent(workflow, letters, letter):
    with pytest.raises(ActionFailed, match="at most 28,672 bytes"):
        app.send_message(workflow, letter * letters)
    assert simulator.simulator.requests == []


def test_a_failure_may_hide_in_a_success(workflow):
    simulator.simulator.state["said"] = (
        "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429"
    )
    with pytest.raises(ActionFailed, match="did not deliver the message"):
        app.send_message(workflow, "x")


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_wrong_signature_is_told_and_not_shown(place, slash):
    webhook = f"{slash}{simulator.PATH}?sig=wrong-signature"
    wrong = app.Workflow(url=place.settings["url"], webhook=Secret(webhook), retries=0)
    for attempt in (lambda: app.send_message(wrong, "x"), lambda: app.connectivity(wrong)):
        with pytest.raises(ActionFailed, match="401: The request must be signed") as caught:
            attempt()
        assert "wrong-signature" not in str(caught.value)
        assert simulator.PATH not in str(caught.value)


def test_connectivity_sends_nothing(workflow):
    assert app.connectivity(workflow) == "the webhook answers (with 405, because nothing was sent)"
    assert posted() == []
