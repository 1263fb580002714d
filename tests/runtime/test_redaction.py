"""Secrets, however they are written, are taken out of everything that an app says."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repertory.runtime.kept import events, runs
from repertory.runtime.redaction import Redaction

if TYPE_CHECKING:
    from runtime_lab import Lab

AWKWARD = 'pass "word" \\ Ä/ü?\n+&=\U0001f600 end'
SECRETS = ["hunter2", "four", AWKWARD, "-----BEGIN KEY-----\nMIIEvQ\n-----END KEY-----\n", "\ud800half", "a.b*c(d"]


def written(secret: str) -> list[str]:
    """The ways in which programs write it."""
    raw = secret.encode("utf-8", "surrogatepass")
    ways = [
        secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1],
        quote(secret, errors="surrogatepass"), quote(secret, safe="", errors="surrogatepass"),
        quote_plus(secret, errors="surrogatepass"), json.dumps(secret).replace("/", "\\/")[1:-1],
        re.sub("%..", lambda code: code[0].lower(), quote_plus(secret, errors="surrogatepass")),
    ]  # fmt: skip
    return [*ways, base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode()]


@pytest.mark.parametrize("secret", SECRETS)
def test_every_way_to_write_a_secret_is_hidden(secret: str) -> None:
    redaction = Redaction((secret, "another secret"))
    for way in written(secret):
        assert redaction.text(way) == "***"
        assert redaction.text(f"with <{way}> and <another secret>, {way}") == "with <***> and <***>, ***"


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@given(before=st.binary(max_size=7), after=st.binary(max_size=7), secret=st.binary(min_size=6, max_size=20))
def test_a_secret_inside_of_something_encoded_is_hidden(encode: Any, before: bytes, after: bytes, secret: bytes) -> None:
    """At most the characters at both ends, which it shares with its neighbours, are left of it."""
    text = secret.hex()
    encoded = encode(before + text.encode() + after).decode()
    shown = Redaction((text,)).text(encoded)
    assert "***" in shown
    assert len(shown.replace("***", "")) <= len(encoded) - (len(text) * 8 // 6 - 1)


@given(
    st.recursive(
        st.one_of(st.none(), st.integers(), st.sampled_from(SECRETS[:4]), st.text(max_size=5)),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*SECRETS[:4], "a", "b"]), inner, max_size=3),
        max_leaves=8,
    )
)
def test_no_value_keeps_a_secret(value: Any) -> None:
    redaction = Redaction(tuple(SECRETS[:4]))
    shown = redaction.value(value)
    text = json.dumps(shown, ensure_ascii=False)
    assert not any(json.dumps(secret, ensure_ascii=False)[1:-1] in text for secret in SECRETS[:4])
    assert redaction.value(shown) == shown
    if not any(way in json.dumps(value, ensure_ascii=False) for secret in SECRETS[:4] for way in written(secret)):
        assert shown is value


def test_json_in_a_value_is_searched_too() -> None:
    inner = json.dumps({"password": AWKWARD})
    assert Redaction((AWKWARD,)).value([{"body": inner}]) == [{"body": '{"password": "***"}'}]


def test_the_longest_secret_is_hidden_as_a_whole() -> None:
    assert Redaction(("secret", "secret-two")).text("secret-two secret") == "*** ***"


@pytest.mark.parametrize("secrets", [(), ("",), ("abc",)])
def test_what_is_in_most_texts_by_chance_is_left(secrets: tuple[str, ...]) -> None:
    assert Redaction(secrets).text("abc, and so on") == "abc, and so on"


TELL = """
import base64, json, urllib.parse

@app.action("tell", type="generic")
def tell(lab: Lab, job: Job, way: str) -> dict:
    token = str(lab.token)
    told = {
        "raw": token,
        "json": json.dumps({"token": token}),
        "url": "https://api.example/?token=" + urllib.parse.quote_plus(token),
        "basic": base64.b64encode(f"user:{token}".encode()).decode(),
    }[way]
    print(told)
    job.progress(told)
    job.attach(told, b"x", "text/plain")
    return Output([{"told": told, told: [1]}], message=told, summary={"told": told}) if way != "json" else {"told": told}

@app.poll
def alerts(asset: Lab, checkpoint: dict, job: Job):
    yield Event("alert " + str(asset.token), source_id="1")
"""


@pytest.mark.parametrize("way", ["raw", "json", "url", "basic"])
def test_nothing_that_is_kept_holds_a_secret(lab: Lab, way: str) -> None:
    """One with characters that JSON and URLs write in another way."""
    item = lab.add_lab(TELL)
    lab.add_asset(item, "lab-1", token=AWKWARD)
    run = lab.run(f"return {{'all': [[one.message, list(one.data)] for one in play.act('tell', way={way!r})]}}")
    assert run.state == "succeeded", run.message
    assert [call.state for call in lab.calls(run)] == ["succeeded"]
    dump = "\n".join(
        value
        for table in ("action_run", "output", "run", "attachment")
        for row in lab.database.query(f"select * from {table}")
        for value in dict(row).values()
        if isinstance(value, str)
    )
    assert dump.count("***") >= 6
    for form in written(AWKWARD):
        assert form not in dump
        assert json.dumps(form, ensure_ascii=False)[1:-1] not in dump
    assert base64.b64encode(b"user:" + AWKWARD.encode()).decode()[8:-8] not in dump


def test_a_polled_event_holds_no_secret(lab: Lab) -> None:
    item = lab.add_lab(TELL)
    lab.add_asset(item, "lab-1", token=AWKWARD)
    run = lab.attempt(lab.start_act("on poll"))
    assert [call.message for call in lab.calls(run)] == ["1 new of 1 event"]
    assert [event.name for event in events.list_events(lab.database)] == ["alert ***"]
    assert runs.find_run(lab.database, run.id).state == "succeeded"
