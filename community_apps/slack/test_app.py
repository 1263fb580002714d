"""Slack through real HTTP, on its simulator."""

from __future__ import annotations

from pathlib import Path

import pytest

from repertory_sdk import ActionFailed
from repertory_sdk.convert import Secret
from repertory_sdk.loader import load_module
from repertory_sdk.testing import assert_manifest_current, conformance
from repertory_sdk.testing.loading import importable

HERE = Path(__file__).resolve().parent
TS = "1767225600.999999"

with importable(HERE):
    app = load_module(HERE, "app.py")
    import simulator

    CASES = conformance(
        app.app,
        HERE,
        {
            "send message": {"message": "Outbound telnet from srv-14"},
            "update message": {"message_id": TS, "message": "Closed"},
            "delete message": {"message_id": TS},
            "list messages": {},
            "upload file": {"name": "evidence.txt", "content": "port 23"},
            "list channels": {"private": True},
            "get user": {"user": "alice@mail.example"},
        },
    )


@pytest.fixture
def place():
    with simulator.simulator.running() as place:
        yield place


@pytest.fixture
def workspace(place):
    return app.Workspace(**{**place.settings, "token": Secret(simulator.TOKEN)}, retries=0)


@pytest.fixture
def hooked(place):
    settings = {**place.settings, "token": None, "webhook": Secret(simulator.WEBHOOK)}
    return app.Workspace(**settings, retries=0)


def state():
    return simulator.simulator.state


@pytest.mark.parametrize("case", CASES, ids=str)
def test_conformance(case, place):
    state()["messages"][TS] = {"ts": TS, "text": "Open", "bot_id": "B01", "channel": "C0000001"}
    case.check(place)


def test_manifest():
    assert_manifest_current(HERE)


def test_a_message_is_sent_changed_and_taken_back(workspace):
    sent = app.send_message(workspace, "first", to="#soc")
    assert (sent.sent, sent.channel, sent.message_id) == (True, "C0000001", "1767225600.000001")
    app.update_message(workspace, sent.message_id, "second", channel="soc")
    assert [row.text for row in app.list_messages(workspace).data] == ["second"]
    assert app.delete_message(workspace, sent.message_id).changed is True
    assert app.delete_message(workspace, sent.message_id).changed is False
    assert app.list_messages(workspace).data == []


@pytest.mark.parametrize(("markup", "text"), [(False, "&lt;!channel&gt; a &amp; b"), (True, "<!channel> a & b")])
def test_nobody_is_woken_by_what_an_alert_says(workspace, markup, text):
    app.send_message(workspace, "<!channel> a & b", markup=markup)
    assert app.list_messages(workspace).data[0].text == text


def test_answers_go_below_a_message(workspace):
    first = app.send_message(workspace, "question")
    app.send_message(workspace, "answer", thread=first.message_id)
    assert list(state()["messages"].values())[1]["thread_ts"] == first.message_id


@pytest.mark.parametrize(
    ("channel", "said"),
    [("general", "not_in_channel; invite the bot"), ("nowhere", "channel_not_found; check the channel")],
)
def test_refusals_with_status_200_are_failures(workspace, channel, said):
    with pytest.raises(ActionFailed, match=said):
        app.send_message(workspace, "x", to=f"#{channel}")


def test_wrong_tokens_are_told_and_not_shown(place):
    wrong = app.Workspace(**{**place.settings, "token": Secret("xoxb-wrong")}, retries=0)
    with pytest.raises(ActionFailed, match="invalid_auth; set a valid token") as caught:
        app.connectivity(wrong)
    assert "xoxb" not in str(caught.value)


@pytest.mark.parametrize(("message", "said"), [("  ", "no empty message"), ("x" * 40_001, "at most 40,000 characters")])
def test_what_slack_would_not_take_is_refused(workspace, message, said):
    with pytest.raises(ActionFailed, match=said):
        app.send_message(workspace, message)


def test_channels_are_read_page_by_page(workspace):
    state()["channels"] = [{**simulator.CHANNELS[0], "id": f"C{n:07}", "name": f"c{n}"} for n in range(450)]
    assert len(app.list_channels(workspace).data) == 450
    assert len(app.list_channels(workspace, limit=10).data) == 10
    assert app.list_messages(workspace, channel="c449").data == []


def test_private_channels_are_asked_for(workspace):
    assert [row.name for row in app.list_channels(workspace).data] == ["soc", "general"]
    assert [row.name for row in app.list_channels(workspace, private=True).data if row.private] == ["incident-1"]


def test_people(workspace):
    alice, bob = app.get_user(workspace, "alice@mail.example"), app.get_user(workspace, "U0000002")
    assert (alice.enabled, alice.identity, alice.groups) == (True, "U0000001", ["oncall"])
    assert (bob.enabled, bob.email, bob.groups) == (False, "bob@mail.example", [])
    assert app.get_user(workspace, "nobody@mail.example").found is app.get_user(workspace, "U1").found is False


def test_without_the_scope_there_are_no_groups(workspace):
    state()["groups"] = None
    assert app.get_user(workspace, "alice@mail.example").groups == []


def test_files_are_uploaded_without_credentials(workspace):
    found = app.upload_file(workspace, "ä.bin", "AAEC", comment="see", encoding="base64")
    assert (found.size, found.channel) == (3, "C0000001")
    assert state()["uploads"][found.file] == {"name": "ä.bin", "length": 3, "size": 3, "channel": "C0000001"}


def test_files_go_nowhere_else(workspace):
    state()["upload_host"] = "http://evil.example"
    with pytest.raises(ActionFailed, match=r"the file at evil\.example; set files_url"):
        app.upload_file(workspace, "a.txt", "x")


def test_a_webhook_sends_to_its_channel(hooked):
    assert app.connectivity(hooked) == "the webhook is there"
    sent = app.send_message(hooked, "hello <!here>")
    assert (sent.sent, sent.message_id, state()["hooked"]) == (True, None, ["hello &lt;!here&gt;"])
    with pytest.raises(ActionFailed, match="its one channel"):
        app.send_message(hooked, "x", to="#soc")
    with pytest.raises(ActionFailed, match="can only send messages"):
        app.list_channels(hooked)


def test_a_webhook_that_is_gone_is_told_and_not_shown(place):
    gone = app.Workspace(**{**place.settings, "token": None, "webhook": Secret("T000/B000/gone")}, retries=0)
    for attempt in (lambda: app.send_message(gone, "x"), lambda: app.connectivity(gone)):
        with pytest.raises(ActionFailed, match="no_service") as caught:
            attempt()
        assert "B000" not in str(caught.value)


def test_an_asset_without_either_is_told(place):
    with pytest.raises(ActionFailed, match="neither a token nor a webhook"):
        app.send_message(app.Workspace(url=place.settings["url"]), "x")


def test_whom_it_concerns_stands_before_the_message(workspace):
    app.send_message(workspace, "look at event 7", to="soc")
    assert [row["text"] for row in state()["messages"].values()][-1] == "soc: look at event 7"
