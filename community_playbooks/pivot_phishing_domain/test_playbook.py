"""From one domain to those that belong to it, and not to those that do not."""

from __future__ import annotations

from pathlib import Path

from repertory_sdk import Artifact, Event
from repertory_sdk.testing import assert_manifest_current

NAME = "pivot_phishing_domain"
DOMAIN = "login-examp1e.example"


def mail(domain=DOMAIN):
    cef = {"destinationDnsDomain": domain, "requestURL": f"https://{domain}/login"}
    contains = {"destinationDnsDomain": ("domain",), "requestURL": ("url",)}
    return Event("Reported mail", artifacts=[Artifact(cef=cef, contains=contains)])


def other(name, shared, count, score):
    return {"domain": name, "shared": shared, "value": "x", "count": count, "score": score}


RELATED = [
    other("sister.example", "registrant email", 12, 97),
    other("cousin.example", "ip", 40, 95),
    other("stranger.example", "name server", 200, 3),
]
RESULTS = {
    "domain risk": {"domain": DOMAIN, "score": 94},
    "whois domain": {"domain": DOMAIN, "registrar": "Example Registrar"},
    "related domains": RELATED,
}


def blocks(inputs):
    return {"blocked": [["domain", name, "dns", True, True] for name in inputs["domains"]], "failed": []}


def run_with(play_recorder, event=None, results=RESULTS, answers="", children=None, **inputs):
    known = {"block_indicators": blocks, "notify": {}, **(children or {})}
    return play_recorder.run(NAME, event or mail(), results=results, answers=answers, children=known, inputs=inputs)


def blocked(run):
    return [row[1] for row in run.outputs["blocked"]]


def test_the_domain_and_what_surely_belongs_to_it_is_blocked(play_recorder):
    run = run_with(play_recorder)

    assert blocked(run) == [DOMAIN, "sister.example"]
    assert run.outputs["proposed"] == ["cousin.example"]
    assert run.event.resolution == "blocked"
    assert [name for name, _ in run.children] == ["block_indicators", "notify"]


def test_a_human_may_agree_to_more(play_recorder):
    run = run_with(play_recorder, answers={"Block these too": "block"})

    assert blocked(run) == [DOMAIN, "sister.example", "cousin.example"]


def test_everything_is_kept_for_the_next_analyst(play_recorder):
    run = run_with(play_recorder)
    kept = {artifact.cef["destinationDnsDomain"]: list(artifact.tags) for artifact in run.event.artifacts[1:]}

    assert kept == {"sister.example": ["blocked"], "cousin.example": ["seen"]}
    assert "stranger.example" in next(note.text for note in run.notes if note.title == "Related domains")


def test_strangers_on_the_same_server_are_left_alone(play_recorder):
    crowd = [other(f"site{n}.example", "ip", 900, 20) for n in range(300)]
    run = run_with(play_recorder, results={**RESULTS, "related domains": crowd})

    assert blocked(run) == [DOMAIN]
    assert run.outputs["proposed"] == []


def test_a_doubtful_score_needs_a_human(play_recorder):
    doubtful = {**RESULTS, "domain risk": {"domain": DOMAIN, "score": 60}}
    left = run_with(play_recorder, results=doubtful)
    agreed = run_with(play_recorder, results=doubtful, answers={"Block login": "block"})

    assert (left.outputs["decision"], left.event.resolution) == ("left", "not risky enough")
    assert blocked(agreed)[0] == DOMAIN


def test_an_unknown_score_is_not_a_low_one(play_recorder):
    run = run_with(play_recorder, results={**RESULTS, "domain risk": {"domain": DOMAIN, "score": None}})

    assert "The risk is unknown." in run.asked[0].question


def test_a_low_score_is_closed(play_recorder):
    run = run_with(play_recorder, results={**RESULTS, "domain risk": {"domain": DOMAIN, "score": 3}})

    assert (run.asked, run.outputs["decision"]) == ([], "left")


def test_a_hoster_of_strangers_is_never_touched(play_recorder):
    run = run_with(play_recorder, mail("evil.github.io"))

    assert (run.actions, run.outputs["decision"]) == ([], "nothing")


def test_a_block_that_fails_is_escalated(play_recorder):
    run = run_with(play_recorder, children={"block_indicators": {"blocked": [], "failed": ["block domain on dns: no answer"]}})

    assert run.outputs["decision"] == "escalated"
    assert "no answer" in run.notes[-1].text


def test_manifest():
    assert_manifest_current(Path(__file__).parent)
