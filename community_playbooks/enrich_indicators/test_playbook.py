"""What providers say, put together."""

from __future__ import annotations

from pathlib import Path

from repertory_sdk import ActionFailed, Event, Result
from repertory_sdk.testing import assert_manifest_current

NAME = "enrich_indicators"
ONE, OTHER = "198.51.100.7", "203.0.113.7"


def verdicts(**said):
    """One result for each provider."""
    return [Result("succeeded", data=[{"verdict": word}], asset=provider) for provider, word in said.items()]


def test_providers_that_disagree_are_both_heard(play_recorder):
    said = {ONE: verdicts(a="malicious", b="benign"), OTHER: verdicts(a="benign", b="unknown")}
    results = {"ip reputation": lambda parameters: said[parameters["ip"]]}
    run = play_recorder.run(NAME, Event("x"), inputs={"ips": [ONE, OTHER]}, results=results)

    assert run.outputs["malicious"] == [ONE]
    assert run.outputs["benign"] == [OTHER]
    assert [ONE, "b", "benign"] in run.outputs["verdicts"]


def test_a_provider_that_cannot_be_asked_is_named(play_recorder):
    results = {"domain reputation": ActionFailed("Product: no answer; try again")}
    run = play_recorder.run(NAME, Event("x"), inputs={"domains": ["evil.example"]}, results=results)

    assert run.outputs["failed"] == ["test: Product: no answer; try again"]
    assert "Not asked: test: Product: no answer" in run.outputs["report"]


def test_every_kind_is_asked_about(play_recorder):
    words = ("ip reputation", "domain reputation", "url reputation", "file reputation")
    results = {word: {"verdict": "suspicious"} for word in words}
    inputs = {"ips": [ONE], "domains": ["a.example"], "urls": ["http://a.example/"], "hashes": ["00" * 32]}
    run = play_recorder.run(NAME, Event("x"), inputs=inputs, results=results)

    assert run.outputs["suspicious"] == [ONE, "a.example", "http://a.example/", "00" * 32]


def test_nothing_is_asked_about_nothing(play_recorder):
    run = play_recorder.run(NAME, Event("x"))

    assert run.outputs["report"] == "No provider knows any of it."
    assert run.outputs["verdicts"] == []


def test_manifest():
    assert_manifest_current(Path(__file__).parent)
